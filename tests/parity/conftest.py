"""The markets and strategies that the engines are held against each other on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dsl.analysis.program import Program
from dsl.bars import Bars
from evolve.data import load
from tests.parity.replay import grown
from tests.samples import random_bars


@pytest.fixture(scope="session")
def sample() -> Bars:
    """Return twenty years of the S&P 500, traded at its printed opens as the engines do."""
    return replace(load("sample:sp500").bars, closes_only=())


@pytest.fixture(scope="session")
def gaps() -> Bars:
    """A market that opens far from its last close, so that levels are jumped over."""
    return random_bars(seed=7, count=1500)


@pytest.fixture(scope="session")
def plain(sample: Bars) -> list[Program]:
    """A hundred strategies of conditions alone, long and short."""
    return grown(100, sample, seed=1)
