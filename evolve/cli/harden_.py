"""`evolve harden`: a model audits how a run judged, and may only make it stricter."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("harden")
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="The new run's folder.")
@click.option("--yes", is_flag=True, help="Do not ask before scoring everything again.")
def command(run: Path, out: Path | None, yes: bool) -> int:
    """Let a model make the protocol of RUN stricter, and score all its trials again.

    It is shown the protocol and what was measured on train, and answers with a patch of settings,
    each of which may only go the stricter way. The new trials are counted beside the old ones.
    """
    from rich.console import Console

    from evolve.cli import DONE
    from evolve.cli.console import ConsoleObserver
    from evolve.cli.options import ConsoleNotices
    from evolve.experiment.harden import audit, compare_protocols, harden, read_run
    from evolve.report.protocol_comparison import protocol_table

    judged = read_run(run)
    click.echo(f"{len(judged.trials):,} trials of {run}", err=True)
    found = audit(judged, ConsoleNotices())
    click.echo("the model would make stricter:")
    for change in found.changes:
        click.echo(f"  {change.setting}: {change.old} → {change.new}")
    if not yes and not click.confirm("score every trial again under this protocol?"):
        click.echo("nothing was changed")
        return DONE
    with ConsoleObserver() as observer:
        finished = harden(judged, found, out, observer)
    before, after = compare_protocols(judged, finished)
    measure = finished.experiment.fitness.maximize[0]
    Console(highlight=False).print(protocol_table(before, after, measure))
    return DONE
