"""Equity and trades equal those of backtesting.py."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

from dsl.analysis.check import check
from dsl.analysis.program import Program
from dsl.bars import Bars
from dsl.terms.terms import number
from evolve.backtest.backtest import backtest
from evolve.backtest.market import FillMode
from tests.backtest.ledger import scripted
from tests.parity.broker import build_report, quiet, run_engine
from tests.parity.replay import Terms, assert_same, crowded, grow, read_signals

pytestmark = pytest.mark.parity

FREE = Terms()
COMMISSION = Terms(commission=10e-4)
SLIPPAGE = Terms(commission=3e-4, slippage=5e-4)
PER_SHARE = Terms(commission=1e-4, per_share=0.1)
SETTINGS = ("size", "stop", "trail", "target", "hold")

fills = pytest.mark.parametrize("fill", ["next_open", "close"])


@pytest.fixture(scope="module", autouse=True)
def _engine() -> None:
    pytest.importorskip("backtesting")


@pytest.fixture(scope="module")
def guarded(gaps: Bars) -> list[Program]:
    """Return strategies with sizes, stops, trails, targets and time exits."""
    return grow(130, gaps, seed=2, settings=SETTINGS)


def assert_parity(
    programs: Sequence[Program], bars: Bars, fill: FillMode, terms: Terms
) -> Counter[str]:
    """Compare each program in both engines, and count the exit reasons."""
    reasons: Counter[str] = Counter()
    for program in programs:
        found = backtest(program, bars, terms.market(fill))
        assert_same(program, found, run_engine(read_signals(program, bars), bars, fill, terms))
        reasons.update(trade.reason for trade in found.trades)
    return reasons


@fills
@pytest.mark.parametrize("terms", [FREE, COMMISSION], ids=["free", "commission"])
def test_plain_strategies(plain: list[Program], sample: Bars, fill: FillMode, terms: Terms) -> None:
    reasons = assert_parity(plain, sample, fill, terms)
    assert min(reasons[name] for name in ("signal", "reverse")) > 5000
    assert reasons["end"] > 50


@fills
@pytest.mark.parametrize("terms", [SLIPPAGE, PER_SHARE], ids=["slippage", "per share"])
def test_other_costs(plain: list[Program], sample: Bars, fill: FillMode, terms: Terms) -> None:
    """Use the spread of the engine, at exits too, as slippage."""
    assert_parity(plain[:40], sample, fill, terms)


@fills
@pytest.mark.parametrize("terms", [FREE, COMMISSION], ids=["free", "commission"])
def test_strategies_with_settings(
    guarded: list[Program], gaps: Bars, fill: FillMode, terms: Terms
) -> None:
    reasons = assert_parity(guarded, gaps, fill, terms)
    assert min(reasons[name] for name in ("stop", "trail", "target", "hold")) > 500


@fills
def test_stops_slip(guarded: list[Program], gaps: Bars, fill: FillMode) -> None:
    programs = [each for each in guarded if each.rules.target is None]  # a target does not slip
    assert_parity(programs[:40], gaps, fill, SLIPPAGE)


@fills
@pytest.mark.parametrize(
    "settings", ["", "stop 2% target 3%", "trail 2% hold 3", "size 0.4 hold 1"]
)
def test_contradictory_orders(fill: FillMode, settings: str) -> None:
    program = check(scripted(settings))
    for seed in range(5):
        assert assert_parity([program], crowded(seed), fill, COMMISSION).total() > 100


@fills
def test_leverage(plain: list[Program], gaps: Bars, fill: FillMode) -> None:
    sized = [each.rules._replace(size=number(3.2)) for each in plain[:25]]
    programs = [Program(f"sized_{index}", rules) for index, rules in enumerate(sized)]
    reasons = assert_parity(programs, gaps, fill, Terms(commission=1e-4, leverage=4.0))
    assert reasons["ruin"] > 0


@fills
def test_its_report_agrees_where_the_formulas_are_the_same(
    plain: list[Program], sample: Bars, fill: FillMode
) -> None:
    for program in plain[:10]:
        metrics = backtest(program, sample, FREE.market(fill)).metrics
        report = build_report(read_signals(program, sample), sample, fill, FREE)
        for theirs, ours in (
            ("Return [%]", "total_return"),
            ("Max. Drawdown [%]", "max_drawdown"),
            ("Win Rate [%]", "win_rate"),
        ):
            assert report[theirs] / 100 == pytest.approx(metrics[ours], rel=1e-6)
        assert report["# Trades"] == metrics["num_trades"]


# -- differences


def test_its_spread_is_paid_once_a_round_trip(sample: Bars) -> None:
    """Compare equity, which differs by the factor 1 - slippage for each closed long trade."""
    for program in grow(5, sample, seed=3, directions=["long"]):
        terms = Terms(slippage=5e-4)
        found = backtest(program, sample, terms.market("next_open"))
        expected = run_engine(
            read_signals(program, sample), sample, "next_open", terms, exits_slip=False
        )
        closed = np.searchsorted(np.sort(expected.leave), np.arange(len(sample)), "right")
        wins = (1 - terms.slippage) ** closed
        np.testing.assert_allclose(found.equity, expected.equity * wins, rtol=1e-6)


@pytest.mark.parametrize(("at_close", "price"), [(False, 12.0), (True, 13.0)])
def test_it_closes_at_the_last_open_or_the_close_before(at_close: bool, price: float) -> None:
    """Use `finalize_trades`; the engine does not call the strategy on the first bar."""
    from backtesting import Backtest, Strategy

    class Holding(Strategy):  # type: ignore[misc]
        def init(self) -> None: ...

        def next(self) -> None:
            if not self.position and not self.orders:
                self.buy()

    opened, close = np.array([10.0, 10.0, 11.0, 12.0]), np.array([10.0, 11.0, 13.0, 14.0])
    high, low = np.maximum(opened, close), np.minimum(opened, close)
    time = pd.date_range("2024-01-01", periods=4)
    columns = {"Open": opened, "High": high, "Low": low, "Close": close}
    data = pd.DataFrame(columns, time)
    engine = Backtest(data, Holding, cash=1e6, trade_on_close=at_close, finalize_trades=True)
    with quiet():
        (trade,) = engine.run()["_trades"].to_dict("records")
    assert (trade["EntryBar"], trade["EntryPrice"]) == (1 if at_close else 2, 11.0)
    assert (trade["ExitBar"], trade["ExitPrice"]) == (2 if at_close else 3, price)
