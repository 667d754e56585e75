"""Cluster that the tests of a module share: a scheduler and two workers on loopback."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cluster.processes import Processes, start_processes


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    """Scheduler with two workers, which no test may harm."""
    with start_processes(tmp_path_factory.mktemp("pair"), 2) as processes:
        yield processes
