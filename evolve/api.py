"""Python interface: check, evaluate and backtest strategies, and run experiments.

>>> from evolve.api import backtest, check
>>> strategy = check("strategy s { buy when close > sma(close, 200) sell when rsi(close, 2) > 90 }")
>>> result = backtest(strategy, "sample:sp500")
>>> round(result.metrics["total_return"], 3), len(result.trades)
(0.911, 295)
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from dsl.analysis.check import check, check_expression
from dsl.analysis.program import Program
from dsl.bars import Bars
from dsl.evaluate import Signals, values
from dsl.evaluate import evaluate as compute_signals
from dsl.syntax.parser import parse
from evolve import data
from evolve.backtest.backtest import Backtest
from evolve.backtest.backtest import backtest as simulate
from evolve.backtest.market import market
from evolve.experiment.result import Run
from evolve.experiment.run import run as run_experiment
from evolve.report.save import save_report

__all__ = [
    "Backtest",
    "Bars",
    "Program",
    "Run",
    "Signals",
    "backtest",
    "bars",
    "check",
    "evaluate",
    "parse",
    "run",
    "signals",
]


def run(experiment: str | Path, overrides: Sequence[str] = (), out: Path | None = None) -> Run:
    """Run an experiment and write its run folder and its report, as `evolve run` does.

    Args:
        experiment: the path of the YAML file.
        overrides: settings `a.b=value` that replace those of the YAML file.
        out: the run folder; `runs/<name>-<time>` if None.
    """
    return run_experiment(experiment, overrides, out, report=save_report)


def bars(spec: str | Bars) -> Bars:
    """Load the bars of a data spec, such as `sample:sp500`; return bars unchanged."""
    return spec if isinstance(spec, Bars) else data.load(spec).bars


def evaluate(expression: str, spec: str | Bars) -> NDArray[Any]:
    """Return the values of an expression on every bar.

    Args:
        expression: text of a series or a condition.
        spec: a data spec, or bars.

    Returns:
        float64[symbol, bar] of a series, bool[symbol, bar] of a condition.

    >>> from evolve.api import evaluate
    >>> evaluate("sma(close, 50) / close", "sample:sp500").shape
    (1, 5031)
    """
    return values(check_expression(expression), bars(spec))


def signals(strategy: str | Program, spec: str | Bars) -> tuple[Signals, ...]:
    """Return the signals of a strategy: buy, sell, short and cover by bar, one entry per symbol."""
    program = strategy if isinstance(strategy, Program) else check(strategy)
    return compute_signals(program, bars(spec))


def backtest(strategy: str | Program, spec: str | Bars, **costs: Any) -> Backtest:
    """Backtest a strategy.

    Args:
        strategy: its text, or a checked program.
        spec: a data spec, or bars.
        costs: settings that differ from the default market: capital, fill, commission_bps,
            slippage_bps and the other fields of `evolve.backtest.market.MarketSettings`.
    """
    program = strategy if isinstance(strategy, Program) else check(strategy)
    return simulate(program, bars(spec), market(**costs))
