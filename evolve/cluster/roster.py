"""Roster of the workers of a cluster: who joined, who was refused, and who was lost."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from evolve.cluster.calls import Attempt, Worker
from evolve.cluster.connection import list_workers
from evolve.cluster.environment import describe_difference, describe_environment
from evolve.errors import EvolveError
from evolve.notices import NoticeLog

if TYPE_CHECKING:
    from distributed import Client

START_WORKERS = "start workers with: dask worker {} --nworkers=-1 --nthreads=1"


class Roster:
    """Workers of a cluster by address.

    Attributes:
        workers: those that are connected and not refused.
        refused: differences of the environments of the refused ones.
    """

    def __init__(self, client: Client, check: Callable[[Worker], None], log: NoticeLog) -> None:
        """Create an empty roster.

        Args:
            client: the connection.
            check: starts the check of a worker, whose end `admit` receives.
            log: receives a notice of each refused worker.
        """
        self.workers: dict[str, Worker] = {}
        self.refused: dict[str, str] = {}
        self._client, self._check, self._log = client, check, log
        self._is_warned = False

    @property
    def usable(self) -> tuple[Worker, ...]:
        """Workers that may get calls, now or once they are free."""
        return tuple(each for each in self.workers.values() if each.is_usable)

    def update(self) -> list[Worker]:
        """Check the workers that joined; return those that were lost."""
        found = list_workers(self._client)
        self.refused = {address: why for address, why in self.refused.items() if address in found}
        lost = [each for address, each in self.workers.items() if address not in found]
        for each in lost:
            del self.workers[each.address]
        for address in found:
            if address not in self.workers and address not in self.refused:
                self.workers[address] = Worker(address)
                self._check(self.workers[address])
                self._warn_of_threads(address, found[address])
        return lost

    def admit(self, worker: Worker, check: Attempt) -> None:
        """Accept a worker whose environment is equal, and refuse another."""
        if check.outcome.cancelled():
            difference = "its check was cancelled"
        elif error := check.outcome.exception():
            difference = f"evolve does not run there: {error}"
        else:
            found: Mapping[str, str] = check.outcome.result()
            difference = describe_difference(found, describe_environment())
        if not difference:
            worker.is_accepted = True
            return
        del self.workers[worker.address]
        self.refused[worker.address] = difference
        self._log.notice(f"the worker {worker.address} is refused: {difference}")

    def explain_absence(self, address: str) -> EvolveError:
        """Return the error that no worker can be used.

        Args:
            address: address of the scheduler.
        """
        if not self.refused:
            message = f"workers.cluster: no worker at {address}"
            return EvolveError(message, START_WORKERS.format(address))
        reasons = "\n".join(f"  {name}: {why}" for name, why in sorted(self.refused.items()))
        message = f"workers.cluster: no worker at {address} has an equal environment\n{reasons}"
        return EvolveError(message, "install the expected versions there")

    def _warn_of_threads(self, address: str, threads: int) -> None:
        if threads > 1 and not self._is_warned:
            self._is_warned = True
            hint = START_WORKERS.format("ADDRESS")
            self._log.notice(f"the worker {address} has {threads} threads and uses one; {hint}")
