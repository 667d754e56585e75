"""Table of the strategies that trade differently."""

from __future__ import annotations

from evolve.experiment.archive import MAX_CANDIDATES, Behavior, find_behaviors
from evolve.experiment.positions import MAX_CORRELATION
from evolve.experiment.run_view import RunView
from evolve.report.formats import format_rules
from evolve.report.page.blocks import Column, Table
from evolve.report.page.charts import Cell
from evolve.report.page.search.authors import name_author

MAX_SOURCE_CHARACTERS = 400
COLUMNS = (
    Column("trial", "count"),
    Column("score", "ratio", "score of the search"),
    Column("rules", "code"),
    Column("nodes", "count", "size of the program"),
    Column("alike", "count", "examined trials whose positions are most like those of this one"),
    Column("exposure", "percent", "share of the bars in a position"),
    Column("trades", "count", "closed trades on train"),
    Column("bars held", "ratio", "mean number of bars of a trade"),
    Column("proposer"),
)


def build_behaviors(view: RunView) -> Table:
    """Build the table of the best trials that trade differently on train."""
    return Table(
        "behaviors",
        "Different strategies found",
        COLUMNS,
        tuple(_build_row(each) for each in find_behaviors(view)),
        f"Of the best {MAX_CANDIDATES} trials of all sizes by score, the best of each group that "
        f"trades alike: positions on train correlate below {MAX_CORRELATION:g} between two rows. "
        "Many rows with similar scores are a sign of several ideas, or of luck of several kinds.",
    )


def _build_row(each: Behavior) -> tuple[Cell, ...]:
    metrics = each.train.metrics
    return (
        each.trial.number, each.trial.scores[0],
        format_rules(each.trial.source, MAX_SOURCE_CHARACTERS), each.trial.nodes, each.members,
        metrics["exposure"], int(metrics["num_trades"]), metrics["avg_trade_bars"],
        name_author(each.trial.proposer),
    )  # fmt: skip
