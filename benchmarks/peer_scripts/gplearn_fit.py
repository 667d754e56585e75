"""gplearn: a SymbolicRegressor of the next return on five features; cost per program."""

import json
import statistics
import sys
import time

import gplearn
import numpy as np
import pandas as pd
import sklearn
from gplearn.genetic import SymbolicRegressor

POPULATION, GENERATIONS = 500, 10


def features(bars: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return five features per bar, and the return of the next bar."""
    close, one = bars["close"], bars["close"].pct_change()
    frame = pd.DataFrame({
        "return_1": one,
        "return_20": close.pct_change(20),
        "cross": close.rolling(20).mean() / close.rolling(50).mean() - 1,
        "range": (bars["high"] - bars["low"]) / close,
        "volume": bars["volume"] / bars["volume"].rolling(20).mean() - 1,
    })  # fmt: skip
    return frame.fillna(0).to_numpy(), one.shift(-1).fillna(0).to_numpy()


def fit(rows: np.ndarray, target: np.ndarray) -> SymbolicRegressor:
    """Run one search with a constant seed, with settings for programs of about 15 nodes."""
    return SymbolicRegressor(population_size=POPULATION, generations=GENERATIONS, n_jobs=1,
                             tournament_size=5, parsimony_coefficient=0,
                             random_state=1).fit(rows, target)  # fmt: skip


data = pd.read_csv(sys.argv[1], index_col=0, parse_dates=True).rename(columns=str.lower)
found, seconds, start = fit(*features(data)), [], time.perf_counter()
while time.perf_counter() - start < 2 or len(seconds) < 3:
    began = time.perf_counter()
    fit(*features(data))
    seconds.append((time.perf_counter() - began) / (POPULATION * GENERATIONS))
versions = {each.__name__: each.__version__ for each in (gplearn, sklearn, np, pd)}
run = found.run_details_
print(json.dumps({"peer": "gplearn", "versions": versions, "rows": len(data),
                  "mean_nodes": statistics.mean(run["average_length"]),
                  "seconds_each": statistics.median(seconds), "repeats": len(seconds),
                  "check": {"mean_absolute_error": run["best_fitness"][-1],
                            "best": str(found._program)}}))  # fmt: skip
