"""Command line: one module per command, each a thin layer over the Python interface."""

from __future__ import annotations

import gc
import io
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from evolve.cli.output import echo, format_click_error

if TYPE_CHECKING:
    from collections.abc import Sequence

GROUPS = {
    "Strategies": ("check", "fmt", "backtest", "tune", "signals", "eval"),
    "Data": ("data",),
    "Experiments": ("run", "sweep", "null", "holdout", "power", "walkforward", "validate"),
    "Runs": ("runs", "resume", "show", "report", "compare", "rm", "dash"),
    "Models": ("doctor", "ask", "prompt", "grammar", "harden"),
    "Reference": ("ops", "explain", "schema"),
}
COMMANDS = tuple(name for names in GROUPS.values() for name in names)
DONE, WRONG_INPUT, INTERRUPTED = 0, 1, 130
MIN_FILE = 3  # numbers below are standard input, output and error
GC_THRESHOLD = 1_000_000  # new objects: importing modules creates many, and no garbage


class CommandGroup(click.Group):
    """Commands under headings; a module is imported when its command is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Return a command, or None if the name is unknown."""
        return _import_command(name) if name in COMMANDS else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands with their short helps, by group."""
        width = max(map(len, COMMANDS))
        for heading, names in GROUPS.items():
            rows = [(f"{name:<{width}}", _import_command(name).short_help or "") for name in names]
            with formatter.section(heading):
                formatter.write_dl(rows)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command; fail with a suggestion if the name is unknown."""
        from dsl.diagnostics import did_you_mean

        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            hint = did_you_mean(args[0], COMMANDS) or f"expected one of: {', '.join(COMMANDS)}"
            ctx.fail(f"unknown command `{args[0]}`; {hint}")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; a reader that closes the pipe is no error."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # click would exit with status 1
            return _discard_output()


def _import_command(name: str) -> click.Command:
    """Import the module of one command only, because most have slow imports of their own."""
    match name:
        case "run":
            from evolve.cli.run_ import command
        case "resume":
            from evolve.cli.resume_ import command
        case "sweep":
            from evolve.cli.sweep_ import command
        case "null":
            from evolve.cli.null_ import command
        case "holdout":
            from evolve.cli.holdout_ import command
        case "backtest":
            from evolve.cli.backtest_ import command
        case "tune":
            from evolve.cli.tune_ import command
        case "signals":
            from evolve.cli.signals_ import command
        case "eval":
            from evolve.cli.eval_ import command
        case "check":
            from evolve.cli.check_ import command
        case "fmt":
            from evolve.cli.fmt_ import command
        case "ops":
            from evolve.cli.ops_ import command
        case "data":
            from evolve.cli.data_ import command
        case "validate":
            from evolve.cli.validate_ import command
        case "power":
            from evolve.cli.power_ import command
        case "walkforward":
            from evolve.cli.walkforward_ import command
        case "schema":
            from evolve.cli.schema_ import command
        case "grammar":
            from evolve.cli.grammar_ import command
        case "prompt":
            from evolve.cli.prompt_ import command
        case "ask":
            from evolve.cli.ask_ import command
        case "doctor":
            from evolve.cli.doctor_ import command
        case "runs":
            from evolve.cli.runs_ import command
        case "rm":
            from evolve.cli.rm_ import command
        case "compare":
            from evolve.cli.compare_ import command
        case "show":
            from evolve.cli.show_ import command
        case "report":
            from evolve.cli.report_ import command
        case "dash":
            from evolve.cli.dash_ import command
        case "harden":
            from evolve.cli.harden_ import command
        case _:
            from evolve.cli.explain_ import command
    return command


@click.command(cls=CommandGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="evolve-trading", prog_name="evolve")
def evolve() -> None:
    """Search for trading strategies by genetic programming.

    Strategies are programs in a small, safe indicator language.

    Start with: evolve run experiments/quick.yaml
    """


def main(args: Sequence[str] | None = None) -> None:
    """Run a command line and exit.

    `os._exit` skips the deallocation of a search's objects, which would take seconds.
    """
    from evolve.cli.interrupt import interrupt_on_signals

    gc.set_threshold(GC_THRESHOLD)
    try:
        interrupt_on_signals()
        status = _run(args)
    except KeyboardInterrupt:  # before the command, or during its last message
        echo("interrupted", err=True)
        status = INTERRUPTED
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, OSError, ValueError):
            stream.flush()
    os._exit(status)


def _run(args: Sequence[str] | None) -> int:
    """Run a command line and return its exit code; print errors without a traceback."""
    from dsl.diagnostics import LanguageError
    from evolve.errors import EvolveError

    _prepare_streams()
    try:
        status = evolve.main(args, prog_name="evolve", standalone_mode=False)
        sys.stdout.flush()
        return status if isinstance(status, int) else DONE
    except click.ClickException as error:
        echo(format_click_error(error), err=True)
        return error.exit_code
    except (EvolveError, LanguageError) as error:
        count = len(getattr(error, "diagnostics", ()))
        text = str(error) if count else f"error: {error}"
        echo(f"{text}\n\n{count} errors" if count > 1 else text, err=True)
        return WRONG_INPUT
    except (KeyboardInterrupt, click.Abort):
        echo("interrupted", err=True)
        return INTERRUPTED
    except BrokenPipeError:
        return _discard_output()
    except OSError as error:
        prefix = f"{error.filename}: " if error.filename else ""
        echo(f"error: {prefix}{error.strerror or error}", err=True)
        return WRONG_INPUT
    except Exception as error:
        if os.environ.get("EVOLVE_DEBUG"):
            raise
        echo(
            f"internal error: {type(error).__name__}: {error}\n"
            "  = set EVOLVE_DEBUG=1 for the traceback, and report it",
            err=True,
        )
        return WRONG_INPUT


def _prepare_streams() -> None:
    """Open the streams that the parent process closed; escape what a stream cannot encode.

    A file that is opened later would get the number of a closed stream, and its messages.
    """
    with suppress(OSError):
        while (handle := os.open(os.devnull, os.O_RDWR)) < MIN_FILE:
            pass
        os.close(handle)
    if sys.stdin is None:
        sys.stdin = Path(os.devnull).open()  # noqa: SIM115
    if sys.stdout is None:
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _discard_output() -> int:
    """Drop further output to a closed pipe, so that the flush at exit does not fail."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    return DONE
