"""Live pages in a browser: they follow a run, survive its end and its death, and stay small.

The fixture `server` comes before `open_page` in each test, so that the server outlives its pages.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from evolve.dash import cache, run_page
from evolve.experiment.run_view import RunView
from evolve.report.page.blocks import Page as Report
from evolve.report.page.blocks import Section, Text
from evolve.report.page.charts import Axis, Chart, Trace
from tests.browser.conftest import OpenPage
from tests.command_line import start
from tests.dash.live_server import (
    LiveServer,
    copy_without_results,
    go_on,
    serve_runs,
    wait_until,
)
from tests.experiment.small_runs import NOISE, run_small, write_experiment

pytestmark = pytest.mark.browser

PATIENCE_MS = 60_000
LONG = ("--set", "budget.evaluations=1000000", "--set", "validate.null_runs=0")
UPDATES, FIRST_UPDATES = 300, 20
MAX_HEAP_GROWTH_BYTES = 8_000_000


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Create a finished run folder, shared by all tests."""
    return run_small(tmp_path_factory.mktemp("finished"), NOISE, "validate.null_runs=0").folder


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Return the folder with the run folders, which does not exist yet."""
    return tmp_path / "runs"


@pytest.fixture
def server(runs: Path) -> Iterator[LiveServer]:
    """Serve the run folders."""
    with serve_runs(runs) as running:
        yield running


@contextmanager
def run_in(runs: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """Start a run into `one` of a folder, and wait until it has trials."""
    experiment = write_experiment(runs.parent, NOISE)
    with start("run", str(experiment), "--out", str(runs / "one"), *options) as process:
        wait_until(lambda: (runs / "one" / "best.evo").exists())
        yield process


def address(server: LiveServer, path: str = "/runs/one") -> str:
    return f"http://127.0.0.1:{server.port}{path}"


def expect_text(element: Locator, text: str) -> None:
    expect(element).to_contain_text(text, timeout=PATIENCE_MS)


def expect_state(page: Page, state: str) -> None:
    expect_text(page.locator("#state"), state)


def find_row(page: Page, name: str) -> Locator:
    return page.get_by_role("row").filter(has_text=name)


def test_the_page_of_a_run_follows_it_to_its_verdict(
    server: LiveServer, open_page: OpenPage, runs: Path
) -> None:
    with run_in(runs, *LONG, "--set", "budget.evaluations=20000") as process:
        page = open_page(address(server))
        expect_state(page, "running")
        assert "NOT TESTED" not in page.locator("main").inner_text()
        assert process.wait(120) == 0
        expect_state(page, "finished")
        expect_text(page.locator("#verdict"), "NOT TESTED")
        expect(page.locator("#connection")).to_be_hidden()


def test_the_page_of_an_interrupted_run_shows_that_it_is_stopped(
    server: LiveServer, open_page: OpenPage, runs: Path
) -> None:
    with run_in(runs, *LONG) as process:
        page = open_page(address(server))
        expect_state(page, "running")
        process.send_signal(signal.SIGINT)  # it stops after its epoch, and selects
        assert process.wait(60) == 130
        expect_state(page, "stopped")
        expect_text(page.locator("main"), "evolve resume")
        expect(page.locator("#connection")).to_be_hidden()


def test_the_page_of_a_killed_run_shows_that_it_is_stopped(
    server: LiveServer, open_page: OpenPage, runs: Path
) -> None:
    with run_in(runs, *LONG) as process:
        page, list_page = open_page(address(server)), open_page(address(server, "/"))
        expect_state(page, "running")
        expect_text(find_row(list_page, "one"), "running")
        process.kill()
        process.wait(60)
        expect_state(page, "stopped")
        expect_text(find_row(list_page, "one"), "stopped")


def test_a_page_survives_the_deletion_of_its_run(
    server: LiveServer, open_page: OpenPage, runs: Path, finished: Path
) -> None:
    shutil.copytree(finished, runs / "one")
    page = open_page(address(server))
    expect_state(page, "finished")
    shutil.rmtree(runs / "one")
    expect(page.locator("#connection")).to_be_visible(timeout=PATIENCE_MS)
    expect_text(page.locator("#verdict"), "NOT TESTED")
    page.get_by_role("link", name="All runs").click()
    expect_text(page.locator("main"), "evolve run")


def test_the_list_follows_the_first_run_and_links_to_it(
    server: LiveServer, open_page: OpenPage, runs: Path
) -> None:
    page = open_page(address(server, "/"))
    expect_text(page.locator("main"), "evolve run")
    with run_in(runs, "--set", "validate.null_runs=0") as process:
        page.get_by_role("link", name="one").click()
        page.wait_for_url("**/runs/one")
        assert process.wait(60) == 0
        expect_state(page, "finished")
    page.get_by_role("link", name="All runs").click()
    expect_text(find_row(page, "one"), "NOT TESTED")


def test_the_filter_and_the_order_of_the_list_survive_an_update(
    server: LiveServer, open_page: OpenPage, runs: Path, finished: Path
) -> None:
    for name in ("alpha-1", "alpha-2", "beta-1"):
        shutil.copytree(finished, runs / name)
    page = open_page(address(server, "/"))
    page.get_by_label("Filter").fill("alpha")
    for _ in range(2):  # ascending, then descending
        page.get_by_role("columnheader", name="run").first.get_by_role("button").click()
    names = page.locator("tbody a")
    assert names.all_inner_texts() == ["alpha-2", "alpha-1"]
    shutil.copytree(finished, runs / "alpha-3")
    expect(names).to_have_text(["alpha-3", "alpha-2", "alpha-1"], timeout=PATIENCE_MS)
    assert page.get_by_label("Filter").input_value() == "alpha"


def test_names_of_folders_are_text_in_the_browser(
    server: LiveServer, open_page: OpenPage, runs: Path, finished: Path
) -> None:
    name = "<img src=x onerror=alert(1)>"
    shutil.copytree(finished, runs / name)
    page = open_page(address(server, "/"))
    page.get_by_role("link", name=name).click()
    expect_text(page.locator("#subtitle"), name)
    assert page.locator("img").count() == 0


def test_a_hidden_page_gives_up_its_connection(
    server: LiveServer, open_page: OpenPage, runs: Path, finished: Path
) -> None:
    shutil.copytree(finished, runs / "one")
    page = open_page(address(server))
    channels = server.dashboard.hub.channels
    wait_until(lambda: "one" in channels)
    for is_hidden in (True, False):
        page.evaluate(
            "(value) => { Object.defineProperty(document, 'hidden', { value, configurable: true });"
            " document.dispatchEvent(new Event('visibilitychange')); }",
            is_hidden,
        )
        wait_until(lambda is_hidden=is_hidden: ("one" in channels) != is_hidden)  # type: ignore[misc]


def test_many_updates_leave_the_browser_as_it_was(
    server: LiveServer,
    open_page: OpenPage,
    runs: Path,
    finished: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cache, "MIN_INTERVAL_SECONDS", 0.0)
    monkeypatch.setattr(cache, "MAX_LOAD", 1.0)
    monkeypatch.setattr(run_page, "build_page", build_small_page)
    runs.mkdir()
    folder = copy_without_results(finished, runs / "one")
    with go_on(folder) as journal:
        page = open_page(address(server))
        expect_state(page, "running")
        before: dict[str, float] = {}
        for number in range(UPDATES):
            if number == FIRST_UPDATES:
                before = measure(page)
            journal.event("epoch", number=number, evaluated=number, best=number / UPDATES)
            expect_text(page.locator("#growth"), f"This is update {number}.")
        after = measure(page)
    assert after["Nodes"] <= before["Nodes"] * 1.1 + 100
    assert after["JSEventListeners"] <= before["JSEventListeners"] * 1.1 + 20
    assert after["charts"] == before["charts"] >= 1
    assert after["JSHeapUsedSize"] - before["JSHeapUsedSize"] < MAX_HEAP_GROWTH_BYTES


def build_small_page(view: RunView) -> Report:
    """Build a page of a run with a text and a chart that change with each epoch."""
    best = [each.detail["best"] for each in view.rows.list_events("epoch")]
    trace = Trace("best", tuple(range(len(best))), tuple(best))
    chart = Chart("growth-chart", "Growth", "It grows.", Axis("epoch"), Axis("score"), (trace,))
    blocks = (Text(f"This is update {len(best) - 1}."), chart)
    return Report("run", "", view.state, (Section("growth", "Growth", blocks),))


def measure(page: Page) -> dict[str, float]:
    """Measure the memory of a page after its garbage was collected."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    for _ in range(3):
        session.send("HeapProfiler.collectGarbage")
        time.sleep(0.2)
    metrics = session.send("Performance.getMetrics")["metrics"]
    session.detach()
    charts = page.locator(".js-plotly-plot").count()
    return {"charts": charts, **{each["name"]: each["value"] for each in metrics}}
