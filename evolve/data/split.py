"""Train, validation, holdout: who may see which bars.

A `Partition` holds copies of the train and validation bars and no holdout bar at all: what is
sealed is not hidden but absent. It is read again from the run's own snapshot of the bars.
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
    """How bars are parted: fractions of them, or the first day of validation and of holdout.

    Without a holdout, validation goes on to the last bar.
    """

    train: float = 0.6
    validation: float = 0.2
    validation_from: date | None = None
    holdout_from: date | None = None
    has_holdout: bool = True


@dataclass(frozen=True)
class SealedHoldout:
    """What may be known of the holdout: its first and last day and its length.

    It has no bars where nothing is sealed.
    """

    first_day: str
    last_day: str
    bars: int


@dataclass(frozen=True, eq=False)
class DataSplit:
    """The bars that may be seen.

    Attributes:
        train: what the search is scored on.
        seen: train and validation together; validation runs from `validation_start` to its end,
            warmed by the bars before it.
        holdout: what is known of the rest.
        stop_gains: by symbol, the measure of whether its opens are traded, without the holdout.
    """

    train: Bars
    seen: Bars
    holdout: SealedHoldout
    stop_gains: Mapping[str, StopGain]

    @property
    def validation_start(self) -> int:
        """The bar of `seen` at which validation begins."""
        return len(self.train)


def split_bars(bars: Bars, sizes: SplitSizes) -> DataSplit:
    """Part bars into train, validation and a sealed holdout.

    Raises:
        EvolveError: if a part would have too few bars to say anything.
    """
    count = len(bars)
    by_dates = sizes.validation_from is not None
    if sizes.has_holdout and by_dates != (sizes.holdout_from is not None):
        raise EvolveError("a split by dates needs the first day of validation and of holdout")
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
