"""Results as files that other tools read: whole, or not at all."""

from __future__ import annotations

import os
import tempfile
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from evolve.backtest.backtest import Backtest, Trade
from evolve.backtest.metrics import drawdowns
from evolve.errors import EvolveError

if TYPE_CHECKING:
    import pandas as pd

ENDINGS = (".csv", ".parquet")


def trades_frame(result: Backtest) -> pd.DataFrame:
    """A row a closed trade, in order of exit."""
    import pandas as pd

    names = [each.name for each in fields(Trade)]
    return pd.DataFrame([asdict(trade) for trade in result.trades], columns=names)


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
    if path.suffix not in ENDINGS:
        raise EvolveError(f"{path} is neither .csv nor .parquet", "choose one of the two")
    try:
        handle, temporary = tempfile.mkstemp(dir=path.absolute().parent, suffix=".part")
    except OSError as error:
        hint = "choose a folder that there is and that can be written"
        raise EvolveError(f"{path} cannot be written: {error.strerror}", hint) from None
    try:
        os.close(handle)
        if path.suffix == ".csv":
            _readable(frame).to_csv(temporary, index=False)
        else:
            frame.to_parquet(temporary, index=False)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _readable(frame: pd.DataFrame) -> pd.DataFrame:
    """Times without the nought hours of days."""
    times = frame.select_dtypes("datetime").columns
    as_text = {name: np.datetime_as_string(frame[name].to_numpy(), unit="auto") for name in times}
    return frame.assign(**as_text)
