"""Who breeds the epochs: this process alone, or others beside it, with the same result."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import NamedTuple, Protocol

from dsl.gc_pause import collection_paused
from evolve.parallel import pool_of
from evolve.search.credit import Credit
from evolve.search.island import Breeding, Epoch, Island, run_epoch

KEY_BYTES = 16
TRIES = 2


@dataclass
class Seen:
    """The keys of every program evaluated, in the order they were counted."""

    keys: set[bytes] = field(default_factory=set)
    order: list[bytes] = field(default_factory=list)

    def __contains__(self, key: object) -> bool:
        return key in self.keys

    def __len__(self) -> int:
        return len(self.order)

    def add(self, key: bytes) -> None:
        """Count a key that is new."""
        self.keys.add(key)
        self.order.append(key)


class Assignment(NamedTuple):
    """An epoch to breed: what `run_epoch` is given, but for the keys seen."""

    island: Island
    ledger: Mapping[str, Credit]
    quota: int
    number: int


Bred = Callable[[], list[Epoch]]
"""The epochs of some islands, in their order; waits for them."""


class Crew(Protocol):
    """Breeds epochs."""

    def begin(self, assignments: Sequence[Assignment], seen: Seen) -> Bred:
        """Begin to breed; what was seen stays as it is until the epochs are there."""


class Alone:
    """One epoch after another, in this process."""

    def __init__(self, breeding: Breeding) -> None:
        self._breeding = breeding

    def begin(self, assignments: Sequence[Assignment], seen: Seen) -> Bred:
        """All is done when it is waited for."""
        return lambda: [
            run_epoch(each.island, self._breeding, each.ledger, seen.keys, each.quota, each.number)
            for each in assignments
        ]


class Workers:
    """Epochs side by side in processes of their own; use it as a context manager.

    An epoch is a pure function of what it is given, so one that is lost with its process is bred
    again. What was seen goes through a file, of which each process reads what is new to it.
    """

    def __init__(
        self, breeding: Breeding, processes: int, notify: Callable[[str], None] = lambda text: None
    ) -> None:
        """
        Args:
            breeding: what does not change; it goes to each process once.
            processes: how many.
            notify: told if a process died.
        """
        self._alone, self._breeding, self._processes = Alone(breeding), breeding, processes
        self._notify = notify
        self._folder = tempfile.TemporaryDirectory(prefix="evolve-")
        self._path = Path(self._folder.name) / "seen"
        self._written = 0
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._pool is not None:  # who stops at once waits for no epoch
            self._pool.shutdown(wait=kind is None, cancel_futures=True)
        self._folder.cleanup()

    def begin(self, assignments: Sequence[Assignment], seen: Seen) -> Bred:
        """Let the processes begin, with what was seen so far."""
        with self._path.open("ab") as file:
            file.write(b"".join(seen.order[self._written :]))
        self._written = len(seen)
        begun = self._begun(assignments, seen)
        return lambda: self._finished(begun, assignments, seen)

    def _begun(self, assignments: Sequence[Assignment], seen: Seen) -> Iterator[Epoch] | None:
        """The epochs as they come; None if a process died meanwhile."""
        with suppress(BrokenProcessPool):
            return self._started().map(_breed, assignments, [len(seen)] * len(assignments))
        return None

    def _finished(
        self, begun: Iterator[Epoch] | None, assignments: Sequence[Assignment], seen: Seen
    ) -> list[Epoch]:
        """All the epochs, begun anew where a process died."""
        for attempt in range(TRIES):
            if attempt > 0:
                self._notify("a worker process died; its epoch is bred again")
                begun = self._begun(assignments, seen)
            with suppress(BrokenProcessPool):
                if begun is not None:
                    return list(begun)
            self._pool = None
        self._notify("worker processes keep dying; this epoch is bred without them")
        return self._alone.begin(assignments, seen)()

    def _started(self) -> ProcessPoolExecutor:
        if self._pool is None:
            self._pool = pool_of(self._processes, partial(_begin, self._breeding, self._path))
        return self._pool


class _Worker:
    """What a worker process has: the breeding, and the keys it has read so far."""

    def __init__(self, breeding: Breeding, path: Path) -> None:
        self.breeding, self.path = breeding, path
        self.seen = Seen()
        self.islands: dict[int, Island] = {}  # kept alive, lest their terms be made anew

    def breed(self, task: Assignment, seen: int) -> Epoch:
        if seen > len(self.seen):
            with self.path.open("rb") as file:
                file.seek(len(self.seen) * KEY_BYTES)
                new = file.read((seen - len(self.seen)) * KEY_BYTES)
            for place in range(0, len(new), KEY_BYTES):
                self.seen.add(new[place : place + KEY_BYTES])
        (epoch,) = Alone(self.breeding).begin([task], self.seen)()
        self.islands[task.island.index] = epoch.island
        return epoch


_worker: _Worker | None = None


def _begin(breeding: Breeding, path: Path) -> None:
    """Make a process a worker."""
    global _worker
    _worker = _Worker(breeding, path)


def _breed(task: Assignment, seen: int) -> Epoch:
    assert _worker is not None
    with collection_paused():
        return _worker.breed(task, seen)


@contextmanager
def crew_of(breeding: Breeding, processes: int, notify: Callable[[str], None]) -> Iterator[Crew]:
    """So many processes; this one alone for 1."""
    if processes == 1:
        yield Alone(breeding)
        return
    with Workers(breeding, processes, notify) as workers:
        yield workers
