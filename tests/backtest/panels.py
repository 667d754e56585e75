"""Ragged panels: late starts, early ends, missing bars, symbols with one bar or none."""

from __future__ import annotations

from random import Random

import numpy as np
from numpy.typing import NDArray

from dsl.analysis.check import check
from dsl.analysis.program import Program
from dsl.bars import PANELS, Bars
from evolve.backtest.market import FILLS, Market, market
from evolve.data.align import align
from evolve.data.generators import GENERATORS
from tests.backtest.ledger import scripted
from tests.programs import random_programs

KINDS = ("whole", "holes", "few", "late", "early", "middle", "torn", "one", "none")
SETTINGS = (
    "", "hold 3", "stop 4%", "trail 5%", "target 3%\nhold 7", "size 0.5", "size 2\nstop 2 * atr(3)",
    "stop close - low\ntarget 2 * (high - low)",
)  # fmt: skip
TIMES = ("days", "business days", "hours", "weeks")


def times(kind: str, count: int) -> NDArray[np.datetime64]:
    """Return the times of bars."""
    first, indices = np.datetime64("2015-03-02", "ns"), np.arange(count)
    if kind == "business days":
        days: NDArray[np.datetime64] = np.busday_offset(np.datetime64("2015-03-02", "D"), indices)
        return days.astype("datetime64[ns]")
    step = {"days": 24, "hours": 1, "weeks": 168}[kind]
    return first + (indices * step).astype("timedelta64[h]").astype("timedelta64[ns]")


def present(kind: str, count: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Return bool[bar], the bars of a panel that a symbol has."""
    first, last = np.sort(rng.integers(0, count, 2))
    indices = np.arange(count)
    masks: dict[str, NDArray[np.bool_]] = {
        "whole": np.ones(count, np.bool_),
        "holes": rng.random(count) > 0.2,
        "few": rng.random(count) > 0.9,
        "late": indices >= last,
        "early": indices <= first,
        "middle": (indices >= first) & (indices <= last),
        "torn": (indices < first) | (indices > last),
        "one": indices == first,
        "none": np.zeros(count, np.bool_),
    }
    return masks[kind]


def without(bars: Bars, absent: NDArray[np.bool_]) -> Bars:
    """Remove bars where bool[symbol, bar] is true, and times without any bar."""
    panels = {name: getattr(bars, name).copy() for name in PANELS}
    for name, panel in panels.items():
        panel[absent] = 1.0 if name == "adjustment" else np.nan
    left = ~np.isnan(panels["open"]).all(axis=0)
    return Bars(bars.symbols, bars.time[left], **{n: each[:, left] for n, each in panels.items()})


def whole(
    seed: int, symbols: int, count: int, with_orders: bool, kind: str = "business days"
) -> Bars:
    """Return a complete panel; `with_orders` writes orders for `ledger.scripted` to the volume."""
    rng = np.random.default_rng(seed)
    shape = (symbols, count)
    daily = rng.choice([0.005, 0.02, 0.06], (symbols, 1))
    close = 100 * np.exp(np.cumsum(rng.normal(0, 1, shape) * daily, axis=1))
    opened = close * np.exp(rng.normal(0, 1, shape) * daily / 2)
    high = np.maximum(opened, close) * np.exp(np.abs(rng.normal(0, 1, shape)) * daily / 2)
    low = np.minimum(opened, close) * np.exp(-np.abs(rng.normal(0, 1, shape)) * daily / 2)
    volume = np.round(1e5 * np.exp(rng.normal(0, 1, shape)))
    if with_orders:
        orders = rng.integers(0, 16, shape)
        volume = np.where(rng.random(shape) < 0.6, rng.choice([0, 0, 1, 4], shape), orders) * 1.0
    adjustment = np.exp(np.cumsum(np.abs(rng.normal(0, 0.001, shape)), axis=1) - 0.2)
    names = tuple(f"S{index}" for index in range(symbols))
    return Bars(names, times(kind, count), opened, high, low, close, volume, adjustment)


def ragged(seed: int, count: int = 150, with_orders: bool = True) -> Bars:
    """Return a panel of two to four symbols with different bars."""
    rng = np.random.default_rng(seed)
    symbols = int(rng.integers(2, 5))
    bars = whole(seed, symbols, count, with_orders, str(rng.choice(TIMES)))
    kinds = rng.choice(KINDS, symbols)
    has_bar = np.stack([present(str(kind), count, rng) for kind in kinds])
    has_bar[0, :2] = has_bar[0, -1] = True  # one symbol spans the panel
    return without(bars, ~has_bar)


def programs(seed: int, count: int, with_orders: bool = True) -> list[Program]:
    """Return scripted or random strategies."""
    rng = Random(seed)
    if with_orders:
        return [check(scripted(rng.choice(SETTINGS))) for _ in range(count)]
    return random_programs(count, rng)


def terms(seed: int, **fixed: float) -> Market:
    """Return a market with random costs."""
    rng = Random(seed)
    costs: dict[str, float] = {
        "capital": 9000.0,
        "commission_bps": rng.choice([0, 10]),
        "slippage_bps": rng.choice([0, 5]),
        "commission_per_share": rng.choice([0, 0.01]),
        "commission_minimum": rng.choice([0, 0, 1]),
        "slippage_range": rng.choice([0, 0.05]),
        "borrow_bps": rng.choice([0, 300]),
        "cash_rate": rng.choice([0.0, 0.05]),
        "max_leverage": rng.choice([1, 1, 0.5, 3]),
    }
    return market(fill=rng.choice(FILLS), **(costs | fixed))


def own_market(name: str, seed: int, bars: int = 400) -> Bars:
    """Return bars of one symbol with changing regimes."""
    regime = GENERATORS["regime"]
    defaults = {key: each.default for key, each in regime.options.items()}
    drawn = regime.draw(bars, seed, "", defaults)
    return Bars((name,), drawn.time, **{field: getattr(drawn, field) for field in PANELS})


def only(bars: Bars, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> Bars:
    """Return some of the bars."""
    panels = {field: getattr(bars, field)[:, chosen].copy() for field in PANELS}
    return Bars(bars.symbols, bars.time[chosen].copy(), **panels)


def panel_of(seed: int) -> Bars:
    """Return three symbols: one with missing bars, one that starts late, one that ends early."""
    rng = np.random.default_rng(seed)
    whole = [own_market(name, seed * 10 + i) for i, name in enumerate(("AAA", "BBB", "CCC"))]
    late, early = int(rng.integers(50, 200)), int(rng.integers(200, 350))
    indices = np.arange(400)
    chosen = (rng.random(400) > 0.2, indices >= late, indices < early)
    return align([only(bars, rows) for bars, rows in zip(whole, chosen, strict=True)])


def in_order(bars: Bars, order: list[int]) -> Bars:
    """Return the symbols of a panel in another order."""
    panels = {name: getattr(bars, name)[order] for name in PANELS}
    return Bars(tuple(bars.symbols[index] for index in order), bars.time, **panels)
