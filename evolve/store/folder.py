"""Folder of a run, with its files."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from dsl.analysis.program import Program
from dsl.bars import Bars
from dsl.names import unique_name
from dsl.printable import make_printable
from dsl.printing.decompile import format_program
from evolve.data.tables.frames import bars_to_frame
from evolve.errors import EvolveError
from evolve.files import atomic_write, create_exclusively, write_text
from evolve.store.files import (
    BARS,
    BEST,
    EARLIER,
    JOURNAL,
    REPORT,
    RESULT,
    RUNS,
    format_command,
)


@dataclass(frozen=True)
class RunFolder:
    """Run folder: experiment, inputs, bars, journal, result, best strategy, finalists, learnings.

    Attributes:
        path: the folder.
    """

    path: Path

    @classmethod
    def create(cls, name: str, out: Path | None = None) -> RunFolder:
        """Create a run folder.

        Of several runs that create one folder at the same time, one succeeds. The others take the
        next free name, or fail if `out` names the folder.

        Args:
            name: name of the experiment.
            out: the folder; `runs/<name>-<time>` if None.

        Raises:
            EvolveError: if `out` is not empty or cannot be created.
        """
        path = out or RUNS / f"{name}-{datetime.now():%Y%m%d-%H%M%S}"
        try:
            str(path).encode()  # SQLite accepts no other names
            if out is None:
                path.parent.mkdir(exist_ok=True)
                path = Path(unique_name(str(path), lambda each: not _create(Path(each))))
            else:
                path.mkdir(parents=True, exist_ok=True)
            if any(path.iterdir()):
                raise FileExistsError
            create_exclusively(path / JOURNAL)
        except FileExistsError:
            hint = "choose another --out"
            if (path / JOURNAL).exists():
                hint += f", or delete the run there: {format_command('rm', path)}"
            raise EvolveError(f"{path} already exists and is not empty", hint) from None
        except (OSError, ValueError) as error:  # ValueError: a NUL, or not UTF-8
            reason = getattr(error, "strerror", "expected a name in UTF-8 without NUL")
            message = f"cannot create {path}: {reason}"
            raise EvolveError(message, "choose another --out") from None
        return cls(path)

    @property
    def journal(self) -> Path:
        """Path of the journal."""
        return self.path / JOURNAL

    @property
    def best(self) -> Path:
        """Path of the best strategy."""
        return self.path / BEST

    def write_text(self, name: str, text: str, is_durable: bool = True) -> None:
        """Write a file of the folder atomically; see `evolve.files.write_text`.

        Raises:
            EvolveError: if it cannot be written.
        """
        path = self.path / name
        with suppress(OSError):  # the write reports it
            path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, text, is_durable)

    def set_aside_results(self) -> Path | None:
        """Move the result and the report of a run that goes on into its folder of earlier ones.

        Returns:
            The new folder; None if neither is there.

        Raises:
            EvolveError: if one cannot be moved.
        """
        present = [name for name in (RESULT, REPORT) if (self.path / name).exists()]
        if not present:
            return None
        parent = self.path / EARLIER
        try:
            parent.mkdir(exist_ok=True)
            numbers = [int(each.name) for each in parent.iterdir() if each.name.isdecimal()]
            target = parent / str(max(numbers, default=0) + 1)
            target.mkdir()
            for name in present:
                (self.path / name).rename(target / name)
        except OSError as error:
            raise EvolveError(f"cannot write {parent}: {error.strerror or error}") from None
        return target

    def remove_others(self, folder: str, names: Collection[str]) -> None:
        """Remove the strategies of a folder inside that are not among some names."""
        for path in (self.path / folder).glob("*.evo"):
            if f"{folder}/{path.name}" not in names:
                with suppress(OSError):
                    path.unlink()

    def write_bars(self, bars: Bars) -> None:
        """Write the snapshot of the bars."""
        table = pa.Table.from_pandas(bars_to_frame(bars, has_symbol=True), preserve_index=False)
        with atomic_write(self.path / BARS) as (temporary,):
            pq.write_table(table, temporary)

    def write_program(self, name: str, program: Program, comment: str) -> None:
        """Write a strategy as text, after the lines of a comment."""
        self.write_text(name, format_commented(program, comment))

    def write_result(self, result: Mapping[str, object]) -> None:
        """Write the result document."""
        self.write_text(RESULT, json.dumps(result, indent=2) + "\n")


def format_commented(program: Program, comment: str) -> str:
    """Format a strategy as the text of a file, after the lines of a comment."""
    lines = [f"# {make_printable(line)}" for line in comment.splitlines()]
    return "\n".join([*lines, format_program(program)])


def _create(folder: Path) -> bool:
    """Create a folder; return whether it did not exist."""
    try:
        folder.mkdir()
    except FileExistsError:
        return False
    return True
