"""Index of the trials of a search: what it remembers of each one, about 250 bytes a trial."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence, Set
from itertools import accumulate, islice

from dsl.gc_pause import pause_gc
from evolve.search.individual import SEED, Individual

UNKNOWN = 0  # number of a parent that is no trial
KEY_BYTES = 16
BATCH = 10_000  # trials that are restored together, which is faster than one after another

Origin = tuple[str, str, str, int, int]
"""Hash, proposer, hashes of the parents with spaces between them, island and epoch of a trial."""


class TrialIndex:
    """Key, proposer, parents, island and epoch of all trials, by number from 1.

    Attributes:
        keys: keys in the order of the numbers.
    """

    def __init__(self) -> None:
        self.keys: list[bytes] = []
        self._numbers: dict[bytes, int] = {}
        self._names: dict[str, int] = {}  # of the proposers
        self._proposers, self._islands = array("H"), array("H")
        self._epochs, self._parents, self._ends = array("I"), array("I"), array("I")

    @classmethod
    def restore(cls, origins: Iterator[Origin]) -> TrialIndex:
        """Restore an index.

        Args:
            origins: those of its trials, in order.

        Raises:
            ValueError, TypeError, OverflowError: if an origin is damaged.
        """
        index = cls()
        with pause_gc():
            while batch := list(islice(origins, BATCH)):
                index._restore_batch(batch)
        return index

    def __contains__(self, key: object) -> bool:
        return key in self._numbers

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def seen(self) -> Set[bytes]:
        """Keys as a set, which follows the index."""
        return self._numbers.keys()

    def add(
        self, key: bytes, proposer: str, parents: Iterable[bytes], island: int, epoch: int
    ) -> None:
        """Add a trial, whose number is the new length.

        Args:
            key: its key, which must be new.
            proposer: its proposer.
            parents: keys of its parents.
            island: index of its island.
            epoch: number of its epoch.
        """
        self.keys.append(key)
        self._numbers[key] = len(self.keys)
        self._proposers.append(self._names.setdefault(proposer, len(self._names)))
        self._islands.append(island)
        self._epochs.append(epoch)
        self._parents.extend([self._numbers.get(each, UNKNOWN) for each in parents])
        self._ends.append(len(self._parents))

    def add_new(self, trials: Sequence[Individual]) -> list[Individual]:
        """Add the trials of new programs and return them; a program counts once."""
        new = []
        for each in trials:
            key = each.program.key
            if key not in self._numbers:
                parents = map(bytes.fromhex, each.parents)
                self.add(key, each.proposer, parents, each.island, each.epoch)
                new.append(each)
        return new

    def find_number(self, key: bytes) -> int:
        """Return the number of a trial.

        Raises:
            KeyError: if there is none with the key.
        """
        return self._numbers[key]

    def has_origin(self, each: Individual) -> bool:
        """Return whether an individual is the trial of its program.

        A program that two islands propose is one trial: that of the first of them.
        """
        index = self._numbers[each.program.key] - 1
        return (self._islands[index], self._epochs[index]) == (each.island, each.epoch)

    def trace(self, each: Individual, count: int) -> tuple[str, ...]:
        """Return the proposers of an individual and its ancestors, the newest first.

        Args:
            each: the individual.
            count: maximum number of proposers. Of several parents, the last one is followed.
        """
        names, parents = [each.proposer], [bytes.fromhex(one) for one in each.parents]
        number = self._numbers.get(parents[-1], UNKNOWN) if parents else None
        while number is not None and len(names) < count:
            names.append(SEED if number == UNKNOWN else self._name(number))
            of_parent = self._list_parents(number)
            number = of_parent[-1] if of_parent else None
        return tuple(names)

    def list_proposers(self, each: Individual) -> list[str]:
        """Return the proposers of an individual and of all its ancestors, sorted."""
        proposers, done = {each.proposer}, set[int]()
        waiting = [self._numbers.get(bytes.fromhex(one), UNKNOWN) for one in each.parents]
        while waiting:
            number = waiting.pop()
            if number in done or number == UNKNOWN:
                continue
            done.add(number)
            proposers.add(self._name(number))
            waiting.extend(self._list_parents(number))
        return sorted(proposers)

    def _restore_batch(self, batch: Sequence[Origin]) -> None:
        """Add trials as `add` does."""
        hashes, proposers, parents, islands, epochs = zip(*batch, strict=True)
        keys = list(map(bytes.fromhex, hashes))
        first = len(self.keys) + 1
        self.keys.extend(keys)
        self._numbers.update(zip(keys, range(first, first + len(keys)), strict=True))
        for name in dict.fromkeys(proposers):
            self._names.setdefault(name, len(self._names))
        self._proposers.extend(map(self._names.__getitem__, proposers))
        self._islands.extend(islands)
        self._epochs.extend(epochs)
        above = bytes.fromhex(" ".join(parents))
        starts = range(0, len(above), KEY_BYTES)
        self._parents.extend(
            [self._numbers.get(above[each : each + KEY_BYTES], UNKNOWN) for each in starts]
        )
        counts = [len(each.split()) for each in parents]
        last = self._ends[-1] if self._ends else 0
        self._ends.extend(islice(accumulate(counts, initial=last), 1, None))

    def _name(self, number: int) -> str:
        return list(self._names)[self._proposers[number - 1]]

    def _list_parents(self, number: int) -> Sequence[int]:
        """Return the numbers of the parents of a trial."""
        if number == UNKNOWN:
            return ()
        begin = self._ends[number - 2] if number > 1 else 0
        return self._parents[begin : self._ends[number - 1]]
