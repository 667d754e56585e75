"""Best strategies of a search that has not ended: valid after each epoch, replaced at the end."""

from __future__ import annotations

from pathlib import Path

from dsl.analysis.check import check_file
from evolve.experiment.observer import Observer
from evolve.experiment.unfinished import NOTE
from evolve.search.progress import Progress
from tests.experiment.small_runs import NOISE, run_small

SMALL = ("budget.evaluations=300", "validate.null_runs=0", "name=buy")


class Watcher(Observer):
    """Observer that reads the files of the run after each epoch."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.best, self.finalists = folder, list[str](), list[int]()

    def progress(self, progress: Progress, seconds: float) -> None:
        if progress.best is None:
            return
        text = (self.folder / "best.evo").read_text("utf-8")
        (program,) = check_file(text)
        assert program.hash == progress.best.program.hash
        assert program.name == "buy_"
        assert text.startswith(f"# {NOTE}\n# score on train: {progress.best.score:.6g}\n")
        assert "validation" not in text
        files = sorted((self.folder / "finalists").iterdir())
        for each in files:
            assert check_file(each.read_text("utf-8"))
        self.best.append(text)
        self.finalists.append(len(files))


def test_the_best_so_far_is_in_its_file_after_each_epoch(tmp_path: Path) -> None:
    watcher = Watcher(tmp_path / "1")
    found = run_small(tmp_path, NOISE, *SMALL, observer=watcher)
    assert len(watcher.best) > 3
    assert len(set(watcher.best)) > 1
    assert watcher.finalists == sorted(watcher.finalists)
    for path in (found.folder / "best.evo", *(found.folder / "finalists").iterdir()):
        assert NOTE not in path.read_text("utf-8")
        assert "on validation: " in path.read_text("utf-8")
    names = {each.name for each in (found.folder / "finalists").iterdir()}
    assert names == {f"{rank}.evo" for rank in range(1, len(found.finalists) + 1)}
    (program,) = check_file((found.folder / "best.evo").read_text("utf-8"))
    assert found.best is not None
    assert (program.hash, program.name) == (found.best.program.hash, "buy_")
    assert not list(found.folder.rglob("*.part"))
