"""Strategies scored per second, by kind of strategy, with a warm arena.

S&P 500 sample, 5,031 bars, next-open fills, costs, five folds: from the canonical form to the
scores, Python included. Fresh strategies are random ones of classic indicators (15 nodes, 15 % of
the indicators nested), and of the whole language with expanded defines. Evolved strategies are
those of a search. As a reference that varies with the machine, a plain evaluator scores some of
the same strategies in the same process, with the same kernels and simulation, one at a time,
without cache and tables.

With `--short`, each round of the first two kinds is compared with other work (`reference.py`).
"""

from __future__ import annotations

import argparse
import gc
import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial
from random import Random

from reference import Reference
from report import report
from warm import build_warm_scorer

from dsl.analysis.program import Program, Rules
from dsl.syntax.vocabulary import SETTINGS
from dsl.terms.terms import Term, call
from dsl.types.kinds import BOOL
from evolve.backtest.market import market
from evolve.data import load
from evolve.fitness.fitness import FoldFitness
from evolve.fitness.goals import FitnessSpec
from evolve.search.epoch import run_epoch
from evolve.search.grow import grow, grow_rules, grow_setting
from evolve.search.island import EpochTask, new_island
from evolve.search.problem import SearchProblem
from evolve.search.proposers import PROPOSERS
from evolve.search.space import Space, build_space

COUNT, ROUNDS, WARM, PLAIN = 1_000, 5, 20, 60
SHORT_ROUNDS, SHORT_WARM = 14, 4
MEMORY_MB = 640
CLASSIC = ("sma", "ema", "rsi", "highest", "lowest", "stdev", "atr", "roc", "change")
NESTED_SHARE = 0.15  # of the strategies have an indicator of another indicator
AND_SHARE, SETTING_SHARE = 0.35, 0.4

Draw = Callable[[Random], Program]


def plain(space: Space) -> Draw:
    """Return a generator of long-flat strategies with two conditions of about 15 nodes in total."""
    return lambda rng: Program("p", Rules(*_conditions(space, rng, rng.random() < NESTED_SHARE)))


def general(space: Space) -> Draw:
    """Return a generator like `plain`, with one or more settings."""

    def draw(rng: Random) -> Program:
        rules = Rules(*_conditions(space, rng, rng.random() < NESTED_SHARE))
        chosen = [name for name in SETTINGS if rng.random() < SETTING_SHARE] or ["stop"]
        return Program("p", rules._replace(**{n: grow_setting(n, space, rng) for n in chosen}))

    return draw


def grown(space: Space) -> Draw:
    """Return a generator of random programs of the search."""
    return lambda rng: Program("p", grow_rules(space, rng))


def _conditions(space: Space, rng: Random, nested: bool) -> tuple[Term, Term]:
    """Return the conditions of buy and sell, with or without a nested indicator."""
    depth = 4 if nested else 3
    while True:
        pair = _condition(space, rng, depth), _condition(space, rng, 3)
        if any(_is_nested(part) for each in pair for part in each.walk()) == nested:
            return pair


def _condition(space: Space, rng: Random, depth: int) -> Term:
    condition = grow(BOOL, depth, space, rng)
    if rng.random() < AND_SHARE:
        condition = call(space.catalog.operator("and"), condition, grow(BOOL, 3, space, rng))
    return condition


def _is_nested(term: Term) -> bool:
    return _is_indicator(term) and any(map(_is_indicator, term.args))


def _is_indicator(term: Term) -> bool:
    operator = term.operator
    return operator is not None and bool(term.args) and not operator.is_pointwise


def evolved(space: Space, evaluate: FoldFitness) -> list[list[Program]]:
    """Return the trials of each epoch of a search."""
    problem = SearchProblem(space, evaluate, evaluate.goals.weights, 150, 5,
                        {name: each.weight for name, each in PROPOSERS.items()})  # fmt: skip
    island, epochs = new_island(0, 1), []
    seen: set[bytes] = set()
    for number in range(1, 9):
        epoch = run_epoch(
            EpochTask(island, problem.proposers, 750, number, problem.generations_per_epoch),
            problem,
            seen,
        )
        island = epoch.island
        seen |= {each.program.key for each in epoch.trials}
        epochs.append([each.program for each in epoch.trials])
    return epochs


