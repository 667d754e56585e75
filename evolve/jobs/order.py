"""Order of jobs: numbers are handed out in order, and results are released in that order."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Generic, TypeVar

LOOK_AHEAD = 4  # jobs handed out and not released, by worker

Result = TypeVar("Result")


class JobOrder(Generic[Result]):
    """Numbers that wait, and results that arrived before their turn.

    While the first number without a result is slow, later ones are handed out up to a limit, so
    that no worker is idle.
    """

    def __init__(self, numbers: Sequence[int], workers: int) -> None:
        """Create an order.

        Args:
            numbers: the numbers, each once.
            workers: number of workers.
        """
        self._numbers, self._limit = numbers, LOOK_AHEAD * max(workers, 1)
        self._taken = self._released = 0
        self._repeated: deque[int] = deque()
        self._results: dict[int, Result] = {}
        self._done: set[int] = set()

    @property
    def first(self) -> int | None:
        """First number without a result; None if all have one."""
        return self._numbers[self._released] if self._released < len(self._numbers) else None

    def take(self) -> int | None:
        """Return the number to run next; None if no further one may begin yet."""
        while self._repeated:
            number = self._repeated.popleft()
            if number not in self._done:
                return number
        while self._taken < min(len(self._numbers), self._released + self._limit):
            self._taken += 1
            number = self._numbers[self._taken - 1]
            if number not in self._done:
                return number
        return None

    def repeat(self, number: int) -> None:
        """Repeat a number, before those that were not taken yet."""
        if number not in self._repeated:
            self._repeated.append(number)

    def add(self, number: int, result: Result) -> None:
        """Add the result of a number; its first result counts."""
        if number not in self._done:
            self._done.add(number)
            self._results[number] = result

    def release(self) -> Iterator[Result]:
        """Yield the results whose turn it is, once each."""
        while self.first is not None and self.first in self._results:
            result = self._results.pop(self.first)
            self._released += 1
            yield result
