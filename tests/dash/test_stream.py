"""Browsers follow a run: its growth, its end, its death and the deletion of its folder."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from evolve.dash import cache
from evolve.report.html.render import encode_update
from evolve.report.page.blocks import Page
from evolve.store import JOURNAL, RESULT
from tests.dash.live_server import (
    LiveServer,
    copy_without_results,
    go_on,
    kill_run,
    serve_runs,
    wait_until,
)


def read_page(server: LiveServer, path: str) -> dict[str, object]:
    page: dict[str, object] = json.loads(server.request(f"{path}/page.json").body)
    return page


def test_a_browser_gets_the_version_that_it_then_reads(runs: Path) -> None:
    with serve_runs(runs) as server, server.listen("/runs/done/events") as versions:
        version = next(versions)
        page = read_page(server, "/runs/done")
        assert {"title", "subtitle", "state", "sections", "island"} == page.keys()
        assert page["state"] == "finished"
        with server.listen("/runs/done/events", Last_Event_ID="0") as others:
            assert next(others) == version


def test_the_page_follows_a_run_to_its_end(finished: Path, tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    folder = copy_without_results(finished, tmp_path / "runs" / "new")
    (folder / JOURNAL).touch()  # a run creates it before it takes the lock
    with serve_runs(tmp_path / "runs") as server, server.listen("/runs/new/events") as versions:
        with go_on(folder) as journal:
            while read_page(server, "/runs/new")["state"] != "running":
                next(versions)
            journal.event("finished", reason="", evaluated=200)
            shutil.copy(finished / RESULT, folder)
        while read_page(server, "/runs/new")["state"] != "finished":
            next(versions)
        assert "NOT TESTED" in json.dumps(read_page(server, "/runs/new"))


def test_the_list_grows_with_each_run(finished: Path, tmp_path: Path) -> None:
    runs = tmp_path / "runs"  # it does not exist yet
    with serve_runs(runs) as server, server.listen("/list/events") as versions:
        next(versions)
        assert "evolve run" in json.dumps(read_page(server, "/list"))
        runs.mkdir()
        folder = copy_without_results(finished, runs / "first")
        with go_on(folder) as journal:
            for best in (0.125, 0.375):
                journal.event("epoch", number=1, evaluated=1, best=best)
                while f"{best:.2f}" not in json.dumps(read_page(server, "/list")):
                    next(versions)
            assert '"running"' in json.dumps(read_page(server, "/list"))
        while '"stopped"' not in json.dumps(read_page(server, "/list")):
            next(versions)


def test_a_killed_run_shows_as_stopped(finished: Path, tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    kill_run(finished, tmp_path / "runs" / "killed")
    with serve_runs(tmp_path / "runs") as server:
        assert read_page(server, "/runs/killed")["state"] == "stopped"


def test_a_deleted_folder_ends_the_stream_and_has_no_page(runs: Path) -> None:
    with serve_runs(runs) as server, server.listen("/runs/done/events") as versions:
        next(versions)
        shutil.rmtree(runs / "done")
        assert list(versions) == []  # it ends
        assert server.request("/runs/done").status == 404
        for path in ("/runs/done/page.json", "/runs/done/events"):
            assert server.request(path).status == 204  # no error in a browser
        assert server.request("/").status == 200


def test_browsers_share_one_watcher_which_ends_with_the_last(runs: Path) -> None:
    with serve_runs(runs) as server:
        channels = server.dashboard.hub.channels
        with server.listen("/runs/done/events") as one:
            next(one)
            with server.listen("/runs/done/events") as other:
                next(other)
                assert len(channels) == 1
                assert channels["done"].listeners == 2
            wait_until(lambda: channels["done"].listeners == 1)
        wait_until(lambda: not channels)


def test_many_browsers_that_come_and_go_leave_nothing(runs: Path) -> None:
    with serve_runs(runs) as server:
        for _ in range(50):
            with server.listen("/list/events") as versions:
                next(versions)
        wait_until(lambda: not server.dashboard.hub.channels)


@pytest.mark.slow
@pytest.mark.parametrize("content", [b"name: [", b"name: x\nseed: -1\n", b"\xff", b""])
def test_a_damaged_run_has_a_page_with_its_fault(runs: Path, content: bytes) -> None:
    with serve_runs(runs) as server:
        (runs / "done" / "experiment.yaml").write_bytes(content)
        answer = server.request("/runs/done")
        assert answer.status == 200
        assert "cannot be shown" in answer.text
        assert "Traceback" not in answer.text
        assert "internal error" not in answer.text


def test_a_build_that_fails_ends_no_stream(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failures = 3

    def fail_first(page: Page) -> str:
        nonlocal failures
        if failures:
            failures -= 1
            raise LookupError("a template was replaced by that of another release")
        return encode_update(page)

    monkeypatch.setattr(cache, "encode_update", fail_first)
    with serve_runs(runs) as server:
        answer = server.request("/runs/done")
        assert answer.status == 500
        assert "Traceback" not in answer.text
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        with server.listen("/runs/done/events") as versions:
            assert next(versions)
        assert failures == 0
        assert server.request("/runs/done").status == 200


def test_the_server_ends_while_browsers_listen(runs: Path) -> None:
    with serve_runs(runs) as server:
        streams = [server.listen("/runs/done/events") for _ in range(3)]
        opened = [each.__enter__() for each in streams]
        for each in opened:
            next(each)
    for each in opened:
        assert list(each) == []
    for stream in streams:
        stream.__exit__(None, None, None)


def test_a_run_of_a_sweep_has_a_page_and_a_link(finished: Path, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    for name in ("events", "seed=1"):  # the first is also the end of an address
        shutil.copytree(finished, runs / "grid" / name)
    with serve_runs(runs) as server:
        assert b'href="/runs/grid/seed%3D1"' in server.request("/").body
        for name in ("events", "seed%3D1"):
            assert read_page(server, f"/runs/grid/{name}")["state"] == "finished"
        for missing in ("/runs/grid", "/runs/grid/none", "/runs/grid/..%2Fgrid", "/runs/grid/a/b"):
            assert server.request(missing).status == 404
        with server.listen("/runs/grid/seed%3D1/events") as versions:
            next(versions)
