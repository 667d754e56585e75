"""Split of bars into train, validation and a sealed holdout.

A `DataSplit` holds copies of the train and validation bars and no holdout bar: the holdout is
absent, not hidden. The `Dataset` and the snapshot in the run folder hold all bars; neither is
passed to the search or to prompts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np

from dsl.bars import Bars
from evolve.data.tradability import StopGain, mark_closes_only
from evolve.errors import EvolveError

MIN_PART_BARS = 30


@dataclass(frozen=True)
class SplitSizes:
    """Sizes of the parts: fractions of the bars, or the first days of validation and holdout.

    Attributes:
        train: fraction of the bars.
        validation: fraction of the bars.
        validation_from: first day of validation; replaces the fractions.
        holdout_from: first day of the holdout; set together with `validation_from`.
        has_holdout: whether to seal a holdout. If not, validation ends at the last bar.
    """

    train: float = 0.6
    validation: float = 0.2
    validation_from: date | None = None
    holdout_from: date | None = None
    has_holdout: bool = True


@dataclass(frozen=True)
class SealedHoldout:
    """Dates and length of the holdout, without its prices.

    Attributes:
        first_day: ISO date; empty without a holdout.
        last_day: ISO date; empty without a holdout.
        bars: the number of bars; 0 without a holdout.
    """

    first_day: str
    last_day: str
    bars: int


@dataclass(frozen=True, eq=False)
class DataSplit:
    """Bars outside the holdout.

    Attributes:
        train: the bars that score programs.
        seen: train and validation. Validation begins at `validation_start`; earlier bars warm it.
        holdout: dates and length of the holdout.
        stop_gains: by symbol, the measure of whether its opens are traded, without the holdout.
    """

    train: Bars
    seen: Bars
    holdout: SealedHoldout
    stop_gains: Mapping[str, StopGain]

    @property
    def validation_start(self) -> int:
        """Index in `seen` of the first validation bar."""
        return len(self.train)


def split_bars(bars: Bars, sizes: SplitSizes) -> DataSplit:
    """Split bars into train, validation and a sealed holdout.

    Raises:
        EvolveError: if only one of the two dates is set, or if a part has fewer than 30 bars.
    """
    count = len(bars)
    by_dates = sizes.validation_from is not None
    if sizes.has_holdout and by_dates != (sizes.holdout_from is not None):
        raise EvolveError("expected the first days of both validation and holdout, found one")
    if sizes.validation_from is not None:
        train_end = _find_bar(bars, sizes.validation_from)
    else:
        train_end = round(count * sizes.train)
    if not sizes.has_holdout:
        seen_end = count
    elif sizes.holdout_from is not None:
        seen_end = _find_bar(bars, sizes.holdout_from)
    else:
        seen_end = round(count * (sizes.train + sizes.validation))
    parts = {"train": train_end, "validation": seen_end - train_end, "holdout": count - seen_end}
    for name, length in parts.items():
        if name == "holdout" and not sizes.has_holdout:
            continue
        if length < MIN_PART_BARS:
            message = f"the split leaves {max(length, 0)} of {count} bars for {name}"
            raise EvolveError(message, f"give each part at least {MIN_PART_BARS} bars")
    days = bars.time.astype("datetime64[D]")
    sealed = SealedHoldout("", "", 0)
    if sizes.has_holdout:
        sealed = SealedHoldout(str(days[seen_end]), str(days[-1]), count - seen_end)
    seen, gains = mark_closes_only(bars.slice(0, seen_end))
    return DataSplit(seen.slice(0, train_end), seen, sealed, gains)


def _find_bar(bars: Bars, day: date) -> int:
    return int(np.searchsorted(bars.time, np.datetime64(day.isoformat(), "ns"), "left"))
