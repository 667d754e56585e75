"""Parts of the data on which a strategy is shown, each with its backtest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from dsl.analysis.program import Program
from dsl.bars import Bars
from evolve.backtest.backtest import Backtest, backtest
from evolve.backtest.market import Market
from evolve.experiment.run_parts import list_open_parts, select_part
from evolve.experiment.run_view import RunView
from evolve.report.page.blocks import Column
from evolve.report.page.charts import Role

Time = NDArray[np.datetime64]


@dataclass(frozen=True, eq=False)
class Window:
    """Part of the data with the backtest of a strategy, which starts flat.

    Attributes:
        name: `train`, `validation` or `holdout`; empty for all data.
        role: meaning of its colour.
        bars: the bars up to its end; those before `start` warm the indicators.
        start: its first bar.
        result: the backtest.
    """

    name: str
    role: Role
    bars: Bars
    start: int
    result: Backtest

    @property
    def title(self) -> str:
        """Name of the strategy on this part."""
        return self.name or "strategy"

    @property
    def place(self) -> str:
        """Words that place a figure in this part; empty for all data."""
        return f" on {self.name}" if self.name else ""


@dataclass(frozen=True, eq=False)
class TrackRecord:
    """Strategy with its backtests.

    Attributes:
        program: the strategy.
        market: fills and costs.
        windows: parts of the data in order of time; at least one.
    """

    program: Program
    market: Market
    windows: tuple[Window, ...]

    @property
    def bars(self) -> Bars:
        """Bars of all parts."""
        return self.windows[-1].bars

    @property
    def has_parts(self) -> bool:
        """Whether the data has parts with names."""
        return bool(self.windows[0].name)

    @property
    def part_columns(self) -> tuple[Column, ...]:
        """Columns of a table that name the part of a row; empty without parts."""
        return (Column("part"),) if self.has_parts else ()

    def part_cells(self, window: Window) -> tuple[str, ...]:
        """Return the cells of `part_columns` in the rows of a part."""
        return (window.name,) if self.has_parts else ()

    @cached_property
    def time_unit(self) -> str:
        """Unit to which times are exact: `D`, `m` or `s`."""
        seconds = self.bars.time.astype("datetime64[s]").astype(np.int64)
        return "s" if (seconds % 60).any() else "m" if (seconds % 86_400).any() else "D"

    def format_times(self, time: Time) -> list[str]:
        """Format datetime64[point] as ISO 8601, all in the same unit."""
        texts: list[str] = np.datetime_as_string(
            time.astype(f"datetime64[{self.time_unit}]")
        ).tolist()
        return texts

    def format_time(self, moment: np.datetime64) -> str:
        """Format one time like `format_times`."""
        return str(moment.astype(f"datetime64[{self.time_unit}]"))


def backtest_run(view: RunView, program: Program) -> TrackRecord:
    """Backtest the best strategy of a run on the parts that may be shown."""
    return TrackRecord(program, view.data.market, tuple(_iterate_windows(view, program)))


def _iterate_windows(view: RunView, program: Program) -> Iterator[Window]:
    for part in list_open_parts(view):
        data = select_part(view, part)
        result = backtest(program, data.bars, view.data.market, data.start)
        yield Window(part, part, data.bars, data.start, result)
