"""Random scripts, and their simulation by the compiled and by the plain simulator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsl.bars import Bars
from dsl.evaluate import WORD_BARS, SignalBuffers
from dsl.evaluate.jit import compile_kernel
from dsl.evaluate.signals import UNSET
from evolve.backtest.kernels.portfolio import sum_folds
from evolve.backtest.kernels.records import (
    ACCOUNT,
    F_RUINED,
    F_TRADES,
    FOLD_FIELDS,
    REASONS,
    TRADE_FIELDS,
    SimulationOutput,
)
from evolve.backtest.kernels.reference import simulate
from evolve.backtest.market import FILLS, Market
from evolve.backtest.sleeve import build_sleeves
from tests.backtest.ledger import bars_from
from tests.backtest.reference import RULES, BarSignals, PlainBar, PlainTrade, Replay, Terms

Series = NDArray[np.float64]
BITS = {"buy": 1, "sell": 2, "short": 4, "cover": 8}


@dataclass(frozen=True, eq=False)
class Script:
    """Bars, and the signals of a strategy on each bar.

    Attributes:
        orders: uint8[bar], bits as in BITS.
        settings: float64[bar] by name of the setting.
        terms: market, and the settings that are ratios.
    """

    bars: Bars
    orders: NDArray[np.uint8]
    settings: dict[str, Series]
    terms: Terms

    def with_terms(self, **changes: Any) -> Script:
        """Return the script in another market."""
        return replace(self, terms=replace(self.terms, **changes))


@dataclass(frozen=True, eq=False)
class Outcome:
    """Equity and side held at each close, closed trades, and sums by fold if requested."""

    equity: Series
    held: NDArray[np.int8]
    trades: list[PlainTrade]
    folds: Series


def prices_of(bars: Bars) -> list[Series]:
    """Return open, high, low and close."""
    return [bars.open[0], bars.high[0], bars.low[0], bars.close[0]]


def simulated(
    script: Script, edges: Sequence[int] = (), benchmark: Series | None = None, program: int = 0
) -> Outcome:
    """Simulate a script as one program of a batch of two.

    The other program has the orders in reverse. Trades are recorded for program 0 alone.
    """
    terms = script.terms
    (sleeve,) = build_sleeves(script.bars, 0, len(script.bars))
    indices, count = sleeve.indices, len(sleeve.indices)
    orders = np.stack([script.orders[::-1], script.orders[::-1]])
    orders[program] = script.orders
    buffers = _build_buffers(orders[:, indices], script, indices)
    output = SimulationOutput(
        np.zeros((2, count)),
        np.zeros((2, count), np.int8),
        np.zeros((count + 2, len(TRADE_FIELDS))),
        np.zeros(1, np.int64),
        np.zeros((2 if len(edges) else 0, len(edges), len(FOLD_FIELDS))),
        sleeve.edges(np.array(edges, np.int64)),
        np.zeros(count) if benchmark is None else benchmark[indices],
        np.zeros(count),
    )
    compile_kernel(simulate)(
        sleeve.arrays,
        buffers,
        market_of(terms),
        output,
        np.zeros(1, ACCOUNT)[0],
    )
    closed = output.trades[: output.trade_count[0]]
    closed[:, :2] = indices[closed[:, :2].astype(np.int64)]  # from sleeve bars to bars
    trades = [_trade(row) for row in closed] if program == 0 else []
    folds = output.folds[program] if len(edges) else np.empty((0, len(FOLD_FIELDS)))
    equity = sleeve.spread(output.equity[program], terms.capital)
    equity = equity * sleeve.idle_growth(market_of(terms))
    held = sleeve.spread(output.held[program], 0)
    if len(edges) and not sleeve.is_whole:
        assert benchmark is not None
        counted = folds[:, [F_TRADES, F_RUINED]]
        folds = np.zeros((1, len(edges), len(FOLD_FIELDS)))
        positions = (held != 0).astype(np.int64)[None]
        where = np.array(edges, np.int64)
        nothing = np.zeros(len(benchmark))
        sum_folds(equity[None], positions, terms.capital, where, benchmark, nothing, 1, folds)
        folds = folds[0]
        folds[:, [F_TRADES, F_RUINED]] = counted
    return Outcome(equity, held, trades, folds)


def replayed(script: Script) -> Replay:
    """Simulate a script by the plain simulator."""
    bars = script.bars
    plain = [
        PlainBar(
            open=float(bars.open[0, t]),
            high=float(bars.high[0, t]),
            low=float(bars.low[0, t]),
            close=float(bars.close[0, t]),
            adjustment=float(bars.adjustment[0, t]),
            volume=float(bars.volume[0, t]),
            days=float(bars.days[t]),
        )
        for t in range(len(bars))
    ]
    signals = [
        BarSignals(
            frozenset(order for order, bit in BITS.items() if script.orders[t] & bit),
            {rule: float(values[t]) for rule, values in script.settings.items()},
        )
        for t in range(len(bars))
    ]
    return Replay(plain, signals, script.terms)


def market_of(terms: Terms) -> Market:
    """Return the market of some terms."""
    return Market(
        terms.capital,
        FILLS.index(terms.fill),
        terms.commission,
        terms.commission_per_share,
        terms.commission_minimum,
        terms.slippage,
        terms.slippage_range,
        terms.borrow,
        terms.cash_rate,
        terms.max_leverage,
        np.inf if terms.max_volume_share is None else terms.max_volume_share,
    )


def _build_buffers(
    orders: NDArray[np.uint8], script: Script, indices: NDArray[np.int64]
) -> SignalBuffers:
    """Build the buffers of two programs: uint8[program, sleeve bar], with the same settings."""
    bits = (orders[:, None, :] & np.array(list(BITS.values()))[:, None]) != 0
    bits = np.concatenate([bits, np.zeros((2, 4, -len(indices) % WORD_BARS), np.bool_)], axis=2)
    packed = np.packbits(bits, axis=2, bitorder="little").view(np.uint64)
    series = [values[indices] for values in script.settings.values()]
    memory = np.concatenate([packed.view(np.float64).ravel(), *series])
    settings, constants = np.full((2, 4), -1, np.int64), np.tile(UNSET, (2, 1))
    is_ratio = np.zeros((2, 4), np.bool_)
    for row, rule in enumerate(script.settings):
        settings[:, RULES.index(rule)] = packed.size + row * len(indices)
        is_ratio[:, RULES.index(rule)] = rule in script.terms.ratios
    conditions = np.arange(8).reshape(2, 4) * packed.shape[2]
    hold_bars = np.array([script.terms.hold] * 2)
    return SignalBuffers(
        memory, memory.view(np.uint64), conditions, settings, constants, is_ratio, hold_bars
    )


def _trade(row: Series) -> PlainTrade:
    return PlainTrade(
        "long" if row[2] > 0 else "short",
        int(row[0]),
        int(row[1]),
        abs(float(row[2])),
        float(row[3]),
        float(row[4]),
        REASONS[int(row[5])],
        float(row[6]),
        float(row[7]),
    )


# -- random scripts


def random_bars(rng: np.random.Generator, count: int, missing: float = 0.0) -> Bars:
    """Return a random walk with gaps at the open, on business days."""
    daily = rng.choice([0.005, 0.02, 0.06, 0.12])
    close = 100 * np.exp(np.cumsum(rng.normal(0, daily, count)))
    open_ = np.concatenate([[100.0], close[:-1]]) * np.exp(rng.normal(0, daily / 2, count))
    high = np.maximum(open_, close) * np.exp(np.abs(rng.normal(0, daily / 2, count)))
    low = np.minimum(open_, close) * np.exp(-np.abs(rng.normal(0, daily / 2, count)))
    prices = np.stack([open_, high, low, close])
    prices[:, rng.random(count) < missing] = np.nan
    days = np.busday_offset("2020-01-01", np.arange(count), roll="forward")
    adjustment = np.exp(np.cumsum(np.abs(rng.normal(0, 0.001, count))) - 0.2)
    volume = np.floor(rng.exponential(rng.choice([20.0, 200.0, 1e5]), count))
    return bars_from(days, list(prices), adjustment, volume)


def random_orders(rng: np.random.Generator, count: int) -> NDArray[np.uint8]:
    """Return orders that are true at random bars or in runs; some kinds never are."""
    orders = np.zeros(count, np.uint8)
    for bit in BITS.values():
        often = rng.choice([0.0, 0.05, 0.2, 0.6])
        drawn = rng.random(count) < often
        if rng.random() < 0.3:  # rules are levels more often than events
            drawn = np.repeat(drawn, 7)[:count]
        orders |= drawn.astype(np.uint8) * np.uint8(bit)
    return orders


def random_settings(
    rng: np.random.Generator, bars: Bars
) -> tuple[dict[str, Series], frozenset[str]]:
    """Return settings by bar, some unknown, 0 or negative, and the names of ratios."""
    count = len(bars)
    settings: dict[str, Series] = {}
    ratios = set()
    for rule in RULES:
        if rng.random() < 0.5:
            continue
        maximum = 10.0 if rng.random() < 0.3 else 1.5
        values = (
            rng.uniform(0.2, maximum, count) if rule == "size" else rng.uniform(0.002, 0.15, count)
        )
        if rng.random() < 0.2:
            values = np.full(count, values[0])
        if rule == "size" or rng.random() < 0.5:
            ratios.add(rule)
        else:
            values = values * 100
        if rng.random() < 0.5:
            bad = rng.random(count) < 0.15
            values[bad] = rng.choice([np.nan, 0.0, -0.05], int(bad.sum()))
        settings[rule] = values
    return settings, frozenset(ratios)


def random_terms(rng: np.random.Generator, ratios: frozenset[str]) -> Terms:
    """Return a market with random costs."""

    def some(low: float, high: float, chance: float = 0.5) -> float:
        return float(rng.uniform(low, high)) if rng.random() < chance else 0.0

    return Terms(
        capital=float(rng.choice([100.0, 1000.0, 1e6])),
        fill=str(rng.choice(FILLS)),
        hold=int(rng.integers(1, 12)) if rng.random() < 0.4 else 0,
        ratios=ratios,
        commission=some(0, 0.01),
        commission_per_share=some(0, 0.05),
        commission_minimum=some(0, 30, 0.2),
        slippage=some(0, 0.01),
        slippage_range=some(0, 0.3),
        borrow=some(0, 1.5),
        cash_rate=some(0, 0.3),
        max_leverage=float(rng.choice([1.0, 1.0, 0.5, 2.0, 8.0])),
        max_volume_share=float(rng.uniform(0.01, 0.5)) if rng.random() < 0.3 else None,
    )


def random_script(seed: int, count: int = 250) -> Script:
    """Return a script with random bars, orders, settings and market."""
    rng = np.random.default_rng(seed)
    bars = random_bars(rng, count, missing=float(rng.choice([0.0, 0.0, 0.05, 0.4])))
    settings, ratios = random_settings(rng, bars)
    return Script(bars, random_orders(rng, count), settings, random_terms(rng, ratios))


def grid_script(seed: int, count: int = 12) -> Script:
    """Return a script with few, dyadic prices and distances, so that nothing is rounded.

    Most bars have one order or none, so that positions last until they reach their levels.
    """
    rng = np.random.default_rng(seed)
    open_, close = (rng.integers(16, 26, count) / 2 for _ in range(2))
    high = np.maximum(open_, close) + rng.integers(0, 4, count) / 2
    low = np.minimum(open_, close) - rng.integers(0, 4, count) / 2
    prices = np.stack([open_, high, low, close])
    prices[:, rng.random(count) < rng.choice([0.0, 0.0, 0.2])] = np.nan
    days = np.datetime64("2024-01-01", "D") + np.cumsum(rng.choice([1, 1, 1, 3], count))
    settings: dict[str, Series] = {}
    for rule in ("stop", "trail", "target"):
        if rng.random() < 0.4:
            settings[rule] = np.full(count, rng.integers(1, 7) / 2)
            if rng.random() < 0.3:
                settings[rule] = rng.choice([0.5, 1.0, 2.0, 3.0, 0.0, -1.0, np.nan], count)
    if rng.random() < 0.3:
        settings["size"] = rng.choice([0.25, 0.5, 1.0, 2.0, 0.0, np.nan], count)
    is_cheap = rng.random() < 0.6
    terms = Terms(
        capital=1024.0,
        fill=str(rng.choice(FILLS)),
        hold=int(rng.choice([0, 0, 0, 1, 2, 3])),
        commission=0.0 if is_cheap else 1 / 128,
        slippage=0.0 if is_cheap else 1 / 256,
        borrow=0.0 if is_cheap else 0.25,
        max_leverage=float(rng.choice([1.0, 2.0])),
    )
    some = rng.choice([0, 0, 0, 1, 4], count)
    orders = np.where(rng.random(count) < 0.7, some, rng.integers(0, 16, count))
    return Script(bars_from(days, list(prices)), orders.astype(np.uint8), settings, terms)
