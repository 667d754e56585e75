"""Inputs of a run as bytes, from which another machine builds the problem of its search."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from io import BytesIO
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Literal
from zipfile import ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from pydantic import BaseModel

from evolve.config.load import to_yaml
from evolve.errors import EvolveError
from evolve.experiment.finished_run import load_snapshot, read_run_plan
from evolve.experiment.input_copies import copy_inputs
from evolve.experiment.plan import LoadedData, Plan, build_problem
from evolve.experiment.result import data_document, describe_parts
from evolve.experiment.result_parts import DataDocument
from evolve.files import read_bytes
from evolve.search.problem import SearchProblem
from evolve.store import RunFolder
from evolve.store.files import BARS, EXPERIMENT, INPUTS
from evolve.validation.problem_source import LocalProblem

HEADER = "header.json"
MAX_FILE_BYTES = 4_000_000_000

Mode = Literal["mix", "only"]


class _Header(BaseModel):
    """Origin of the bars, which a run folder has in its journal, and mode of the problem."""

    origin: DataDocument
    mode: Mode


@dataclass(frozen=True)
class RunInputs:
    """Inputs of a run; its programs are text.

    They are a source of its problem; see `ProblemSource`.

    Attributes:
        files: content of `experiment.yaml`, `bars.parquet` and the files in `inputs/`, by their
            path in a run folder.
        origin: origin of the bars, with their hash and parts.
        mode: `only` if models are the only proposers of the problem.
    """

    files: Mapping[str, bytes]
    origin: DataDocument
    mode: Mode = "mix"

    @cached_property
    def content(self) -> bytes:
        """Inputs as a ZIP file, which is equal for equal inputs."""
        header = _Header(origin=self.origin, mode=self.mode).model_dump_json(by_alias=True)
        with BytesIO() as buffer:
            with ZipFile(buffer, "w", ZIP_STORED) as archive:
                for name, content in [(HEADER, header.encode()), *sorted(self.files.items())]:
                    archive.writestr(ZipInfo(name), content)  # without a time
            return buffer.getvalue()

    def open(self) -> LocalProblem:
        """Build the problem as a run that is resumed does."""
        plan, data = open_inputs(self)
        return LocalProblem(build_problem(plan, data, self.mode), data.split.seen)


def build_run_inputs(plan: Plan, data: LoadedData, mode: Mode = "mix") -> RunInputs:
    """Build the inputs of an experiment and its data.

    Args:
        plan: the experiment. `plan.extra` is no part of the inputs: no file of the experiment has
            its programs, and only the main process evaluates them.
        data: its data.
        mode: see `build_problem`.

    Raises:
        EvolveError: if a file of the experiment cannot be read.
    """
    document = data_document(data.dataset) | {"parts": describe_parts(data.split)}
    with TemporaryDirectory(prefix="evolve-") as name:
        folder = RunFolder(Path(name))
        folder.write_text(EXPERIMENT, to_yaml(copy_inputs(plan, folder)), is_durable=False)
        folder.write_bars(data.dataset.bars)
        inputs = read_run_inputs(folder.path, DataDocument.model_validate(document))
        return replace(inputs, mode=mode)


def read_run_inputs(folder: Path, origin: DataDocument) -> RunInputs:
    """Read the inputs of a run folder.

    Args:
        folder: the run folder.
        origin: the origin of its bars.

    Raises:
        EvolveError: if a file cannot be read.
    """
    paths = [folder / EXPERIMENT, folder / BARS, *_list_files(folder / INPUTS)]
    files = {
        path.relative_to(folder).as_posix(): read_bytes(path, MAX_FILE_BYTES) for path in paths
    }
    return RunInputs(files, origin)


def parse_run_inputs(content: bytes) -> RunInputs:
    """Parse the content of inputs.

    Raises:
        EvolveError: if it is not that of inputs.
    """
    try:
        with ZipFile(BytesIO(content)) as archive:
            files = {name: archive.read(name) for name in archive.namelist()}
        header = _Header.model_validate_json(files.pop(HEADER))
    except (BadZipFile, KeyError, ValueError) as error:
        raise EvolveError(f"damaged inputs of a run: {error}") from None
    for name in files:
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name:
            raise EvolveError(f"inputs of a run: expected a path in its folder, found {name}")
    return RunInputs(files, header.origin, header.mode)


def open_problem(content: bytes) -> SearchProblem:
    """Build the problem of the content of inputs.

    Raises:
        EvolveError, LanguageError: if it is damaged.
    """
    return parse_run_inputs(content).open().problem


def open_inputs(inputs: RunInputs) -> tuple[Plan, LoadedData]:
    """Read the plan and the data of inputs, as from the folder of their run.

    Raises:
        EvolveError, LanguageError: if a file is damaged, or if the bars or their parts are not
            those of the origin.
    """
    with TemporaryDirectory(prefix="evolve-") as name:
        folder = Path(name)
        for path, content in inputs.files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)
        plan = read_run_plan(folder, inputs.origin.fallback_used)
        return plan, load_snapshot(folder, plan, inputs.origin)


def _list_files(folder: Path) -> Iterator[Path]:
    """Yield the files of a folder and its folders, in order; links are not followed."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            yield path