def seconds(task: Callable[[], object]) -> float:
    """Return the time of a task without garbage collection."""
    gc.collect()
    gc.disable()
    began = time.perf_counter()
    task()
    took = time.perf_counter() - began
    gc.enable()
    return took


def canonicalize(programs: Sequence[Program]) -> None:
    """Compute the canonical forms, which the programs cache."""
    for each in programs:
        _ = each.canonical


def rate_plain_evaluator(programs: Sequence[Program]) -> float:
    """Return the strategies per second of the plain evaluator."""
    bars = load("sample:sp500").bars
    scorers = [build_warm_scorer(bars, market(), 1) for _ in programs]
    for each in scorers:
        each._trade._long_flat_table, each._trade._tables = None, [None]
    canonicalize(programs)
    pairs = list(zip(scorers, programs, strict=True))
    return len(programs) / seconds(lambda: [scorer([each]) for scorer, each in pairs])


def compare(draw: Draw, reference: Reference) -> float:
    """Return strategies scored in the time of the reference, the median of short rounds."""
    rng = Random(1)
    scorer = build_warm_scorer(load("sample:sp500").bars, market(), MEMORY_MB)
    times = []
    for _ in range(SHORT_WARM + SHORT_ROUNDS):
        batch = [draw(rng) for _ in range(COUNT)]
        canonicalize(batch)
        times.append(reference.compare(partial(seconds, partial(scorer, batch))))
    return COUNT / statistics.median(times[SHORT_WARM:])


def measure(draw: Draw, name: str, rounds: int, warm: int) -> dict[str, object]:
    """Return the figures of a kind of fresh strategies."""
    rng = Random(1)
    scorer = build_warm_scorer(load("sample:sp500").bars, market(), MEMORY_MB)
    for _ in range(warm):
        scorer([draw(rng) for _ in range(COUNT)])
    batches = [[draw(rng) for _ in range(COUNT)] for _ in range(rounds)]
    rate_plain_evaluator(batches[0][:2])  # compiles its kernels before it is timed
    plain_rate = rate_plain_evaluator(batches[0][:PLAIN])
    forms = statistics.median(seconds(partial(canonicalize, each)) for each in batches)
    scoring = statistics.median(seconds(partial(scorer, each)) for each in batches)
    return {
        f"{name}_nodes": round(statistics.mean(each.nodes for each in batches[0]), 1),
        f"{name}_per_second": round(COUNT / scoring),
        f"{name}_with_canonical_form": round(COUNT / (scoring + forms)),
        f"{name}_ratio": round(COUNT / scoring / plain_rate, 1),
    }


def main() -> None:
    """Print strategies per second, and their ratio to the plain evaluator."""
    parser = argparse.ArgumentParser()
    parser.add_argument(
        "--short", action="store_true", help="rates by that of other work, for check.py"
    )
    is_short = parser.parse_args().short
    classic, whole = build_space(CLASSIC), build_space()
    figures: dict[str, object] = {"memory_mb": MEMORY_MB}
    kinds = {"plain": plain(classic), "general": general(classic)}
    if is_short:
        work = Reference()
        for name, draw in kinds.items():
            figures[f"{name}_by_reference"] = round(compare(draw, work), 1)
        report("engine", **figures)
        return
    kinds |= {"whole_plain": plain(whole), "whole_grown": grown(whole)}
    for name, draw in kinds.items():
        figures |= measure(draw, name, ROUNDS, WARM)
    for name, space in {"evolved": classic, "whole_evolved": whole}.items():
        bars = load("sample:sp500").bars
        scorer = build_warm_scorer(bars, market(), MEMORY_MB)
        epochs = evolved(space, FoldFitness(bars, market(), FitnessSpec()))
        for each in epochs:
            canonicalize(each)
        for each in epochs[:3]:
            scorer(each)
        rates = [len(each) / seconds(partial(scorer, each)) for each in epochs[3:]]
        figures[f"{name}_per_second"] = round(statistics.median(rates))
    report("engine", **figures)


if __name__ == "__main__":
    main()
