"""Backtest of a strategy, with the settings of an experiment as arguments."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dsl.analysis.program import Program
from dsl.bars import Bars
from dsl.diagnostics import did_you_mean
from evolve.api.backtest_result import BacktestResult, run_backtest
from evolve.api.data import DataLike, Log, bars, describe_type
from evolve.api.parts import Part, check_part, select_part
from evolve.api.strategy import check
from evolve.errors import EvolveError

if TYPE_CHECKING:
    from evolve.backtest.market import Market
    from evolve.data import DataSplit


def backtest(
    strategy: str | Path | Program,
    data: DataLike,
    *,
    part: Part | None = None,
    split: Mapping[str, str | float | date] | None = None,
    **costs: Any,
) -> BacktestResult:
    """Backtest a strategy on all bars, or on a part of them; earlier bars warm its indicators.

    Args:
        strategy: its text, the path of its file, or a checked program.
        data: bars, or what `bars` reads.
        part: `train` or `validation`; None for all bars.
        split: the settings `train`, `validation` and `holdout` of the section `split` of an
            experiment: fractions, such as `{"validation": "20%", "holdout": "10%"}`, or first days.
            A setting that is left out has its default.
        costs: settings of the section `backtest` of an experiment that differ from their defaults:
            capital, fill, commission_bps, slippage_bps and others.

    Raises:
        LanguageError: with all errors of the strategy.
        EvolveError: if an argument, the strategy or the data are not valid.

    >>> from evolve.api import backtest
    >>> text = "strategy s { buy when rsi(close, 2) < 10 sell when rsi(close, 2) > 60 }"
    >>> result = backtest(text, "sample:sp500", part="validation", commission_bps=2)
    >>> str(result.equity.index[0].date()), len(result.trades)
    ('2011-01-03', 41)
    """
    program, market = check(strategy), read_market(costs)
    if split is not None and part is None:
        raise EvolveError("`split` without `part`", 'add part="train" or part="validation"')
    panel, start = bars(data), 0
    if part is not None:
        check_part(part)
        panel, start = select_part(_split(panel, {} if split is None else split), part)
    _log_notices(program, panel, start, market)
    return run_backtest(program, panel, start, market)


def read_market(costs: Mapping[str, object]) -> Market:
    """Return the market of settings of the section `backtest`."""
    from evolve.config.arguments import read_section
    from evolve.config.schema import Backtest

    known = ("part", "split", *Backtest.model_fields)
    for name in costs:
        if name not in known:
            hint = did_you_mean(name, known) or f"expected one of: {', '.join(known)}"
            raise EvolveError(f"unknown argument `{name}`", hint)
    return read_section(Backtest, "backtest", costs).market()


def _log_notices(program: Program, panel: Bars, start: int, market: Market) -> None:
    """Log what limits the trades of a strategy on these bars."""
    from evolve.backtest.distances import list_tight
    from evolve.backtest.sleeve import list_uncapped
    from evolve.backtest.volume import list_unreadable
    from evolve.backtest.warmup import entry_lookback, warmup_note

    note = warmup_note(f"`{program.name}`", entry_lookback(program.canonical), panel, start)
    log, window = Log(), panel.slice(start, len(panel))
    for text in (
        *list_uncapped(window, market),
        *list_unreadable(window, [program]),
        *list_tight([program], panel, market, start),
        note,
    ):
        if text:
            log.notice(text)


def _split(panel: Bars, split: object) -> DataSplit:
    """Split bars by the settings of the section `split`."""
    from evolve.config.arguments import read_section
    from evolve.config.data import Parts
    from evolve.data import split_bars

    if not isinstance(split, Mapping):
        found = describe_type(split)
        raise EvolveError(f"`split`: expected a dict, found {found}", 'such as {"train": "60%"}')
    return split_bars(panel, read_section(Parts, "split", split).sizes())
