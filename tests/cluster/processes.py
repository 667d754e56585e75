"""Scheduler and workers of dask.distributed in processes of their own, on loopback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
SETTINGS = {
    "DASK_DISTRIBUTED__WORKER__DAEMON": "False",
    "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "5s",
}
SECONDS_TO_START = 60.0


class Processes:
    """Processes of a cluster.

    Attributes:
        address: address of the scheduler.
        workers: the workers, in the order in which they started.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        file, bare = folder / "scheduler.json", folder / "bare"
        (bare / "evolve").mkdir(parents=True)
        (bare / "evolve" / "__init__.py").write_text("")  # the scheduler does not have the tool
        self.scheduler = self._start(
            "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0",
            "--scheduler-file", str(file), "--no-dashboard", "--no-show",
            "--idle-timeout", "300 seconds", FIRST_PATH=str(bare),
        )  # fmt: skip
        self.workers: list[subprocess.Popen[bytes]] = []
        self.address = _wait_for_address(file)

    def start_worker(self, **environment: str) -> subprocess.Popen[bytes]:
        """Start a worker of one thread, without a nanny that would replace it."""
        worker = self._start(
            "distributed.cli.dask_worker", self.address, "--no-nanny", "--nthreads", "1",
            "--no-dashboard", "--local-directory", str(self.folder), "--memory-limit", "0",
            **environment,
        )  # fmt: skip
        self.workers.append(worker)
        return worker

    def close(self) -> None:
        """Kill all processes, which may be stopped."""
        for each in [*self.workers, self.scheduler]:
            if each.poll() is None:
                each.send_signal(signal.SIGKILL)
            each.wait()

    def _start(self, module: str, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
        path = os.pathsep.join([environment.pop("FIRST_PATH", ""), str(ROOT)]).strip(os.pathsep)
        log = (self.folder / f"{module.rpartition('.')[2]}-{time.monotonic_ns()}.log").open("wb")
        with log:
            return subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                cwd=self.folder,
                env={**os.environ, **SETTINGS, "PYTHONPATH": path, **environment},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )


@contextmanager
def start_processes(folder: Path, workers: int) -> Iterator[Processes]:
    """Yield a scheduler with workers; all end with the block."""
    processes = Processes(folder)
    try:
        for _ in range(workers):
            processes.start_worker()
        yield processes
    finally:
        processes.close()


def _wait_for_address(file: Path) -> str:
    import json

    for _ in range(int(SECONDS_TO_START / 0.05)):
        if file.is_file() and (text := file.read_text("utf-8")):
            return str(json.loads(text)["address"])
        time.sleep(0.05)
    raise AssertionError(f"no scheduler writes {file}")
