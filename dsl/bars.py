"""Market data as the language sees it: a read-only panel of bars."""

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
MIN_PRICE, MAX_PRICE = 1e-12, 1e15  # products of prices and volumes stay finite
MAX_VOLUME = 1e21


@dataclass(frozen=True, eq=False)
class Bars:
    """Open, high, low, close and volume of one or more symbols over shared times.

    Attributes:
        symbols: their names, one a row.
        time: datetime64[ns], one a bar, ascending and unique.
        open, high, low, close, volume: float64[symbol, bar]; NaN where a symbol has no bar.
        adjustment: float64[symbol, bar], adjusted price over raw price; 1 where no raw price
            is known.
        closes_only: symbols without traded opens, as an index: their orders fill at closes alone.
        undated: symbols whose sessions may be on the day of the stamp or on the next.
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
                raise ValueError(f"bars.{name} has shape {array.shape}, not {shape}")
            array.flags.writeable = False

    def __len__(self) -> int:
        return len(self.time)

    @cached_property
    def priced(self) -> NDArray[np.bool_]:
        """bool[symbol, bar]: where a symbol has a bar, with an open and a close."""
        return ~(np.isnan(self.open) | np.isnan(self.close))

    def priced_indices(self, symbol: int) -> NDArray[np.int64]:
        """int64[own bar]: the bars of the panel that are a symbol's own."""
        return np.flatnonzero(self.priced[symbol])

    def select_symbol(self, symbol: int) -> Bars:
        """One symbol's own bars: a bar that it has not does not exist for it."""
        if len(self.symbols) == 1 and self.priced.all():
            return self
        places = self.priced_indices(symbol)
        fields: dict[str, Any] = {
            name: getattr(self, name)[symbol : symbol + 1, places] for name in PANELS
        }
        own = (self.symbols[symbol],)
        fields["closes_only"] = own if own[0] in self.closes_only else ()
        fields["undated"] = own if own[0] in self.undated else ()
        return replace(self, symbols=own, time=self.time[places], **fields)

    def slice(self, start: int, stop: int) -> Bars:
        """Bars from start up to, not including, stop, as a copy that shares no memory."""
        panels: dict[str, Any] = {
            name: np.ascontiguousarray(getattr(self, name)[:, start:stop]).copy() for name in PANELS
        }
        return replace(self, time=self.time[start:stop].copy(), **panels)

    def between(self, start: np.datetime64 | None, end: np.datetime64 | None) -> Bars:
        """Bars from a time up to and including another."""
        first = 0 if start is None else int(np.searchsorted(self.time, start, "left"))
        last = len(self) if end is None else int(np.searchsorted(self.time, end, "right"))
        return self.slice(first, last)

    @cached_property
    def hash(self) -> str:
        """blake2b-128 of symbols, times and values, in hexadecimal."""
        digest = blake2b("\n".join(self.symbols).encode(), digest_size=16)
        digest.update(self.time.astype("datetime64[ns]").astype(np.int64).tobytes())
        for name in PANELS:
            digest.update(np.ascontiguousarray(getattr(self, name)).tobytes())
        return digest.hexdigest()

    @cached_property
    def calendar(self) -> dict[str, Panel]:
        """float64[bar] each: weekday (Monday is 1), month and day_of_month of the bars.

        They are unknown where the date of a session is.
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
        """float64[bar]: calendar days since the bar before; 0 for the first."""
        steps = np.diff(self.time.astype("datetime64[ns]").astype(np.int64))
        return np.concatenate([[0.0], steps / 86_400e9])

    @cached_property
    def years(self) -> float:
        """The years from the first bar to the last, by the calendar."""
        return years_between(self.time)

    @cached_property
    def bars_per_year(self) -> float:
        """A, as `dsl.calendar_time` measures it."""
        return bars_per_year(self.time)
