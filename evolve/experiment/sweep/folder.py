"""Folder of a sweep: its grid, the results of its runs, and a run folder for each."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from dsl.names import unique_name
from evolve.errors import EvolveError, describe_invalid
from evolve.files import read_bytes, write_text
from evolve.store.files import SWEEP, format_command

RESULTS = "results"
FORMAT: Literal[1] = 1
MAX_BYTES = 64_000_000
HINT = "restore the file, or begin a new sweep"
FOLDER_PATTERN = r"^[0-9][A-Za-z0-9._=+-]*$"  # of a run folder: in the folder of the sweep

RowStatus = Literal["finished", "stopped", "failed", "running", "not started"]
Read = TypeVar("Read")


class PointDocument(BaseModel):
    """Run of a sweep.

    Attributes:
        folder: name of its run folder.
        settings: its values of the settings that differ, by name.
        digest: hash of all its settings and of the strategies that they name.
    """

    folder: Annotated[str, Field(pattern=FOLDER_PATTERN)]
    settings: dict[str, str]
    digest: str


class SweepDocument(BaseModel):
    """Grid of a sweep.

    Attributes:
        format: version of this document.
        name: name of the experiment.
        experiment: path of its YAML file, as it was given.
        directory: the folder in which the command ran.
        grid: the settings `a.b=values` of the command line.
        processes: number of runs side by side.
        is_clustered: whether each run uses a cluster.
        points: the runs.
        resolved: all settings of the first run.
        data: hashes of the bars, by the `data` section as JSON.
    """

    format: Literal[1]
    name: str
    experiment: str
    directory: str
    grid: list[str]
    processes: Annotated[int, Field(ge=1)]
    is_clustered: bool
    points: list[PointDocument]
    resolved: dict[str, Any]
    data: dict[str, str]


@dataclass(frozen=True)
class PointRow:
    """Result of a run of a sweep.

    Attributes:
        number: its number in the grid, from 1.
        folder: name of its run folder.
        settings: its values of the settings that differ, by name.
        status: its state.
        error: the reason why it failed; empty if it did not.
        objective: name of the score.
        score: best score on train; None if no strategy was feasible.
        validation: the objective of the winner on validation; likewise.
        trials: number of trials.
        seconds: duration of the run.
        verdict: label of the verdict; empty before it.
        data: hash of the bars.
    """

    number: int
    folder: str
    settings: dict[str, str]
    status: RowStatus
    error: str = ""
    objective: str = ""
    score: float | None = None
    validation: float | None = None
    trials: int = 0
    seconds: float = 0.0
    verdict: str = ""
    data: str = ""


_ROW, _SWEEP = TypeAdapter(PointRow), TypeAdapter(SweepDocument)


@dataclass(frozen=True)
class SweepFolder:
    """Folder of a sweep.

    Attributes:
        path: the folder.
    """

    path: Path

    @classmethod
    def create(cls, name: str, out: Path | None) -> SweepFolder:
        """Create the folder of a sweep.

        Args:
            name: name of the experiment.
            out: the folder; `runs/<name>-sweep-<time>` if None.

        Raises:
            EvolveError: if `out` is not empty or cannot be created.
        """
        path = out or Path("runs") / f"{name}-sweep-{datetime.now():%Y%m%d-%H%M%S}"
        try:
            if out is None:
                path = Path(unique_name(str(path), lambda each: Path(each).exists()))
            path.mkdir(parents=True, exist_ok=True)
            if any(path.iterdir()):
                message = f"{path} already exists and is not empty"
                raise EvolveError(
                    message, f"choose another --out, or: {format_command('sweep', path)}"
                )
            (path / RESULTS).mkdir()
        except (OSError, ValueError) as error:
            message = f"cannot create {path}: {getattr(error, 'strerror', None) or error}"
            raise EvolveError(message, "choose another --out") from None
        return cls(path)

    def write_document(self, document: SweepDocument) -> None:
        """Write the grid.

        Raises:
            EvolveError: if it cannot be written.
        """
        write_text(self.path / SWEEP, document.model_dump_json(indent=2) + "\n")

    def read_document(self) -> SweepDocument:
        """Read the grid.

        Raises:
            EvolveError: if the folder has no sweep, or a damaged one.
        """
        if not (self.path / SWEEP).is_file():
            hint = "expected an experiment such as experiments/quick.yaml, or the folder of a sweep"
            raise EvolveError(f"no sweep in {self.path}", hint)
        return _read(_SWEEP, self.path / SWEEP)

    def write_row(self, row: PointRow) -> None:
        """Write the result of a run.

        Raises:
            EvolveError: if it cannot be written.
        """
        write_text(self._locate_row(row.number), json.dumps(asdict(row), indent=2) + "\n")

    def read_row(self, number: int) -> PointRow | None:
        """Read the result of a run; None if it has not begun.

        Raises:
            EvolveError: if it is damaged.
        """
        path = self._locate_row(number)
        return _read(_ROW, path) if path.is_file() else None

    def _locate_row(self, number: int) -> Path:
        return self.path / RESULTS / f"{number}.json"


def _read(form: TypeAdapter[Read], path: Path) -> Read:
    try:
        return form.validate_json(read_bytes(path, MAX_BYTES), strict=True)
    except ValidationError as error:
        raise EvolveError(f"{path} is damaged: {describe_invalid(error)}", HINT) from None
