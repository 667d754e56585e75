"""A spec to bars ready for use, with the fallback if one is configured and needed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from dsl.bars import Bars
from evolve.data.source import Notify, UnreachableError, parse_spec
from evolve.data.sources import sources
from evolve.errors import EvolveError

MOST_REPEATED_OPENS = 0.2


@dataclass(frozen=True)
class Dataset:
    """Bars and where they came from.

    Attributes:
        asked: the spec that was asked for; used: the one that gave the bars.
        as_of: the day they were fetched, for a source that changes; else empty.
        reason: why the fallback was used; empty if it was not.
    """

    bars: Bars
    asked: str
    used: str
    as_of: str = ""
    reason: str = ""

    @property
    def fallback_used(self) -> bool:
        """Whether the bars are the fallback's."""
        return self.asked != self.used

    @property
    def first_day(self) -> str:
        """The date of the first bar."""
        return str(self.bars.time[0].astype("datetime64[D]"))

    @property
    def last_day(self) -> str:
        """The date of the last bar."""
        return str(self.bars.time[-1].astype("datetime64[D]"))


def load(
    spec: str,
    start: date | None = None,
    end: date | None = None,
    fallback: str | None = None,
    notify: Notify = lambda _: None,
    base: Path = Path(),
) -> Dataset:
    """The bars of a spec from start to end, both included.

    Args:
        spec: a data spec.
        start, end: the range; None for all there is. A fallback without bars in it is used whole.
        fallback: the spec to use, and say so, when the first cannot be reached.
        notify: told what a person should know.
        base: the folder that relative paths in specs start from.

    Raises:
        EvolveError: if there is nothing to use, saying why.
    """
    known = sources()
    first = parse_spec(spec, known, base)
    used, reason = first, ""
    try:
        fetched = known[first.source].fetch(first, notify)
    except UnreachableError as error:
        if fallback is None:
            hint = "set `data.fallback` to another source, or use csv:PATH or sample:sp500"
            raise EvolveError(error.message, hint) from None
        used, reason = parse_spec(fallback, known, base), error.message
        notify(f"{error.message}; using the fallback {fallback} instead")
        fetched = known[used.source].fetch(used, notify)
    bars = fetched.bars.between(_moment(start), _moment(end, at_end=True))
    if len(bars) == 0 and used is not first:
        notify(f"{used.text} has no bars in the range asked for; using all of it")
        bars = fetched.bars
    if len(bars) == 0:
        have = fetched.bars.time.astype("datetime64[D]")
        message = f"{used.text} has no bars from {start or 'its start'} to {end or 'its end'}"
        raise EvolveError(message, f"it has bars from {have[0]} to {have[-1]}")
    repeated = _repeated_opens(bars)
    if repeated > MOST_REPEATED_OPENS:
        notify(
            f"{repeated:.0%} of the opens of {used.text} repeat the close before, as an index's "
            "do: fills at the open, and stops near it, look better than they were"
        )
    return Dataset(bars, spec, used.text, fetched.as_of, reason)


def _repeated_opens(bars: Bars) -> float:
    """The share of bars that open exactly at the close before."""
    same = bars.open[:, 1:] == bars.close[:, :-1]
    return float(np.mean(same)) if same.size else 0.0


def _moment(day: date | None, at_end: bool = False) -> np.datetime64 | None:
    if day is None:
        return None
    moment = np.datetime64(day.isoformat(), "ns")
    return moment + np.timedelta64(1, "D") - np.timedelta64(1, "ns") if at_end else moment
