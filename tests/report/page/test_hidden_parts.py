"""Parts that may not be shown: no page and no command depends on their prices."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from evolve.errors import EvolveError
from evolve.experiment.run_parts import list_open_parts, select_part
from evolve.experiment.run_view import read_view
from evolve.report.html.render import render_page
from evolve.report.page.build import build_page
from evolve.report.page.comparison import build_comparison_page
from evolve.store import RESULT
from tests.command_line import invoke
from tests.experiment.small_runs import EDGE, run_small
from tests.params import thin_out
from tests.report.page.pages import change_prices


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a run whose holdout is sealed."""
    base = tmp_path_factory.mktemp("finished")
    return run_small(base, EDGE, "validate.null_runs=0", "budget.evaluations=100").folder


@pytest.fixture(scope="module")
def stopped(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a run that was killed before the end of its search."""
    folder = tmp_path_factory.mktemp("stopped") / finished.name
    shutil.copytree(finished, folder)
    (folder / RESULT).unlink()
    return folder


def show(folder: Path, digest: str) -> str:
    """Return all that pages and commands show of a run, without its folder and hashes of bars."""
    view = read_view(folder)
    pages = [build_page(view), build_comparison_page([view, read_view(folder.parent / "beside")])]
    texts = [repr(each.sections) for each in pages]
    texts += [invoke(*words, str(folder)).out for words in (("show",), ("backtest",))]
    text = "".join(texts).replace(str(folder), "RUN").replace(str(folder.parent), "BASE")
    return text.replace(view.data.dataset.bars.hash, "HASH").replace(digest, "HASH")


@pytest.mark.parametrize(("name", "parts"), thin_out([("stopped", 1), ("finished", 2)], 2))
def test_nothing_that_is_shown_depends_on_a_part_that_is_not(
    name: str, parts: int, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    folder: Path = request.getfixturevalue(name)
    view = read_view(folder)
    assert list_open_parts(view) == ("train", "validation", "holdout")[:parts]
    split = view.data.split
    first = len(split.seen) if name == "finished" else split.validation_start
    shown = []
    for label, begin in (("same", None), ("hidden", first), ("seen", first - 1)):
        copy = tmp_path / label / "run"
        shutil.copytree(folder, copy)
        if begin is not None:
            change_prices(copy, begin)
        shutil.copytree(copy, copy.parent / "beside")
        shown.append(show(copy, view.data.dataset.bars.hash))
    same, hidden, seen = shown
    assert hidden == same
    assert seen != same


def test_validation_of_an_unfinished_search_is_refused(stopped: Path) -> None:
    with pytest.raises(EvolveError, match="is not shown before its search has ended"):
        select_part(read_view(stopped), "validation")


def test_a_page_of_other_bars_than_those_of_the_run_is_refused(
    finished: Path, tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(finished, tmp_path / "run"))
    before = (copy / RESULT).read_text("utf-8")
    change_prices(copy, len(read_view(copy).data.dataset.bars) - 1)
    assert json.loads(before) != json.loads((copy / RESULT).read_text("utf-8"))
    (copy / RESULT).write_text(before, "utf-8")
    with pytest.raises(EvolveError, match="not the snapshot of the run"):
        build_page(read_view(copy))


def test_a_report_changes_no_file_of_its_run_and_is_the_same_twice(finished: Path) -> None:
    def read_files() -> dict[str, bytes]:
        return {
            str(each.relative_to(finished)): each.read_bytes()
            for each in finished.rglob("*")
            if each.is_file() and each.name != "report.html"
        }

    before = read_files()
    first, second = (render_page(build_page(read_view(finished))) for _ in range(2))
    assert first == second
    assert read_files() == before
