"""How many strategies a second are scored, of three kinds, once the arena is warm.

S&P 500 sample, 5,031 bars, next-open fills, costs, five folds, Python included: from a strategy's
tree to its scores. Beside each kind a plain evaluator runs some of the same strategies in the same
process (numpy and the same kernels and simulation, one strategy at a time, no memo, no tables): a
reference that moves with the machine.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import time
from collections.abc import Callable, Sequence
from random import Random

from report import report

from dsl.kinds import BOOL
from dsl.program import Program, Rules
from dsl.terms import Term, call
from evolve.backtest.market import market
from evolve.data import load
from evolve.fitness.fitness import FoldFitness, Goals
from evolve.search.grow import grow, grow_rules
from evolve.search.island import Breeding, first_island, run_epoch
from evolve.search.proposer import proposers
from evolve.search.space import build_space

COUNT, ROUNDS, WARM, PLAIN = 1_000, 5, 6, 60
NESTED = 0.15  # of the indicators are over another one
KEEP_NESTED, FURTHER = 0.2, 0.45

SPACE = build_space()
Kind = Callable[[Random], Program]


def plain(rng: Random) -> Program:
    """Long or flat by two conditions of about 15 nodes together, few of them nested."""
    return Program("p", Rules(_condition(rng), _condition(rng)))


def general(rng: Random) -> Program:
    """As the search grows its own: with stops, trails, targets, time exits and sizes."""
    return Program("p", grow_rules(SPACE, rng))


def _condition(rng: Random) -> Term:
    made = _comparison(rng)
    return (
        call(SPACE.find.operator("and"), made, _comparison(rng)) if rng.random() < FURTHER else made
    )


def _comparison(rng: Random) -> Term:
    while True:
        made = grow(BOOL, 3, SPACE, rng)
        if not any(map(_is_nested, made.walk())) or rng.random() < KEEP_NESTED:
            return made


def _is_nested(term: Term) -> bool:
    return _is_indicator(term) and any(map(_is_indicator, term.args))


def _is_indicator(term: Term) -> bool:
    operator = term.operator
    return operator is not None and bool(term.args) and not operator.is_pointwise


def evolved(evaluate: FoldFitness, count: int) -> list[list[Program]]:
    """What a search evaluates, epoch by epoch, the first ones left out."""
    breeding = Breeding(SPACE, evaluate, evaluate.goals.weights, 150, 5,
                        {name: each.weight for name, each in proposers().items()})  # fmt: skip
    island, seen, epochs = first_island(0, 1), set(), []
    for number in range(1, 8):
        epoch = run_epoch(island, breeding, {}, seen, 750, number)
        island = epoch.island
        seen |= {each.program.key for each in epoch.trials}
        epochs.append([Program("p", each.program.rules) for each in epoch.trials])
    return epochs[2:]


def seconds(task: Callable[[], object]) -> float:
    """How long a task takes once, without a collection of garbage in it."""
    gc.collect()
    gc.disable()
    began = time.perf_counter()
    task()
    took = time.perf_counter() - began
    gc.enable()
    return took


def rate(scorer: FoldFitness, batches: Sequence[Sequence[Program]]) -> float:
    """Strategies a second, the median over batches."""
    return statistics.median(len(each) / seconds(lambda: scorer(each)) for each in batches)


def reference(programs: Sequence[Program]) -> float:
    """Strategies a second of the plain evaluator."""
    bars, goals = load("sample:sp500").bars, Goals()
    scorers = [FoldFitness(bars, market(), goals) for _ in programs]
    for each in scorers:
        each._latch = each._course = None
    fresh = [Program("p", each.rules) for each in programs]
    pairs = list(zip(scorers, fresh, strict=True))
    return len(programs) / seconds(lambda: [scorer([each]) for scorer, each in pairs])


def main() -> None:
    """Print strategies a second, and how many times the plain evaluator's."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--short", action="store_true", help="fewer rounds, for a check")
    rounds, warm = (2, 2) if parser.parse_args().short else (ROUNDS, WARM)
    bars = load("sample:sp500").bars
    figures: dict[str, object] = {"bars": len(bars)}
    kinds: dict[str, Kind] = {"plain": plain, "general": general}
    for name, kind in kinds.items():
        rng, scorer = Random(1), FoldFitness(bars, market(), Goals())
        for _ in range(warm):
            scorer([kind(rng) for _ in range(COUNT)])
        batches = [[kind(rng) for _ in range(COUNT)] for _ in range(rounds)]
        nodes = statistics.mean(each.nodes for each in batches[0])
        plainly = reference(batches[0][:PLAIN])
        quick = rate(scorer, batches)
        figures |= {f"{name}_nodes": round(nodes, 1), f"{name}_per_second": round(quick),
                    f"{name}_ratio": round(quick / plainly, 2)}  # fmt: skip
    scorer = FoldFitness(bars, market(), Goals())
    figures["evolved_per_second"] = round(rate(scorer, evolved(scorer, COUNT)[-rounds:]))
    report("engine", **figures)


if __name__ == "__main__":
    main()
