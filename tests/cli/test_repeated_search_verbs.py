"""`evolve power` and `evolve walkforward`: tables, documents, errors and interrupts."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path

import pytest

from evolve.experiment import power as power_module
from evolve.report.terminal import diagnostics
from tests.command_line import document, invoke, refuse

pytestmark = pytest.mark.usefixtures("own_home")

EXPERIMENT = """
name: tiny
data: {from: "synthetic:walk?bars=600&seed=3"}
fitness: {folds: 2, require: {trades_per_fold: 2}}
search: {islands: 2, population: 20, generations_per_epoch: 2}
language: {max_nodes: 20}
budget: {evaluations: 60}
workers: 1
"""


@pytest.fixture
def path(tmp_path: Path) -> str:
    path = tmp_path / "tiny.yaml"
    path.write_text(EXPERIMENT)
    return str(path)


@pytest.fixture
def one_edge(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(power_module, "choose_edges", lambda *_: (30.0,))


def interrupt_after(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Send Ctrl-C after a number of searches."""
    states: list[object] = []

    def describe(state: object) -> str:
        states.append(state)
        if len(states) == count:
            signal.raise_signal(signal.SIGINT)
        return ""

    monkeypatch.setattr(diagnostics, "describe_progress", describe)


def test_walkforward_prints_a_row_per_window_and_calls_itself_no_test(path: str) -> None:
    out = " ".join(invoke("walkforward", path, "--windows", "3").out.split())
    assert "all bars before each window are searched" in out
    rows = re.findall(r"200\d-\d\d-\d\d 200\d-\d\d-\d\d ", out)
    assert len(rows) == 3
    assert "180 further trials on train and validation: a view of stability, not a test." in out
    assert "buy and hold" in out
    out = invoke("walkforward", path, "--windows", "3", "--rolling").out
    assert "the 240 bars before each window are searched" in out


def test_walkforward_json_follows_the_experiment_and_the_options(path: str) -> None:
    found = document("walkforward", path)
    assert (found["windows"], found["anchored"], found["is_complete"]) == (5, True, True)
    settings = ("--set", "validate.walk_forward={windows: 2, anchored: false}")
    found = document("walkforward", path, *settings)
    assert (found["windows"], found["anchored"]) == (2, False)
    found = document("walkforward", path, *settings, "--anchored", "--windows", "3")
    assert (found["windows"], found["anchored"]) == (3, True)
    assert found["trials"] == sum(each["trials"] for each in found["results"])
    searched = [
        each["searched"][0] for each in document("walkforward", path, "--rolling")["results"]
    ]
    assert searched == sorted(set(searched))


def test_too_few_bars_for_the_windows_are_one_error(path: str) -> None:
    output = invoke("walkforward", path, "--windows", "20", status=1)
    assert "20 windows" in output.err
    assert "use at most 8 windows" in output.err
    assert "expected 2 to 100, found 1" in refuse("walkforward", path, "--windows", "1", status=2)


def test_an_interrupted_walkforward_prints_the_windows_that_are_done(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupt_after(2, monkeypatch)
    output = invoke("walkforward", path, "--json", status=130)
    found = json.loads(output.out)
    assert len(found["results"]) == 2
    assert not found["is_complete"]
    interrupt_after(1, monkeypatch)
    out = " ".join(invoke("walkforward", path, status=130).out.split())
    assert "Interrupted after 1 of 5 windows." in out


@pytest.mark.usefixtures("one_edge")
def test_power_prints_a_row_per_edge_and_what_it_means(path: str) -> None:
    out = " ".join(invoke("power", path).out.split())
    assert "power of 60 evaluations, by the size of a planted edge" in out
    assert "this budget on this much data finds an edge of 30 bps a day in" in out
    assert "which passes 19 null searches" in out


@pytest.mark.usefixtures("one_edge")
def test_power_json_has_the_edges(path: str) -> None:
    found = document("power", path, "--set", "seed=2")
    assert (found["trials"], found["null_runs"], found["is_complete"]) == (60, 19, True)
    (edge,) = found["edges"]
    assert edge["edge_bps"] == 30
    assert edge["searches"] == 10
    assert edge["share"] == edge["found"] / 10


@pytest.mark.usefixtures("one_edge")
def test_an_interrupted_power_prints_what_is_done(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupt_after(22, monkeypatch)
    found = json.loads(invoke("power", path, "--json", status=130).out)
    assert not found["is_complete"]
    assert found["edges"][0]["searches"] == 3


def test_a_power_that_is_interrupted_in_the_null_searches_has_no_document(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupt_after(4, monkeypatch)
    output = invoke("power", path, "--json", status=130)
    assert output.out == ""
    assert "interrupted after 4 null searches" in output.err


def test_power_without_null_searches_is_one_error(path: str) -> None:
    assert (
        "needs null searches"
        in invoke("power", path, "--set", "validate.null_runs=0", status=1).err
    )
