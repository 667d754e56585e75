"""The look-ahead analysis passes all strategies, and names each look-ahead that is injected.

Look-ahead is injected by the `read` and `trade` arguments of `find_lookahead`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random

import numpy as np
import pytest
from numpy.typing import NDArray

from dsl.analysis.check import check
from dsl.analysis.program import Program
from dsl.bars import Bars
from dsl.evaluate import Signals, evaluate
from evolve.analysis.lookahead import CUTS, MIN_BARS, LookaheadReport, find_lookahead
from evolve.backtest.backtest import Backtest, backtest
from evolve.backtest.market import FILLS, Market, market
from evolve.data.generators import random_walk
from tests.backtest.panels import panel_of
from tests.programs import random_programs
from tests.samples import gappy_bars, random_bars, tied_bars

BARS = random_walk(400, seed=11)
PANEL = panel_of(5)
CROSS = check("strategy s { buy when close > sma(close, 20) sell when close < sma(close, 20) }")
BOTH_WAYS = check(
    "strategy s { buy when rsi(close, 4) < 30 sell when rsi(close, 4) > 55 "
    "short when rsi(close, 4) > 75 cover when rsi(close, 4) < 50 "
    "size 50% stop 2 * atr(10) trail 4 * atr(10) target 8% hold 12 }"
)
KINDS: dict[str, Callable[[int], Bars]] = {
    "one symbol": lambda seed: random_walk(150, seed),
    "holes": lambda seed: gappy_bars(seed, 150),
    "ties": lambda seed: tied_bars(seed, 150),
    "three symbols": lambda seed: random_bars(seed, 90, 3),
    "late starts and early ends": panel_of,
    "the fewest bars": lambda seed: random_walk(MIN_BARS, seed),
}


def costs(rng: Random, fill: str) -> Market:
    return market(
        fill=fill,  # type: ignore[arg-type]
        commission_bps=rng.choice([0, 1, 50]), slippage_bps=rng.choice([0, 5, 100]),
        commission_per_share=rng.choice([0, 0.01]), commission_minimum=rng.choice([0, 1]),
        slippage_range=rng.choice([0, 0.1]), borrow_bps=rng.choice([0, 300]),
        cash_rate=rng.choice([0, 0.05]), max_leverage=rng.choice([1, 2]),
        max_volume_share=rng.choice([None, 1e-5, 1e-3]),
    )  # fmt: skip


@pytest.mark.parametrize("fill", FILLS)
@pytest.mark.parametrize("kind", KINDS)
def test_strategies_have_no_lookahead(kind: str, fill: str) -> None:
    rng = Random(f"{kind} {fill}")
    programs = random_programs(4, rng)
    for seed, program in enumerate([*programs, BOTH_WAYS]):
        bars, terms = KINDS[kind](seed), costs(rng, fill)
        found = find_lookahead(program, bars, terms, seed)
        assert found.violations == (), (program.rules, terms)
        assert found.cuts == CUTS or (kind == "the fewest bars" and found.cuts > 1)
        assert found.stabilization_bars is None or 0 <= found.stabilization_bars < len(bars)


# -- readers with look-ahead: signals changed by later bars


def with_orders(
    change: Callable[[NDArray[np.uint8], Bars, int], NDArray[np.uint8]],
) -> Callable[[Program, Bars], tuple[Signals, ...]]:
    """Return a reader that changes orders: `change` takes orders[program, bar], bars and symbol."""

    def read(program: Program, bars: Bars) -> tuple[Signals, ...]:
        return tuple(
            replace(signals, orders=np.ascontiguousarray(change(signals.orders, bars, symbol)))
            for symbol, signals in enumerate(evaluate(program, bars))
        )

    return read


def buy_where(condition: NDArray[np.bool_]) -> NDArray[np.uint8]:
    return condition.astype(np.uint8)[None, :]


def next_close(bars: Bars, symbol: int) -> NDArray[np.float64]:
    """Return the close of the next bar; on the last bar, its close."""
    close = bars.close[symbol]
    return np.concatenate([close[1:], close[-1:]])


def half(row: NDArray[np.float64]) -> float:
    known = row[~np.isnan(row)]
    return float(np.median(known)) if len(known) else 0.0


READERS: dict[str, Callable[[Program, Bars], tuple[Signals, ...]]] = {
    "shifted by -1": with_orders(lambda orders, bars, i: np.roll(orders, -1, axis=1)),
    "shifted by -1, except the last bar": with_orders(
        lambda orders, bars, i: np.concatenate([orders[:, 1:], orders[:, -1:]], axis=1)
    ),
    "reads the next close": with_orders(
        lambda orders, bars, i: buy_where(next_close(bars, i) > bars.close[i])
    ),
    "the sample's mean": with_orders(
        lambda orders, bars, i: buy_where(bars.close[i] > np.nansum(bars.close[i]) / len(bars))
    ),
    "the sample's median": with_orders(
        lambda orders, bars, i: buy_where(bars.close[i] > half(bars.close[i]))
    ),
    "the sample's highest": with_orders(
        lambda orders, bars, i: buy_where(bars.close[i] > 0.9 * np.nanmax(bars.close))
    ),
    "the last bar": with_orders(
        lambda orders, bars, i: buy_where(bars.close[i] < bars.close[:, -1][0])
    ),
    "the number of bars": with_orders(
        lambda orders, bars, i: buy_where(np.arange(len(bars)) > len(bars) // 2)
    ),
    "tomorrow's volume": with_orders(
        lambda orders, bars, i: buy_where(np.roll(bars.volume[i], -1) > bars.volume[i])
    ),
    "none on the last bar": with_orders(
        lambda orders, bars, i: buy_where(np.arange(len(bars)) < len(bars) - 1)
    ),
}


@pytest.mark.parametrize("name", READERS)
def test_a_reader_with_lookahead_is_reported(name: str) -> None:
    found = find_lookahead(CROSS, BARS, market(), read=READERS[name])
    assert found.violations
    for each in found.violations:
        assert each.field in ("buy", "sell")
        assert each.symbol == BARS.symbols[0]
        assert 0 <= each.bar < cut_of(each.reason) <= len(BARS)
    assert found.stabilization_bars is None or found.stabilization_bars >= 0


def cut_of(reason: str) -> int:
    assert reason.startswith("the future was ")
    return int(reason.split("from bar ")[1].split()[0])


def test_the_reported_bar_is_the_first_that_differs() -> None:
    """Replace the orders of the last ten bars."""

    def read(program: Program, bars: Bars) -> tuple[Signals, ...]:
        return with_orders(lambda orders, all_bars, i: replace_last(orders))(program, bars)

    def replace_last(orders: NDArray[np.uint8]) -> NDArray[np.uint8]:
        changed = np.zeros_like(orders)
        changed[:, -10:] = 1
        return changed

    truncated = [each for each in find_lookahead(CROSS, BARS, market(), read=read).violations
               if "truncated" in each.reason]  # fmt: skip
    assert len(truncated) >= CUTS - 1
    for each in truncated:
        assert (each.field, each.bar) == ("buy", cut_of(each.reason) - 10)


@pytest.mark.parametrize("symbol", range(3))
def test_the_symbol_with_lookahead_is_named(symbol: int) -> None:
    def read(program: Program, bars: Bars) -> tuple[Signals, ...]:
        signals = list(evaluate(program, bars))
        shift = np.roll(signals[symbol].orders, -1, axis=1)
        signals[symbol] = replace(signals[symbol], orders=shift)
        return tuple(signals)

    found = find_lookahead(CROSS, PANEL, market(), read=read)
    assert {each.symbol for each in found.violations} == {PANEL.symbols[symbol]}


def test_a_symbol_that_reads_the_future_of_another_is_named() -> None:
    def read(program: Program, bars: Bars) -> tuple[Signals, ...]:
        signals = list(evaluate(program, bars))
        signals[0] = replace(signals[0], orders=np.roll(signals[1].orders, -1, axis=1))
        return tuple(signals)

    found = find_lookahead(CROSS, random_bars(3, 200, 2), market(), read=read)
    assert {each.symbol for each in found.violations} == {"S0"}


@pytest.mark.parametrize("order", ["buy", "sell", "short", "cover"])
def test_the_order_with_lookahead_is_named(order: str) -> None:
    bit = np.uint8(1 << ("buy", "sell", "short", "cover").index(order))
    read = with_orders(
        lambda orders, bars, i: (orders & ~bit) | (np.roll(orders, -1, axis=1) & bit)
    )
    assert {
        each.field for each in find_lookahead(BOTH_WAYS, BARS, market(), read=read).violations
    } == {order}


SETTINGS: dict[str, Callable[[NDArray[np.float64], Bars], NDArray[np.float64]]] = {
    "shifted by -1": lambda settings, bars: np.roll(settings, -1, axis=1),
    "by the sample's range": lambda settings, bars: settings * float(np.nanstd(bars.close)),
    "unknown on the last bars": lambda settings, bars: np.where(
        np.arange(len(bars)) < len(bars) - 5, settings, np.nan
    ),
}


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("setting", ["size 1 / (1 + natr(5))", "stop 2 * atr(5)", "trail atr(5)",
                                     "target 2 * atr(5)"])  # fmt: skip
def test_a_setting_with_lookahead_is_named(setting: str, name: str) -> None:
    program = check(f"strategy s {{ buy when close > open sell when close < open {setting} }}")

    def read(program: Program, bars: Bars) -> tuple[Signals, ...]:
        return tuple(
            replace(each, settings=SETTINGS[name](each.settings, bars))
            for each in evaluate(program, bars)
        )

    found = find_lookahead(program, BARS, market(), read=read)
    assert {each.field for each in found.violations} == {"size, stop, trail or target"}


def inject_into_equity(factor: Callable[[Bars], NDArray[np.float64] | float]) -> LookaheadReport:
    """Return the report on equity multiplied by a factor of the bars."""

    def trade(program: Program, bars: Bars, terms: Market) -> Backtest:
        run = backtest(program, bars, terms)
        changed = replace(run.performance, equity=run.equity * factor(bars))
        return replace(run, performance=changed)

    return find_lookahead(CROSS, BARS, market(), trade=trade)


@pytest.mark.parametrize("ahead", [1, 2, 3, 10])
def test_equity_that_reads_later_bars_is_reported(ahead: int) -> None:
    """Use equity that is multiplied by a later close."""

    def factor(bars: Bars) -> NDArray[np.float64]:
        close = bars.close[0]
        return 1 + 1e-6 * np.concatenate([close[ahead:], np.full(ahead, close[-1])])[: len(close)]

    assert {each.field for each in inject_into_equity(factor).violations} == {"equity"}


def test_equity_that_reads_all_bars_is_reported_at_the_first() -> None:
    for factor in (lambda bars: bars.close[0].mean(), lambda bars: 1.0 + len(bars) / 1e6):
        found = inject_into_equity(factor).violations
        assert {(each.field, each.bar) for each in found} == {("equity", 0)}


def test_fewer_than_the_minimum_of_bars_raise() -> None:
    with pytest.raises(ValueError, match=f"at least {MIN_BARS} bars, found {MIN_BARS - 1}"):
        find_lookahead(CROSS, BARS.slice(0, MIN_BARS - 1), market())
    assert find_lookahead(CROSS, BARS.slice(0, MIN_BARS), market()).violations == ()
