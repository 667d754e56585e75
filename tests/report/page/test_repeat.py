"""Section of a repetition: commands, data, versions and settings of a run."""

from __future__ import annotations

import shlex
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from evolve.config import load_experiment
from evolve.experiment.plan import read_plan
from evolve.experiment.result import document, versions
from evolve.experiment.run import run
from evolve.experiment.run_view import RunView, read_view
from evolve.report.page import repeat
from evolve.report.page.blocks import Code
from evolve.report.page.repeat import SAVED_BARS
from tests.experiment.small_runs import NOISE, run_small, write_experiment
from tests.report.page.pages import Watcher, change_result, find_table, read_pairs

OVERRIDES = ("validate.null_runs=0", "search.proposers={point: 1}")


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunView, Watcher]:
    folder = tmp_path_factory.mktemp("a run")
    watcher = Watcher(folder / "1")
    return read_view(run_small(folder, NOISE, *OVERRIDES, observer=watcher).folder), watcher


@pytest.fixture
def view(watched: tuple[RunView, Watcher]) -> RunView:
    return watched[0]


def read_code(view: RunView, name: str) -> str:
    (found,) = [
        each for each in repeat.iterate_blocks(view) if isinstance(each, Code) and each.name == name
    ]
    return "".join(text for _, text in found.tokens)


def read_commands(view: RunView) -> list[list[str]]:
    lines = read_code(view, "commands").splitlines()
    return [shlex.split(line) for line in lines if not line.startswith("#")]


def test_the_commands_are_that_of_the_run_and_those_that_repeat_it(view: RunView) -> None:
    original, again, saved = read_commands(view)
    settings = [word for each in OVERRIDES for word in ("--set", each)]
    assert original == ["evolve", "run", str(view.folder.parent / "small.yaml"), *settings]
    assert again == ["evolve", "run", str(view.folder / "experiment.yaml")]
    assert saved == [*again, "--set", SAVED_BARS]


def test_the_bars_of_the_run_give_its_result_again(view: RunView, tmp_path: Path) -> None:
    _, _, path, _, setting = read_commands(view)[-1]
    again = document(run(path, [setting], out=tmp_path / "again"))
    assert again["data"]["hash"] == view.result["data"]["hash"]  # type: ignore[index]
    assert again["best"] == view.result["best"]


def test_other_bars_than_the_experiment_names_are_no_repetition(view: RunView) -> None:
    data = {**view.result["data"], "fallback_used": True}
    assert len(read_commands(change_result(view, data=data))) == 2


def test_no_password_of_a_server_is_in_the_command(tmp_path: Path) -> None:
    models = "llm.models=[{name: x, base_url: 'http://user:secret@localhost:1/v1'}]"
    command = read_plan(write_experiment(tmp_path), [models]).command
    assert "localhost:1/v1" in command
    assert "secret" not in command


def test_the_settings_are_the_file_and_give_the_same_experiment(
    view: RunView, tmp_path: Path
) -> None:
    text = read_code(view, "settings")
    assert text == (view.folder / "experiment.yaml").read_text("utf-8")
    shutil.copytree(view.folder, tmp_path / "copy")
    (tmp_path / "copy" / "experiment.yaml").write_text(text, "utf-8")
    again = load_experiment(tmp_path / "copy" / "experiment.yaml", ())
    assert again == load_experiment(view.folder / "experiment.yaml", ())


def test_the_names_of_settings_have_a_colour(view: RunView) -> None:
    (block,) = [
        each
        for each in repeat.iterate_blocks(view)
        if isinstance(each, Code) and each.name == "settings"
    ]
    names = [text for kind, text in block.tokens if kind == "keyword"]
    assert names[:2] == ["name", "seed"]
    assert "commission_bps" in names


def test_the_tables_have_the_figures_of_the_result(view: RunView) -> None:
    blocks = list(repeat.iterate_blocks(view))
    run = read_pairs(find_table(blocks, "run"))
    assert (run["seed"], run["trials"]) == ("1", "200")
    assert run["seconds in all"] == f"{view.result['elapsed_seconds']:,.1f}"
    assert run["trials per second"] == f"{view.result['evaluations_per_second']:,.0f}"
    data = read_pairs(find_table(blocks, "data"))
    found = view.result["data"]
    assert data["source"] == NOISE
    assert data["range"] == f"{found['start']} to {found['end']}"
    assert data["hash of the bars"] == found["hash"] == view.data.dataset.bars.hash
    assert (data["bars"], data["train"], data["holdout"]) == ("1,000", "600 bars", "200 bars")
    assert read_pairs(find_table(blocks, "versions")) == versions()
    fetched = change_result(view, data={**found, "as_of": "2026-01-02"})
    assert read_pairs(find_table(repeat.iterate_blocks(fetched), "data"))["fetched"] == "2026-01-02"


def test_a_run_that_goes_on_has_the_same_tables(watched: tuple[RunView, Watcher]) -> None:
    view, blocks = watched[1].views["search"], watched[1].pages["search"]
    finished = list(repeat.iterate_blocks(watched[0]))
    for name in ("data", "versions"):
        assert find_table(blocks, name) == find_table(finished, name)
    run = read_pairs(find_table(blocks, "run"))
    assert run["trials"] == str(len(view.rows.trials))
    assert "seconds so far" in run
    assert "seconds in all" not in run


def test_a_run_of_an_earlier_version_has_what_is_known(view: RunView) -> None:
    events = tuple(each for each in view.rows.events if each.kind != "begin")
    data = {k: v for k, v in view.result["data"].items() if k not in ("as_of", "fallback_reason")}
    earlier = change_result(replace(view, rows=replace(view.rows, events=events)), data=data)
    assert len(read_commands(earlier)) == 2
    assert find_table(repeat.iterate_blocks(earlier), "versions").rows
