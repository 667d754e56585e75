"""Server of the live view in a thread, run folders in all states, and requests of any form."""

from __future__ import annotations

import asyncio
import hashlib
import http.client
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from evolve.dash.app import Dashboard
from evolve.dash.hub import Hub
from evolve.dash.listener import open_listener
from evolve.dash.server import DashServer
from evolve.experiment.finished_run import read_run_plan
from evolve.experiment.result import data_document
from evolve.notices import NoticeList
from evolve.store import JOURNAL, Journal
from evolve.store.lock import hold_lock

POLL_SECONDS = 0.02
PATIENCE_SECONDS = 30.0


@dataclass(frozen=True)
class Answer:
    """Answer of the server."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass(frozen=True)
class LiveServer:
    """Server that runs in a thread."""

    port: int
    dashboard: Dashboard

    def request(self, path: str, method: str = "GET", **headers: str) -> Answer:
        """Send a request; headers have `_` for `-`, and `Host` may be any, or empty for none."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)) as connection:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            host = headers.pop("Host", f"127.0.0.1:{self.port}")
            for name, value in {"Host": host, **headers}.items():
                if value:
                    connection.putheader(name.replace("_", "-"), value)
            connection.endheaders()
            answer = connection.getresponse()
            names = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, names, answer.read())

    @contextmanager
    def listen(self, path: str, **headers: str) -> Iterator[Iterator[str]]:
        """Open a stream of events; yield the iterator of the data of its messages."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)
        with closing(connection):
            names = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request("GET", path, headers=names)
            answer = connection.getresponse()
            assert answer.getheader("content-type", "").startswith("text/event-stream")
            yield (
                line[6:].decode().strip()
                for line in iter(answer.readline, b"")
                if line.startswith(b"data: ")
            )


@contextmanager
def serve_runs(runs: Path) -> Iterator[LiveServer]:
    """Serve run folders in a thread, and look for changes often."""
    listener = open_listener(0)
    port = listener.getsockname()[1]
    dashboard = Dashboard(runs, Hub(POLL_SECONDS))
    server = DashServer(dashboard, listener)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve_until_interrupt()))
    thread.start()
    try:
        yield LiveServer(port, dashboard)
    finally:
        server.should_exit = True
        thread.join(PATIENCE_SECONDS)
        assert not thread.is_alive()


def wait_until(is_reached: Callable[[], bool]) -> None:
    """Wait until a condition holds."""
    for _ in range(int(PATIENCE_SECONDS / POLL_SECONDS)):
        if is_reached():
            return
        time.sleep(POLL_SECONDS)
    raise AssertionError("the condition never holds")


def copy_without_results(finished: Path, target: Path) -> Path:
    """Copy a run folder without its journal and results, as of a run that begins."""
    target.mkdir()
    for name in ("experiment.yaml", "bars.parquet"):
        shutil.copy(finished / name, target)
    return target


@contextmanager
def go_on(folder: Path) -> Iterator[Journal]:
    """Hold the lock of a run folder, and yield its new journal."""
    dataset = read_run_plan(folder, fallback_used=False).load(NoticeList()).dataset
    with hold_lock(folder), closing(Journal.create(folder / JOURNAL)) as journal:
        journal.event("data", source=dataset.name, **data_document(dataset))
        yield journal


def kill_run(finished: Path, target: Path, has_index: bool = True) -> Path:
    """Create the folder of a killed run: its journal has a write-ahead log.

    Args:
        finished: a finished run folder with the inputs.
        target: the folder.
        has_index: whether the index of the log is there.
    """
    source = copy_without_results(finished, target.with_name(f"{target.name}-source"))
    copy_without_results(finished, target)
    with go_on(source) as journal:
        journal.event("epoch", number=1, evaluated=0, best=0.25)
        for name in (JOURNAL, f"{JOURNAL}-wal", *([f"{JOURNAL}-shm"] if has_index else [])):
            shutil.copy(source / name, target)
    (target / "run.lock").touch()
    shutil.rmtree(source)
    return target


def hash_tree(folder: Path) -> str:
    """Hash the names, contents, modes and times of a folder and all that it contains."""
    content = hashlib.sha256()
    for path in sorted([folder, *folder.rglob("*")]):
        status = path.lstat()
        content.update(f"{path} {status.st_mode} {status.st_mtime_ns} {status.st_ino}\n".encode())
        if path.is_file():
            content.update(path.read_bytes())
    return content.hexdigest()
