"""How many strategies a second are scored, of several kinds, once the arena is warm.

S&P 500 sample, 5,031 bars, next-open fills, costs, five folds, Python included: from a strategy's
canonical form to its scores. Fresh strategies are drawn from the indicators that everyone uses
(`classic`), 15 nodes and 15 % of the indicators over another one, and from the whole language,
whose defines are written out and nest at will; evolved ones are those of a search. Beside each
kind a plain evaluator runs some of the same strategies in the same process (numpy and the same
kernels and simulation, one strategy at a time, no memo, no tables): a reference that moves with
the machine.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import time
from collections.abc import Callable, Sequence
from random import Random

from report import report
from warm import warmed

from dsl.analysis.program import Program, Rules
from dsl.syntax.vocabulary import SETTINGS
from dsl.terms.terms import Term, call
from dsl.types.kinds import BOOL
from evolve.backtest.market import market
from evolve.data import load
from evolve.fitness.fitness import FoldFitness
from evolve.fitness.goals import FitnessSpec
from evolve.search.grow import grow, grow_rules, grow_setting
from evolve.search.island import new_island, run_epoch
from evolve.search.problem import SearchProblem
from evolve.search.proposers import PROPOSERS
from evolve.search.space import Space, build_space

COUNT, ROUNDS, WARM, PLAIN = 1_000, 5, 20, 60
MEMORY_MB = 640
CLASSIC = ("sma", "ema", "rsi", "highest", "lowest", "stdev", "atr", "roc", "change")
NESTED = 0.15  # of the strategies have an indicator over another one
CONDITIONS, SETTING = 0.35, 0.4

Draw = Callable[[Random], Program]


def plain(space: Space) -> Draw:
    """Long or flat by two conditions of about 15 nodes together."""
    return lambda rng: Program("p", Rules(*_conditions(space, rng, rng.random() < NESTED)))


def general(space: Space) -> Draw:
    """The same with a stop, trail, target, time exit or size, or several of them."""

    def draw(rng: Random) -> Program:
        rules = Rules(*_conditions(space, rng, rng.random() < NESTED))
        chosen = [name for name in SETTINGS if rng.random() < SETTING] or ["stop"]
        return Program("p", rules._replace(**{n: grow_setting(n, space, rng) for n in chosen}))

    return draw


def grown(space: Space) -> Draw:
    """As the search grows its own."""
    return lambda rng: Program("p", grow_rules(space, rng))


def _conditions(space: Space, rng: Random, nested: bool) -> tuple[Term, Term]:
    """To buy and to sell, of which one holds a nested indicator or none does."""
    depth = 4 if nested else 3
    while True:
        made = _condition(space, rng, depth), _condition(space, rng, 3)
        if any(_is_nested(part) for each in made for part in each.walk()) == nested:
            return made


def _condition(space: Space, rng: Random, depth: int) -> Term:
    made = grow(BOOL, depth, space, rng)
    if rng.random() < CONDITIONS:
        made = call(space.catalog.operator("and"), made, grow(BOOL, 3, space, rng))
    return made


def _is_nested(term: Term) -> bool:
    return _is_indicator(term) and any(map(_is_indicator, term.args))


def _is_indicator(term: Term) -> bool:
    operator = term.operator
    return operator is not None and bool(term.args) and not operator.is_pointwise


def evolved(space: Space, evaluate: FoldFitness) -> list[list[Program]]:
    """What a search evaluates, epoch by epoch, the first ones left out."""
    breeding = SearchProblem(space, evaluate, evaluate.goals.weights, 150, 5,
                        {name: each.weight for name, each in PROPOSERS.items()})  # fmt: skip
    island, seen, epochs = new_island(0, 1), set(), []
    for number in range(1, 9):
        epoch = run_epoch(island, breeding, {}, seen, 750, number)
        island = epoch.island
        seen |= {each.program.key for each in epoch.trials}
        epochs.append([each.program for each in epoch.trials])
    return epochs


def seconds(task: Callable[[], object]) -> float:
    """How long a task takes once, without a collection of garbage in it."""
    gc.collect()
    gc.disable()
    began = time.perf_counter()
    task()
    took = time.perf_counter() - began
    gc.enable()
    return took


def canonical(programs: Sequence[Program]) -> None:
    """Work out the canonical forms, which are kept."""
    for each in programs:
        _ = each.canonical


def reference(programs: Sequence[Program]) -> float:
    """Strategies a second of the plain evaluator."""
    bars = load("sample:sp500").bars
    scorers = [warmed(bars, market(), 1) for _ in programs]
    for each in scorers:
        each._trade._long_flat_table, each._trade._tables = None, [None]
    canonical(programs)
    pairs = list(zip(scorers, programs, strict=True))
    return len(programs) / seconds(lambda: [scorer([each]) for scorer, each in pairs])


def measured(draw: Draw, name: str, rounds: int, warm: int) -> dict[str, object]:
    """The figures of a kind of fresh strategies."""
    rng = Random(1)
    scorer = warmed(load("sample:sp500").bars, market(), MEMORY_MB)
    for _ in range(warm):
        scorer([draw(rng) for _ in range(COUNT)])
    batches = [[draw(rng) for _ in range(COUNT)] for _ in range(rounds)]
    reference(batches[0][:2])  # once, lest it compile within
    plainly = reference(batches[0][:PLAIN])
    forms = statistics.median(seconds(lambda each=each: canonical(each)) for each in batches)
    quick = statistics.median(seconds(lambda each=each: scorer(each)) for each in batches)
    return {
        f"{name}_nodes": round(statistics.mean(each.nodes for each in batches[0]), 1),
        f"{name}_per_second": round(COUNT / quick),
        f"{name}_with_canonical_form": round(COUNT / (quick + forms)),
        f"{name}_ratio": round(COUNT / quick / plainly, 1),
    }


def main() -> None:
    """Print strategies a second, and how many times the plain evaluator's."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--short", action="store_true", help="fewer kinds and rounds, for a check")
    is_short = parser.parse_args().short
    classic, whole = build_space(CLASSIC), build_space()
    figures: dict[str, object] = {"memory_mb": MEMORY_MB}
    kinds = {"plain": plain(classic), "general": general(classic)}
    if is_short:
        for name, draw in kinds.items():
            figures |= measured(draw, name, 5, 5)
        report("engine", **figures)
        return
    kinds |= {"whole_plain": plain(whole), "whole_grown": grown(whole)}
    for name, draw in kinds.items():
        figures |= measured(draw, name, ROUNDS, WARM)
    for name, space in {"evolved": classic, "whole_evolved": whole}.items():
        bars = load("sample:sp500").bars
        scorer = warmed(bars, market(), MEMORY_MB)
        epochs = evolved(space, FoldFitness(bars, market(), FitnessSpec()))
        for each in epochs:
            canonical(each)
        for each in epochs[:3]:
            scorer(each)
        rates = [len(each) / seconds(lambda each=each: scorer(each)) for each in epochs[3:]]
        figures[f"{name}_per_second"] = round(statistics.median(rates))
    report("engine", **figures)


if __name__ == "__main__":
    main()
