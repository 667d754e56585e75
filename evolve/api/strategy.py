"""Strategies and expressions: parsed, checked and evaluated on bars."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from dsl.analysis.check import check as check_text
from dsl.analysis.check import check_expression
from dsl.analysis.program import Program
from dsl.syntax import parser
from evolve.api.data import DataLike, bars, describe_type
from evolve.errors import EvolveError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dsl.evaluate import Signals
    from dsl.syntax.nodes import File

HINT = "write for example `strategy s { buy when close > sma(close, 50) }`"


def check(strategy: str | Path | Program) -> Program:
    """Check a strategy and return its program; return a program unchanged.

    Args:
        strategy: its text; the path of its file, which ends in `.evo` if it is text; or a program.

    Raises:
        LanguageError: with all errors of the text.
        EvolveError: if the file cannot be read.
    """
    if isinstance(strategy, Program):
        return strategy
    return check_text(*read_source(strategy))


def parse(strategy: str | Path) -> File:
    """Parse strategies and defines to a syntax tree, without a check of names and types.

    Args:
        strategy: the text, or the path of a file; see `check`.

    Raises:
        LanguageError: with all syntax errors of the text.
        EvolveError: if the file cannot be read.
    """
    return parser.parse(*read_source(strategy))


def evaluate(expression: str, data: DataLike) -> NDArray[Any]:
    """Return the values of an expression on every bar.

    Args:
        expression: text of a series or a condition.
        data: bars, or what `bars` reads.

    Returns:
        float64[symbol, bar] of a series, bool[symbol, bar] of a condition.

    Raises:
        LanguageError: with all errors of the expression.
        EvolveError: if the data are not valid.

    >>> from evolve.api import evaluate
    >>> evaluate("sma(close, 50) / close", "sample:sp500").shape
    (1, 5031)
    """
    from dsl.evaluate import values

    if not isinstance(expression, str):
        found = describe_type(expression)
        raise EvolveError(f"expected an expression as text, found {found}", "write `rsi(close, 2)`")
    return values(check_expression(expression), bars(data))


def signals(strategy: str | Path | Program, data: DataLike) -> tuple[Signals, ...]:
    """Return the signals of a strategy: buy, sell, short and cover by bar, one entry per symbol.

    Args:
        strategy: see `check`.
        data: bars, or what `bars` reads.

    Raises:
        LanguageError: with all errors of the strategy.
        EvolveError: if the strategy or the data are not valid.
    """
    from dsl.evaluate import evaluate as compute_signals

    return compute_signals(check(strategy), bars(data))


def read_source(strategy: object) -> tuple[str, str]:
    """Return the text of a strategy, and its name for messages."""
    if isinstance(strategy, Path) or (isinstance(strategy, str) and strategy.endswith(".evo")):
        from evolve.files import read_text

        return read_text(Path(strategy)), str(strategy)
    if isinstance(strategy, str):
        return strategy, "<text>"
    found = describe_type(strategy)
    raise EvolveError(f"expected a strategy as text, path or program, found {found}", HINT)
