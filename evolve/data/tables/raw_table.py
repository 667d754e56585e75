"""Tables of prices as read, with the roles of their columns and names for their rows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evolve.data.tables.numbers import find_decimal_mark
from evolve.errors import EvolveError

PRICES = ("open", "high", "low", "close")
TIMES = ("date", "datetime", "timestamp", "time", "open time", "unix", "unnamed: 0", "index")
SPLITS = "stock splits"
OTHER_NAMES = {
    "vol": "volume",
    "real volume": "volume",
    "adjclose": "adj close",
    "adjusted close": "adj close",
    "close adjusted": "adj close",
    "close last": "close",
    "ticker": "symbol",
    "dtyyyymmdd": "date",
    "date time": "datetime",
    "gmt time": "datetime",
    "local time": "datetime",
    "time (eet)": "datetime",
    "time (utc)": "datetime",
    "utc": "datetime",
    "eet": "datetime",
    "unix timestamp": "unix",
    "tickvol": "tick volume",
    "tick vol": "tick volume",
    "tickvolume": "tick volume",
    "splits": SPLITS,
    "split coefficient": SPLITS,
    "splitfactor": SPLITS,
}
STAND_INS = {  # the roles or labels that serve if the role has no column
    "open": ("o",),
    "high": ("h",),
    "low": ("l",),
    "close": ("c", "price", "last", "latest"),
    "volume": ("v", "tick volume"),
    "timestamp": ("t",),
}
NUMBERS = (*PRICES, "volume", "tick volume", "adj close", "adjustment")
COLUMN_ROLES = {*NUMBERS, "symbol", SPLITS, *TIMES}


@dataclass(frozen=True, eq=False)
class RawTable:
    """A table with one row per bar.

    Attributes:
        frame: the cells as read.
        origin: the file or source, for messages.
        row_name: returns the name of a row for messages, such as `line 7`, from its index.
        rows: int64[row], the index of each row of the frame in the file.
        whole: the table of which this is a part; it decides roles and decimal mark.
    """

    frame: pd.DataFrame
    origin: str
    row_name: Callable[[int], str]
    rows: NDArray[np.int64]
    whole: RawTable | None = None

    @cached_property
    def columns(self) -> dict[str, object]:
        """Labels of the frame by role; `tick volume` is the volume if the volume is zero.

        Raises:
            EvolveError: if two columns have the same role.
        """
        if self.whole is not None:
            return self.whole.columns
        found: set[str] = set()
        for label in self.frame.columns:
            name = find_role(label)
            if name in COLUMN_ROLES and name in found:
                message = f"{self.origin}: duplicate column `{label}`"
                raise EvolveError(message, f"found columns: {self.column_list}")
            found.add(name)
        roles = assign_roles(self.frame.columns)
        for used in roles.values():
            if np.count_nonzero(self.frame.columns == used) > 1:  # of a stand-in
                message = f"{self.origin}: duplicate column `{used}`"
                raise EvolveError(message, f"found columns: {self.column_list}")
        volume = self._find_volume(roles)
        return roles if volume is None else roles | {"volume": volume}

    @cached_property
    def decimal_mark(self) -> str:
        """Mark before the decimals in text cells: `.` or `,`; empty if it is ambiguous."""
        if self.whole is not None:
            return self.whole.decimal_mark
        columns = [self.frame[self.columns[name]] for name in NUMBERS if name in self.columns]
        types = pd.api.types
        return find_decimal_mark([each for each in columns if not types.is_numeric_dtype(each)])

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
        whole = self.whole or self
        return RawTable(self.frame.iloc[rows], self.origin, self.row_name, self.rows[rows], whole)

    def _find_volume(self, roles: Mapping[str, object]) -> object:
        """Return the label of the volume if it is not that of the role `volume`."""
        if "volume" not in roles and "symbol" in roles and len(self.frame):
            # CryptoDataDownload names the base asset: `Volume BTC` of the symbol BTC/USD.
            symbol = str(self.frame[roles["symbol"]].iloc[0]).lower()
            for label in self.frame.columns:
                name = find_role(label)
                if name.startswith("volume ") and symbol.startswith(name.removeprefix("volume ")):
                    return label
        if "volume" in roles and "tick volume" in roles:
            volume = self.frame[roles["volume"]]
            # Brokers without volumes of trades write zeros beside the count of price changes.
            if pd.api.types.is_numeric_dtype(volume) and bool((volume == 0).all()):
                return roles["tick volume"]
        return roles.get("volume")


def assign_roles(labels: Iterable[object]) -> dict[str, object]:
    """Return the first label of each role; a role without a column may have a stand-in."""
    first: dict[str, object] = {}
    for label in labels:
        first.setdefault(find_role(label), label)
    roles = {name: label for name, label in first.items() if name in COLUMN_ROLES}
    for name, others in STAND_INS.items():
        for other in others:
            if other in first:
                roles.setdefault(name, first[other])
    return roles


def find_role(label: object) -> str:
    """Return the role of a label: `volume` for `<VOL>`, `adj close` for `Adj. Close`."""
    text = str(label).strip().strip("<>").lower()
    text = re.sub(r"\.\d+$", "", text)  # the suffix of a duplicate column
    text = re.sub(r"^\d+\. ", "", text)  # Alpha Vantage numbers its columns
    name = re.sub(r"[\s_./-]+", " ", text).strip()
    return OTHER_NAMES.get(name, name)
