"""Equity and trades equal those of vectorbt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from dsl.analysis.check import check
from dsl.analysis.program import Program
from dsl.bars import Bars
from evolve.backtest.backtest import Backtest, backtest
from evolve.backtest.market import FillMode
from tests.backtest.ledger import scripted
from tests.parity.replay import Outcome, Terms, assert_same, crowded, grow, read_signals
from tests.parity.vector import CAPITAL, run_engine
from tests.samples import closing_at

pytestmark = pytest.mark.parity

FREE = Terms()
FEES = Terms(commission=10e-4)
SLIPPAGE = Terms(commission=3e-4, slippage=5e-4)

markets = pytest.mark.parametrize("terms", [FREE, FEES, SLIPPAGE], ids=["free", "fees", "slippage"])


@pytest.fixture(scope="module", autouse=True)
def _engine() -> None:
    pytest.importorskip("vectorbt")


@pytest.fixture(scope="module")
def guarded(gaps: Bars) -> list[Program]:
    """Return strategies with a stop, a target or both."""
    return grow(250, gaps, seed=2, settings=("stop", "target"))


def assert_parity(
    programs: Sequence[Program],
    bars: Bars,
    fill: FillMode,
    terms: Terms,
    stops_slip: bool = True,
) -> Counter[str]:
    """Compare each program without ruin in both engines, and count the exit reasons."""
    reasons: Counter[str] = Counter()
    runs = [(each, backtest(each, bars, terms.market(fill, CAPITAL))) for each in programs]
    lasting = [(program, found) for program, found in runs if found.equity[-1] > 0]
    assert len(lasting) > 0.9 * len(programs)
    signals = [read_signals(program, bars) for program, _ in lasting]
    outcomes = run_engine(signals, bars, fill, terms, stops_slip)
    for (program, found), expected in zip(lasting, outcomes, strict=True):
        assert_same(program, found, expected)
        reasons.update(trade.reason for trade in found.trades)
    return reasons


@markets
@pytest.mark.parametrize("fill", ["close", "next_open", "next_close"])
def test_plain_strategies(plain: list[Program], sample: Bars, fill: FillMode, terms: Terms) -> None:
    reasons = assert_parity(plain, sample, fill, terms)
    assert min(reasons[name] for name in ("signal", "reverse")) > 5000
    assert reasons["end"] > 50


@pytest.mark.parametrize("terms", [FREE, FEES], ids=["free", "fees"])
def test_stops_and_targets(guarded: list[Program], gaps: Bars, terms: Terms) -> None:
    reasons = assert_parity(guarded, gaps, "close", terms)
    assert min(reasons[name] for name in ("stop", "target")) > 1000


def test_stops_slip_and_targets_do_not(guarded: list[Program], gaps: Bars) -> None:
    """Compare stops and targets separately: in vectorbt both slip, or neither."""
    stops = [each for each in guarded if each.rules.target is None]
    targets = [each for each in guarded if each.rules.stop is None]
    assert assert_parity(stops, gaps, "close", SLIPPAGE)["stop"] > 1000
    assert assert_parity(targets, gaps, "close", SLIPPAGE, stops_slip=False)["target"] > 1000


@markets
@pytest.mark.parametrize("fill", ["close", "next_open"])
@pytest.mark.parametrize("direction", ["long", "short"])
def test_sizes(sample: Bars, direction: str, fill: FillMode, terms: Terms) -> None:
    """Use one direction: vectorbt does not reverse a position of relative size."""
    programs = grow(25, sample, seed=3, settings=["size"], directions=[direction])
    assert_parity(programs, sample, fill, terms)


@pytest.mark.parametrize("fill", ["close", "next_open", "next_close"])
def test_contradictory_orders(fill: FillMode) -> None:
    program = check(scripted())
    for seed in range(5):
        assert assert_parity([program] * 2, crowded(seed), fill, SLIPPAGE).total() > 100


def test_stops_among_contradictory_orders() -> None:
    program = check(scripted("stop 2% target 3%"))
    for seed in range(5):
        assert assert_parity([program] * 2, crowded(seed), "close", FEES).total() > 100


# -- differences


def both(
    text: str, bars: Bars, fill: FillMode = "close", stop: str = "stop"
) -> tuple[Backtest, Outcome]:
    """Run a strategy in both engines."""
    program = check(f"strategy s {{ {text} }}")
    signals = [read_signals(program, bars)] * 2  # two columns have the memory layout of many
    expected, _ = run_engine(signals, bars, fill, FREE, stop=stop)
    return backtest(program, bars, FREE.market(fill, CAPITAL)), expected


def test_vectorbt_tests_no_stop_on_the_entry_bar() -> None:
    bars = closing_at(np.array([100.0, 100.0, 100.0, 100.0]))
    bars = replace(bars, low=np.array([[100.0, 80.0, 100.0, 100.0]]))
    found, expected = both("buy when day_of_month == 4 stop 10%", bars, "next_open")
    assert found.trades[0].exit_price == 90
    assert expected.exit_price.tolist() == [100]


def test_equity_of_a_short_in_vectorbt_falls_below_0() -> None:
    bars = closing_at(np.array([100.0, 150.0, 250.0, 50.0]))
    found, expected = both("short when true", bars)
    assert (found.equity / CAPITAL).tolist() == [1.0, 0.5, 0.0, 0.0]
    assert (expected.equity / CAPITAL).tolist() == [1.0, 0.5, -0.5, 1.5]


def test_a_trail_in_vectorbt_is_a_share_of_the_peak() -> None:
    bars = closing_at(np.array([100.0, 150.0, 137.0, 130.0]))
    found, expected = both("buy when day_of_month == 4 trail 10%", bars, stop="trail")
    assert found.trades[0].exit_price == 137  # below 150 - 10% of 100
    assert expected.exit_price.tolist() == [130]  # below 150 - 10% of 150
