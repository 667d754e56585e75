"""Fixtures of runs with a verdict."""

from __future__ import annotations

import pytest

from evolve.validation.null_search import NullResult, NullSearcher


@pytest.fixture
def searches(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the numbers of the null searches that are computed."""
    numbers: list[int] = []
    original = NullSearcher.run

    def run_search(
        self: NullSearcher, number: int, trials: int, target: float | None
    ) -> NullResult | None:
        numbers.append(number)
        return original(self, number, trials, target)

    monkeypatch.setattr(NullSearcher, "run", run_search)
    return numbers
