"""Share of a hidden rule's edge that the winner of a search has on fresh bars, by contestant.

Prints one JSON line per contestant, budget and market. `share` is the winner's appraisal ratio on
the fresh bars divided by that of the hidden rule. On noise, which has no rule, `ratio` is that of
the winner. `--calibrate` writes the edges to `search_quality.json` instead: the hidden rule's score
on train is the strength times luck, the mean best score of the search on markets without an edge.

Seeds 1 to 20 are for development, those from 101 for the test of a variant that is fixed.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from contestants import CONTESTANTS
from planted_markets import MARKETS, SEEN_BARS, HiddenMarket
from quality_task import COSTS, Contestant, Task, Winner, open_task
from report import report

from dsl.bars import Bars
from evolve.backtest.backtest import backtest
from evolve.experiment.plan import build_fitness
from evolve.parallel import open_pool

EDGES = Path(__file__).with_suffix(".json")
STRENGTHS = (1.1, 1.3, 1.5)
BUDGETS = (500, 2_000, 10_000)
RUN_BARS = 4_000  # train, validation and the holdout that a run seals


@dataclass(frozen=True)
class Cell:
    """Market on which all contestants search.

    Attributes:
        market: its market.
        strength: score of the hidden rule on train, in units of luck.
        costs: a name of COSTS.
        seed: seed of its prices and searches.
    """

    market: HiddenMarket
    strength: float
    costs: str
    seed: int

    def draw(self) -> Bars:
        """Draw its bars; cells differ in all random numbers."""
        saved = json.loads(EDGES.read_text("utf-8"))
        edge = 0.0
        if self.market.edges:
            edge = saved["edges_bps"][self.costs][self.market.name][f"{self.strength:g}"]
        text = f"{self.market.name}/{self.strength:g}/{self.costs}"
        return self.market.draw(text, self.seed, edge, saved["shares"])

    def open(self, bars: Bars, settings: Sequence[str]) -> Task:
        """Build the task of a contestant."""
        run_bars = bars.slice(0, RUN_BARS)
        return open_task(run_bars, self.market.directions, self.costs, self.seed, settings)


@dataclass(frozen=True)
class Entry:
    """Contestant with a budget.

    Attributes:
        label: its name in results.
        contestant: how it searches.
        settings: further settings.
        evaluations: its budget.
    """

    label: str
    contestant: Contestant
    settings: tuple[str, ...]
    evaluations: int


def measure_cell(cell: Cell, entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """Return the results of contestants on a market."""
    bars = cell.draw()
    return [measure_entry(cell, bars, entry) for entry in entries]


def measure_entry(cell: Cell, bars: Bars, entry: Entry) -> dict[str, Any]:
    """Return the result of a contestant on a market."""
    budget = f"budget.evaluations={entry.evaluations}"
    task = cell.open(bars, (*entry.contestant.settings, *entry.settings, budget))
    started = time.perf_counter()
    winner = entry.contestant.choose(task)
    seconds = time.perf_counter() - started
    return {
        "contestant": entry.label,
        "market": cell.market.name,
        "strength": cell.strength,
        "costs": cell.costs,
        "seed": cell.seed,
        "evaluations": entry.evaluations,
        **measure_winner(cell.market, bars, task, winner),
        "seconds": round(seconds, 2),
        "strategy": winner.text if winner else "",
    }


def measure_winner(
    market: HiddenMarket, bars: Bars, task: Task, winner: Winner | None
) -> dict[str, float]:
    """Return the ratios on fresh bars and scores on train of the winner and of the hidden rule.

    Without a winner the capital stays in cash, so that its ratio is 0.
    """
    ratio = winner.measure(bars, task.data, SEEN_BARS) if winner else 0.0
    figures = {"ratio": ratio}
    if winner:
        figures |= {"train": winner.train, "validation": winner.validation}
    if market.rule is not None:
        rule = backtest(market.rule, bars, task.data.market, SEEN_BARS).metrics["appraisal_ratio"]
        (scores,) = build_fitness(task.plan, task.data)([market.rule])
        figures |= {
            "share": ratio / rule, "rule_ratio": float(rule), "rule_train": scores.values[0],
        }  # fmt: skip
    return {name: round(float(value), 4) for name, value in figures.items()}


def iterate_results(
    cells: Sequence[Cell], entries: Sequence[Entry], workers: int
) -> Iterator[dict[str, Any]]:
    """Yield the results in the order of the cells, in any number of processes."""
    with ExitStack() as stack:
        run = stack.enter_context(open_pool(workers)).map if workers > 1 else map
        for results in run(partial(measure_cell, entries=entries), cells):
            yield from results


def parse_seeds(text: str) -> list[int]:
    """Return the seeds of a text such as `1-20` or `1,5,7`."""
    seeds: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        seeds.extend(range(int(first), int(last or first) + 1))
    return seeds


def main() -> None:
    """Print the results, or write the edges."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calibrate", action="store_true", help=f"write {EDGES.name}")
    parser.add_argument("--seeds", type=parse_seeds, default=[1, 2], help="such as 1-20")
    parser.add_argument("--markets", nargs="+", choices=MARKETS, default=list(MARKETS))
    parser.add_argument("--strengths", nargs="+", type=float, choices=STRENGTHS, default=STRENGTHS)
    parser.add_argument("--costs", nargs="+", choices=COSTS, default=["half"])
    parser.add_argument("--evaluations", nargs="+", type=int, default=BUDGETS)
    parser.add_argument("--contestants", nargs="+", choices=CONTESTANTS, default=list(CONTESTANTS))
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", dest="settings",
                        help="setting of the experiment, for all these contestants")  # fmt: skip
    parser.add_argument("--label", default="", help="name of the contestant with these settings")
    parser.add_argument("--workers", type=int, default=1, help="processes")
    options = parser.parse_args()
    if options.calibrate:
        from calibration import calibrate

        EDGES.write_text(json.dumps(calibrate(STRENGTHS), indent=1) + "\n", "utf-8")
        return
    if options.label and len(options.contestants) > 1:
        parser.error("--label names one contestant")
    cells = [
        Cell(MARKETS[name], strength, costs, seed)
        for seed in options.seeds
        for name in options.markets
        for strength in (options.strengths if MARKETS[name].edges else STRENGTHS[:1])
        for costs in options.costs
    ]
    entries = [
        Entry(options.label or name, CONTESTANTS[name], tuple(options.settings), evaluations)
        for name in options.contestants
        for evaluations in options.evaluations
    ]
    for result in iterate_results(cells, entries, options.workers):
        print(json.dumps(result), flush=True)
    report("search_quality", **vars(options))


if __name__ == "__main__":
    main()
