"""Connection to the scheduler of a cluster; `distributed` is imported with the first one."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evolve.errors import EvolveError

if TYPE_CHECKING:
    from distributed import Client

CONNECT_SECONDS = 10.0
REQUEST_SECONDS = 10.0
EXTRA = "pip install 'evolve-trading[cluster]'"
# The reports of `distributed` on lost workers and connections: the cluster reports them itself.
LOGGERS = ("distributed", "distributed.client", "tornado.application", "asyncio")


@contextmanager
def connect(address: str) -> Iterator[Client]:
    """Yield a client of a scheduler.

    Args:
        address: its address, or the path of its scheduler file.

    Raises:
        EvolveError: if `distributed` is not installed, or no scheduler is there.
    """
    with _quiet_logs():
        client = _open_client(address)
        try:
            yield client
        finally:
            client.close(timeout=REQUEST_SECONDS)


def list_workers(client: Client) -> dict[str, int]:
    """Return the threads of all workers by address; none if the scheduler does not answer."""
    try:
        found: dict[str, int] = client.sync(
            client.scheduler.ncores, callback_timeout=REQUEST_SECONDS
        )
    except (OSError, RuntimeError, AttributeError):  # it is gone, or the client lost it
        return {}
    return found


def _open_client(address: str) -> Client:
    try:
        from distributed import Client
    except ImportError:
        message = f"workers.cluster: {address} requires the package `distributed`"
        raise EvolveError(message, f"install it with: {EXTRA}") from None
    is_file = "://" not in address
    if is_file and not Path(address).is_file():
        hint = f"start one with: dask scheduler --scheduler-file {address}"
        raise EvolveError(f"workers.cluster: no such scheduler file: {address}", hint)
    arguments: dict[str, Any] = {"scheduler_file": address} if is_file else {"address": address}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # on versions: the cluster compares them itself
            return Client(**arguments, timeout=CONNECT_SECONDS, set_as_default=False, name="evolve")
    except (OSError, ValueError, TypeError, RuntimeError) as error:
        message = f"workers.cluster: no scheduler answers at {address}: {error}"
        hint = "start one with `dask scheduler`, and workers with `dask worker ADDRESS`"
        raise EvolveError(message, hint) from None


@contextmanager
def _quiet_logs() -> Iterator[None]:
    loggers = [logging.getLogger(name) for name in LOGGERS]
    levels = [each.level for each in loggers]
    try:
        import distributed  # noqa: F401 - it sets its levels when it is imported

        levels = [each.level for each in loggers]
    except ImportError:
        pass
    for each in loggers:
        each.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for each, level in zip(loggers, levels, strict=True):
            each.setLevel(level)
