"""Result of a backtest in a notebook: tables, metrics and a chart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from dsl.analysis.program import Program
from dsl.bars import Bars
from dsl.printable import make_printable
from evolve.api.markup import render_table
from evolve.backtest.metrics import METRICS
from evolve.report.formats import format_time, format_value

if TYPE_CHECKING:
    import pandas as pd
    from plotly.graph_objects import Figure

    from evolve.backtest.backtest import Backtest
    from evolve.backtest.market import Market

BRIEF = ("total_return", "sharpe", "max_drawdown", "num_trades")
SHOWN = (
    "total_return", "cagr", "appraisal_ratio", "sharpe", "max_drawdown", "exposure", "num_trades",
    "win_rate", "costs_paid",
)  # fmt: skip
MAX_SYMBOLS = 5


def run_backtest(program: Program, bars: Bars, start: int, market: Market) -> BacktestResult:
    """Backtest a program on the bars from `start`; earlier bars only warm its indicators."""
    from evolve.backtest.backtest import backtest

    return BacktestResult(program, bars, start, market, backtest(program, bars, market, start))


@dataclass(frozen=True, eq=False, repr=False)
class BacktestResult:
    """Result of a backtest.

    Attributes:
        program: the strategy.
        bars: bars up to the end of the window.
        start: index of the first bar of the window; earlier bars only warm the indicators.
        market: fills and costs.
        raw: the backtest with its arrays.
    """

    program: Program
    bars: Bars
    start: int
    market: Market
    raw: Backtest

    @property
    def metrics(self) -> dict[str, float]:
        """Metrics by name; NaN for a metric without a value."""
        return dict(self.raw.metrics)

    @property
    def benchmark_metrics(self) -> dict[str, float]:
        """Metrics of buy and hold by name."""
        return dict(self.raw.benchmark_metrics)

    @cached_property
    def equity(self) -> pd.DataFrame:
        """Equity, drawdown, positions and the equity of buy and hold, by time.

        With several symbols, there is a column of equity for each.
        """
        from evolve.report.export import equity_frame

        return equity_frame(self.raw).set_index("time")

    @cached_property
    def trades(self) -> pd.DataFrame:
        """Closed trades in order of exit, one row each."""
        from evolve.report.export import trades_frame

        return trades_frame(self.raw)

    @cached_property
    def signals(self) -> pd.DataFrame:
        """Symbol, buy, sell, short and cover of each bar, by time; NA for an unknown signal."""
        from evolve.report.export import signals_frame

        return signals_frame(self.program, self.bars, self.start).set_index("time")

    def plot(self, name: str = "equity") -> Figure:
        """Plot equity beside buy and hold, or another chart of the report of a backtest.

        Args:
            name: name of the chart, such as `drawdown`.

        Raises:
            EvolveError: if there is no such chart.
        """
        from evolve.api.charts import plot_chart
        from evolve.report.page.performance import iterate_performance
        from evolve.report.page.performance.windows import TrackRecord, Window

        window = Window("", "strategy", self.bars, self.start, self.raw)
        return plot_chart(
            name, iterate_performance(TrackRecord(self.program, self.market, (window,)))
        )

    def __repr__(self) -> str:
        rows = ", ".join(f"{name} {own} ({held})" for name, own, held in self._list_rows(BRIEF))
        return f"{self._title}\n{rows}; buy and hold in parentheses"

    def _repr_html_(self) -> str:
        headings = ("", make_printable(self.program.name), "buy and hold")
        return render_table(self._title, headings, self._list_rows(SHOWN))

    @property
    def _title(self) -> str:
        """Strategy, symbols, range and fills in one line."""
        symbols = self.raw.symbols
        names = ", ".join(symbols[:MAX_SYMBOLS]) + (" …" if len(symbols) > MAX_SYMBOLS else "")
        first, last = (format_time(self.raw.time[bar]) for bar in (0, -1))
        fill = self.market.filled_at(self.bars.closes_only == self.bars.symbols)
        warning = "" if self.market.is_executable else ", which nobody can trade"
        return make_printable(
            f"backtest of `{self.program.name}` on {names}, {first} to {last}, "
            f"{len(self.raw.time):,} bars, filled at the {fill}{warning}"
        )

    def _list_rows(self, names: Sequence[str]) -> list[tuple[str, str, str]]:
        """Return name, value and value of buy and hold of each metric, as text."""
        rows = []
        for name in names:
            own, held = (
                format_value(metrics[name], METRICS[name].unit)
                for metrics in (self.raw.metrics, self.raw.benchmark_metrics)
            )
            rows.append((name.replace("_", " "), own, held))
        return rows
