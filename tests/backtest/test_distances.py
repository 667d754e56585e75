"""Warning of distances that are closer than costs plus a quarter of the average range."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from dsl.analysis.catalog import catalog
from dsl.analysis.check import check
from dsl.evaluate import values
from dsl.terms.canonical import canonicalize
from evolve.backtest.distances import ATR_BARS, list_tight
from evolve.backtest.market import market
from evolve.data.generators import random_walk

BARS = random_walk(400, 3)


def warn(setting: str, slippage_bps: float = 5) -> list[str]:
    program = check(f"strategy s {{ buy when rsi(close, 3) < 30 {setting} }}")
    return list_tight([program], BARS, market(slippage_bps=slippage_bps))


def evaluate(text: str) -> NDArray[Any]:
    term = check(f"strategy s {{ buy when {text} > 30 }}").rules.buy
    assert term is not None
    row: NDArray[Any] = values(canonicalize(term.args[0], catalog().operator), BARS)[0]
    return row


def test_the_count_is_that_of_the_bars_where_the_distance_is_small() -> None:
    (text,) = warn("stop 0.35 * atr(5)")
    costs = 2 * 0.0006 * BARS.close[0]
    with np.errstate(invalid="ignore"):
        entry = evaluate("rsi(close, 3)") < 30
        tight = entry & (0.35 * evaluate("atr(5)") < costs + 0.25 * evaluate("atr(14)"))
    assert 0 < tight.sum() < entry.sum()
    assert f"on {tight.sum():,} of {entry.sum():,} bars" in text
    assert text.startswith("the stop of `s` is below")
    assert f"atr({ATR_BARS})" in text


@pytest.mark.parametrize("setting", ["", "stop 5%", "stop 3 * atr(14)", "hold 3", "size 10%"])
def test_a_usual_distance_has_no_warning(setting: str) -> None:
    assert warn(setting) == []


@pytest.mark.parametrize("name", ["stop", "trail", "target"])
def test_each_distance_is_checked(name: str) -> None:
    (text,) = warn(f"{name} 0.05%")
    assert text.startswith(f"the {name} of `s`")


def test_costs_raise_the_limit() -> None:
    assert warn("stop 3%") == []
    assert warn("stop 3%", slippage_bps=300)
