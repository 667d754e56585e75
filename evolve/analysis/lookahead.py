"""Look-ahead analysis, and recursive analysis of the bars that indicators need to stabilize.

Look-ahead: if the future is truncated or replaced, earlier signals and equity must not change by a
bit. Recursive: if early bars are removed, signals must not change once indicators are stable.
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
REMOVED_SHARES = (0.25, 0.5)  # of the bars, from the first on
STABLE_SHARE = 1e-6  # relative tolerance of a size, stop, trail or target

Read = Callable[[Program, Bars], tuple[Signals, ...]]
Trade = Callable[[Program, Bars, Market], Backtest]


@dataclass(frozen=True)
class Difference:
    """Change of a result caused by a change of later bars.

    Attributes:
        symbol: name of the symbol; `all` for equity.
        field: an order such as `buy`, the settings, or `equity`.
        bar: first bar that differs.
        reason: change that was applied to the bars.
    """

    symbol: str
    field: str
    bar: int
    reason: str


@dataclass(frozen=True)
class LookaheadReport:
    """Result of the look-ahead analysis.

    Attributes:
        cuts: number of bars at which the future was truncated, and replaced.
        violations: results that depend on a later bar; empty without look-ahead.
        stabilization_bars: maximum number of bars after which signals depend on no earlier bar;
            None if they still differ on the last bar.
    """

    cuts: int
    violations: tuple[Difference, ...]
    stabilization_bars: int | None


def find_lookahead(
    program: Program, bars: Bars, market: Market, seed: int = 0, read: Read = evaluate,
    trade: Trade = backtest,
) -> LookaheadReport:  # fmt: skip
    """Find signals, settings and equity that depend on later bars.

    Args:
        program: a checked strategy.
        bars: bars of one or more symbols.
        market: fills and costs.
        seed: seed of the replacement bars.
        read: function under test that evaluates signals.
        trade: function under test that runs a backtest.

    Raises:
        ValueError: if there are fewer than MIN_BARS bars.
    """
    count = len(bars)
    if count < MIN_BARS:
        raise ValueError(f"expected at least {MIN_BARS} bars, found {count}")
    rng = np.random.default_rng(seed)
    whole, equity = read(program, bars), trade(program, bars, market).equity
    violations: list[Difference] = []
    cuts = np.unique(np.linspace(MIN_BARS // 2, count - 2, CUTS).astype(int))
    for cut in cuts:
        changes = {
            "the future was truncated": bars.slice(0, cut),
            "the future was replaced": _replace_future(bars, cut, rng),
        }
        for change, other in changes.items():
            reason = f"{change} from bar {cut} on"
            signals = read(program, other)
            for symbol, name in enumerate(bars.symbols):
                for field, bar in _list_differences(whole[symbol], signals[symbol], cut):
                    violations.append(Difference(name, field, bar, reason))
            until = cut if len(other) == len(bars) else _find_first_close(bars, cut)
            changed = trade(program, other, market).equity
            first = _find_first_difference(equity[:until], changed[:until])
            if first is not None:
                violations.append(Difference("all", "equity", first, reason))
    return LookaheadReport(
        len(cuts), tuple(violations), _find_stabilization(program, bars, whole, read)
    )


def _find_first_close(bars: Bars, cut: int) -> int:
    """Return the first bar on which a cut closes a position: the last bar of a shortened symbol."""
    lasts = []
    for symbol in range(len(bars.symbols)):
        indices = bars.priced_indices(symbol)
        remaining = int(np.searchsorted(indices, cut))
        if 0 < remaining < len(indices):
            lasts.append(int(indices[remaining - 1]))
    return min(lasts, default=cut)


def _replace_future(bars: Bars, cut: int, rng: np.random.Generator) -> Bars:
    """Return bars with random prices and volumes from a cut on."""
    shape = (len(bars.symbols), len(bars) - cut)
    panels = {name: getattr(bars, name).copy() for name in FIELDS}
    scale = np.exp(rng.normal(0.0, 1.0, shape))
    for name in FIELDS:
        panels[name][:, cut:] *= scale
    spread = np.exp(np.abs(rng.normal(0.0, 0.5, shape)))
    panels["high"][:, cut:] *= spread
    panels["low"][:, cut:] /= spread
    return replace(bars, **panels)


def _list_differences(one: Signals, other: Signals, cut: int) -> list[tuple[str, int]]:
    """Return the orders and settings that differ before a cut, each with its first bar."""
    differences: list[tuple[str, int]] = []
    for name in ORDERS:
        bar = _find_first_difference(one.order(name)[:cut], other.order(name)[:cut])
        if bar is not None:
            differences.append((name, bar))
    for row in range(len(one.settings)):
        bar = _find_first_difference(one.settings[row, :cut], other.settings[row, :cut])
        if bar is not None:
            differences.append(("size, stop, trail or target", bar))
    return differences


def _find_first_difference(one: np.ndarray, other: np.ndarray) -> int | None:
    """Return the first index at which two series differ; NaN equals NaN."""
    indices = np.flatnonzero(~((one == other) | ((one != one) & (other != other))))
    return int(indices[0]) if len(indices) else None


def _find_stabilization(
    program: Program, bars: Bars, whole: tuple[Signals, ...], read: Read
) -> int | None:
    """Return the number of bars after which signals equal those with all earlier bars."""
    stabilization_bars = 0
    for share in REMOVED_SHARES:
        start = int(len(bars) * share)
        signals = read(program, bars.slice(start, len(bars)))
        for one, other in zip(whole, signals, strict=True):
            differing = np.flatnonzero(_compare(one, other, start))
            if not len(differing):
                continue
            if differing[-1] == len(bars) - start - 1:
                return None
            stabilization_bars = max(stabilization_bars, int(differing[-1]) + 1)
    return stabilization_bars


def _compare(whole: Signals, later: Signals, start: int) -> NDArray[np.bool_]:
    """Return bool[bar from start], where orders differ, or settings by more than STABLE_SHARE."""
    orders = whole.orders[0, start:] != later.orders[0]
    is_close = np.isclose(
        whole.settings[:, start:], later.settings, STABLE_SHARE, 0.0, equal_nan=True
    )
    differ: NDArray[np.bool_] = orders | ~is_close.all(axis=0)
    return differ
