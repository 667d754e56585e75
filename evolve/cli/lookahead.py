"""What `evolve check --lookahead` prints."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from evolve.cli.options import load_data, tell_compiling
from evolve.errors import EvolveError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evolve.analysis.lookahead import Foresight


def check_lookahead(files: Sequence[Path], specs: Sequence[str], as_json: bool) -> int:
    """Prove each strategy of some files on some data; 1 if one depends on the future."""
    import json
    from dataclasses import asdict

    from evolve.analysis.lookahead import LEAST_BARS, look_ahead
    from evolve.backtest.market import market
    from evolve.experiment.strategy_files import read_strategies

    if not specs:
        raise EvolveError("--lookahead needs bars", "add for example --data sample:sp500")
    programs = [program for path in files for program in read_strategies(path)]
    bars = load_data(specs, None, None).bars
    if len(bars) < LEAST_BARS:
        message = f"{', '.join(specs)} has {len(bars)} bars, too few to cut"
        raise EvolveError(message, f"it takes {LEAST_BARS}")
    tell_compiling()
    failed, documents = False, []
    for program in programs:
        found = look_ahead(program, bars, market())
        failed |= bool(found.seen)
        documents.append({"strategy": program.name, **asdict(found)})
        if not as_json:
            click.echo("\n".join(_said(program.name, found)))
    if as_json:
        click.echo(json.dumps(documents, indent=2))
    return int(failed)


def _said(name: str, found: Foresight) -> list[str]:
    if found.seen:
        worst = [
            f"  {each.what} of {each.symbol} at bar {each.bar} changed when {each.because}"
            for each in found.seen[:5]
        ]
        return [f"{name}: it depends on the future", *worst]
    without = "with the first quarter, or half, of the bars taken away it says"
    settled = f"{without} the same at once"
    if found.settled is None:
        settled = f"{without} something else to the end: it leans on the first bars there are"
    elif found.settled:
        settled = f"{without} the same after {found.settled:,} bars"
    return [
        f"{name}: no look-ahead: with {found.cuts} futures cut off and {found.cuts} made false, "
        "every signal, setting and equity before stayed the same, bit for bit",
        f"  {settled}",
    ]
