"""`evolve show`: the main tables of a run, or one trial whole."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from evolve.cli.options import chart_width, echo_compiling, json_option, result_console
from evolve.cli.output import echo_json
from evolve.cli.run_argument import run_argument

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import RenderableType

    from evolve.experiment.run_view import RunView
    from evolve.experiment.trial_view import TrialView


@click.command("show", short_help="Show the tables of a run, or one trial.")
@run_argument
@click.argument("trial", required=False)
@click.option("--lineage", is_flag=True, help="Show the line of descent of the best trial.")
@json_option
def command(run: Path, trial: str | None, lineage: bool, as_json: bool) -> None:
    """Show the main tables of RUN, a run folder in any state, and a chart of its equity.

    TRIAL shows one trial whole: a number, the first characters of a hash, or `best`.
    """
    from evolve.experiment.run_view import read_view

    view = read_view(run)
    if trial is None and not lineage:
        _show_run(view, as_json)
    else:
        _show_trial(view, trial, lineage, as_json)


def _show_run(view: RunView, as_json: bool) -> None:
    from evolve.experiment.front import find_front
    from evolve.experiment.run_summary import summarize
    from evolve.report.terminal import run_summary
    from evolve.store.files import format_command

    summary = summarize(view)
    if as_json:
        epochs = [
            {"epoch": each.number, "evaluated": each.evaluated, "best": each.best}
            for each in summary.epochs
        ]
        folder = {"run_dir": str(view.folder)}  # which may have moved since the result
        front = [
            {"trial": each.number, "nodes": each.nodes, "score": each.scores[0]}
            | {"hash": each.hash, "source": each.source}
            for each in find_front(view.rows.trials)
        ]
        shown = {"state": view.state, "epochs": epochs, "front": front}
        echo_json({**folder, **shown, **view.result, **folder})
        return
    _print(run_summary.list_head(view, summary))
    _print(run_summary.list_verdict(summary))
    _print_best(view)
    _print(run_summary.list_metrics(view, summary))
    _print_equity(view)
    _print(run_summary.list_strategies(view))
    _print(run_summary.list_search(view, summary))
    if view.rows.trials:
        best = format_command("show", view.folder, "best")
        text = f"\none trial: {best}, or 1 to {len(view.rows.trials)}"
        if view.rows.best is not None:
            text += f"\nlineage of the best: {format_command('show', view.folder, '--lineage')}"
        result_console().print(text, soft_wrap=True)


def _print_best(view: RunView) -> None:
    from dsl.printing.decompile import format_program
    from evolve.report.terminal.run_summary import format_block

    if view.best is not None:
        _print([format_block(f"\n{format_program(view.best)}")])


def _print_equity(view: RunView) -> None:
    """Print the equity of the best strategy on the parts that are open."""
    from evolve.backtest.backtest import Backtest, backtest
    from evolve.experiment.run_parts import list_open_parts, select_part
    from evolve.report.terminal.equity import equity_chart
    from evolve.report.terminal.run_summary import format_block

    if view.best is None:
        return
    program, market = view.best, view.data.market
    echo_compiling()
    results = dict[str, Backtest]()
    for part in list_open_parts(view):
        data = select_part(view, part)
        results[part] = backtest(program, data.bars, market, data.start)
    _print([format_block(f"\n{equity_chart(results, chart_width())}\n")])


def _show_trial(view: RunView, text: str | None, with_lineage: bool, as_json: bool) -> None:
    from evolve.experiment.lineage import trace_lineage
    from evolve.experiment.trial_view import BEST, find_trial, view_trial
    from evolve.report.terminal.trial import list_lineage, list_trial

    row = find_trial(view, text or BEST)
    if with_lineage:
        lineage = trace_lineage(view.rows, row.hash)
        if as_json:
            from dataclasses import asdict

            echo_json([asdict(each) for each in lineage])
        else:
            winner = view.document.best if view.document is not None else None
            _print(list_lineage(lineage, winner))
        return
    trial = view_trial(view, row)
    if as_json:
        echo_json(_describe(trial))
    else:
        _print(list_trial(trial))


def _describe(trial: TrialView) -> dict[str, object]:
    """Describe a trial for JSON."""
    from dataclasses import asdict

    return {
        **asdict(trial.row),
        "source": trial.source,
        "scores": dict(trial.scores),
        "parents": [asdict(each) for each in trial.parents],
        "children": trial.children,
        "dropped": list(trial.dropped),
        "call": None if trial.call is None else asdict(trial.call),
    }


def _print(parts: Iterable[RenderableType]) -> None:
    from rich.text import Text

    console = result_console()
    for each in parts:
        console.print(each, soft_wrap=isinstance(each, Text) and bool(each.no_wrap))
