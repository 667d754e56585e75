"""Synthetic markets: consistent, repeatable, and lawful."""

from __future__ import annotations

import numpy as np
import pytest

from dsl.analysis.check import check_expression
from dsl.diagnostics import LanguageError
from dsl.evaluate import Evaluator
from evolve.data import load
from evolve.data.generators import LAWS
from evolve.errors import EvolveError
from tests.data.tables import assert_sound

RULE = "rsi(close, 2) < 15"


def spec(name: str, **options: object) -> str:
    chosen = {"rule": RULE} if LAWS[name].needs_rule else {}
    pairs = "&".join(f"{key}={value}" for key, value in {**chosen, **options}.items())
    return f"synthetic:{name}?{pairs}"


def returns(name: str, **options: object) -> np.ndarray:
    return np.diff(np.log(load(spec(name, **options)).bars.close[0]))


@pytest.mark.parametrize("name", LAWS)
def test_bars_are_sound_and_the_same_for_the_same_seed(name: str) -> None:
    one, again, other = (load(spec(name, seed=seed)).bars for seed in (1, 1, 2))
    assert_sound(one)
    assert one.hash == again.hash
    assert not np.array_equal(one.close, other.close)
    assert np.all(one.high >= np.maximum(one.open, one.close))
    assert np.all(one.low <= np.minimum(one.open, one.close))
    assert one.symbols == (f"{name.upper()}1",)


@pytest.mark.parametrize(
    ("name", "option", "end"),
    [(n, o, end) for n, law in LAWS.items() for o in law.options for end in ("least", "most")],
)
def test_the_ends_of_every_option_make_a_market_or_an_error(
    name: str, option: str, end: str
) -> None:
    value = getattr(LAWS[name].options[option], end)
    try:
        bars = load(spec(name, bars=300, **{option: value})).bars
    except EvolveError as error:
        assert error.hint
        return
    assert np.all(np.isfinite(bars.close)) and np.all(bars.low > 0)
    beyond = value - 1 if end == "least" else value + 1
    with pytest.raises(EvolveError, match=option):
        load(spec(name, bars=300, **{option: beyond}))


def kurtosis(r: np.ndarray) -> float:
    return float(((r - r.mean()) ** 4).mean() / r.var() ** 2)


def echo(r: np.ndarray, lag: int = 1) -> float:
    return float(np.corrcoef(r[lag:], r[:-lag])[0, 1])


def test_garch_has_fat_tails_and_clusters() -> None:
    walk, garch = (returns(name, bars=20_000, seed=3) for name in ("walk", "garch"))
    assert kurtosis(walk) < 3.2
    assert kurtosis(garch) > 4.0
    assert abs(echo(np.abs(walk))) < 0.03
    assert echo(np.abs(garch)) > 0.08
    assert abs(echo(garch)) < 0.05
    assert garch.std() * np.sqrt(252) == pytest.approx(0.16, rel=0.25)


def test_the_drift_of_ar_stays_a_while() -> None:
    made = returns("ar", bars=20_000, wander=1.0, volatility=0.1, seed=2)
    months = made[: len(made) // 20 * 20].reshape(-1, 20).sum(axis=1)
    assert echo(months) > 0.2
    walk = returns("walk", bars=20_000)
    assert abs(echo(walk[: len(walk) // 20 * 20].reshape(-1, 20).sum(axis=1))) < 0.08


def test_regimes_differ_in_volatility() -> None:
    made = returns("regime", bars=20_000, calm=0.08, wild=0.4)
    spread = made[: len(made) // 20 * 20].reshape(-1, 20).std(axis=1) * np.sqrt(252)
    assert np.quantile(spread, 0.2) < 0.12
    assert np.quantile(spread, 0.8) > 0.3


def test_the_planted_rule_foretells_the_next_bar() -> None:
    bars = load(spec("planted", bars=30_000, edge_bps=30, drift=0)).bars
    holds = Evaluator(bars).series(check_expression(RULE))
    moves = np.diff(np.log(bars.close[0]))
    after, else_ = moves[holds[:-1]], moves[~holds[:-1]]
    assert after.mean() * 1e4 == pytest.approx(30, abs=6)
    assert abs(else_.mean()) * 1e4 < 3


def test_the_planted_market_is_that_of_its_law_at_every_bar() -> None:
    """What was settled stays: with no edge it is the walk."""
    walk = load("synthetic:walk?bars=900").bars
    none = load(spec("planted", bars=900, edge_bps=0)).bars
    for field in ("open", "high", "low", "close", "volume"):
        assert np.array_equal(getattr(walk, field), getattr(none, field)), field


@pytest.mark.parametrize("rule", ["close", "close >", "close > nothing(3)", "size 3", ""])
def test_a_rule_that_is_no_condition_is_refused(rule: str) -> None:
    with pytest.raises((EvolveError, LanguageError)):
        load(f"synthetic:planted?rule={rule}")
