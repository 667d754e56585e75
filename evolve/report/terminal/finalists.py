"""Finalists of a run on the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.table import Table
from rich.text import Text

from evolve.backtest.metrics import METRICS
from evolve.experiment.finalists import explain_finalists
from evolve.experiment.result_parts import FinalistDocument
from evolve.report.formats import format_rules, format_score, format_value
from evolve.report.terminal.fitting_table import blank_table
from evolve.report.terminal.hanging import Hanging

MAX_RULES_CHARACTERS = 400
PARTS = ("train", "validation")


def list_finalists(
    finalists: Sequence[FinalistDocument], objective: str
) -> Iterator[Table | Hanging | Text]:
    """Yield a table of the finalists, the rules of those behind the winner, and what they claim.

    Args:
        finalists: the finalists, the winner first; at least one.
        objective: the leading objective.
    """
    yield _build_table(finalists, objective)
    for rank, each in enumerate(finalists[1:], start=2):
        rules = format_rules(each.source, MAX_RULES_CHARACTERS)
        yield Hanging(Text(rules), Text(f"{rank:>4}  ", "bold"))
    yield Hanging(explain_finalists(finalists))


def _build_table(finalists: Sequence[FinalistDocument], objective: str) -> Table:
    title = f"finalists; {objective.replace('_', ' ')} by part, positions on train"
    table = blank_table(title)
    for heading in ("rank", "nodes", "score", *PARTS, "trades", "bars held", "exposure",
                    "correlation"):  # fmt: skip
        table.add_column(heading.replace(" ", "\n"), justify="right", no_wrap=True)
    unit = METRICS[objective].unit if objective in METRICS else "ratio"
    for rank, each in enumerate(finalists, start=1):
        trades = (each.find_metric(part, "num_trades") for part in PARTS)
        table.add_row(
            f"{rank}",
            f"{each.nodes}",
            format_score(each.scores[0] if each.scores else None),
            *[format_value(each.find_metric(part, objective), unit) for part in PARTS],
            " + ".join(format_value(count, "count") for count in trades),
            format_value(each.find_metric("train", "avg_trade_bars"), "ratio"),
            format_value(each.find_metric("train", "exposure"), "percent"),
            format_score(each.correlation),
        )
    return table
