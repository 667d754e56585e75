"""DEAP: random typed trees of about 15 nodes over TA-Lib's indicators, compiled and simulated.

It also prints the trees, so that another tool can score them.
"""

import itertools
import json
import operator
import random
import statistics
import sys
import time
from importlib.metadata import version

import numba
import numpy as np
import pandas as pd
import talib
from deap import gp

COUNT, TIMED, NODES, FEE = 1_200, 300, range(13, 18), 0.0005
NESTED, BARE = 0.15, 0.1
OVER = "SMA", "EMA", "WMA", "RSI", "ROC", "MOM", "MAX", "MIN", "STDDEV", "LINEARREG"
Series, Condition, Length = (type(name, (), {}) for name in ("Series", "Condition", "Length"))


@numba.njit
def simulate(opens: np.ndarray, closes: np.ndarray, wants: np.ndarray) -> tuple[float, int]:
    """Return the total return and entries of a position held while `wants`, from the next open."""
    cash, shares, trades = 1.0, 0.0, 0
    for at in range(1, len(opens)):
        if wants[at - 1] and shares == 0:
            shares, cash, trades = cash / (opens[at] * (1 + FEE)), 0.0, trades + 1
        elif not wants[at - 1] and shares > 0:
            cash, shares = shares * opens[at] * (1 - FEE), 0.0
    return cash + shares * closes[-1] - 1, trades


def grow(kind: type, depth: int, within: type = Condition) -> list:
    """Return a random tree with 15 % nested indicators.

    The generators of DEAP fail if a type has no primitives or no terminals.
    """
    inner, leaves = rules.primitives[kind], rules.terminals[kind]
    is_leaf = random.random() < (1 - NESTED if within is Series else BARE)
    if not inner or (leaves and (depth <= 0 or is_leaf)):
        return [random.choice(leaves)]
    flat = [each for each in inner if depth > 0 or kind not in each.args]
    chosen = random.choice(flat)
    return [chosen, *(node for arg in chosen.args for node in grow(arg, depth - 1, kind))]


def evaluate(tree: gp.PrimitiveTree) -> tuple[float, int]:
    """Compile a tree, compute its series over the bars and simulate it."""
    wants = gp.compile(tree, rules)(*series.values())
    return simulate(series["open"], series["close"], wants)


random.seed(1)
data = pd.read_csv(sys.argv[1], index_col=0).rename(columns=str.lower).astype(float)
series = {name: data[name].to_numpy(copy=True) for name in data}
rules = gp.PrimitiveSetTyped("tree", [Series] * len(series), Condition)
rules.renameArguments(**{f"ARG{at}": name for at, name in enumerate(series)})
for name in OVER:
    rules.addPrimitive(getattr(talib, name), [Series, Length], Series, name)
for of in (operator.gt, operator.lt):
    rules.addPrimitive(of, [Series, Series], Condition)
for of in (np.logical_and, np.logical_or):
    rules.addPrimitive(of, [Condition, Condition], Condition)
for length in (5, 10, 14, 20, 30, 50, 100, 200):
    rules.addTerminal(length, Length)
grown = (grow(Condition, 4) for _ in iter(int, 1))
sized = (gp.PrimitiveTree(nodes) for nodes in grown if len(nodes) in NODES)
trees = list(itertools.islice(sized, COUNT))
found = [evaluate(tree) for tree in trees[:TIMED]]
seconds, start = [], time.perf_counter()
while time.perf_counter() - start < 2 or len(seconds) < 3:
    began = time.perf_counter()
    for tree in trees[:TIMED]:
        evaluate(tree)
    seconds.append((time.perf_counter() - began) / TIMED)
cross = gp.PrimitiveTree.from_string("gt(SMA(close, 20), SMA(close, 50))", rules)
versions = {name: version(name) for name in ("deap", "TA-Lib", "numba", "numpy", "pandas")}
print(json.dumps({"peer": "deap", "versions": versions, "trees": TIMED,
                  "mean_nodes": statistics.mean(map(len, trees)), "texts": list(map(str, trees)),
                  "seconds_each": statistics.median(seconds), "repeats": len(seconds),
                  "check": {"sma_20_50_total_return": evaluate(cross)[0],
                            "median_trades": statistics.median(n for _, n in found)}}))  # fmt: skip
