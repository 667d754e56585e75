"""`evolve walkforward`: the search of an experiment, repeated in windows."""

from __future__ import annotations

from pathlib import Path

import click

from evolve.cli.options import json_option
from evolve.cli.output import echo, echo_json
from evolve.cli.repeated_search import experiment_argument, set_option


@click.command("walkforward", short_help="Repeat a search in windows.")
@experiment_argument
@set_option
@click.option("--windows", type=int, help="The number of windows; default: 5, or as in EXPERIMENT.")
@click.option(
    "--rolling/--anchored", "is_rolling", default=None,
    help="Search on equally many bars before each window, or on all (the default).",
)  # fmt: skip
@json_option
def command(
    experiment: Path, overrides: tuple[str, ...], windows: int | None, is_rolling: bool | None,
    as_json: bool,
) -> int:  # fmt: skip
    """Repeat the search of EXPERIMENT in windows of train and validation.

    The second half of the bars is cut into windows. In each, the search runs on the bars before,
    and its winner trades the window. This shows how stable the result is; it is not a test. The
    holdout stays sealed.

    Ctrl-C stops and prints the windows that are done.
    """
    from evolve.cli import DONE, INTERRUPTED
    from evolve.cli.interrupt import StopOnInterrupt
    from evolve.cli.options import ConsoleNotices, result_console
    from evolve.cli.repeated_search import follow, open_experiment
    from evolve.config.validate import MAX_WINDOWS, MIN_WINDOWS, WalkForward
    from evolve.experiment.repeated_search import open_runner
    from evolve.experiment.walk_forward import WalkForwardTest, describe_walk_forward
    from evolve.report.terminal.diagnostics import list_walk_forward

    if windows is not None and not MIN_WINDOWS <= windows <= MAX_WINDOWS:
        message = f"expected {MIN_WINDOWS} to {MAX_WINDOWS}, found {windows}"
        raise click.BadParameter(message, param_hint="--windows")
    stop = StopOnInterrupt("search")
    plan, data = open_experiment(experiment, overrides, as_json)
    settings = plan.experiment.validation.walk_forward or WalkForward()
    update: dict[str, object] = {}
    if windows is not None:
        update["windows"] = windows
    if is_rolling is not None:
        update["anchored"] = not is_rolling
    settings = settings.model_copy(update=update)
    with open_runner(plan.experiment.workers, ConsoleNotices(), stop) as runner:
        last = follow(WalkForwardTest(plan, data, settings, runner).iterate())
    if last is None:
        echo("interrupted in the first window", err=True)
        return INTERRUPTED
    if as_json:
        echo_json(describe_walk_forward(last))
    else:
        for each in list_walk_forward(last):
            result_console().print(each)
    return INTERRUPTED if stop.is_set else DONE
