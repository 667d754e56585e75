"""Loading of data specs as one aligned dataset, with a fallback for unreachable sources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from pathlib import Path

import numpy as np

from dsl.bars import Bars
from evolve.data.align import align
from evolve.data.live_row import drop_live_rows
from evolve.data.parts import describe_sequence
from evolve.data.sessions import date_sessions, list_names
from evolve.data.source import FetchedBars, UnreachableError, parse_spec
from evolve.data.sources import SOURCES
from evolve.data.splits import find_splits
from evolve.data.tradability import StopGain, describe_closes_only, mark_closes_only
from evolve.errors import EvolveError
from evolve.notices import NoticeList, NoticeLog


@dataclass(frozen=True)
class DataRequest:
    """Data specs, and the range and manner in which to load them.

    Attributes:
        source: a data spec, or several, whose symbols are aligned on the union of their times.
        start: the first day, included; None for the first day that exists.
        end: the last day, included; None for the last day that exists.
        fallback: the specs to use if a spec of `source` is unreachable. If they have no bars in the
            range, all their bars are used.
        base: the folder of relative paths in specs.
        refresh: whether to fetch cached prices again.
        with_earlier: whether `Dataset.bars` includes the bars before `start`, which warm the
            indicators. If not, it begins at `start`.
    """

    source: str | Sequence[str]
    start: date | None = None
    end: date | None = None
    fallback: str | Sequence[str] | None = None
    base: Path = Path()
    refresh: bool = False
    with_earlier: bool = False


@dataclass(frozen=True)
class Dataset:
    """Bars and their origin.

    Attributes:
        bars: the bars of the range, preceded by any earlier bars that warm the indicators.
        requested: the specs of the request.
        used: the specs that gave the bars: those of the request or of its fallback.
        as_of: the day of the fetch, the earliest of several; empty for sources that never change.
        reason: the error that led to the fallback; empty if it is not used.
        start: the index of the first bar of the range.
        stop_gains: by symbol, the measure of whether its opens are traded.
    """

    bars: Bars
    requested: tuple[str, ...]
    used: tuple[str, ...]
    as_of: str = ""
    reason: str = ""
    start: int = 0
    stop_gains: Mapping[str, StopGain] = field(default_factory=dict)

    @cached_property
    def window(self) -> Bars:
        """Bars of the range, without earlier ones."""
        return self.bars.slice(self.start, len(self.bars)) if self.start else self.bars

    @property
    def tradability_notes(self) -> list[str]:
        """Notices about symbols that trade only on their closes."""
        return describe_closes_only(self.bars, self.stop_gains)

    @property
    def name(self) -> str:
        """Specs that gave the bars, in one line."""
        return ", ".join(self.used)

    @property
    def has_market_symbols(self) -> bool:
        """True if the names of the symbols identify their prices, as those of files do not."""
        return all(
            SOURCES[parse_spec(text, SOURCES).source].has_market_symbols for text in self.used
        )

    @property
    def fallback_used(self) -> bool:
        """True if the bars come from the fallback."""
        return self.requested != self.used

    @property
    def first_day(self) -> str:
        """Date of the first bar of the range."""
        return str(self.bars.time[self.start].astype("datetime64[D]"))

    @property
    def last_day(self) -> str:
        """Date of the last bar."""
        return str(self.bars.time[-1].astype("datetime64[D]"))


def load(request: DataRequest | str | Sequence[str], notices: NoticeLog | None = None) -> Dataset:
    """Load the bars of a request.

    Args:
        request: the specs and their range; a spec, or several, for all their bars.
        notices: receives what a person should know, such as the use of the fallback.

    Raises:
        EvolveError: if a spec is wrong, or if neither the source nor the fallback gives bars.
    """
    if not isinstance(request, DataRequest):
        request = DataRequest(request)
    notices = NoticeList() if notices is None else notices
    requested = used = _list_specs(request.source)
    reason = ""
    try:
        fetched = _fetch_all(requested, request, notices)
    except UnreachableError as error:
        if request.fallback is None:
            sample = SOURCES["sample"].example
            hint = f"set `data.fallback` to another source, or use csv:PATH or {sample}"
            raise EvolveError(error.message, hint) from None
        used, reason = _list_specs(request.fallback), error.message
        notices.notice(f"{error.message}; using the fallback {', '.join(used)} instead")
        fetched = _fetch_all(used, request, notices)
    whole = combine(fetched, notices)
    name = ", ".join(used)
    bars, first = _select_range(whole, request.start, request.end)
    if first == len(bars) and used is not requested:
        notices.notice(f"{name} has no bars in the requested range; using all of its bars")
        bars, first = whole, 0
    if first == len(bars):
        days = whole.time.astype("datetime64[D]")
        start, end = request.start or "the start", request.end or "the end"
        message = f"{name} has no bars from {start} to {end}"
        raise EvolveError(message, f"it has bars from {days[0]} to {days[-1]}")
    bars, gains = mark_closes_only(bars, first)
    window = bars.slice(first, len(bars))
    check_bias(window, fetched, notices)
    as_of = min((each.as_of for each in fetched if each.as_of), default="")
    if request.with_earlier:
        return Dataset(bars, requested, used, as_of, reason, first, gains)
    return Dataset(window, requested, used, as_of, reason, stop_gains=gains)


def combine(fetched: Sequence[FetchedBars], notices: NoticeLog) -> Bars:
    """Align the bars of sources; leave out live rows, and date the sessions.

    Args:
        fetched: the bars of each source.
        notices: receives what is left out or dated.

    Raises:
        EvolveError: for a duplicate symbol, or for bars of different lengths.
    """
    aligned = align([each.bars for each in fetched])
    if text := describe_sequence(aligned):
        notices.notice(text)
    return date_sessions(drop_live_rows(aligned, notices), notices)


def check_bias(bars: Bars, fetched: Sequence[FetchedBars], notices: NoticeLog) -> None:
    """Report what makes results on these bars look better than real ones."""
    absent = [name for name, row in zip(bars.symbols, bars.priced, strict=True) if not row.any()]
    if absent:
        notices.notice(
            f"{', '.join(absent)}: no bars in the requested range; its capital stays in cash"
        )
    for row, name in enumerate(bars.symbols):
        alone = bars.select_symbol(row)
        days = [str(each.astype("datetime64[D]")) for each in alone.time[find_splits(alone)]]
        if days:
            notices.notice(
                f"{name}: prices leap as at a split that is not applied: {list_names(days)}; use "
                "adjusted prices, or add a column `Stock Splits`"
            )
    stocks = [each for each in fetched if each.are_stocks is not False]
    count = sum(len(each.bars.symbols) for each in stocks)
    if count > 1:
        are_known = all(each.are_stocks for each in stocks)
        subject = f"{count} stocks of today" if are_known else f"these {count} symbols, if stocks,"
        notices.notice(
            f"survivorship bias: {subject} exclude those that failed or were delisted; results "
            "look better than real ones"
        )


def _select_range(whole: Bars, start: date | None, end: date | None) -> tuple[Bars, int]:
    """Return the bars up to the end of a range, and the index of its first bar."""
    bars = whole.between(None, _to_time(end, at_end=True))
    moment = _to_time(start)
    return bars, 0 if moment is None else int(np.searchsorted(bars.time, moment, "left"))


def _list_specs(spec: str | Sequence[str]) -> tuple[str, ...]:
    return (spec,) if isinstance(spec, str) else tuple(spec)


def _fetch_all(texts: Sequence[str], request: DataRequest, notices: NoticeLog) -> list[FetchedBars]:
    """Fetch each spec, and raise the errors of all wrong specs as one."""
    if not texts:
        raise EvolveError("expected a data spec, found none", "write for example yahoo:SPY")
    specs = [
        replace(parse_spec(text, SOURCES, request.base), refresh=request.refresh) for text in texts
    ]
    fetched, errors = [], []
    for spec in specs:
        try:
            fetched.append(SOURCES[spec.source].fetch(spec, notices))
        except UnreachableError:
            raise
        except EvolveError as error:
            errors.append(error)
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise EvolveError("; ".join(error.message for error in errors), errors[0].hint)
    return fetched


def _to_time(day: date | None, at_end: bool = False) -> np.datetime64 | None:
    if day is None:
        return None
    moment = np.datetime64(day.isoformat(), "ns")
    return moment + np.timedelta64(1, "D") - np.timedelta64(1, "ns") if at_end else moment
