"""`evolve harden`: a model's audit of a run's protocol, which it may only tighten."""

from __future__ import annotations

from pathlib import Path

import click

from evolve.cli.confirm import confirm
from evolve.cli.output import echo
from evolve.cli.run_argument import run_argument


@click.command("harden", short_help="Let a model tighten a run's protocol.")
@run_argument
@click.option("--out", type=click.Path(path_type=Path), help="The new run's folder.")
@click.option("--yes", is_flag=True, help="Score all trials again without confirmation.")
def command(run: Path, out: Path | None, yes: bool) -> int:
    """Let a model tighten the protocol of RUN, and score all its trials again.

    The model sees the protocol and the results on train, and answers with a patch of settings.
    Each setting may only become stricter. All scores are counted as further trials.
    """
    from evolve.cli import DONE
    from evolve.cli.console import ConsoleObserver
    from evolve.cli.options import ConsoleNotices
    from evolve.cli.terminal import OutputConsole
    from evolve.experiment.finished_run import read_run
    from evolve.experiment.harden import audit, compare_protocols, harden
    from evolve.report.terminal.protocol_comparison import protocol_table

    original = read_run(run)
    echo(f"{len(original.trials):,} trials of {run}", err=True)
    patch = audit(original, ConsoleNotices())
    echo("the model proposes:")
    for change in patch.changes:
        echo(f"  {change.setting}: {change.old} → {change.new}")
    question = "score all trials again under this protocol?"
    if not yes and not confirm(question, "nothing changed", "add --yes to score them"):
        echo("nothing changed")
        return DONE
    with ConsoleObserver() as observer:
        finished = harden(original, patch, out, observer)
    before, after = compare_protocols(original, finished)
    measure = finished.experiment.fitness.maximize[0]
    OutputConsole().print(protocol_table(before, after, measure))
    return DONE
