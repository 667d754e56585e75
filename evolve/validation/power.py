"""Power of a search: how often it finds an edge of a known size in data of this length."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from dsl.bars import Bars
from evolve.backtest.market import BPS, NEXT_CLOSE, NEXT_OPEN, Market
from evolve.data.planted_bars import plant_in_bars
from evolve.validation.null_run import NullRun
from evolve.validation.permutation import permute

FIRST_MARKET = 1_000_001  # far from the numbers of null searches
MARKETS_PER_EDGE = 10
MAX_EDGES = 4
EDGE_RATIO = 1.7
FIRST_T = 3.0
RULE_SHARE = 0.15  # of the bars, approximately
MAX_LOG_GROWTH = 20.0  # of the price, by the edge alone
GOOD_SHARE = 0.8


@dataclass(frozen=True)
class HiddenRule:
    """Rule that is planted into markets; it holds on 10 to 20 % of the bars of most markets.

    Attributes:
        name: for messages.
        text: condition in the indicator language.
    """

    name: str
    text: str

    def write(self, direction: str) -> str:
        """Write the strategy that trades the rule alone, `long` or `short`."""
        entry, leave = ("buy", "sell") if direction == "long" else ("short", "cover")
        return f"strategy hidden {{ {entry} when {self.text} {leave} when not ({self.text}) }}"


RULES = (
    HiddenRule("oversold", "rsi(close, 2) < 15"),
    HiddenRule("breakout", "close > highest(close, 20)[1]"),
    HiddenRule("fall", "consecutive(close < close[1]) >= 3"),
    HiddenRule("calm", "percentrank(stdev(roc(close, 1), 20), 100) < 0.15"),
    HiddenRule("strong close", "(close - low) / (high - low) > 0.85"),
)


@dataclass(frozen=True)
class PowerRow:
    """Searches on markets with an edge of one size.

    Attributes:
        edge_bps: move of the first bar that an order can hold after the rule holds, in basis
            points of the price; negative in short-only experiments.
        found: whether each search exceeded the threshold.
        ratio: annualized appraisal ratio of the hidden rule traded alone, net of costs, averaged
            over the markets.
    """

    edge_bps: float
    found: tuple[bool, ...]
    ratio: float

    @property
    def share(self) -> float:
        """Share of the searches that exceeded the threshold."""
        return fmean(self.found)


@dataclass(frozen=True)
class Power:
    """Power of a search by the size of the edge.

    Attributes:
        trials: number of trials of each search.
        null_runs: number of null searches behind the threshold.
        threshold: score that would have passed them; None if none had a feasible strategy.
        bars_per_year: bars of a year.
        rules: the hidden rules, in rotation.
        rows: sizes of the edge in ascending order.
        is_complete: False if the searches were interrupted.
    """

    trials: int
    null_runs: int
    threshold: float | None
    bars_per_year: float
    rules: tuple[HiddenRule, ...]
    rows: tuple[PowerRow, ...] = ()
    is_complete: bool = False

    @property
    def unit(self) -> str:
        """Unit of time of an edge: `day` or `bar`."""
        return "day" if 200 <= self.bars_per_year <= 366 else "bar"

    @property
    def chosen(self) -> PowerRow | None:
        """Smallest edge that is found in 8 of 10 searches, or else the largest one."""
        complete = [each for each in self.rows if len(each.found) == MARKETS_PER_EDGE]
        good = [each for each in complete if each.share >= GOOD_SHARE]
        return next(iter(good or complete[-1:]), None)

    @property
    def target(self) -> float:
        """Smallest score above the threshold."""
        return -math.inf if self.threshold is None else math.nextafter(self.threshold, math.inf)


@dataclass(frozen=True)
class PlantedMarkets:
    """Markets of a power test: permuted bars into which a rule is planted.

    The market number determines edge, rule and permutation. Markets of different edges share the
    permutations.

    Attributes:
        rules: the hidden rules, in rotation.
        edges_bps: log returns in basis points, in ascending order of their size.
        market: fills, which decide the bar of the edge.
    """

    rules: tuple[HiddenRule, ...]
    edges_bps: tuple[float, ...]
    market: Market

    @property
    def numbers(self) -> range:
        """Numbers of all markets, edge by edge."""
        return range(FIRST_MARKET, FIRST_MARKET + len(self.edges_bps) * MARKETS_PER_EDGE)

    def find_rule(self, number: int) -> HiddenRule:
        """Return the rule of a market."""
        return self.rules[(number - FIRST_MARKET) % MARKETS_PER_EDGE % len(self.rules)]

    def __call__(self, bars: Bars, number: int) -> Bars:
        """Build a market."""
        size, index = divmod(number - FIRST_MARKET, MARKETS_PER_EDGE)
        delays = list(iterate_delays(bars, self.market))
        shuffled = permute(bars, FIRST_MARKET + index)
        rule, edge = self.find_rule(number).text, self.edges_bps[size] * BPS
        return plant_in_bars(shuffled, rule, edge, delays)


def iterate_delays(bars: Bars, market: Market) -> Iterator[int]:
    """Yield by symbol the bars from a signal to the first move that its order can earn.

    An order that fills at the next close misses the move of that bar.
    """
    for name in bars.symbols:
        is_late = market.fill == NEXT_OPEN and name in bars.closes_only
        yield 2 if is_late or market.fill == NEXT_CLOSE else 1


def choose_edges(bars: Bars, market: Market, direction: str) -> tuple[float, ...]:
    """Return a geometric grid of edges in basis points.

    The first one pays the costs of a round trip, and its net mean has t = 3 over all bars and
    symbols, if the rule holds on 15 % of them. So the grid begins near the smallest edge that one
    trial alone could detect. It ends before the edge alone multiplies the price by e^20.

    Args:
        bars: the bars of the search.
        market: costs.
        direction: `long`, or `short` for negative edges.
    """
    moves = np.log(bars.close / bars.open)[bars.priced]
    held = max(RULE_SHARE * len(moves), 1.0)
    first = 2 * (market.commission + market.slippage) + FIRST_T * float(moves.std()) / held**0.5
    largest = max(first, MAX_LOG_GROWTH / (RULE_SHARE * len(bars)))
    sizes = [first * EDGE_RATIO**index for index in range(MAX_EDGES)]
    sign = 1.0 if direction == "long" else -1.0
    return tuple(sign * _round(each) for each in sizes if each <= largest)


def list_found(power: Power, bests: Sequence[float | None]) -> tuple[bool, ...]:
    """Return by search whether its best score exceeds the threshold."""
    return tuple(best is not None and best >= power.target for best in bests)


def start_power(null: NullRun, bars_per_year: float, rules: tuple[HiddenRule, ...]) -> Power:
    """Return a power without rows, with the threshold of complete null searches."""
    return Power(null.trials, null.planned, null.threshold, bars_per_year, rules)


def _round(edge: float) -> float:
    """Return a log return in basis points, with two significant digits."""
    return float(f"{edge / BPS:.1e}")
