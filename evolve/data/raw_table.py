"""Tables of prices as read, with the roles of their columns and names for their rows."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evolve.errors import EvolveError

PRICES = ("open", "high", "low", "close")
TIMES = ("date", "datetime", "timestamp", "time", "open time", "unnamed: 0", "index")
SPLITS = "stock splits"
OTHER_NAMES = {
    "vol": "volume",
    "adjclose": "adj close",
    "adjusted close": "adj close",
    "close adjusted": "adj close",
    "close last": "close",
    "ticker": "symbol",
    "dtyyyymmdd": "date",
    "splits": SPLITS,
    "split coefficient": SPLITS,
    "splitfactor": SPLITS,
}
COLUMN_ROLES = {*PRICES, "volume", "adj close", "adjustment", "symbol", SPLITS, *TIMES}


@dataclass(frozen=True, eq=False)
class RawTable:
    """A table with one row per bar.

    Attributes:
        frame: the cells as read.
        origin: the file or source, for messages.
        row_name: returns the name of a row for messages, such as `line 7`, from its index.
        rows: int64[row], the index of each row of the frame in the file.
    """

    frame: pd.DataFrame
    origin: str
    row_name: Callable[[int], str]
    rows: NDArray[np.int64]

    @cached_property
    def columns(self) -> dict[str, object]:
        """Labels of the frame by role.

        Raises:
            EvolveError: if two columns have the same role.
        """
        labels: dict[str, object] = {}
        for label in self.frame.columns:
            name = find_role(label)
            if name not in COLUMN_ROLES:
                continue
            if name in labels:
                message = f"{self.origin}: duplicate column `{label}`"
                raise EvolveError(message, f"found columns: {self.column_list}")
            labels[name] = label
        return labels

    @property
    def column_list(self) -> str:
        """Labels of all columns, separated by commas."""
        return ", ".join(str(label) for label in self.frame.columns) or "none"

    def locate(self, row: int, column: object = None) -> str:
        """Return the location of a row, or of a cell, for messages."""
        location = f"{self.origin}, {self.row_name(int(self.rows[row]))}"
        return location if column is None else f"{location}, column `{column}`"

    def select_rows(self, rows: NDArray[np.int64]) -> RawTable:
        """Return the table of some rows, in the order given."""
        return RawTable(self.frame.iloc[rows], self.origin, self.row_name, self.rows[rows])


def find_role(label: object) -> str:
    """Return the role of a label: `volume` for `<VOL>`, `adj close` for `Adj. Close`."""
    text = str(label).strip().strip("<>").lower()
    text = re.sub(r"\.\d+$", "", text)  # the suffix that pandas gives a duplicate column
    name = re.sub(r"[\s_./-]+", " ", text).strip()
    return OTHER_NAMES.get(name, name)
