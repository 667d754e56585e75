"""Several symbols: each is traded as if it were alone, and the whole is their sum."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from dsl.analysis.check import check
from dsl.analysis.program import Program
from dsl.bars import PANELS, Bars
from dsl.evaluate import evaluate, values
from evolve.backtest.backtest import backtest
from evolve.backtest.market import FILLS, Market, market
from evolve.data.align import aligned
from evolve.data.generators import LAWS
from evolve.errors import EvolveError
from evolve.search.grow import grow_rules
from evolve.search.space import build_space

SPACE = build_space(directions=("long", "short"))


def own_market(name: str, seed: int, bars: int = 400) -> Bars:
    law = LAWS["regime"]
    made = law.make(bars, seed, "", {key: each.default for key, each in law.options.items()})
    panels = {field: getattr(made, field) for field in PANELS}
    return Bars((name,), made.time, **panels)


def only(bars: Bars, kept: np.ndarray) -> Bars:
    panels = {field: getattr(bars, field)[:, kept].copy() for field in PANELS}
    return Bars(bars.symbols, bars.time[kept].copy(), **panels)


def panel_of(seed: int) -> Bars:
    """Three symbols: one with holes, one that starts late, one that ends early."""
    rng = np.random.default_rng(seed)
    whole = [own_market(name, seed * 10 + i) for i, name in enumerate(("AAA", "BBB", "CCC"))]
    late, early = int(rng.integers(50, 200)), int(rng.integers(200, 350))
    places = np.arange(400)
    kept = (rng.random(400) > 0.2, places >= late, places < early)
    return aligned([only(bars, rows) for bars, rows in zip(whole, kept, strict=True)])


def strategies(count: int, seed: int) -> list[Program]:
    rng = Random(seed)
    return [Program("p", grow_rules(SPACE, rng)) for _ in range(count)]


def terms(seed: int) -> Market:
    rng = Random(seed)
    return market(
        9000, fill=rng.choice(FILLS), commission_bps=rng.choice([0, 10]), slippage_bps=5,
        borrow_bps=rng.choice([0, 300]), cash_rate=rng.choice([0.0, 0.05]),
        max_volume_share=rng.choice([None, 1e-5]),
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(6))
def test_a_sleeve_is_its_symbol_alone_with_its_share_of_the_capital(seed: int) -> None:
    bars, costs = panel_of(seed), terms(seed)._replace(cash_rate=0.0)
    for program in strategies(12, seed):
        result = backtest(program, bars, costs)
        for symbol, sleeve in enumerate(result.sleeves):
            places = bars.places(symbol)
            alone = backtest(program, bars.alone(symbol), costs._replace(capital=3000.0))
            assert sleeve.trades == alone.trades
            assert sleeve.equity[places].tolist() == alone.equity.tolist()
            assert sleeve.held[places].tolist() == alone.held.tolist()
            assert sleeve.benchmark[places].tolist() == alone.benchmark.tolist()


@pytest.mark.parametrize("seed", range(6))
def test_the_whole_is_the_sum_of_its_sleeves(seed: int) -> None:
    bars, costs = panel_of(seed), terms(seed)
    for program in strategies(6, seed + 100):
        result = backtest(program, bars, costs)
        equities = [sleeve.equity for sleeve in result.sleeves]
        assert result.equity == pytest.approx(np.sum(equities, axis=0), rel=1e-12)
        assert result.benchmark == pytest.approx(
            np.sum([sleeve.benchmark for sleeve in result.sleeves], axis=0), rel=1e-12
        )
        assert len(result.trades) == sum(len(sleeve.trades) for sleeve in result.sleeves)
        assert result.metrics["num_trades"] == len(result.trades)
        assert [t.exit_time for t in result.trades] == sorted(t.exit_time for t in result.trades)
        exposures = [sleeve.metrics["exposure"] for sleeve in result.sleeves]
        assert result.metrics["exposure"] == pytest.approx(np.mean(exposures))
        profit = sum(trade.profit for trade in result.trades)
        if costs.cash_rate == 0.0 and min(each.min() for each in equities) > 0.0:
            assert profit == pytest.approx(result.equity[-1] - 9000.0, abs=1e-6)


def test_a_late_symbol_keeps_its_cash_and_an_early_end_closes() -> None:
    bars = panel_of(1)
    program = check("strategy s { buy when close > 0.01 * sma(close, 20) }")
    result = backtest(program, bars, market(9000))
    late, early = result.sleeves[1], result.sleeves[2]
    first, last = int(bars.places(1)[0]), int(bars.places(2)[-1])
    assert np.all(late.equity[: first + 20] == 3000.0)  # until the first bar, and the warm-up
    assert late.held[first + 19] == 0
    assert late.held[first + 20] == 1
    assert early.trades[-1].reason == "end"
    assert early.trades[-1].exit_time == bars.time[last]
    assert np.all(early.equity[last:] == early.equity[-1])
    assert late.trades[-1].exit_time == bars.time[-1]


def test_cash_earns_before_the_first_bar_and_after_the_last() -> None:
    bars = panel_of(2)
    result = backtest(check("strategy s { buy when close < 0 }"), bars, market(9000, cash_rate=0.1))
    days = (bars.time[-1] - bars.time[0]) / np.timedelta64(1, "D")
    simple, compound = 3000 * (1 + 0.1 * days / 365), 3000 * np.exp(0.1 * days / 365)
    for sleeve in result.sleeves:
        assert simple <= sleeve.equity[-1] <= compound
        assert np.all(np.diff(sleeve.equity) >= 0)


@pytest.mark.parametrize("seed", range(4))
def test_other_symbols_and_their_order_change_nothing(seed: int) -> None:
    bars, costs = panel_of(seed), terms(seed)
    turned = aligned([bars.alone(symbol) for symbol in (2, 0, 1)])
    for program in strategies(5, seed + 50):
        one, other = backtest(program, bars, costs), backtest(program, turned, costs)
        assert one.equity == pytest.approx(other.equity, rel=1e-12)
        by_name = {each.symbols[0]: each for each in other.sleeves}
        for sleeve in one.sleeves:
            assert sleeve.trades == by_name[sleeve.symbols[0]].trades


@pytest.mark.parametrize("seed", range(4))
def test_a_window_of_a_panel_is_a_run_of_its_own(seed: int) -> None:
    bars, costs = panel_of(seed), terms(seed)
    for program in strategies(5, seed + 70):
        window = backtest(program, bars, costs, 120, 300)
        cut = backtest(program, bars.slice(0, 300), costs, 120)
        assert window.equity.tolist() == cut.equity.tolist()
        assert window.trades == cut.trades
        assert len(window.time) == 180


def test_values_and_signals_are_those_of_the_symbol_alone() -> None:
    bars = panel_of(3)
    for program in strategies(10, 9):
        said = evaluate(program, bars)
        term = program.canonical.buy or program.canonical.short
        assert term is not None
        found = values(term, bars)
        for symbol in range(3):
            places, own = bars.places(symbol), bars.alone(symbol)
            missing = np.setdiff1d(np.arange(len(bars)), places)
            assert not said[symbol].orders[0, missing].any()
            alone = evaluate(program, own)[0].orders[0]
            assert said[symbol].orders[0, places].tolist() == alone.tolist()
            assert found[symbol, places].tolist() == values(term, own)[0].tolist()


def test_what_cannot_be_aligned_is_refused() -> None:
    one = own_market("AAA", 1)
    with pytest.raises(EvolveError, match="AAA comes twice"):
        aligned([one, own_market("AAA", 2)])
    weekly = only(own_market("BBB", 2), np.arange(0, 400, 5))
    with pytest.raises(EvolveError, match=r"different lengths.*AAA.*BBB"):
        aligned([one, weekly])
