"""Worker process of one job, which runs a number at a time and sends its result."""

from __future__ import annotations

import os
import time
import traceback
from contextlib import suppress
from functools import partial
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

from evolve.errors import EvolveError
from evolve.jobs.job import Job
from evolve.parallel import start_worker


class Reply(NamedTuple):
    """Reply of a worker.

    Attributes:
        result: the result; None if the job has none.
        seconds: duration.
        error: the exception of the job; None without one.
    """

    result: Any
    seconds: float
    error: Exception | None = None


class Worker:
    """Worker process.

    Attributes:
        number: the number that it runs; None if it is idle.
        started: time of the monotonic clock at which it got the number.
        is_overdue: whether its number was given to another worker, too.
    """

    def __init__(self, job: Job[Any]) -> None:
        """Start a process.

        Raises:
            OSError: if no process can start.
        """
        self.connection, other = Pipe()
        try:
            self._process = start_worker(partial(_work, job, other))
        except BaseException:
            self.connection.close()
            raise
        finally:
            other.close()  # so that the death of the process ends the connection
        self.number: int | None = None
        self.started = 0.0
        self.is_overdue = False

    def send(self, number: int) -> None:
        """Give the worker a number to run."""
        self.number, self.started = number, time.monotonic()
        try:
            self.connection.send(number)
        except OSError:  # it is dead, which `receive` reports
            return

    def receive(self) -> Reply | None:
        """Return the reply of a ready connection; None if the worker is dead."""
        try:
            reply: Reply = self.connection.recv()
        except (EOFError, OSError):
            return None
        return reply

    def end(self) -> None:
        """End the process, also one that hangs."""
        self.connection.close()
        self._process.kill()
        self._process.join()
        self._process.close()


def _work(job: Job[Any], connection: Connection) -> None:
    """Run the job for each number that arrives."""
    run = None
    with suppress(EOFError, OSError):  # the main process has ended the connection
        while True:
            number = connection.recv()
            started, result = time.monotonic(), None
            error: Exception | None = None
            try:
                if run is None:
                    run = job.open(lambda: False)  # the main process kills a worker to stop it
                result = run(number)
            except MemoryError:
                os._exit(1)  # the main process repeats the number
            except EvolveError as raised:
                error = raised
            except Exception:
                error = RuntimeError(traceback.format_exc())
            connection.send(Reply(result, time.monotonic() - started, error))
