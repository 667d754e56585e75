"""Sweep of an experiment: its begin, its continuation, and its runs side by side."""

from __future__ import annotations

import json
from collections.abc import Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from evolve.config.grid import parse_grid
from evolve.errors import EvolveError
from evolve.experiment.plan import Plan
from evolve.experiment.recipe import build_recipe
from evolve.experiment.sweep.folder import (
    FORMAT,
    HINT,
    PointDocument,
    PointRow,
    RowStatus,
    SweepDocument,
    SweepFolder,
)
from evolve.experiment.sweep.point_run import PointTask, SharedData
from evolve.experiment.sweep.points import SEALED, Point, read_points
from evolve.experiment.sweep.side_by_side import run_side_by_side
from evolve.fitness.precompile import find_uncompiled, precompile
from evolve.llm.transport.address import mask_user_info
from evolve.parallel import count_cores
from evolve.stop import Stop
from evolve.store.lock import hold_lock, is_locked
from evolve.validation.ledger import Ledger, ledger_path
from evolve.validation.run_ledger import RunLedger, identify_search

ONE_PROCESS = "workers.processes=1"


@dataclass(frozen=True, eq=False)
class Sweep:
    """Sweep whose runs are checked and whose data are loaded.

    Attributes:
        folder: its folder.
        document: its grid.
        points: its runs.
        data: the bars of its runs, by the `data` section as JSON.
    """

    folder: SweepFolder
    document: SweepDocument
    points: tuple[Point, ...]
    data: dict[str, SharedData]

    @property
    def notices(self) -> list[str]:
        """What a person should know about the data, each once."""
        texts = dict.fromkeys(text for each in self.data.values() for text in each.notices)
        for section, shared in self.data.items():
            if shared.dataset.bars.hash != self.document.data.get(section):
                text = f"{shared.dataset.name}: the bars changed since the sweep began; runs that"
                texts[f"{text} begin now are not comparable with the others"] = None
        return list(texts)

    @property
    def processes(self) -> int:
        """Number of runs side by side."""
        return self.document.processes

    def list_missing(self) -> list[int]:
        """Return the numbers of the runs that are not finished."""
        return [row.number for row in list_rows(self.folder) if row.status != "finished"]

    def run(self, stop: Stop) -> Generator[PointRow, None, None]:
        """Yield the row of each run as it ends; runs that are finished do not run again.

        Args:
            stop: once set, ends each running search after its current epoch.

        Raises:
            EvolveError: if another process runs the sweep, or if a row cannot be written.
        """
        with hold_lock(self.folder.path):
            missing = self.list_missing()
            self._record_sweep()
            self._precompile()
            for number, code in run_side_by_side(self._task, missing, self.processes, stop):
                row = _read_row(self.folder, self.document, number)
                if code or row.status in ("running", "not started"):
                    row = replace(row, status="failed", error=_explain_end(code))
                    self.folder.write_row(row)
                yield row

    @property
    def _task(self) -> PointTask:
        forced = (SEALED,) if self.document.is_clustered else (SEALED, ONE_PROCESS)
        return PointTask(
            _locate_experiment(self.document),
            {each.number: (*each.overrides, *forced) for each in self.points},
            {each.number: _begin_row(self.document, each.number) for each in self.points},
            {each.number: self.data[_identify_data(each.plan)] for each in self.points},
            self.folder,
        )

    def _record_sweep(self) -> None:
        """Write the sweep to the ledger; if it cannot be used, each run reports it."""
        searches = list[str]()
        for each in self.points:
            data = each.plan.split(self.data[_identify_data(each.plan)].dataset)
            recipe = build_recipe(each.plan, data)
            searches.append(identify_search(recipe, each.plan.experiment.seed))
        with suppress(EvolveError):
            RunLedger(Ledger(ledger_path())).record_sweep(searches)

    def _precompile(self) -> None:
        """Compile the kernels once, before the processes begin."""
        for symbols in {len(each.dataset.bars.symbols) for each in self.data.values()}:
            precompile(find_uncompiled(symbols), count_cores())


