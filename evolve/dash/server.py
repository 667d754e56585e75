"""Server of the live view, which ends at an interrupt, or after the run that it belongs to."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import uvicorn

from evolve.dash.app import Dashboard
from evolve.dash.guard import Guard

MAX_CONNECTIONS = 200
SHUTDOWN_SECONDS = 1
FINISH_SECONDS = 20.0
NICENESS = 10
GC_THRESHOLD = 10_000  # new objects; a command that ends soon has a higher one
LOGGERS = ("uvicorn", "uvicorn.error", "asyncio")


class DashServer(uvicorn.Server):
    """Server of a dashboard on a socket."""

    def __init__(self, dashboard: Dashboard, listener: socket.socket) -> None:
        """
        Args:
            dashboard: the dashboard.
            listener: the socket, which the server closes.
        """
        self._dashboard, self._listener = dashboard, listener
        super().__init__(
            uvicorn.Config(
                Guard(dashboard.app, listener.getsockname()[1]), http="h11", ws="none",
                lifespan="off", log_config=None, access_log=False, server_header=False,
                proxy_headers=False, limit_concurrency=MAX_CONNECTIONS,
                timeout_graceful_shutdown=SHUTDOWN_SECONDS,
            )
        )  # fmt: skip

    async def serve_until_interrupt(self) -> None:
        """Serve until an interrupt, or until `end` is called."""
        await self.serve([self._listener])

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close the streams, and then the connections, which would wait for them."""
        self._dashboard.close()
        await super().shutdown(sockets)

    async def end(self) -> None:
        """Send the last updates, and end."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._dashboard.hub.finish(), FINISH_SECONDS)
        self.should_exit = True


def serve(runs: Path, listener: socket.socket, ends_with_input: bool = False) -> None:
    """Serve the runs below a folder until an interrupt.

    Args:
        runs: the folder with the run folders, which may not exist yet.
        listener: the socket.
        ends_with_input: whether the server also ends when the standard input does.
    """
    with suppress(OSError, AttributeError):  # it leaves the cores to the runs
        os.nice(NICENESS)
    gc.set_threshold(GC_THRESHOLD)
    for name in LOGGERS:  # a traceback is no message for a user
        logging.getLogger(name).disabled = True
    server = DashServer(Dashboard(runs), listener)
    with suppress(KeyboardInterrupt):
        asyncio.run(_serve(server, ends_with_input))


async def _serve(server: DashServer, ends_with_input: bool) -> None:
    end = asyncio.Event()
    if ends_with_input:
        wake = asyncio.get_running_loop().call_soon_threadsafe
        threading.Thread(target=_wait_for_end_of_input, args=(wake, end), daemon=True).start()
    ending = asyncio.create_task(_end_server(server, end))
    await server.serve_until_interrupt()
    ending.cancel()


async def _end_server(server: DashServer, end: asyncio.Event) -> None:
    await end.wait()
    await server.end()


def _wait_for_end_of_input(wake: Callable[..., object], end: asyncio.Event) -> None:
    with suppress(OSError, ValueError):
        while sys.stdin.buffer.read(4096):
            pass
    with suppress(RuntimeError):  # the loop has ended
        wake(end.set)
