"""The command line: a verb a module, each a thin layer over the Python interface."""

from __future__ import annotations

import gc
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

VERBS = (
    "run", "backtest", "signals", "eval", "check", "fmt", "ops", "data", "validate", "schema",
    "grammar", "prompt", "ask", "doctor", "harden", "explain",
)  # fmt: skip
DONE, WRONG_INPUT, INTERRUPTED = 0, 1, 130
COLLECTED_AFTER = 1_000_000  # new objects: loading modules makes many, and no garbage


class Verbs(click.Group):
    """The verbs, each imported when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The verbs in the order of use."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """A verb's command, from the module of its name."""
        if name not in VERBS:
            return None
        return _import_verb(name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command, or a suggestion for a mistyped one."""
        from dsl.diagnostics import did_you_mean

        if args and args[0] not in VERBS and not args[0].startswith("-"):
            hint = did_you_mean(args[0], VERBS) or f"there are: {', '.join(VERBS)}"
            ctx.fail(f"there is no verb `{args[0]}`; {hint}")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        """Run the verb; who reads no further has seen enough."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # click would end with status 1
            return _discard_output()


def _import_verb(name: str) -> click.Command:
    """Import the module of one verb alone: most load much that the others do not need."""
    match name:
        case "run":
            from evolve.cli.run_ import command
        case "backtest":
            from evolve.cli.backtest_ import command
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
        case "harden":
            from evolve.cli.harden_ import command
        case _:
            from evolve.cli.explain_ import command
    return command


@click.command(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="evolve-trading", prog_name="evolve")
def evolve() -> None:
    """Improve trading strategies: evolve programs of a small, safe indicator language.

    Start with: evolve run experiments/quick.yaml
    """


def main(args: Sequence[str] | None = None) -> None:
    """Run a command line; what is wrong is said in plain words, with exit code 1.

    The process ends at once: taking apart what a search has made would take it seconds.
    """
    gc.set_threshold(COLLECTED_AFTER)
    status = _run(args)
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, OSError):
            stream.flush()
    os._exit(status)


def _run(args: Sequence[str] | None) -> int:
    from dsl.diagnostics import LanguageError
    from evolve.errors import EvolveError

    if sys.stdout is None:  # closed by who started us
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115
    try:
        status = evolve.main(args, prog_name="evolve", standalone_mode=False)
        sys.stdout.flush()
        return status if isinstance(status, int) else DONE
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (EvolveError, LanguageError) as error:
        count = len(getattr(error, "diagnostics", ()))
        text = str(error) if count else f"error: {error}"
        click.echo(text, err=True)
        if count > 1:
            click.echo(f"\n{count} errors", err=True)
        return WRONG_INPUT
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        return INTERRUPTED
    except BrokenPipeError:
        return _discard_output()
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        click.echo(f"error: {place}{error.strerror or error}", err=True)
        return WRONG_INPUT
    except Exception as error:
        if os.environ.get("EVOLVE_DEBUG"):
            raise
        click.echo(f"error: a fault of evolve itself: {type(error).__name__}: {error}", err=True)
        click.echo("  = set EVOLVE_DEBUG=1 to see where, and please report it", err=True)
        return WRONG_INPUT


def _discard_output() -> int:
    """The reader of our output has gone: nothing goes there any more, not even at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return DONE
