"""A finished run that the tests of the live view copy."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.experiment.small_runs import NOISE, run_small


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Create a finished run folder, shared by all tests."""
    folder = tmp_path_factory.mktemp("finished")
    return run_small(folder, NOISE, "validate.null_runs=0").folder


@pytest.fixture
def runs(finished: Path, tmp_path: Path) -> Path:
    """Create a folder with one finished run, `done`."""
    folder = tmp_path / "runs"
    shutil.copytree(finished, folder / "done")
    return folder
