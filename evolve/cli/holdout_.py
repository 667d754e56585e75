"""`evolve holdout`: the sealed bars of a finished run."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from evolve.cli.options import json_option
from evolve.cli.output import echo, echo_json


@click.group("holdout", short_help="Open the sealed holdout of a run.")
def command() -> None:
    """Open the sealed holdout of a finished run."""


@command.command("open", short_help="Open the holdout of RUN, and test its winner.")
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--yes", is_flag=True, help="Open it without confirmation.")
@json_option
def open_(run: Path, yes: bool, as_json: bool) -> int:
    """Open the holdout of RUN and test its best strategy on it.

    A holdout gives evidence once. The ledger counts each opening of these prices, and a later one
    needs a smaller p-value of the null run.
    """

    from evolve.cli import DONE
    from evolve.cli.options import ConsoleNotices, result_console
    from evolve.experiment.finished_run import read_run
    from evolve.experiment.reopen import open_finished_run
    from evolve.files import read_text
    from evolve.report.save import save_report
    from evolve.report.terminal.tables import metrics_table
    from evolve.report.terminal.verdict import format_verdict, gates_table
    from evolve.store.files import MAX_RESULT_BYTES, RESULT

    finished = read_run(run)
    if not yes and not _confirm():
        echo("the holdout stays sealed", err=True)
        return DONE
    evidence, verdict = open_finished_run(finished, ConsoleNotices().notice)
    save_report(run)
    if as_json:
        echo_json(json.loads(read_text(run / RESULT, max_bytes=MAX_RESULT_BYTES)))
        return DONE
    console, result = result_console(), evidence.holdout_result
    if result is not None:
        columns = {"holdout": result.metrics, "buy and hold": result.benchmark_metrics}
        console.print(metrics_table(columns))
    console.print(gates_table(verdict))
    console.print(format_verdict(verdict))
    return DONE


def _confirm() -> bool:
    """Ask whether to open the holdout.

    Raises:
        EvolveError: if nobody can answer.
    """
    from evolve.errors import EvolveError

    try:
        return click.confirm("a holdout gives evidence once; open it?", err=True)
    except click.Abort:
        if sys.stdin.isatty():
            raise
        echo("", err=True)
        raise EvolveError("the holdout stays sealed: no answer", "add --yes to open it") from None
