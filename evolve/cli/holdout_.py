"""`evolve holdout`: the sealed bars of a finished run."""

from __future__ import annotations

import json
from pathlib import Path

import click

from evolve.cli.confirm import confirm
from evolve.cli.options import json_option
from evolve.cli.output import echo, echo_json
from evolve.cli.run_argument import run_argument


@click.group("holdout", short_help="Open the sealed holdout of a run.")
def command() -> None:
    """Open the sealed holdout of a finished run."""


@command.command("open", short_help="Open the holdout of RUN, and test its winner.")
@run_argument
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
    question = "a holdout gives evidence once; open it?"
    if not yes and not confirm(question, "the holdout stays sealed", "add --yes to open it"):
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
