"""A table of prices as it was read: what its columns mean, and what its places are called."""

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
OTHER_NAMES = {
    "vol": "volume",
    "adjclose": "adj close",
    "adjusted close": "adj close",
    "close adjusted": "adj close",
    "close last": "close",
    "ticker": "symbol",
    "dtyyyymmdd": "date",
}
COLUMN_ROLES = {*PRICES, "volume", "adj close", "adjustment", "symbol", *TIMES}


@dataclass(frozen=True, eq=False)
class RawTable:
    """Rows of a table, a bar each.

    Attributes:
        frame: as it was read.
        origin: the file or source.
        row_name: position of a row in what was read -> how a person finds it (`line 7`).
        rows: int64[row], the position of each row of the frame in what was read.
    """

    frame: pd.DataFrame
    origin: str
    row_name: Callable[[int], str]
    rows: NDArray[np.int64]

    @cached_property
    def columns(self) -> dict[str, object]:
        """The frame's own labels by what they mean; EvolveError if a meaning stands twice."""
        found: dict[str, object] = {}
        for label in self.frame.columns:
            name = column_role(label)
            if name not in COLUMN_ROLES:
                continue
            if name in found:
                message = f"{self.origin} has the column `{label}` twice"
                raise EvolveError(message, f"its columns: {self.listed}")
            found[name] = label
        return found

    @property
    def listed(self) -> str:
        """The frame's columns, for people."""
        return ", ".join(str(label) for label in self.frame.columns) or "none"

    def locate(self, row: int, column: object = None) -> str:
        """Where a row is, and a column of it, for people."""
        place = f"{self.origin}, {self.row_name(int(self.rows[row]))}"
        return place if column is None else f"{place}, column `{column}`"

    def only(self, rows: NDArray[np.int64]) -> RawTable:
        """Some of the rows, in the order given."""
        return RawTable(self.frame.iloc[rows], self.origin, self.row_name, self.rows[rows])


def column_role(label: object) -> str:
    """What a label means: `<VOL>`, `Adj. Close` and `adj_close` as `volume` and `adj close`."""
    text = str(label).strip().strip("<>").lower()
    text = re.sub(r"\.\d+$", "", text)  # how pandas calls a column that stands twice
    name = re.sub(r"[\s_./-]+", " ", text).strip()
    return OTHER_NAMES.get(name, name)
