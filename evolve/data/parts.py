"""Parts of one symbol in several files, such as one file per month, joined in time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from dsl.bars import PANELS, Bars
from evolve.data.live_row import drop_live_rows
from evolve.data.sessions import list_names
from evolve.errors import EvolveError
from evolve.notices import NoticeLog

DAY = np.timedelta64(1, "D")
MIN_SHARE = 0.9  # of the bars, inside the period of the file name
MAX_PRICE_RATIO = 2.0  # from the last close of a part to the first open of the next
MAX_LENGTH_RATIO = 2.0  # of the bars of two parts
MAX_PART_DIGITS = 2  # of a name without letters; tickers of Asia have four to six
MIN_EQUAL_SHARE = 0.9  # of the opens at times that two parts share; a live bar may differ
_NUMBER = r"[-_. ]+(?:to[-_. ]+)?(?:part[-_. ]?\d+|q[1-4]|\d+)"
_COPY = r" ?\(\d+\)|[-_ ]+copy"  # of a browser or a file manager
_SUFFIX = re.compile(rf"(?:{_NUMBER}|{_COPY})+$", re.IGNORECASE)
_MONTH = r"(?:0[1-9]|1[0-2])"
_PERIOD = re.compile(
    rf"(?P<year>(?:19|20)\d\d)(?:[-_. ]?(?:(?P<month>{_MONTH})(?:[-_. ]?(?P<day>[0-3]\d))?"
    r"|q(?P<quarter>[1-4])))?(?!\d)",
    re.IGNORECASE,
)
_PERIOD_WORD = re.compile(rf"(?:^|(?<=[-_. ])){_PERIOD.pattern}(?:[-_. ]+|$)", re.IGNORECASE)


@dataclass(frozen=True)
class FileBars:
    """Bars of one symbol from one file.

    Attributes:
        path: the file.
        bars: the bars of the symbol.
        is_named: whether a symbol column names the symbol, not the file.
    """

    path: Path
    bars: Bars
    is_named: bool

    @property
    def symbol(self) -> str:
        """Symbol, as the column or the file names it."""
        return self.bars.symbols[0]


def join_parts(files: Sequence[FileBars], notices: NoticeLog) -> list[Bars]:
    """Join the parts of each symbol; the order of the symbols is that of their first files.

    A live row at the end of a file is left out, so that it is no part of the next.

    Args:
        files: one per file and symbol.
        notices: receives the files and the range of each joined symbol, and live rows.

    Raises:
        EvolveError: if two parts of a symbol overlap in time.
    """
    joined = []
    complete = [replace(each, bars=drop_live_rows(each.bars, notices)) for each in files]
    for symbol, group in group_parts(complete).items():
        ordered = sorted(group, key=lambda each: each.bars.time[0])
        for one, other in pairwise(ordered):
            _check_overlap(symbol, one, other)
        if len(ordered) > 1:
            times = [ordered[0].bars.time[0], ordered[-1].bars.time[-1]]
            first, last = (str(each.astype("datetime64[D]")) for each in times)
            names = " to ".join(_name_files([ordered[0].path, ordered[-1].path]))
            notices.notice(
                f"{symbol}: joined {len(ordered)} files, {names}, from {first} to {last}"
            )
        joined.append(_concatenate(symbol, [each.bars for each in ordered]))
    return joined


def group_parts(files: Sequence[FileBars]) -> dict[str, list[FileBars]]:
    """Decide which files are parts of one symbol.

    Files are parts of one symbol in three cases:

    - Their symbol columns, or their file names without folder and extension, are equal.
    - Their names differ only in a period, as in `AAPL-2023-01` and `AAPL-2023-02`, and at least
      nine tenths of the bars of each file are in its period. The contracts of a future, named by
      the month in which they expire, are no parts.
    - Their names differ only in a period, or in a number at the end, as in `AAPL-1` and `AAPL (2)`,
      and no two of them contradict each other. Where two share times, their opens are equal. Else
      one follows the other, and the price changes by less than a factor of 2.

    Files named by a period or two digits alone, such as `2023-01` or `01`, may be parts of the
    symbol that names the folder. Else each file is a symbol, under its own name.

    Returns:
        The parts by symbol. A symbol in the second and third case has the name without the end.
    """
    by_name: dict[str, list[FileBars]] = {}
    for each in files:
        by_name.setdefault(each.symbol, []).append(each)
    by_stem: dict[str, list[str]] = {}
    for name, group in by_name.items():
        stem = _find_stem(group[0])
        if stem != name and not any(each.is_named for each in group):
            by_stem.setdefault(stem, []).append(name)
    renamed: dict[str, str] = {}
    for stem, names in by_stem.items():
        others = by_name.get(stem, [])
        parts = [*others, *(each for name in names for each in by_name[name])]
        if len(parts) > 1 and ((not others and _match_periods(parts)) or _continue(parts)):
            renamed |= dict.fromkeys(names, stem)
    groups: dict[str, list[FileBars]] = {}
    for name, group in by_name.items():
        groups.setdefault(renamed.get(name, name), []).extend(group)
    return groups


def describe_sequence(bars: Bars) -> str:
    """Return a notice if the symbols follow each other in time, as parts of one do; else empty."""
    if len(bars.symbols) < 2:
        return ""
    spans = []
    for symbol in range(len(bars.symbols)):
        if len(indices := bars.priced_indices(symbol)):
            spans.append((indices[0], indices[-1]))
    spans.sort()
    if len(spans) < 2 or any(other[0] <= one[1] for one, other in pairwise(spans)):
        return ""
    return (
        f"{list_names(bars.symbols)}: each begins after another ends; if they are parts of one "
        "symbol, put them into one folder and name them SYMBOL-1, SYMBOL-2 and so on"
    )


def _find_stem(file: FileBars) -> str:
    """Return the name of a file without number and period, or that of its folder."""
    stem = _SUFFIX.sub("", file.symbol)
    if stem == file.symbol:
        stem = _PERIOD_WORD.sub("", stem).rstrip("-_. ")
    if re.search(r"[^\W\d_]", stem):
        return stem
    is_part = _PERIOD_WORD.match(file.symbol) or len(file.symbol) <= MAX_PART_DIGITS
    folder = file.path.absolute().parent.name  # empty for the root
    return folder if is_part and folder else file.symbol


def _match_periods(files: Sequence[FileBars]) -> bool:
    """Return whether the name of each file has the period of its bars."""
    for each in files:
        suffix = _SUFFIX.search(each.symbol)
        # `2023` in `AAPL-2023-01` is no suffix of a name without letters, such as `2023-01`.
        is_suffix = suffix is not None and re.search(r"[^\W\d_]", each.symbol[: suffix.start()])
        pattern = _PERIOD if is_suffix else _PERIOD_WORD
        text = suffix.group() if suffix is not None and is_suffix else each.symbol
        periods = list(pattern.finditer(text))
        if not periods:
            return False
        start, end = _parse_period(periods[0])[0], _parse_period(periods[-1])[1]
        # A day more on each side: the times may be those of another zone.
        inside = (each.bars.time >= start - DAY) & (each.bars.time < end + DAY)
        if np.mean(inside) < MIN_SHARE:
            return False
    return True


def _parse_period(match: re.Match[str]) -> tuple[np.datetime64, np.datetime64]:
    """Return the first day of a year, quarter, month or day, and the day after its last."""
    year, month, day, quarter = match.group("year", "month", "day", "quarter")
    try:
        if day:
            first = np.datetime64(f"{year}-{month}-{day}", "D")
            return first, first + DAY
        if month:
            begin, months = np.datetime64(f"{year}-{month}", "M"), 1
        elif quarter:
            begin, months = np.datetime64(f"{year}-{3 * int(quarter) - 2:02d}", "M"), 3
        else:
            begin, months = np.datetime64(f"{year}-01", "M"), 12
    except ValueError:  # such as day 31 of June
        return np.datetime64("NaT"), np.datetime64("NaT")
    end = begin + np.timedelta64(months, "M")
    return begin.astype("datetime64[D]"), end.astype("datetime64[D]")


def _continue(files: Sequence[FileBars]) -> bool:
    """Return whether files follow each other in time, or have equal opens where they overlap."""
    ordered = sorted((each.bars for each in files), key=lambda bars: bars.time[0])
    return all(_fit(one, other) for one, other in pairwise(ordered))


def _fit(one: Bars, other: Bars) -> bool:
    """Return whether the bars of one symbol may continue or repeat those of another."""
    if len(one) > 1 and len(other) > 1:
        length = float(np.median(one.days[1:]) / np.median(other.days[1:]))
        if not 1 / MAX_LENGTH_RATIO < length < MAX_LENGTH_RATIO:
            return False
    _, before, after = np.intersect1d(one.time, other.time, return_indices=True)
    if len(before):
        equal = np.isclose(one.open[0, before], other.open[0, after], rtol=1e-9)
        return bool(np.mean(equal) >= MIN_EQUAL_SHARE)
    ratio = float(other.open[0, 0] / one.close[0, -1])
    return bool(other.time[0] > one.time[-1] and 1 / MAX_PRICE_RATIO < ratio < MAX_PRICE_RATIO)


def _name_files(paths: Sequence[Path]) -> list[str]:
    """Return the names of files, with their folders if the names are equal."""
    if len({path.name for path in paths}) == len(paths):
        return [path.name for path in paths]
    return [str(path) for path in paths]


def _check_overlap(symbol: str, one: FileBars, other: FileBars) -> None:
    """Raise EvolveError if a part begins before the one before it ends."""
    if other.bars.time[0] > one.bars.time[-1]:
        return
    time = str(other.bars.time[0].astype("datetime64[s]")).removesuffix("T00:00:00")
    raise EvolveError(
        f"duplicate symbol `{symbol}`: {one.path} and {other.path} overlap from {time}",
        "remove the bars from one of the two files, or give each symbol its own name",
    )


def _concatenate(symbol: str, parts: Sequence[Bars]) -> Bars:
    if len(parts) == 1:
        return replace(parts[0], symbols=(symbol,))
    panels: dict[str, Any] = {
        name: np.concatenate([getattr(each, name) for each in parts], axis=1) for name in PANELS
    }
    return Bars((symbol,), np.concatenate([each.time for each in parts]), **panels)
