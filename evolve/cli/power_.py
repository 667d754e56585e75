"""`evolve power`: how often the search of an experiment finds a planted edge."""

from __future__ import annotations

from pathlib import Path

import click

from evolve.cli.options import json_option
from evolve.cli.output import echo, echo_json
from evolve.cli.repeated_search import experiment_argument, set_option


@click.command("power", short_help="Measure which edges a search can find.")
@experiment_argument
@set_option
@json_option
def command(experiment: Path, overrides: tuple[str, ...], as_json: bool) -> int:
    """Measure how often the search of EXPERIMENT finds an edge of a known size.

    The search runs on shuffled prices into which a hidden rule is planted: after the rule holds,
    the price moves more. The edge grows until all searches find it, in at most 40 searches. Found
    means a score that passes the null searches, which run first, or come from an earlier run.

    Ctrl-C stops and prints what is done.
    """
    from evolve.cli import DONE, INTERRUPTED
    from evolve.cli.interrupt import StopOnInterrupt
    from evolve.cli.options import ConsoleNotices, result_console
    from evolve.cli.repeated_search import follow, open_experiment
    from evolve.experiment.power import PowerTest, describe_power
    from evolve.experiment.repeated_search import open_runner
    from evolve.report.terminal.diagnostics import list_power
    from evolve.validation.power import Power

    stop = StopOnInterrupt("search")
    plan, data = open_experiment(experiment, overrides, as_json)
    with open_runner(plan.experiment.workers, ConsoleNotices(), stop) as runner:
        last = follow(PowerTest(plan, data, runner).iterate())
    if not isinstance(last, Power):
        done = 0 if last is None else len(last.results)
        echo(f"interrupted after {done} null searches, before the first edge", err=True)
        return INTERRUPTED
    if as_json:
        echo_json(describe_power(last))
    else:
        for each in list_power(last):
            result_console().print(each)
    return INTERRUPTED if stop.is_set else DONE