def begin_sweep(path: Path, settings: Sequence[str], out: Path | None = None) -> Sweep:
    """Begin a sweep: read all its runs, load their data, and write its folder.

    Args:
        path: the YAML file of the experiment.
        settings: the settings `a.b=values` of the grid.
        out: the folder of the sweep; `runs/<name>-sweep-<time>` if None.

    Raises:
        EvolveError, LanguageError: with all errors of the grid and its runs.
    """
    for each in settings:
        if mask_user_info(each) != each:
            hint = "give it in the variable that `api_key_env` of the model names"
            raise EvolveError("a setting of a sweep has a password, and a file has them all", hint)
    points = read_points(path, parse_grid(settings))
    data = _load(points)
    experiment = points[0].plan.experiment
    wanted = experiment.workers.processes
    is_clustered = experiment.workers.cluster is not None
    processes = count_cores() if wanted == "auto" else wanted
    folder = SweepFolder.create(experiment.name, out)
    document = SweepDocument(
        format=FORMAT, name=experiment.name, experiment=str(path), directory=str(Path.cwd()),
        grid=list(settings), processes=1 if is_clustered else min(processes, len(points)),
        is_clustered=is_clustered, resolved=experiment.to_dict(),
        points=[
            PointDocument(folder=each.folder, settings=each.settings, digest=each.digest)
            for each in points
        ],
        data={section: each.dataset.bars.hash for section, each in data.items()},
    )  # fmt: skip
    folder.write_document(document)
    return Sweep(folder, document, tuple(points), data)


def open_sweep(path: Path) -> Sweep:
    """Open a sweep to go on with it.

    Raises:
        EvolveError, LanguageError: if the folder has no sweep, or if its experiment changed.
    """
    folder = SweepFolder(path)
    document = folder.read_document()
    points = read_points(_locate_experiment(document), parse_grid(document.grid))
    if len(points) != len(document.points):
        message = (
            f"{path} is damaged: expected {len(points):,} runs, found {len(document.points):,}"
        )
        raise EvolveError(message, HINT)
    pairs = zip(points, document.points, strict=True)
    changed = [each.number for each, before in pairs if each.digest != before.digest]
    if changed:
        message = f"{document.experiment} or a strategy that it names changed since the sweep began"
        shown = ", ".join(map(str, changed[:5])) + (", …" if len(changed) > 5 else "")
        raise EvolveError(f"{message} (runs {shown})", "restore it, or begin a new sweep")
    return Sweep(folder, document, tuple(points), _load(points))


def list_rows(folder: SweepFolder) -> list[PointRow]:
    """Return the rows of all runs of a sweep, in any state.

    Raises:
        EvolveError: if the folder has no sweep, or a damaged one.
    """
    document, is_running = folder.read_document(), is_locked(folder.path)
    rows = []
    for number in range(1, len(document.points) + 1):
        row = _read_row(folder, document, number)
        status: RowStatus = "stopped" if row.status == "running" and not is_running else row.status
        rows.append(replace(row, status=status))
    return rows


def _read_row(folder: SweepFolder, document: SweepDocument, number: int) -> PointRow:
    """Read the row of a run, in any state.

    Raises:
        EvolveError: if it is damaged, or if it is that of another run.
    """
    begun, row = _begin_row(document, number), folder.read_row(number)
    if row is None:
        return begun
    if (row.number, row.folder, row.settings) != (number, begun.folder, begun.settings):
        raise EvolveError(f"{folder.path}: the result of run {number} is that of another run", HINT)
    return row


def _explain_end(code: int) -> str:
    """Return the reason why a process left no result."""
    if code == 0:
        return "its result could not be written"
    return f"its process died ({f'signal {-code}' if code < 0 else f'exit code {code}'})"


def _begin_row(document: SweepDocument, number: int) -> PointRow:
    """Return the row of a run that has not begun."""
    point = document.points[number - 1]
    return PointRow(number, point.folder, point.settings, "not started")


def _load(points: Sequence[Point]) -> dict[str, SharedData]:
    """Load the bars of runs, each `data` section once."""
    data: dict[str, SharedData] = {}
    for each in points:
        section = _identify_data(each.plan)
        if section not in data:
            data[section] = SharedData.load(each.plan)
        each.plan.split(data[section].dataset)  # too few bars for the split of this run
    return data


def _identify_data(plan: Plan) -> str:
    return json.dumps(plan.experiment.data.to_dict(), sort_keys=True)


def _locate_experiment(document: SweepDocument) -> Path:
    """Return the path of the experiment, also from another folder."""
    path = Path(document.experiment)
    return path if document.directory == str(Path.cwd()) else Path(document.directory, path)
