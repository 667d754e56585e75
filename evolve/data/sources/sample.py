"""Real prices that ship with this package or a dependency and need no network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from dsl.diagnostics import did_you_mean
from evolve.data.source import FetchedBars, Source, Spec
from evolve.errors import EvolveError

if TYPE_CHECKING:
    import pandas as pd

    from evolve.notices import NoticeLog

FOLDER = Path(__file__).parents[1] / "samples"


@dataclass(frozen=True)
class Sample:
    """A table of prices. Without a symbol column, the symbol is the name of the sample.

    Attributes:
        about: one line.
        read: returns the table, with one row per bar.
        are_stocks: whether the symbols are shares of companies.
    """

    about: str
    read: Callable[[], pd.DataFrame]
    are_stocks: bool


def fetch(spec: Spec, notices: NoticeLog) -> FetchedBars:
    """Read a sample.

    Raises:
        EvolveError: for an unknown sample or an option.
    """
    from evolve.data.tables.frames import bars_from_frame

    spec.check_options()
    sample = SAMPLES.get(spec.name)
    if sample is None:
        hint = did_you_mean(spec.name, SAMPLES) or f"expected one of: {', '.join(SAMPLES)}"
        raise EvolveError(f"unknown sample `{spec.name}`", hint)
    bars = bars_from_frame(sample.read(), spec.name.upper(), spec.text, _name_row)
    return FetchedBars(bars, are_stocks=sample.are_stocks)


def _read_sp500() -> pd.DataFrame:
    """Read a table that ships with `arch`, without the slow import of `arch`."""
    import pandas as pd

    module = find_spec("arch")
    assert module is not None and module.submodule_search_locations is not None
    folder = Path(module.submodule_search_locations[0])
    return pd.read_csv(folder / "data" / "sp500" / "sp500.csv.gz", index_col=0, parse_dates=True)


def _read_stocks() -> pd.DataFrame:
    """Read the table of four stocks; `samples/NOTICE.md` has its origin and licence."""
    import pandas as pd

    return pd.read_parquet(FOLDER / "stocks.parquet")


def _name_row(row: int) -> str:
    return f"row {row + 1}"


SAMPLES = {
    "stocks": Sample(
        "AAPL, GOOG, IBM and MSFT, daily, March 2000 to March 2013",
        _read_stocks,
        are_stocks=True,
    ),
    "sp500": Sample("the S&P 500 index, daily, 1999 to 2018", _read_sp500, are_stocks=False),
}

SOURCE = Source(
    "sample",
    "; ".join(f"{name}: {each.about}" for name, each in SAMPLES.items()),
    "sample:stocks",
    fetch,
    has_market_symbols=True,
)
