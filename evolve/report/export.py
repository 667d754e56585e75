"""Results as files that other tools read: whole, or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, get_type_hints

import numpy as np

from dsl.syntax.vocabulary import SideName
from evolve.backtest.backtest import Backtest, Trade
from evolve.backtest.metrics import drawdowns
from evolve.errors import EvolveError
from evolve.files import atomic_write

if TYPE_CHECKING:
    import pandas as pd

EXTENSIONS = (".csv", ".parquet")


def trades_frame(result: Backtest) -> pd.DataFrame:
    """A row a closed trade, in order of exit."""
    import pandas as pd

    types = {
        str: "str", SideName: "str", int: "int64", float: "float64",
        np.datetime64: "datetime64[ns]",
    }  # fmt: skip
    kinds = {name: types[kind] for name, kind in get_type_hints(Trade).items()}
    return pd.DataFrame([asdict(each) for each in result.trades], columns=list(kinds)).astype(kinds)


def equity_frame(result: Backtest) -> pd.DataFrame:
    """A row a bar: equity, its fall from the peak, positions held, and buying and holding."""
    import pandas as pd

    columns = {
        "time": result.time,
        "equity": result.equity,
        "drawdown": drawdowns(result.equity, result.performance.capital),
        "positions": result.held,
        "benchmark": result.benchmark,
    }
    for sleeve in result.sleeves:
        columns[f"equity_{sleeve.symbols[0]}"] = sleeve.equity
    return pd.DataFrame(columns)


def write_table(frame: pd.DataFrame, path: Path) -> None:
    """Write a table as the file's name says, `.csv` or `.parquet`.

    Raises:
        EvolveError: for another ending, or a place that cannot be written.
    """
    write_tables([(path, frame)])


def write_tables(tables: Sequence[tuple[Path, pd.DataFrame]]) -> None:
    """Write several tables, or none of them; see `write_table`."""
    places = [path for path, _ in tables]
    for path in places:
        if path.suffix not in EXTENSIONS:
            raise EvolveError(f"{path} is neither .csv nor .parquet", "choose one of the two")
        if places.count(path) > 1:
            raise EvolveError(f"{path} is to hold two tables", "choose a file for each")
        if path.is_dir():
            raise EvolveError(f"{path} cannot be written: it is a folder", "choose another name")
    with atomic_write(*places) as temporaries:
        for (path, frame), temporary in zip(tables, temporaries, strict=True):
            if path.suffix == ".csv":
                _format_times(frame).to_csv(temporary, index=False)
            else:
                frame.to_parquet(temporary, index=False)


def _format_times(frame: pd.DataFrame) -> pd.DataFrame:
    """Times without the nought hours of days."""
    times = frame.select_dtypes("datetime").columns
    as_text = {name: np.datetime_as_string(frame[name].to_numpy(), unit="auto") for name in times}
    return frame.assign(**as_text)
