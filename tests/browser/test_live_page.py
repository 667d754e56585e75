"""Live pages in a browser: they follow a run, survive its end and its death, and stay small."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from evolve.dash import cache
from evolve.store.rows import read_rows
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
UPDATES = 300
MAX_HEAP_GROWTH_BYTES = 8_000_000
expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Create a finished run folder, shared by all tests."""
    return run_small(tmp_path_factory.mktemp("finished"), NOISE, "validate.null_runs=0").folder


@contextmanager
def run_in(runs: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """Start a run into `one` of a folder, and wait until it has trials."""
    experiment = write_experiment(runs.parent, NOISE)
    folder = runs / "one"
    with start("run", str(experiment), "--out", str(folder), *options) as process:
        wait_until(lambda: (folder / "best.evo").exists())
        yield process


def address(server: LiveServer, path: str = "/runs/one") -> str:
    return f"http://127.0.0.1:{server.port}{path}"


def expect_state(page: Page, state: str) -> None:
    expect(page.locator("#state")).to_have_text(state)


def test_the_page_of_a_run_follows_it_to_its_verdict(open_page: OpenPage, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    with serve_runs(runs) as server, run_in(runs, *LONG) as process:
        page = open_page(address(server))
        expect_state(page, "running")
        assert page.locator("#verdict").count() == 0
        process.send_signal(signal.SIGINT)  # it stops after its epoch, and selects
        assert process.wait(60) == 130
        expect_state(page, "finished")
        expect(page.locator("#verdict")).to_contain_text("NOT TESTED")
        expect(page.locator("#connection")).to_be_hidden()


def test_the_page_of_a_killed_run_shows_that_it_is_stopped(
    open_page: OpenPage, tmp_path: Path
) -> None:
    runs = tmp_path / "runs"
    with serve_runs(runs) as server, run_in(runs, *LONG) as process:
        page, runs_page = open_page(address(server)), open_page(address(server, "/"))
        expect_state(page, "running")
        row = runs_page.get_by_role("row").filter(has_text="one")
        expect(row).to_contain_text("running")
        process.kill()
        process.wait(60)
        expect_state(page, "stopped")
        expect(row).to_contain_text("stopped")


def test_a_page_survives_the_deletion_of_its_run(
    open_page: OpenPage, finished: Path, tmp_path: Path
) -> None:
    runs = tmp_path / "runs"
    shutil.copytree(finished, runs / "one")
    with serve_runs(runs) as server:
        page = open_page(address(server))
        expect_state(page, "finished")
        shutil.rmtree(runs / "one")
        expect(page.locator("#connection")).to_be_visible()
        expect(page.locator("#verdict")).to_contain_text("NOT TESTED")
        page.goto(address(server, "/"))
        expect(page.locator("main")).to_contain_text("evolve run")


def test_the_list_follows_the_first_run_and_links_to_it(
    open_page: OpenPage, tmp_path: Path
) -> None:
    runs = tmp_path / "runs"
    with serve_runs(runs) as server:
        page = open_page(address(server, "/"))
        expect(page.locator("main")).to_contain_text("evolve run")
        with run_in(runs, "--set", "validate.null_runs=0") as process:
            page.get_by_role("link", name="one").click()
            page.wait_for_url("**/runs/one")
            assert process.wait(60) == 0
            expect_state(page, "finished")
        page.get_by_role("link", name="All runs").click()
        expect(page.get_by_role("row").filter(has_text="one")).to_contain_text("NOT TESTED")


def test_the_list_keeps_its_filter_and_order_over_updates(
    open_page: OpenPage, finished: Path, tmp_path: Path
) -> None:
    runs = tmp_path / "runs"
    runs.mkdir()
    for name in ("alpha-1", "alpha-2", "beta-1"):
        shutil.copytree(finished, runs / name)
    with serve_runs(runs) as server:
        page = open_page(address(server, "/"))
        page.get_by_label("Filter").fill("alpha")
        page.get_by_role("button", name="run").first.click()
        page.get_by_role("button", name="run").first.click()  # descending
        names = page.locator("tbody a")
        assert names.all_inner_texts() == ["alpha-2", "alpha-1"]
        shutil.copytree(finished, runs / "alpha-3")
        expect(names).to_have_text(["alpha-3", "alpha-2", "alpha-1"])
        assert page.get_by_label("Filter").input_value() == "alpha"


def test_names_of_folders_are_text_in_the_browser(
    open_page: OpenPage, finished: Path, tmp_path: Path
) -> None:
    name = "<img src=x onerror=alert(1)>"
    runs = tmp_path / "runs"
    runs.mkdir()
    shutil.copytree(finished, runs / name)
    with serve_runs(runs) as server:
        page = open_page(address(server, "/"))
        page.on("dialog", lambda _: pytest.fail("a script ran"))
        page.get_by_role("link", name=name).click()
        expect(page.locator("#subtitle")).to_contain_text(name)
        assert page.locator("img").count() == 0


def test_many_updates_leave_the_browser_as_it_was(
    open_page: OpenPage, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "MIN_INTERVAL_SECONDS", 0.0)
    monkeypatch.setattr(cache, "MAX_LOAD", 1.0)
    runs = tmp_path / "runs"
    runs.mkdir()
    folder = copy_without_results(finished, runs / "one")
    epochs = [each.detail for each in read_rows(finished / "journal.sqlite").list_events("epoch")]
    with serve_runs(runs) as server, go_on(folder) as journal:
        page = open_page(address(server))
        expect_state(page, "running")
        result = json.loads((finished / "result.json").read_text("utf-8"))
        builds = server.dashboard.count_builds

        def update(number: int) -> None:
            before = builds()
            result["verdict"]["sentence"] = f"update {number}"
            (folder / "result.json").write_text(json.dumps(result), "utf-8")
            journal.event("epoch", **{**epochs[number % len(epochs)], "number": number})
            wait_until(lambda: builds() > before)
            expect(page.locator("#verdict")).to_contain_text(f"update {number}")

        for number in range(20):
            update(number)
        before = measure(page)
        for number in range(20, UPDATES):
            update(number)
        after = measure(page)
        assert after["Nodes"] <= before["Nodes"] * 1.1 + 100
        assert after["JSEventListeners"] <= before["JSEventListeners"] * 1.1 + 20
        assert after["charts"] == before["charts"]
        assert after["JSHeapUsedSize"] - before["JSHeapUsedSize"] < MAX_HEAP_GROWTH_BYTES


def measure(page: Page) -> dict[str, Any]:
    """Measure the memory of a page after its garbage was collected."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    for _ in range(3):
        session.send("HeapProfiler.collectGarbage")
        time.sleep(0.2)
    metrics = session.send("Performance.getMetrics")["metrics"]
    found = {each["name"]: each["value"] for each in metrics}
    found["charts"] = page.locator(".js-plotly-plot").count()
    session.detach()
    return found
