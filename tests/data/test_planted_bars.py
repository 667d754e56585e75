"""An edge planted into given bars follows the rule on the result, and changes nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from dsl.analysis.check import check_expression
from dsl.bars import PANELS, Bars
from dsl.evaluate import Evaluator
from evolve.data import load
from evolve.data.planted_bars import _SymbolMarket, plant_in_bars
from evolve.errors import EvolveError
from evolve.validation.permutation import permute
from evolve.validation.power import RULES
from tests.samples import gappy_bars, random_bars

TEXTS = [each.text for each in RULES]
EDGE = 40e-4


def evaluate(rule: str, bars: Bars) -> NDArray[np.bool_]:
    holds: NDArray[np.bool_] = Evaluator(bars).series(check_expression(rule))
    return holds


def moves(bars: Bars) -> NDArray[np.float64]:
    """Return float64[bar], log returns from the open to the close."""
    values: NDArray[np.float64] = np.log(bars.close[0] / bars.open[0])
    return values


def gaps(bars: Bars) -> NDArray[np.float64]:
    """Return float64[bar - 1], log returns from a close to the next open."""
    values: NDArray[np.float64] = np.log(bars.open[0, 1:] / bars.close[0, :-1])
    return values


def delay(holds: NDArray[np.bool_], bars: int = 1) -> NDArray[np.bool_]:
    return np.concatenate([np.zeros(bars, bool), holds[:-bars]])


@pytest.fixture(scope="module")
def shuffled() -> Bars:
    return permute(load("synthetic:garch?bars=2000&seed=4").bars, 1_000_001)


@pytest.mark.parametrize("edge", [EDGE, -EDGE])
@pytest.mark.parametrize("lag", [1, 2])
@pytest.mark.parametrize("rule", TEXTS)
def test_exactly_the_bars_after_the_rule_move_by_the_edge(
    shuffled: Bars, rule: str, lag: int, edge: float
) -> None:
    planted = plant_in_bars(shuffled, rule, edge, [lag])
    after = delay(evaluate(rule, planted), lag)
    assert moves(planted) - moves(shuffled) == pytest.approx(edge * after, abs=1e-11)
    assert gaps(planted) == pytest.approx(gaps(shuffled), abs=1e-11)
    assert 0.03 < after.mean() < 0.35


@pytest.mark.parametrize("rule", TEXTS)
def test_the_mean_return_after_the_rule_is_larger_by_the_edge(rule: str) -> None:
    """Compare the bars after the rule with all others, over markets without any other edge."""
    differences, variances = [], []
    for number in range(1_000_001, 1_000_009):
        bars = permute(load("synthetic:walk?bars=2500&seed=2").bars, number)
        planted = plant_in_bars(bars, rule, EDGE, [1])
        after, move = delay(evaluate(rule, planted)), moves(planted)
        differences.append(move[after].mean() - move[~after].mean())
        variances.append(move.var() * (1 / after.sum() + 1 / (~after).sum()))
    error = np.sqrt(np.sum(variances)) / len(differences)
    assert np.mean(differences) == pytest.approx(EDGE, abs=3.5 * error)
    assert 7 * error < EDGE


@pytest.mark.parametrize("rule", TEXTS)
def test_the_rule_on_the_result_gives_the_result_again(shuffled: Bars, rule: str) -> None:
    planted = plant_in_bars(shuffled, rule, EDGE, [1])
    again = _SymbolMarket(shuffled, 1).build(evaluate(rule, planted), EDGE)
    assert again.hash == planted.hash


def test_bars_before_the_rule_first_holds_are_the_given_ones(shuffled: Bars) -> None:
    rule = "close > highest(close, 20)[1]"
    planted = plant_in_bars(shuffled, rule, EDGE, [1])
    first = int(np.argmax(delay(evaluate(rule, planted))))
    assert 20 < first < 500
    assert planted.slice(0, first).hash == shuffled.slice(0, first).hash
    assert planted.slice(0, first + 1).hash != shuffled.slice(0, first + 1).hash


@pytest.mark.parametrize("bars", [random_bars(1), gappy_bars(2)])
def test_a_rule_that_never_holds_changes_no_bar(bars: Bars) -> None:
    assert plant_in_bars(bars, "close < 0", 0.1, [1]).hash == bars.hash


def test_volume_times_and_fills_are_those_of_the_given_bars(shuffled: Bars) -> None:
    marked = replace(shuffled, closes_only=shuffled.symbols)
    planted = plant_in_bars(marked, TEXTS[0], EDGE, [2])
    assert planted.closes_only == marked.closes_only
    for name in ("time", "volume", "adjustment"):
        assert np.array_equal(getattr(planted, name), getattr(marked, name))


@pytest.mark.parametrize("edge", [0.3, -0.3])
def test_extremes_contain_the_prices_of_their_bar(shuffled: Bars, edge: float) -> None:
    planted = plant_in_bars(shuffled.slice(0, 300), TEXTS[3], edge, [1])
    assert np.all(planted.high >= np.maximum(planted.open, planted.close))
    assert np.all(planted.low <= np.minimum(planted.open, planted.close))


def test_extremes_move_as_those_of_a_brownian_bridge_with_another_end() -> None:
    """Compare the draw that each extreme implies: ln u is proportional to this product."""
    bars = random_bars(3)
    holds = np.random.default_rng(1).random(len(bars)) < 0.5
    planted = _SymbolMarket(bars, 1).build(holds, EDGE)
    for name in ("high", "low"):
        products = [
            np.log(getattr(each, name) / each.open) * np.log(getattr(each, name) / each.close)
            for each in (bars, planted)
        ]
        assert products[1] == pytest.approx(products[0], rel=1e-8, abs=1e-14)


def test_each_symbol_of_a_panel_is_planted_alone() -> None:
    panel = random_bars(5, 400, 3)
    close = panel.close.copy()
    close[1, 100:140] = close[2, :90] = np.nan
    panel = replace(panel, close=close)
    planted = plant_in_bars(panel, TEXTS[0], EDGE, [1, 2, 1])
    for symbol, lag in enumerate([1, 2, 1]):
        alone = plant_in_bars(panel.select_symbol(symbol), TEXTS[0], EDGE, [lag])
        found = planted.select_symbol(symbol)
        for name in PANELS:
            assert np.array_equal(getattr(found, name), getattr(alone, name))
    assert np.array_equal(np.isnan(planted.close), np.isnan(panel.close))


def test_prices_beyond_their_limits_are_an_error() -> None:
    with pytest.raises(EvolveError, match="use fewer bars"):
        plant_in_bars(random_bars(1, 400), "close > 0", 1.0, [1])
