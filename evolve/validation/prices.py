"""Identity of prices: whether two data sets, of any source, have prices in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from dsl.bars import Bars

WINDOW = 16  # returns of a hash
STEPS = 4.0  # of a rounded return in a deviation: more than two roundings of a price differ by
SAMPLE = 4  # one hash of this number is part of the fingerprint
MAX_DATED_SECONDS = 6 * 3600  # bars this short have a time of day, longer ones a date only
SECONDS = 1_000_000_000


@dataclass(frozen=True)
class PriceId:
    """Identity of prices.

    Attributes:
        symbols: names of the symbols of a market; empty if only the returns identify the prices,
            as for files.
        interval: seconds between bars, the median.
        first_day, last_day: ISO dates.
        fingerprint: hashes of runs of close-to-close returns, sorted.
    """

    symbols: tuple[str, ...]
    interval: int
    first_day: str
    last_day: str
    fingerprint: tuple[int, ...]

    def overlaps(self, other: PriceId) -> bool:
        """Return whether both have prices in common."""
        shares_dates = self.first_day <= other.last_day and other.first_day <= self.last_day
        shares_symbol = bool(set(self.symbols) & set(other.symbols))
        if shares_dates and shares_symbol and self.interval == other.interval:
            return True
        return not set(self.fingerprint).isdisjoint(other.fingerprint)

    def describe(self) -> dict[str, Any]:
        """Return the fields as JSON has them."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
        }


def identify_prices(bars: Bars, has_market_symbols: bool, start: int = 0) -> PriceId:
    """Return the identity of the bars from `start` on.

    Args:
        bars: all bars.
        has_market_symbols: whether the names of the symbols identify them beyond this data.
        start: first bar.
    """
    time = bars.time[start:].astype("datetime64[ns]")
    steps = np.diff(time).astype(np.int64)
    days = time.astype("datetime64[D]")
    interval = int(np.median(steps) // SECONDS) if len(steps) else 0
    hashes: set[int] = set()
    for symbol in range(len(bars.symbols)):
        indices = bars.priced_indices(symbol)
        indices = indices[indices >= start]
        unit = "datetime64[D]" if interval > MAX_DATED_SECONDS else "datetime64[m]"
        times = bars.time[indices].astype(unit).astype(np.int64)
        hashes.update(_hash_returns(bars.close[symbol, indices], times))
    symbols = bars.symbols if has_market_symbols else ()
    return PriceId(symbols, interval, str(days[0]), str(days[-1]), tuple(sorted(hashes)))


def read_prices(record: Mapping[str, Any]) -> PriceId:
    """Read what `describe` returns."""
    return PriceId(
        tuple(record["symbols"]), record["interval"], record["first_day"], record["last_day"],
        tuple(record["fingerprint"]),
    )  # fmt: skip


def _hash_returns(close: NDArray[np.float64], times: NDArray[np.int64]) -> list[int]:
    """Return hashes of runs of returns, selected by their values, so that a shift changes none.

    Returns do not change with a split, a dividend or another currency unit. They are rounded to a
    power of two near a quarter of their deviation, since prices have few digits. Source of the
    selection: Schleimer, Wilkerson and Aiken, "Winnowing" (2003).

    Args:
        close: float64[bar].
        times: int64[bar], which tell apart runs that have the same returns by chance.
    """
    if len(close) <= WINDOW:
        return []
    runs = sliding_window_view(close[1:] / close[:-1] - 1.0, WINDOW)
    deviation = runs.std(axis=1)
    is_moving = deviation > 0.0
    grid = 2.0 ** np.round(np.log2(deviation[is_moving])) / STEPS
    rounded = np.rint(runs[is_moving] / grid[:, None]).astype(np.int64).view(np.uint64)
    factors = np.random.default_rng(WINDOW).integers(
        2**63, size=WINDOW, dtype=np.uint64
    ) | np.uint64(1)
    dates = times[WINDOW:][is_moving].view(np.uint64)
    hashes = _mix((rounded * factors).sum(axis=1, dtype=np.uint64) ^ _mix(dates))
    selected: list[int] = hashes[hashes % np.uint64(SAMPLE) == 0].tolist()
    return selected


def _mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return values whose bits are spread (Steele, Lea and Flood, "SplitMix", 2014)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
