"""Credit of the genetic operators and of each model with a task: counts, gain, time and cost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from evolve.experiment.model_costs import read_arm_costs
from evolve.experiment.run_summary import read_stats
from evolve.experiment.run_view import RunView
from evolve.llm.prompt.selection import is_arm
from evolve.report.page.blocks import Column, Table
from evolve.report.page.charts import Axis, Cell, Chart, Trace
from evolve.report.page.search.authors import AUTHORS, find_role, name_author
from evolve.search.credit import MAX_SHARE
from evolve.search.proposer_stats import ProposerStats

PER = 1000  # evaluations of the gain per evaluation
COST_COLUMNS = 2  # the last ones, which only models have

COLUMNS = (
    Column("proposer", "text", "a genetic operator, or a model with its task"),
    Column("proposed", "count", "strategies proposed"),
    Column("valid", "count", "proposed ones that fit the experiment"),
    Column("duplicate", "count", "valid ones that were evaluated before"),
    Column("idle", "count", "new ones that trade too little, replaced without a trial"),
    Column("evaluated", "count", "new programs: trials"),
    Column("accepted", "count", "evaluated ones that entered a population"),
    Column("improved", "count", "evaluated ones that score above their best parent"),
    Column("gain", "ratio", "sum of the improvements of the score over the best parent"),
    Column(f"gain per {PER:,}", "ratio", f"gain per {PER:,} evaluated programs"),
    Column("seconds", "seconds", "time to propose and to evaluate, over all processes; for a "
           "model the time of its answers"),
    Column("gain per second", "ratio"),
    Column("$", "usd", "cost of the calls"),
    Column("gain per $", "ratio"),
)  # fmt: skip


@dataclass(frozen=True)
class Credit:
    """Counts of a proposer with its time and cost.

    Attributes:
        proposer: its name.
        stats: its counts.
        seconds: its time; None if it was not measured.
        usd: cost of its calls in US dollars; None for a genetic operator.
    """

    proposer: str
    stats: ProposerStats
    seconds: float | None
    usd: float | None


def iterate_credit(view: RunView) -> Iterator[Table | Chart]:
    """Yield the table of the proposers, and the chart of their gain per second."""
    credits = list_credits(view)
    if not credits:
        return
    has_cost = any(each.usd is not None for each in credits)
    count = len(COLUMNS) if has_cost else len(COLUMNS) - COST_COLUMNS
    yield Table(
        "credit",
        "Who found it: credit of the proposers",
        COLUMNS[:count],
        tuple(_build_row(each)[:count] for each in credits),
        "The gain shows who improved its parents, and for how many evaluations and seconds. A "
        "proposer with many duplicates or few accepted trials wastes its share of the budget. The "
        "rate of improvement in the last epochs moves that share by a factor of at most "
        f"{MAX_SHARE:g}, up or down.",
    )
    timed = [each for each in credits if each.seconds]
    if any(each.stats.gain > 0 for each in timed):
        yield _build_chart(timed)


def list_credits(view: RunView) -> list[Credit]:
    """Return the credit of each proposer of a run in any state, in order of names.

    The counts of a run that is not finished are those of its last epoch.
    """
    counts, seconds = read_stats(view)
    costs = read_arm_costs(view)
    return [
        Credit(
            name,
            counts.get(name, ProposerStats()),
            costs[name].seconds if name in costs else seconds.get(name),
            costs[name].usd if name in costs else None,
        )
        for name in sorted({*counts, *costs}, key=lambda each: (is_arm(each), each))
    ]


def _build_row(each: Credit) -> tuple[Cell, ...]:
    stats = each.stats
    return (
        name_author(each.proposer), stats.proposed, stats.valid, stats.duplicate, stats.idle,
        stats.evaluated, stats.accepted, stats.improved, stats.gain,
        _divide(PER * stats.gain, stats.evaluated), each.seconds,
        _divide(stats.gain, each.seconds), each.usd, _divide(stats.gain, each.usd),
    )  # fmt: skip


def _build_chart(credits: list[Credit]) -> Chart:
    ranked = sorted(credits, key=lambda each: -(_divide(each.stats.gain, each.seconds) or 0.0))
    best = ranked[0]
    rate = _divide(best.stats.gain, best.seconds) or 0.0
    return Chart(
        "gain",
        "Gain per second",
        "A higher bar is a proposer that improved the score of its parents more for its time. "
        f"{name_author(best.proposer)} leads with {rate:.3g} per second; improvements of weak "
        "parents count as well as those of the best.",
        Axis("proposer", "category", "text"),
        Axis("gain of the score per second"),
        tuple(
            Trace(label, tuple(name_author(each.proposer) for each in chosen),
                  tuple(_divide(each.stats.gain, each.seconds) for each in chosen), "bars", role)
            for role, label in AUTHORS.items()
            if (chosen := [each for each in ranked if find_role(each.proposer) == role])
        ),
    )  # fmt: skip


def _divide(amount: float, by: float | None) -> float | None:
    """Return a ratio; None if it is not known or has no value."""
    return amount / by if by else None
