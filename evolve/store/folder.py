"""Folder of a run, with its files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from dsl.analysis.program import Program
from dsl.bars import Bars
from dsl.names import unique_name
from dsl.printing.decompile import format_program
from evolve.data.frames import bars_to_frame
from evolve.errors import EvolveError
from evolve.files import atomic_write, write_text

JOURNAL = "journal.sqlite"


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

        Args:
            name: name of the experiment.
            out: the folder; `runs/<name>-<time>` if None.

        Raises:
            EvolveError: if `out` is not empty or cannot be created.
        """
        if out is not None:
            if out.exists() and (not out.is_dir() or any(out.iterdir())):
                raise EvolveError(f"{out} already exists and is not empty", "choose another --out")
            path = out
        else:
            base = Path("runs") / f"{name}-{datetime.now():%Y%m%d-%H%M%S}"
            path = Path(unique_name(str(base), lambda each: Path(each).exists()))
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            message = f"cannot create {path}: {error.strerror}"
            raise EvolveError(message, "choose another --out") from None
        return cls(path)

    @property
    def journal(self) -> Path:
        """Path of the journal."""
        return self.path / JOURNAL

    @property
    def best(self) -> Path:
        """Path of the best strategy."""
        return self.path / "best.evo"

    def write_text(self, name: str, text: str) -> None:
        """Write a file of the folder atomically."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, text)

    def write_bars(self, bars: Bars) -> None:
        """Write the snapshot of the bars."""
        table = pa.Table.from_pandas(bars_to_frame(bars, has_symbol=True), preserve_index=False)
        with atomic_write(self.path / "bars.parquet") as (temporary,):
            pq.write_table(table, temporary)

    def write_program(self, name: str, program: Program, comment: str) -> None:
        """Write a strategy as text, after the lines of a comment."""
        lines = [f"# {line}" for line in comment.splitlines()]
        self.write_text(name, "\n".join([*lines, format_program(program)]))

    def write_result(self, result: Mapping[str, object]) -> None:
        """Write the result document."""
        self.write_text("result.json", json.dumps(result, indent=2) + "\n")
