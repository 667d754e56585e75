"""Real prices inside this package or a dependency, for work without a network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from dsl.diagnostics import did_you_mean
from evolve.data.source import Fetched, Source, Spec
from evolve.errors import EvolveError

if TYPE_CHECKING:
    import pandas as pd

    from evolve.notices import NoticeLog

FOLDER = Path(__file__).parents[1] / "samples"


@dataclass(frozen=True)
class Sample:
    """A table of prices; without a symbol column, its symbol is the sample's name.

    Attributes:
        about: one line.
        read: nothing -> the table, one row a bar.
        are_stocks: whether its symbols are shares of companies.
    """

    about: str
    read: Callable[[], pd.DataFrame]
    are_stocks: bool


def fetch(spec: Spec, notices: NoticeLog) -> Fetched:
    """Read the bars of a sample."""
    from evolve.data.frames import bars_from_frame

    spec.only()
    sample = SAMPLES.get(spec.name)
    if sample is None:
        hint = did_you_mean(spec.name, SAMPLES) or f"the samples are: {', '.join(SAMPLES)}"
        raise EvolveError(f"there is no sample `{spec.name}`", hint)
    bars = bars_from_frame(sample.read(), spec.name.upper(), spec.text, _row)
    return Fetched(bars, are_stocks=sample.are_stocks)


def _sp500() -> pd.DataFrame:
    """Read the table that `arch` ships, without the second that importing `arch` takes."""
    import pandas as pd

    found = find_spec("arch")
    assert found is not None and found.submodule_search_locations is not None
    folder = Path(found.submodule_search_locations[0])
    return pd.read_csv(folder / "data" / "sp500" / "sp500.csv.gz", index_col=0, parse_dates=True)


def _stocks() -> pd.DataFrame:
    """Read the table whose origin and licence are in NOTICE.md beside it."""
    import pandas as pd

    return pd.read_parquet(FOLDER / "stocks.parquet")


def _row(row: int) -> str:
    return f"row {row + 1}"


SAMPLES = {
    "stocks": Sample("AAPL, GOOG, IBM and MSFT, daily, March 2000 to March 2013", _stocks, True),
    "sp500": Sample("the S&P 500 index, daily, 1999 to 2018", _sp500, False),
}

SOURCE = Source(
    "sample",
    "; ".join(f"{name}: {each.about}" for name, each in SAMPLES.items()),
    "sample:stocks",
    fetch,
)
