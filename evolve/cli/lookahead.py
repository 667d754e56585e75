"""What `evolve check --lookahead` prints."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from evolve.cli.options import echo_compiling, load_data
from evolve.errors import EvolveError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evolve.analysis.lookahead import LookaheadReport


def check_lookahead(files: Sequence[Path], specs: Sequence[str], as_json: bool) -> int:
    """Prove each strategy of some files on some data; 1 if one depends on the future."""
    import json
    from dataclasses import asdict

    from evolve.analysis.lookahead import MIN_BARS, find_lookahead
    from evolve.backtest.market import market
    from evolve.data import DataRequest
    from evolve.experiment.strategy_files import read_strategies

    if not specs:
        raise EvolveError("--lookahead needs bars", "add for example --data sample:sp500")
    programs = [program for path in files for program in read_strategies(path)]
    bars = load_data(DataRequest(specs)).bars
    if len(bars) < MIN_BARS:
        message = f"{', '.join(specs)} has {len(bars)} bars, too few to cut"
        raise EvolveError(message, f"it takes {MIN_BARS}")
    echo_compiling()
    failed, documents = False, []
    for program in programs:
        found = find_lookahead(program, bars, market())
        failed |= bool(found.violations)
        documents.append({"strategy": program.name, **asdict(found)})
        if not as_json:
            click.echo("\n".join(_report_lines(program.name, found)))
    if as_json:
        click.echo(json.dumps(documents, indent=2))
    return int(failed)


def _report_lines(name: str, found: LookaheadReport) -> list[str]:
    if found.violations:
        worst = [
            f"  {each.field} of {each.symbol} at bar {each.bar} changed when {each.reason}"
            for each in found.violations[:5]
        ]
        return [f"{name}: it depends on the future", *worst]
    without = "with the first quarter, or half, of the bars taken away it says"
    settled = f"{without} the same at once"
    if found.stabilization_bars is None:
        settled = f"{without} something else to the end: it leans on the first bars there are"
    elif found.stabilization_bars:
        settled = f"{without} the same after {found.stabilization_bars:,} bars"
    return [
        f"{name}: no look-ahead: with {found.cuts} futures cut off and {found.cuts} made false, "
        "every signal, setting and equity before stayed the same, bit for bit",
        f"  {settled}",
    ]
