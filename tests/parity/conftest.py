"""Bars and strategies on which the engines are compared."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dsl.analysis.program import Program
from dsl.bars import Bars
from evolve.data import load
from tests.parity.replay import grow
from tests.samples import random_bars


@pytest.fixture(scope="session")
def sample() -> Bars:
    """Return twenty years of the S&P 500, with opens that count as traded."""
    return replace(load("sample:sp500").bars, closes_only=())


@pytest.fixture(scope="session")
def gaps() -> Bars:
    """Return bars with large gaps at the open."""
    return random_bars(seed=7, count=1500)


@pytest.fixture(scope="session")
def plain(sample: Bars) -> list[Program]:
    """Return long and short strategies without settings."""
    return grow(120, sample, seed=1)
