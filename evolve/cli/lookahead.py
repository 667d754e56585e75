"""Output of `evolve check --lookahead`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from evolve.cli.options import echo_compiling, load_data
from evolve.cli.output import echo, echo_json
from evolve.errors import EvolveError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evolve.analysis.lookahead import LookaheadReport


def check_lookahead(files: Sequence[Path], specs: Sequence[str], as_json: bool) -> int:
    """Check the strategies of files for look-ahead, and print a report of each.

    Args:
        files: strategy files, `-` for standard input.
        specs: data specs of the bars.
        as_json: whether to print one JSON document instead of lines.

    Returns:
        The exit code: 1 if a strategy depends on a later bar.

    Raises:
        EvolveError: if a file or the data cannot be read, or there are too few bars.
    """
    from dataclasses import asdict

    from evolve.analysis.lookahead import MIN_BARS, find_lookahead
    from evolve.backtest.market import market
    from evolve.data import DataRequest
    from evolve.experiment.strategy_files import read_strategies

    if not specs:
        raise EvolveError("--lookahead requires --data", "for example: --data sample:sp500")
    programs = [program for path in files for program in read_strategies(path)]
    bars = load_data(DataRequest(specs)).bars
    if len(bars) < MIN_BARS:
        message = f"{', '.join(specs)} has {len(bars)} bars"
        raise EvolveError(message, f"expected at least {MIN_BARS} bars")
    echo_compiling()
    failed, documents = False, []
    for program in programs:
        report = find_lookahead(program, bars, market())
        failed |= bool(report.violations)
        documents.append({"strategy": program.name, **asdict(report)})
        if not as_json:
            echo("\n".join(_report_lines(program.name, report)))
    if as_json:
        echo_json(documents)
    return int(failed)


def _report_lines(name: str, report: LookaheadReport) -> list[str]:
    if report.violations:
        first = [
            f"  {each.field} of {each.symbol} at bar {each.bar} changed when {each.reason}"
            for each in report.violations[:5]
        ]
        return [f"{name}: look-ahead: it depends on later bars", *first]
    cut = "without the first quarter or half of the bars, results"
    stabilization = f"{cut} are identical from the first bar"
    if report.stabilization_bars is None:
        stabilization = f"{cut} differ to the end: they depend on the first bar of the data"
    elif report.stabilization_bars:
        stabilization = f"{cut} are identical after {report.stabilization_bars:,} bars"
    return [
        f"{name}: no look-ahead: with the later bars removed at {report.cuts} bars "
        f"and replaced at {report.cuts}, all earlier signals, settings and equity "
        "are identical, bit for bit",
        f"  {stabilization}",
    ]
