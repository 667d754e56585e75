"""gplearn as a contestant of `search_quality.py`: formulas of features, traded by thresholds.

gplearn predicts the return of the next bar, as its users let it. Its eight least correlated of the
hundred best formulas become positions: long where the output is in its highest part on train, and
short in its lowest where the market allows it. The market and the choice are those of all others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from quality_task import Task, Winner

from dsl.analysis.check import check, check_expression
from dsl.bars import Bars
from dsl.evaluate import Evaluator
from evolve.experiment.plan import build_fitness
from evolve.experiment.shortlist import MAX_SHORTLIST

Series = NDArray[np.float64]

# gplearn has no functions with a window, so the features have windows, of doubling lengths.
FEATURES = (
    *(f"roc(close, {bars})" for bars in (1, 2, 4, 8, 16, 32, 64, 128)),
    *(f"close / sma(close, {bars}) - 1" for bars in (4, 16, 64)),
    *(f"stdev(roc(close, 1), {bars})" for bars in (4, 16, 64)),
    "close / open - 1", "open / close[1] - 1", "high / close - 1", "low / close - 1",
    "volume / volume[1] - 1", "volume / sma(volume, 16) - 1",
)  # fmt: skip
PARTS = (0.15, 0.3, 0.5)  # of the train bars with a position in one direction
MAX_POPULATION, GENERATIONS, HALL_OF_FAME = 1_000, 5, 100
FLAT, STEP = 2.0, 1.0  # volume of the bars that carry positions
LONG = "buy when volume > 2.5 sell when volume < 2.5"
SHORT = "short when volume < 1.5 cover when volume > 1.5"


def fit_formulas(task: Task) -> Winner | None:
    """Fit gplearn to the next return; return the choice among its formulas by threshold.

    Raises:
        ImportError: if gplearn is not installed.
    """
    split, experiment = task.data.split, task.plan.experiment
    sides = [LONG, SHORT] if len(experiment.language.directions) > 1 else [LONG]
    program = check(f"strategy positions {{ {' '.join(sides)} }}")
    fitness = build_fitness(task.plan, task.data)
    weight = split.validation_start / len(split.seen)
    best, best_rank = None, -np.inf
    for formula in _search(task):
        candidates = []
        for prepare in _list_positions(formula, split.train, len(sides) > 1):
            (scores,) = fitness.with_bars(prepare(split.train))([program])
            if scores.is_feasible:
                candidates.append((scores.values[0], prepare))
        if not candidates:
            continue
        score, prepare = max(candidates, key=lambda each: each[0])
        winner = Winner(program, str(formula), score, 0.0, prepare)
        validation = winner.measure(split.seen, task.data, split.validation_start)
        rank = weight * score + (1 - weight) * validation
        if rank > best_rank:
            best, best_rank = replace(winner, validation=validation), rank
    return best


def _search(task: Task) -> list[Any]:
    """Return the formulas of a search; thresholds count as evaluations."""
    from gplearn.genetic import SymbolicTransformer

    evaluations = task.evaluations - MAX_SHORTLIST * len(PARTS)
    population = min(MAX_POPULATION, evaluations // GENERATIONS)
    train = task.data.split.train
    opens = np.log(train.open[0])
    gains = np.zeros(len(train))
    gains[:-2] = opens[2:] - opens[1:-1]  # of a position that opens at the next open
    search = SymbolicTransformer(
        population_size=population, generations=evaluations // population,
        hall_of_fame=min(HALL_OF_FAME, population), n_components=MAX_SHORTLIST,
        function_set=("add", "sub", "mul", "div", "max", "min", "abs", "neg"),
        metric="pearson", feature_names=FEATURES, random_state=task.rng.randrange(2**32),
    )  # fmt: skip
    return list(search.fit(compute_features(train), gains))


def _list_positions(formula: Any, train: Bars, shorts: bool) -> Iterator[Callable[[Bars], Bars]]:
    """Yield functions that write the positions of a formula into the volume, by threshold."""
    output, opens = formula.execute(compute_features(train)), np.log(train.open[0])
    correlation = np.corrcoef(output[:-2], opens[2:] - opens[1:-1])[0, 1]
    sign = -1.0 if correlation < 0 else 1.0  # gplearn maximizes its absolute value
    for part in PARTS:
        high = np.quantile(sign * output, 1 - part)
        low = np.quantile(sign * output, part) if shorts else -np.inf

        def prepare(bars: Bars, high: float = high, low: float = low) -> Bars:
            values = sign * formula.execute(compute_features(bars))
            held = (values > high) * STEP - (values < low) * STEP
            return replace(bars, volume=(FLAT + held)[None, :])

        yield prepare


def compute_features(bars: Bars) -> Series:
    """Return float64[bar, feature], 0 before a feature has a value."""
    evaluator = Evaluator(bars)
    columns = [evaluator.series(check_expression(each)) for each in FEATURES]
    features: Series = np.nan_to_num(np.column_stack(columns), nan=0.0, posinf=0.0, neginf=0.0)
    return features
