"""Proof that a strategy neither reads the future nor leans on how much past there is.

It is run again with the future cut off and with a false one: whatever it said and did before must
not change by a bit. And it is run with less and less past: once its averages have settled, what it
says must not change either. Other tools call these lookahead- and recursive-analysis.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dsl.analysis.program import Program
from dsl.bars import FIELDS, Bars
from dsl.evaluate import Signals, evaluate
from dsl.syntax.vocabulary import ORDERS
from evolve.backtest.backtest import Backtest, backtest
from evolve.backtest.market import Market

CUTS = 20
MIN_BARS = 60
PASTS = (0.25, 0.5)  # shares of the bars that are taken away at the start
STABLE_SHARE = 1e-6  # of a stop, trail, target or size

Read = Callable[[Program, Bars], tuple[Signals, ...]]
Trade = Callable[[Program, Bars, Market], Backtest]


@dataclass(frozen=True)
class Difference:
    """Something that a change of other bars changed.

    Attributes:
        what: a rule such as `buy`, or `equity`.
        bar: the first bar that differs.
        because: what was done to the bars.
    """

    symbol: str
    field: str
    bar: int
    reason: str


@dataclass(frozen=True)
class LookaheadReport:
    """What was found.

    Attributes:
        cuts: how many futures were taken away, and as many made false.
        seen: what a change of the future changed; nothing for an honest strategy.
        settled: bars of past after which what it says depends on no earlier bar, the most of
            those tried; None if it still differed at the end.
    """

    cuts: int
    violations: tuple[Difference, ...]
    stabilization_bars: int | None


def find_lookahead(
    program: Program, bars: Bars, market: Market, seed: int = 0, read: Read = evaluate,
    trade: Trade = backtest,
) -> LookaheadReport:  # fmt: skip
    """Whether a strategy's signals, settings or equity before a bar depend on bars from it on.

    Args:
        program: the strategy.
        bars: what it is tried on.
        market: fills and costs.
        seed: of the false futures.
        read, trade: how signals and equity come about; what is under proof.

    Raises:
        ValueError: if there are too few bars to cut.
    """
    count = len(bars)
    if count < MIN_BARS:
        raise ValueError(f"{count} bars are too few to cut: it takes {MIN_BARS}")
    rng = np.random.default_rng(seed)
    whole, equity = read(program, bars), trade(program, bars, market).equity
    seen: list[Difference] = []
    cuts = np.unique(np.linspace(MIN_BARS // 2, count - 2, CUTS).astype(int))
    for cut in cuts:
        futures = {
            "the future was cut off": bars.slice(0, cut),
            "the future was made false": _replace_future(bars, cut, rng),
        }
        for because, other in futures.items():
            found = read(program, other)
            for symbol, name in enumerate(bars.symbols):
                for what, bar in _differences(whole[symbol], found[symbol], cut):
                    seen.append(Difference(name, what, bar, f"{because} from bar {cut} on"))
            until = cut if len(other) == len(bars) else _still_open(bars, cut)
            traded = trade(program, other, market).equity
            place = _first_difference(equity[:until], traded[:until])
            if place is not None:
                seen.append(Difference("all", "equity", place, f"{because} from bar {cut} on"))
    return LookaheadReport(len(cuts), tuple(seen), _find_stabilization(program, bars, whole, read))


def _still_open(bars: Bars, cut: int) -> int:
    """The bars before which no position is closed because its symbol's bars end at a cut."""
    lasts = []
    for symbol in range(len(bars.symbols)):
        places = bars.priced_indices(symbol)
        known = int(np.searchsorted(places, cut))
        if 0 < known < len(places):
            lasts.append(int(places[known - 1]))
    return min(lasts, default=cut)


def _replace_future(bars: Bars, cut: int, rng: np.random.Generator) -> Bars:
    """The same bars with every one from a cut on replaced by nonsense, volume too."""
    shape = (len(bars.symbols), len(bars) - cut)
    panels = {name: getattr(bars, name).copy() for name in FIELDS}
    scale = np.exp(rng.normal(0.0, 1.0, shape))
    for name in FIELDS:
        panels[name][:, cut:] *= scale
    spread = np.exp(np.abs(rng.normal(0.0, 0.5, shape)))
    panels["high"][:, cut:] *= spread
    panels["low"][:, cut:] /= spread
    return replace(bars, **panels)


def _differences(one: Signals, other: Signals, cut: int) -> list[tuple[str, int]]:
    found: list[tuple[str, int]] = []
    for name in ORDERS:
        bar = _first_difference(one.order(name)[:cut], other.order(name)[:cut])
        if bar is not None:
            found.append((name, bar))
    for row in range(len(one.settings)):
        bar = _first_difference(one.settings[row, :cut], other.settings[row, :cut])
        if bar is not None:
            found.append(("size, stop, trail or target", bar))
    return found


def _first_difference(one: np.ndarray, other: np.ndarray) -> int | None:
    """The first place where two series differ by a bit; NaN equals NaN."""
    places = np.flatnonzero(~((one == other) | ((one != one) & (other != other))))
    return int(places[0]) if len(places) else None


def _find_stabilization(
    program: Program, bars: Bars, whole: tuple[Signals, ...], read: Read
) -> int | None:
    """After how many bars of past what it says is what it says with all the past there is."""
    most = 0
    for share in PASTS:
        start = int(len(bars) * share)
        found = read(program, bars.slice(start, len(bars)))
        for one, other in zip(whole, found, strict=True):
            differ = np.flatnonzero(_differ(one, other, start))
            if len(differ) and differ[-1] == len(bars) - start - 1:
                return None
            most = max(most, int(differ[-1]) + 1 if len(differ) else 0)
    return most


def _differ(whole: Signals, later: Signals, start: int) -> NDArray[np.bool_]:
    """bool[bar from start]: where orders differ, or a setting that is known or not, or by more
    than averages that still settle."""
    orders = whole.orders[0, start:] != later.orders[0]
    same = np.isclose(whole.settings[:, start:], later.settings, STABLE_SHARE, 0.0, equal_nan=True)
    differ: NDArray[np.bool_] = orders | ~same.all(axis=0)
    return differ
