"""Market data of one or more symbols: a read-only panel of bars."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsl.calendar_time import bars_per_year, compute_weekdays, years_between

Panel = NDArray[np.float64]
FIELDS = ("open", "high", "low", "close", "volume")
PANELS = (*FIELDS, "adjustment")
MIN_PRICE, MAX_PRICE = 1e-12, 1e15  # so that products of prices and volumes are finite
MAX_VOLUME = 1e21


@dataclass(frozen=True, eq=False)
class Bars:
    """Open, high, low, close and volume of one or more symbols over shared times.

    Attributes:
        symbols: name of each row.
        time: datetime64[ns] of each bar, ascending and unique.
        open, high, low, close, volume: float64[symbol, bar]; NaN where a symbol has no bar.
        adjustment: float64[symbol, bar], adjusted price over raw price; 1 where no raw price
            is known.
        closes_only: symbols without traded opens, such as an index; their orders fill at closes.
        undated: symbols whose sessions may fall on the day of the timestamp or on the next day.
    """

    symbols: tuple[str, ...]
    time: NDArray[np.datetime64]
    open: Panel
    high: Panel
    low: Panel
    close: Panel
    volume: Panel
    adjustment: Panel
    closes_only: tuple[str, ...] = field(default=(), kw_only=True)
    undated: tuple[str, ...] = field(default=(), kw_only=True)

    def __post_init__(self) -> None:
        shape = (len(self.symbols), len(self.time))
        for name in ("time", *PANELS):
            array = getattr(self, name)
            if name != "time" and array.shape != shape:
                raise ValueError(f"expected `bars.{name}` of shape {shape}, found {array.shape}")
            array.flags.writeable = False

    def __len__(self) -> int:
        return len(self.time)

    @cached_property
    def priced(self) -> NDArray[np.bool_]:
        """Mask of the bars with an open and a close: bool[symbol, bar]."""
        return ~(np.isnan(self.open) | np.isnan(self.close))

    def priced_indices(self, symbol: int) -> NDArray[np.int64]:
        """Return int64[index], the indices of the panel's bars on which a symbol has a bar."""
        return np.flatnonzero(self.priced[symbol])

    def select_symbol(self, symbol: int) -> Bars:
        """Return the bars of one symbol, without those it does not have."""
        if len(self.symbols) == 1 and self.priced.all():
            return self
        indices = self.priced_indices(symbol)
        fields: dict[str, Any] = {
            name: getattr(self, name)[symbol : symbol + 1, indices] for name in PANELS
        }
        symbols = (self.symbols[symbol],)
        fields["closes_only"] = symbols if symbols[0] in self.closes_only else ()
        fields["undated"] = symbols if symbols[0] in self.undated else ()
        return replace(self, symbols=symbols, time=self.time[indices], **fields)

    def slice(self, start: int, stop: int) -> Bars:
        """Return a copy of the bars from `start` up to, not including, `stop`."""
        panels: dict[str, Any] = {
            name: np.ascontiguousarray(getattr(self, name)[:, start:stop]).copy() for name in PANELS
        }
        return replace(self, time=self.time[start:stop].copy(), **panels)

    def between(self, start: np.datetime64 | None, end: np.datetime64 | None) -> Bars:
        """Return the bars from `start` to `end`, both included; None for no limit."""
        first = 0 if start is None else int(np.searchsorted(self.time, start, "left"))
        last = len(self) if end is None else int(np.searchsorted(self.time, end, "right"))
        return self.slice(first, last)

    @cached_property
    def hash(self) -> str:
        """Hexadecimal blake2b-128 of symbols, times and values."""
        digest = blake2b("\n".join(self.symbols).encode(), digest_size=16)
        digest.update(self.time.astype("datetime64[ns]").astype(np.int64).tobytes())
        for name in PANELS:
            digest.update(np.ascontiguousarray(getattr(self, name)).tobytes())
        return digest.hexdigest()

    @cached_property
    def calendar(self) -> dict[str, Panel]:
        """Weekday (Monday is 1), month and day_of_month of each bar: float64[bar] each.

        They are NaN if the dates of the sessions are unknown.
        """
        if self.undated and set(self.symbols) <= set(self.undated):
            unknown = np.full(len(self), np.nan)
            return dict.fromkeys(("weekday", "month", "day_of_month"), unknown)
        days = self.time.astype("datetime64[D]")
        months = days.astype("datetime64[M]")
        return {
            "weekday": (compute_weekdays(self.time) + 1).astype(np.float64),
            "month": (months.astype(np.int64) % 12 + 1).astype(np.float64),
            "day_of_month": ((days - months).astype(np.int64) + 1).astype(np.float64),
        }

    @cached_property
    def days(self) -> Panel:
        """Calendar days since the previous bar: float64[bar]; 0 for the first."""
        steps = np.diff(self.time.astype("datetime64[ns]").astype(np.int64))
        return np.concatenate([[0.0], steps / 86_400e9])

    @cached_property
    def years(self) -> float:
        """Calendar years from the first bar to the last."""
        return years_between(self.time)

    @cached_property
    def bars_per_year(self) -> float:
        """Bars of a year; see `dsl.calendar_time.bars_per_year`."""
        return bars_per_year(self.time)
