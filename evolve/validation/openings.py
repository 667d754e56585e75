"""Openings of holdouts on the same prices, counted over all runs of a user."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np

from dsl.bars import Bars
from evolve.validation.ledger import Ledger

KIND = "opening"
LEVEL = 0.05
RETURN_DIGITS = 4  # a vendor that adjusts prices again changes most returns by less
MIN_MONTH_BARS = 3


@dataclass(frozen=True)
class HoldoutId:
    """Identity of the prices of a holdout.

    Attributes:
        symbols: names of the symbols of a market; empty if only the returns identify the prices,
            as for files.
        interval: seconds between bars, the median.
        first_day, last_day: ISO dates.
        fingerprint: hashes of the close-to-close returns of each symbol and month.
    """

    symbols: tuple[str, ...]
    interval: int
    first_day: str
    last_day: str
    fingerprint: tuple[str, ...]

    def overlaps(self, other: HoldoutId) -> bool:
        """Return whether two holdouts share prices."""
        shares_dates = self.first_day <= other.last_day and other.first_day <= self.last_day
        shares_symbol = bool(set(self.symbols) & set(other.symbols))
        if shares_dates and shares_symbol and self.interval == other.interval:
            return True
        return bool(set(self.fingerprint) & set(other.fingerprint))


def identify_holdout(bars: Bars, start: int, has_market_symbols: bool) -> HoldoutId:
    """Return the identity of the bars from `start` on.

    Args:
        bars: all bars.
        start: first bar of the holdout.
        has_market_symbols: whether the names of the symbols identify them beyond this data.
    """
    time = bars.time[start:].astype("datetime64[ns]")
    steps = np.diff(time).astype(np.int64)
    days = time.astype("datetime64[D]")
    return HoldoutId(
        bars.symbols if has_market_symbols else (),
        int(np.median(steps) // 1_000_000_000) if len(steps) else 0,
        str(days[0]),
        str(days[-1]),
        _fingerprint(bars, start),
    )


def list_openings(ledger: Ledger, holdout: HoldoutId) -> list[dict[str, Any]]:
    """Return the earlier openings of the prices of a holdout, in order.

    Raises:
        EvolveError: if the ledger cannot be read.
    """
    return [
        entry for entry in ledger.read(KIND) if _parse_holdout(entry["holdout"]).overlaps(holdout)
    ]


def record_opening(ledger: Ledger, holdout: HoldoutId, detail: dict[str, object]) -> None:
    """Append an opening to the ledger, before the holdout is read.

    Args:
        ledger: the ledger.
        holdout: the identity of the holdout.
        detail: strategy, protocol and number of trials.

    Raises:
        EvolveError: if the ledger cannot be written.
    """
    body: dict[str, object] = {"holdout": holdout.__dict__, **detail}
    ledger.append(KIND, "", body)


def required_p_value(opening: int) -> float:
    """Return the maximum p-value for the n-th opening; the sum over all openings is 0.1.

    Args:
        opening: n, from 1.
    """
    return LEVEL * 2.0 / (opening * (opening + 1))


def _parse_holdout(record: dict[str, Any]) -> HoldoutId:
    return HoldoutId(
        tuple(record["symbols"]), record["interval"], record["first_day"], record["last_day"],
        tuple(record["fingerprint"]),
    )  # fmt: skip


def _fingerprint(bars: Bars, start: int) -> tuple[str, ...]:
    """Return the hashes of the rounded returns of each symbol and calendar month from `start`."""
    hashes: list[str] = []
    for symbol in range(len(bars.symbols)):
        indices = bars.priced_indices(symbol)
        close, time = bars.close[symbol, indices], bars.time[indices]
        returns = np.round(close[1:] / close[:-1] - 1.0, RETURN_DIGITS) + 0.0  # no negative zero
        is_inside = indices[1:] >= start
        months = time[1:][is_inside].astype("datetime64[M]")
        hashes.extend(_hash_months(returns[is_inside], months))
    return tuple(sorted(set(hashes)))


def _hash_months(returns: Any, months: Any) -> Sequence[str]:
    starts = np.flatnonzero(np.diff(months.astype(np.int64), prepend=-1 << 40))
    parts = np.split(returns, starts[1:])
    return [
        blake2b(str(month).encode() + part.tobytes(), digest_size=8).hexdigest()
        for month, part in zip(months[starts], parts, strict=True)
        if len(part) >= MIN_MONTH_BARS and part.any()
    ]
