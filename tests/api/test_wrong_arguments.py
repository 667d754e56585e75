"""Each public function refuses each wrong argument with an error for people."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from evolve.api import (
    EvolveError,
    LanguageError,
    backtest,
    bars,
    check,
    evaluate,
    load_run,
    parse,
    run,
    signals,
)
from tests.api.tables import STRATEGY, build_table
from tests.command_line import QUICK

TABLE = build_table(20)
JUNK: dict[str, object] = {
    "None": None, "whole number": 3, "number": 1.5, "NaN": float("nan"), "boolean": True,
    "bytes": b"x", "list": [], "tuple": (), "set": set(), "dict": {}, "object": object(),
    "type": int, "function": len, "series": pd.Series([1.0]), "array": np.zeros(3), "NA": pd.NA,
    "day": datetime.date(2020, 1, 1), "null byte": "\0", "long text": "x" * 5000,
    "surrogate": "\ud800", "list of None": [None], "list of numbers": [1, 2],
    "dict of numbers": {"a": 1}, "dict by number": {1: TABLE}, "dict without name": {"": TABLE},
    "empty table": pd.DataFrame(), "dict of empty tables": {"a": pd.DataFrame()},
    "missing path": Path("/missing"), "device": Path("/dev/null"), "folder": Path("/"),
    "missing file": "missing.csv", "missing strategy": "missing.evo", "no spec": "yahoo:",
}  # fmt: skip
FUNCTIONS: dict[str, Callable[[object], object]] = {
    "bars": bars,  # type: ignore[dict-item]
    "check": check,  # type: ignore[dict-item]
    "parse": parse,  # type: ignore[dict-item]
    "evaluate": lambda junk: evaluate(junk, TABLE),  # type: ignore[arg-type]
    "evaluate on": lambda junk: evaluate("close", junk),  # type: ignore[arg-type]
    "signals": lambda junk: signals(junk, TABLE),  # type: ignore[arg-type]
    "signals on": lambda junk: signals(STRATEGY, junk),  # type: ignore[arg-type]
    "backtest": lambda junk: backtest(junk, TABLE),  # type: ignore[arg-type]
    "backtest on": lambda junk: backtest(STRATEGY, junk),  # type: ignore[arg-type]
    "backtest at": lambda junk: backtest(STRATEGY, TABLE, fill=junk),
    "load_run": load_run,  # type: ignore[dict-item]
    "run": run,  # type: ignore[dict-item]
    "run with": lambda junk: run("/missing.yaml", junk),  # type: ignore[arg-type]
    "run in": lambda junk: run("/missing.yaml", (), junk),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("junk", JUNK)
def test_a_wrong_argument_is_refused_in_words(function: str, junk: str) -> None:
    with pytest.raises((EvolveError, LanguageError)) as error:
        FUNCTIONS[function](JUNK[junk])
    assert "Traceback" not in str(error.value)
    assert "object has no attribute" not in str(error.value)
    assert str(error.value).strip()


@pytest.mark.parametrize("strategy", ["", "strategy", "define", "strategy s { buy when 1 }"])
def test_a_wrong_strategy_is_refused_with_its_diagnostics(strategy: str) -> None:
    with pytest.raises(LanguageError, match="error"):
        backtest(strategy, TABLE)


def test_overrides_that_are_no_text_are_refused() -> None:
    for overrides in ({"seed": 1}, 5, [5]):
        with pytest.raises(EvolveError, match="expected overrides as text, found a value of type"):
            run("/missing.yaml", overrides)  # type: ignore[arg-type]


def test_one_override_serves_where_a_list_of_one_does() -> None:
    with pytest.raises(EvolveError, match=r"unknown setting `budget\.x`"):
        run(QUICK, "budget.x=5")
