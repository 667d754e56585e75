"""Fixtures for yfinance without state, network or pauses, with a temporary cache folder."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from evolve.data.sources import yahoo


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Replace pauses, and return their lengths in seconds."""
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    monkeypatch.setattr(yahoo, "sleep", pauses.append)
    return pauses


@pytest.fixture
def fresh_yfinance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str],
    slept: list[float],
) -> Iterator[None]:  # fmt: skip
    """Reset yfinance; check that it prints nothing and writes only to the cache folder."""
    from tests.data import yahoo_server

    monkeypatch.setenv("EVOLVE_HOME", str(tmp_path / "home"))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    with yahoo_server.fresh_yfinance(tmp_path / "home"):
        yield
    assert capfd.readouterr() == ("", "")
    assert {each.name for each in tmp_path.iterdir()} <= {"home", "elsewhere"}
    assert list((tmp_path / "elsewhere").iterdir()) == []
