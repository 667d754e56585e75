"""Markets of `search_quality.py`, each with a hidden rule that a search may find.

The prices are a geometric Brownian motion with exact extremes inside a bar. After a rule holds at a
close, the next bar drifts by the edge from its open to its close. The edge times the usual share of
bars with the rule is subtracted from all bars, so that the market as a whole does not rise faster.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsl.analysis.check import check, check_expression
from dsl.analysis.program import Program, lookback
from dsl.bars import Bars
from dsl.evaluate import Evaluator
from dsl.terms.terms import Term
from evolve.data.generators import DRIFT, OVERNIGHT, VOLATILITY, YEAR
from evolve.data.paths import STEPS_PER_BAR, Paths, bars_from_paths, draw_paths

Series = NDArray[np.float64]

TRAIN_BARS, VALIDATION_BARS, FRESH_BARS = 2_400, 800, 10_000
SEEN_BARS = TRAIN_BARS + VALIDATION_BARS
BLOCK_BARS = 64
MEMORY_BARS = 600  # beyond the lookback, for averages that remember all bars


@dataclass(frozen=True)
class HiddenEdge:
    """Condition after which a bar drifts.

    Attributes:
        rule: a condition in the indicator language.
        side: 1 if prices rise after it, -1 if they fall.
        is_decoy: True if the edge ends with the train bars.
    """

    rule: str
    side: int = 1
    is_decoy: bool = False


@dataclass(frozen=True)
class HiddenMarket:
    """Market with hidden edges.

    Attributes:
        name: a name of MARKETS.
        edges: the edges; none for noise.
    """

    name: str
    edges: tuple[HiddenEdge, ...]

    @property
    def directions(self) -> tuple[str, ...]:
        """Directions that a strategy may trade."""
        return ("long", "short") if any(each.side < 0 for each in self.edges) else ("long",)

    @property
    def rule(self) -> Program | None:
        """Strategy that trades the edges that last; None for noise."""
        lines = [
            f"buy when {each.rule} sell when not ({each.rule})"
            if each.side > 0
            else f"short when {each.rule} cover when not ({each.rule})"
            for each in self.edges
            if not each.is_decoy
        ]
        return check(f"strategy hidden {{ {' '.join(lines)} }}") if lines else None

    def draw(self, cell: str, seed: int, edge_bps: float, shares: Mapping[str, float]) -> Bars:
        """Draw train, validation and fresh bars, one after another.

        Args:
            cell: text that separates random numbers; equal seeds of two cells share none.
            seed: seed of the random numbers.
            edge_bps: log return of the bar after one on which a rule holds, in basis points.
            shares: usual share of the bars on which each rule holds.
        """
        paths = draw_walk(cell, seed, SEEN_BARS + FRESH_BARS)
        return plant(paths, self.edges, edge_bps * 1e-4, shares)


MARKETS = {
    name: HiddenMarket(name, edges)
    for name, edges in {
        "dip": (HiddenEdge("close / sma(close, 10) < 0.985"),),
        "turn": (HiddenEdge("close > open and roc(close, 3)[1] < -1%"),),
        "regime": (HiddenEdge("close > sma(close, 50) and rsi(close, 3) < 40"),),
        # The opposite, `close > close[120]`, would hold forever: its edge raises the price.
        "long": (HiddenEdge("close < close[120]"),),
        "place": (HiddenEdge("(close - low) / (high - low) < 0.35"),),
        "calm": (
            HiddenEdge(
                "stdev(roc(close, 1), 20) < stdev(roc(close, 1), 100) and roc(close, 3) < -0.5%"
            ),
        ),
        "rsi": (HiddenEdge("rsi(close, 14) < 42"),),
        "sides": (
            HiddenEdge("rsi(close, 5) < 30"),
            HiddenEdge("rsi(close, 5) > 70", side=-1),
        ),
        "volume": (HiddenEdge("volume > sma(volume, 20) and close < open"),),
        "decoy": (
            HiddenEdge("close < lowest(close, 5)[1]"),
            HiddenEdge("close > ema(close, 20) and close > open", is_decoy=True),
        ),
        "noise": (),
    }.items()
}


def draw_walk(cell: str, seed: int, bars: int) -> Paths:
    """Draw the paths of a market without an edge."""
    steps, rest = np.random.default_rng([zlib.crc32(cell.encode()), seed]).spawn(2)
    noise = steps.normal(0.0, 1.0, (bars, 1 + STEPS_PER_BAR))
    deviation = np.full(bars, VOLATILITY.default / np.sqrt(YEAR))
    mean = DRIFT.default / YEAR - deviation**2 / 2
    return draw_paths(rest, noise, mean, deviation, OVERNIGHT.default)


def measure_shares(edges: tuple[HiddenEdge, ...], bars: Bars) -> dict[str, float]:
    """Return the share of bars on which each rule holds."""
    return {
        each.rule: float(Evaluator(bars).series(check_expression(each.rule)).mean())
        for each in edges
    }


def plant(
    paths: Paths, edges: tuple[HiddenEdge, ...], edge: float, shares: Mapping[str, float]
) -> Bars:
    """Build the market in which each bar drifts as the rules on the bar before demand.

    The edge changes prices, and prices change where a rule holds. A rule reads no later bar, so the
    fixed point of the iteration is unique.

    Args:
        paths: the market without an edge.
        edges: what is planted.
        edge: log return of the bar after one on which a rule holds.
        shares: usual share of the bars on which each rule holds.
    """
    if not edges:
        return bars_from_paths(paths)
    planted = [(each, check_expression(each.rule), shares[each.rule]) for each in edges]
    memory = MEMORY_BARS + max(lookback(term) for _, term, _ in planted)
    count = len(paths.moves)
    drift = np.zeros(count)  # of the bar after each bar
    for begin in range(0, count, BLOCK_BARS):
        end, first = min(begin + BLOCK_BARS, count), max(0, begin - memory)
        part = paths.slice(first, end)
        part.moves[0, 0] += drift[: max(first - 1, 0)].sum()
        _settle(part, planted, edge, drift[first:end], first)
    while True:
        bars = _build(paths, drift)
        found = _find_drift(bars, planted, edge, 0)
        if np.array_equal(found, drift):
            return bars
        drift = found


Planted = list[tuple[HiddenEdge, Term, float]]


def _settle(paths: Paths, planted: Planted, edge: float, drift: Series, first: int) -> None:
    """Find the drift of the last block of bars, in place."""
    for _ in range(BLOCK_BARS + 1):
        found = _find_drift(_build(paths, drift), planted, edge, first)[-BLOCK_BARS:]
        if np.array_equal(found, drift[-BLOCK_BARS:]):
            return
        drift[-BLOCK_BARS:] = found


def _build(paths: Paths, drift: Series) -> Bars:
    moves = paths.moves.copy()
    moves[1:, 1:] += drift[:-1, None] / STEPS_PER_BAR
    return bars_from_paths(paths._replace(moves=moves))


def _find_drift(bars: Bars, planted: Planted, edge: float, first: int) -> Series:
    """Return the drift of the bar after each bar, in a market that begins at bar `first`."""
    evaluator, drift = Evaluator(bars), np.zeros(len(bars))
    for each, term, share in planted:
        holds: NDArray[Any] = evaluator.series(term)
        own = each.side * edge * (holds - share)
        if each.is_decoy:
            own[max(TRAIN_BARS - 1 - first, 0) :] = 0.0
        drift += own
    return drift
