"""`evolve dash`: the live view of runs in a browser."""

from __future__ import annotations

from pathlib import Path
from socket import socket

import click

from evolve.cli.output import echo

MAX_PORT = 65_535


@click.command("dash", short_help="Show runs in a browser while they go on.")
@click.argument("runs", type=click.Path(path_type=Path), default="runs", metavar="[RUNS_DIR]")
@click.option("--port", type=click.IntRange(0, MAX_PORT), help="The port; 0 for any free one.")
@click.option("--open", "is_opened", is_flag=True, help="Open the list of runs in a browser.")
@click.option("--listener", type=int, hidden=True)  # a socket of the run that the server is part of
def command(runs: Path, port: int | None, is_opened: bool, listener: int | None) -> None:
    """Serve the list of the runs in RUNS_DIR, and the page of each, until Ctrl-C.

    RUNS_DIR is `runs` by default. The pages follow runs that go on. The server listens on this
    machine only, at port 8745 or, if that is in use, at a free one. It reads run folders and writes
    nothing.
    """
    from evolve.dash.listener import check_extra, format_address, open_listener

    check_extra()
    from evolve.dash.server import serve
    from evolve.experiment.run_folders import check_runs_folder

    check_runs_folder(runs, "evolve dash")
    if listener is not None:
        serve(runs, socket(fileno=listener), ends_with_input=True)
        return
    opened = open_listener(port)
    address = format_address(opened)
    echo(address)
    echo(f"shows the runs in {runs}; Ctrl-C ends it", err=True)
    if is_opened:
        click.launch(address)
    serve(runs, opened)
