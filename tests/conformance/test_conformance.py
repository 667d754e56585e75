"""Published indicator libraries in the language, compared with their formulas in numpy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from dsl.analysis.catalog import catalog
from dsl.analysis.check import check_file, inspect
from dsl.bars import Bars
from dsl.evaluate import Evaluator
from dsl.syntax.parser import parse
from dsl.terms.canonical import canonicalize
from dsl.terms.terms import Term
from evolve.api import bars as load
from tests.dsl.values import assert_close, first_known
from tests.samples import Values, random_bars

HERE = Path(__file__).parent
FILES = ("worldquant", "alpha158")
WINDOWS = (5, 10, 20, 30, 60)
EPSILON = 1e-12


@cache
def read_source(file: str) -> str:
    return (HERE / f"{file}.evo").read_text("utf-8")


@cache
def list_features(file: str) -> tuple[str, ...]:
    """Return the names of the defines without arguments; the others are helpers."""
    signatures = [node.signature for node in parse(read_source(file)).defines]
    return tuple(each.name for each in signatures if not each.arguments)


def add_uses(file: str) -> str:
    """Return a file with a strategy for each of its features."""
    uses = [
        f"strategy of_{each} {{ buy when {each}() > 0 hold 1 }}" for each in list_features(file)
    ]
    return "\n".join([read_source(file), *uses])


@cache
def terms(file: str) -> dict[str, Term]:
    """Return the canonical term of each feature of a file."""
    canonical = {}
    for program in check_file(add_uses(file), file):
        assert program.rules.buy is not None
        use = program.rules.buy.args[0]
        canonical[program.name.removeprefix("of_")] = canonicalize(use, catalog().operator)
    return canonical


@cache
def market(name: str) -> Bars:
    """Return the sample, or random bars near a price of 1, so that money resembles volume."""
    if name == "sample":
        return load("sample:sp500")
    bars = random_bars(3, 1500)
    prices = {each: getattr(bars, each) / 100 for each in ("open", "high", "low", "close")}
    return replace(bars, **prices)


@cache
def evaluator(name: str) -> Evaluator:
    return Evaluator(market(name))


def value(file: str, define: str, name: str = "sample") -> Values:
    return evaluator(name).series(terms(file)[define]).astype(np.float64)


# -- parts of the formulas; a window with an unknown value is unknown


@dataclass(frozen=True)
class Rows:
    """Bars as input of the formulas."""

    open: Values
    high: Values
    low: Values
    close: Values
    volume: Values

    @property
    def vwap(self) -> Values:
        return (self.high + self.low + self.close) / 3

    @property
    def returns(self) -> Values:
        return delta(self.close, 1) / lag(self.close, 1)

    @property
    def adv20(self) -> Values:
        return mean(self.close * self.volume, 20)

    @property
    def turn(self) -> Values:
        before = (lag(self.close, 20) - lag(self.close, 10)) / 10
        return before - (lag(self.close, 10) - self.close) / 10


@cache
def rows(name: str) -> Rows:
    bars = market(name)
    return Rows(*(getattr(bars, each)[0] for each in ("open", "high", "low", "close", "volume")))


def rolling(x: Values, n: int, function: Callable[..., Any], **options: Any) -> Values:
    out = np.full(len(x), np.nan)
    windows = sliding_window_view(x, n)
    known = ~np.isnan(windows).any(axis=1)
    out[n - 1 :][known] = function(windows[known], axis=1, **options)
    return out


def mean(x: Values, n: int) -> Values:
    return rolling(x, n, np.mean)


def total(x: Values, n: int) -> Values:
    return rolling(x, n, np.sum)


def std(x: Values, n: int) -> Values:
    return rolling(x, n, np.std, ddof=1)


def top(x: Values, n: int) -> Values:
    return rolling(x, n, np.max)


def bottom(x: Values, n: int) -> Values:
    return rolling(x, n, np.min)


def lag(x: Values, n: int) -> Values:
    return np.concatenate([np.full(n, np.nan), x[:-n]])


def delta(x: Values, n: int) -> Values:
    return x - lag(x, n)


def rank(x: Values, n: int) -> Values:
    """Return the rank in n values from 0 to 1; ties take their mean rank."""
    ranks: Values = pd.Series(x).rolling(n).rank().to_numpy(np.float64)
    return (ranks - 1) / (n - 1)


def ratio(x: Values, y: Values) -> Values:
    out = np.full(len(x), np.nan)
    np.divide(x, y, out=out, where=y != 0)
    return out


def line(x: Values, n: int) -> tuple[Values, Values, Values]:
    """Return slope, squared correlation with time and last residual of the least-squares line."""
    time = np.arange(n) - (n - 1) / 2
    slope = rolling(x, n, lambda windows, axis: windows @ time) / (time @ time)
    explained = slope**2 * (time @ time)
    return slope, explained / ((n - 1) * std(x, n) ** 2), x - mean(x, n) - slope * (n - 1) / 2


def correlation(x: Values, y: Values, n: int) -> Values:
    out = np.full(len(x), np.nan)
    a, b = sliding_window_view(x, n), sliding_window_view(y, n)
    a = a - a.mean(axis=1, keepdims=True)
    b = b - b.mean(axis=1, keepdims=True)
    spread = np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))
    out[n - 1 :] = ratio((a * b).sum(axis=1), spread)
    return out


def where_known(x: Values, other: Values) -> Values:
    """Return x, unknown wherever the other is unknown."""
    return np.where(np.isnan(other), np.nan, x)


def signed_power(x: Values, y: Values) -> Values:
    """Return the signed power, unknown for 0 to the power of 0 or less and for overflows."""
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        raised = np.sign(x) * np.abs(x) ** y
    return np.where(np.isfinite(raised) & ~((x == 0) & (y <= 0)), raised, np.nan)


def signed_close_in_range(m: Rows) -> Values:
    return ratio(m.close - m.low - (m.high - m.close), m.close - m.low)


def alpha_9(m: Rows) -> Values:
    move = delta(m.close, 1)
    one_way = (bottom(move, 5) > 0) | (top(move, 5) < 0)
    return where_known(np.where(one_way, move, -move), bottom(move, 5))


def alpha_21(m: Rows) -> Values:
    long, short, spread = mean(m.close, 8), mean(m.close, 2), std(m.close, 8)
    by_volume = where_known(np.where(m.volume >= m.adv20, 1.0, -1.0), m.adv20)
    inside = np.where(short < long - spread, 1.0, by_volume)
    return where_known(np.where(long + spread < short, -1.0, inside), spread)


def alpha_24(m: Rows) -> Values:
    is_slow = delta(mean(m.close, 100), 100) / lag(m.close, 100) <= 0.05
    return np.where(is_slow, bottom(m.close, 100) - m.close, -delta(m.close, 3))


ALPHAS: dict[str, Callable[[Rows], Values]] = {
    "alpha_6": lambda m: -correlation(m.open, m.volume, 10),
    "alpha_7": lambda m: np.where(
        m.adv20 < m.volume,
        -rank(np.abs(delta(m.close, 7)), 60) * np.sign(delta(m.close, 7)),
        -1.0,
    ),
    "alpha_9": alpha_9,
    "alpha_12": lambda m: -np.sign(delta(m.volume, 1)) * delta(m.close, 1),
    "alpha_21": alpha_21,
    "alpha_23": lambda m: np.where(mean(m.high, 20) < m.high, -delta(m.high, 2), 0.0),
    "alpha_24": alpha_24,
    "alpha_26": lambda m: -top(correlation(rank(m.volume, 5), rank(m.high, 5), 5), 3),
    "alpha_35": lambda m: (
        rank(m.volume, 32) * (1 - rank(m.close + m.high - m.low, 16)) * (1 - rank(m.returns, 32))
    ),
    "alpha_41": lambda m: np.sqrt(m.high * m.low) - m.vwap,
    "alpha_43": lambda m: rank(m.volume / m.adv20, 20) * rank(-delta(m.close, 7), 8),
    "alpha_46": lambda m: np.select(
        [m.turn > 0.25, m.turn < 0],
        [-np.ones_like(m.turn), np.ones_like(m.turn)],
        -delta(m.close, 1),
    ),
    "alpha_49": lambda m: np.where(m.turn < -0.1, 1.0, -delta(m.close, 1)),
    "alpha_51": lambda m: np.where(m.turn < -0.05, 1.0, -delta(m.close, 1)),
    "alpha_53": lambda m: -delta(signed_close_in_range(m), 9),
    "alpha_54": lambda m: (m.close - m.low) * m.open**5 / ((m.low - m.high) * m.close**5),
    "alpha_84": lambda m: signed_power(rank(m.vwap - top(m.vwap, 15), 20), delta(m.close, 4)),
    "alpha_101": lambda m: (m.close - m.open) / (m.high - m.low + 0.001),
}


BAR: dict[str, Callable[[Rows], Values]] = {
    "kmid": lambda m: (m.close - m.open) / m.open,
    "klen": lambda m: (m.high - m.low) / m.open,
    "kmid2": lambda m: (m.close - m.open) / (m.high - m.low + EPSILON),
    "kup": lambda m: (m.high - np.maximum(m.open, m.close)) / m.open,
    "kup2": lambda m: (m.high - np.maximum(m.open, m.close)) / (m.high - m.low + EPSILON),
    "klow": lambda m: (np.minimum(m.open, m.close) - m.low) / m.open,
    "klow2": lambda m: (np.minimum(m.open, m.close) - m.low) / (m.high - m.low + EPSILON),
    "ksft": lambda m: (2 * m.close - m.high - m.low) / m.open,
    "ksft2": lambda m: (2 * m.close - m.high - m.low) / (m.high - m.low + EPSILON),
    "open0": lambda m: m.open / m.close,
    "high0": lambda m: m.high / m.close,
    "low0": lambda m: m.low / m.close,
    "vwap0": lambda m: m.vwap / m.close,
}


def rise(x: Values) -> Values:
    return np.maximum(delta(x, 1), 0)


def fall(x: Values) -> Values:
    return np.maximum(-delta(x, 1), 0)


def share(part: Values, x: Values, n: int) -> Values:
    return total(part, n) / (total(np.abs(delta(x, 1)), n) + EPSILON)


def rose(m: Rows) -> Values:
    return where_known((m.close > lag(m.close, 1)).astype(np.float64), delta(m.close, 1))


def fell(m: Rows) -> Values:
    return where_known((m.close < lag(m.close, 1)).astype(np.float64), delta(m.close, 1))


def weighted_move(m: Rows) -> Values:
    return np.abs(m.returns) * m.volume


def find_top(x: Values, n: int) -> Values:
    """Return the position of the highest of n values, from 1; of equals, the newest."""
    return n - rolling(x, n, lambda windows, axis: windows[:, ::-1].argmax(axis=axis))


FAMILIES: dict[str, Callable[[Rows, int], Values]] = {
    "roc": lambda m, n: lag(m.close, n) / m.close,
    "ma": lambda m, n: mean(m.close, n) / m.close,
    "std": lambda m, n: std(m.close, n) / m.close,
    "beta": lambda m, n: line(m.close, n)[0] / m.close,
    "rsqr": lambda m, n: line(m.close, n)[1],
    "resi": lambda m, n: line(m.close, n)[2] / m.close,
    "max": lambda m, n: top(m.high, n) / m.close,
    "min": lambda m, n: bottom(m.low, n) / m.close,
    "qtlu": lambda m, n: rolling(m.close, n, np.quantile, q=0.8) / m.close,
    "qtld": lambda m, n: rolling(m.close, n, np.quantile, q=0.2) / m.close,
    "rank": lambda m, n: pd.Series(m.close).rolling(n).rank(pct=True).to_numpy(),
    "rsv": lambda m, n: (
        (m.close - bottom(m.low, n)) / (top(m.high, n) - bottom(m.low, n) + EPSILON)
    ),
    "imax": lambda m, n: find_top(m.high, n) / n,
    "imin": lambda m, n: find_top(-m.low, n) / n,
    "imxd": lambda m, n: (find_top(m.high, n) - find_top(-m.low, n)) / n,
    "corr": lambda m, n: correlation(m.close, np.log(m.volume + 1), n),
    "cord": lambda m, n: correlation(
        m.close / lag(m.close, 1), np.log(m.volume / lag(m.volume, 1) + 1), n
    ),
    "cntp": lambda m, n: mean(rose(m), n),
    "cntn": lambda m, n: mean(fell(m), n),
    "cntd": lambda m, n: mean(rose(m), n) - mean(fell(m), n),
    "sump": lambda m, n: share(rise(m.close), m.close, n),
    "sumn": lambda m, n: share(fall(m.close), m.close, n),
    "sumd": lambda m, n: share(rise(m.close) - fall(m.close), m.close, n),
    "vma": lambda m, n: mean(m.volume, n) / (m.volume + EPSILON),
    "vstd": lambda m, n: std(m.volume, n) / (m.volume + EPSILON),
    "wvma": lambda m, n: std(weighted_move(m), n) / (mean(weighted_move(m), n) + EPSILON),
    "vsump": lambda m, n: share(rise(m.volume), m.volume, n),
    "vsumn": lambda m, n: share(fall(m.volume), m.volume, n),
    "vsumd": lambda m, n: share(rise(m.volume) - fall(m.volume), m.volume, n),
}


def assert_equal_once_known(actual: Values, expected: Values) -> None:
    since = max(first_known(actual), first_known(expected))
    assert since < len(actual) / 2
    assert_close(actual, expected, since)


# -- the files


@pytest.mark.parametrize("file", FILES)
def test_every_define_is_valid(file: str) -> None:
    assert [str(each) for each in inspect(add_uses(file), file).errors] == []
    assert set(terms(file)) == set(list_features(file))


def test_the_files_contain_every_alpha_and_every_feature() -> None:
    features = [f"{family}{n}" for family in FAMILIES for n in WINDOWS]
    assert sorted(list_features("worldquant")) == sorted(ALPHAS)
    assert sorted(list_features("alpha158")) == sorted([*BAR, *features])
    assert (len(list_features("worldquant")), len(list_features("alpha158"))) == (18, 158)


@pytest.mark.parametrize("file", FILES)
def test_most_bars_have_a_value(file: str) -> None:
    known = {name: np.isfinite(value(file, name)).mean() for name in list_features(file)}
    assert {name: share for name, share in known.items() if share < 0.5} == {}


# -- values of the features


@pytest.mark.parametrize("name", ["sample", "penny"])
@pytest.mark.parametrize("alpha", ALPHAS)
def test_alphas_equal_the_formulas_of_the_paper(alpha: str, name: str) -> None:
    assert_equal_once_known(value("worldquant", alpha, name), ALPHAS[alpha](rows(name)))


@pytest.mark.parametrize("feature", BAR)
def test_features_of_the_bar_equal_the_formulas_of_qlib(feature: str) -> None:
    assert_equal_once_known(value("alpha158", feature), BAR[feature](rows("sample")))


@pytest.mark.parametrize("n", WINDOWS)
@pytest.mark.parametrize("family", FAMILIES)
def test_features_over_a_window_equal_the_formulas_of_qlib(family: str, n: int) -> None:
    assert_equal_once_known(value("alpha158", f"{family}{n}"), FAMILIES[family](rows("sample"), n))
