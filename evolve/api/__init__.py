"""Python interface: check, evaluate and backtest strategies, run experiments, and load runs.

Bars come from a table of pandas, a dict of them by symbol, a path, a data spec, or `Bars`. Each
function raises EvolveError or LanguageError for what a user can fix.

>>> from evolve.api import backtest, check
>>> strategy = check("strategy s { buy when close > sma(close, 200) sell when rsi(close, 2) > 90 }")
>>> result = backtest(strategy, "sample:sp500")
>>> round(result.metrics["total_return"], 3), len(result.trades)
(0.911, 295)
"""

from dsl.analysis.program import Program
from dsl.bars import Bars
from dsl.diagnostics import LanguageError
from evolve.api.backtest_result import BacktestResult
from evolve.api.backtesting import backtest
from evolve.api.data import bars
from evolve.api.experiment import load_run, run
from evolve.api.run_result import RunResult
from evolve.api.strategy import check, evaluate, parse, signals
from evolve.api.tuning import TuneResult, tune
from evolve.errors import EvolveError

__all__ = [
    "BacktestResult",
    "Bars",
    "EvolveError",
    "LanguageError",
    "Program",
    "RunResult",
    "TuneResult",
    "backtest",
    "bars",
    "check",
    "evaluate",
    "load_run",
    "parse",
    "run",
    "signals",
    "tune",
]
