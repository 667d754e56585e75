"""Export of results to CSV and Parquet, by atomic writes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, get_type_hints

import numpy as np

from dsl.analysis.program import Program
from dsl.bars import Bars
from dsl.evaluate import Evaluator, truth_series
from dsl.syntax.vocabulary import ORDERS, DirectionName
from evolve.backtest.backtest import Backtest, Trade
from evolve.backtest.metrics import drawdowns
from evolve.errors import EvolveError
from evolve.files import atomic_write

if TYPE_CHECKING:
    import pandas as pd

EXTENSIONS = (".csv", ".parquet")


def trades_frame(result: Backtest) -> pd.DataFrame:
    """Build a table of all closed trades, in order of exit."""
    import pandas as pd

    types = {
        str: "str", DirectionName: "str", int: "int64", float: "float64",
        np.datetime64: "datetime64[ns]",
    }  # fmt: skip
    dtypes = {name: types[hint] for name, hint in get_type_hints(Trade).items()}
    rows = [asdict(each) for each in result.trades]
    return pd.DataFrame(rows, columns=list(dtypes)).astype(dtypes)


def equity_frame(result: Backtest) -> pd.DataFrame:
    """Build a table of all bars: equity, drawdown, positions held and the benchmark's equity."""
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


def signals_frame(program: Program, bars: Bars, start: int = 0) -> pd.DataFrame:
    """Build a table of all bars of each symbol: whether each order has a signal; NA if unknown.

    Args:
        program: the strategy.
        bars: one or more symbols.
        start: index of the first bar of the table; earlier bars only warm the indicators.
    """
    import pandas as pd

    evaluator = Evaluator(*[bars.select_symbol(symbol) for symbol in range(len(bars.symbols))])
    parts = []
    for symbol, name in enumerate(bars.symbols):
        indices = bars.priced_indices(symbol)
        first = int(np.searchsorted(indices, start))
        columns: dict[str, object] = {"time": bars.time[indices[first:]], "symbol": name}
        for order in ORDERS:
            rule = getattr(program.canonical, order)
            truth = np.zeros(len(indices))
            if rule is not None:
                truth = truth_series(evaluator, rule, symbol)
            columns[order] = pd.array(truth[first:], "Float64").astype("boolean")
        parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True)


def write_table(frame: pd.DataFrame, path: Path) -> None:
    """Write a table in the format of the file's suffix, `.csv` or `.parquet`.

    Raises:
        EvolveError: if the suffix is another one, or the file cannot be written.
    """
    write_tables([(path, frame)])


def write_tables(tables: Sequence[tuple[Path, pd.DataFrame]]) -> None:
    """Write all of several tables, or none if one fails; see `write_table`.

    Raises:
        EvolveError: if a suffix is unknown, a path occurs twice, or a file cannot be written.
    """
    paths = [path for path, _ in tables]
    for path in paths:
        if path.suffix not in EXTENSIONS:
            hint = f"expected a file that ends in {' or '.join(EXTENSIONS)}"
            raise EvolveError(f"unknown format: {path}", hint)
        if paths.count(path) > 1:
            raise EvolveError(f"duplicate output file: {path}", "choose one file per table")
        if path.is_dir():
            raise EvolveError(f"cannot write {path}: it is a folder", "choose another name")
    with atomic_write(*paths) as temporaries:
        for (path, frame), temporary in zip(tables, temporaries, strict=True):
            if path.suffix == ".csv":
                _format_times(frame).to_csv(temporary, index=False)
            else:
                # A name that is not UTF-8 cannot be passed to pyarrow; a file can.
                with temporary.open("wb") as file:
                    frame.to_parquet(file, index=False)


def _format_times(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose times are text, without the zero hours of daily bars."""
    times = frame.select_dtypes("datetime").columns
    as_text = {name: np.datetime_as_string(frame[name].to_numpy(), unit="auto") for name in times}
    return frame.assign(**as_text)
