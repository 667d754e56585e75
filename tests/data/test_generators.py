"""Synthetic markets: reproducible, with known statistics, valid at the limits of all options."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from dsl.analysis.check import check_expression
from dsl.bars import Bars
from dsl.diagnostics import LanguageError
from dsl.evaluate import Evaluator
from dsl.terms.terms import Term
from evolve.data import load, planted
from evolve.data.generators import GENERATORS, random_walk
from evolve.data.sources.synthetic import MAX_BARS
from evolve.errors import EvolveError
from tests.command_line import refuse
from tests.data.tables import assert_same, assert_sound, days_of

RULE = "rsi(close, 2) < 15"
LIMITS = [
    (name, option, limit)
    for name, generator in GENERATORS.items()
    for option in generator.options
    for limit in ("low", "high")
]


def spec(name: str, **options: object) -> str:
    chosen = {"rule": RULE} if GENERATORS[name].needs_rule else {}
    pairs = "&".join(f"{key}={value}" for key, value in {**chosen, **options}.items())
    return f"synthetic:{name}?{pairs}"


def returns(name: str, **options: object) -> np.ndarray:
    return np.diff(np.log(load(spec(name, **options)).bars.close[0]))


def has_prices(text: str) -> bool:
    """Return whether a spec gives valid bars, not an error with a hint."""
    try:
        bars = load(text).bars
    except EvolveError as error:
        assert error.hint
        return False
    assert_sound(bars)
    assert np.all(bars.high >= np.maximum(bars.open, bars.close))
    assert np.all(bars.low <= np.minimum(bars.open, bars.close))
    return True


@pytest.mark.parametrize("name", GENERATORS)
def test_the_same_seed_gives_the_same_market(name: str) -> None:
    seeds = [0, 1, 2, 3, 10, 2**31, 2**32 + 1, 2**53, 2**53 + 1]
    markets = [load(spec(name, bars=30, seed=seed)).bars for seed in seeds]
    again = [load(spec(name, bars=30, seed=seed)).bars for seed in seeds]
    assert [each.hash for each in markets] == [each.hash for each in again]
    assert len({each.close.tobytes() for each in markets}) == len(seeds)
    assert [each.symbols[0] for each in markets] == [f"{name.upper()}{seed}" for seed in seeds]


def test_options_have_defaults() -> None:
    assert_same(load("synthetic:walk").bars, load("synthetic:walk?seed=1&bars=2500").bars)
    assert_same(load("synthetic:walk?bars=50").bars, random_walk(50, 1))
    bars = random_walk(500, 1, 0.06, 0.16)
    assert np.all(bars.high > bars.low)
    assert days_of(bars)[:6] == [
        "2000-01-03", "2000-01-04", "2000-01-05", "2000-01-06", "2000-01-07", "2000-01-10",
    ]  # fmt: skip
    assert bars.bars_per_year == 252


@pytest.mark.parametrize("name", ["walk", "planted"])
@pytest.mark.parametrize("bars", [50, 200, 799])
def test_the_first_bars_do_not_depend_on_how_many_come_after(name: str, bars: int) -> None:
    short, long = (load(spec(name, bars=count)).bars for count in (bars, 800))
    for field in ("open", "high", "low", "close"):
        assert np.array_equal(getattr(short, field), getattr(long, field)[:, :bars])


# -- limits of options


@pytest.mark.parametrize(("name", "option", "limit"), LIMITS)
def test_each_option_is_valid_at_its_limits_and_not_beyond(
    name: str, option: str, limit: str
) -> None:
    value = getattr(GENERATORS[name].options[option], limit)
    has_prices(spec(name, bars=300, **{option: value}))
    beyond = value - 1 if limit == "low" else value + 1
    with pytest.raises(EvolveError, match=option):
        load(spec(name, bars=300, **{option: beyond}))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "option", "limit"), LIMITS)
def test_each_option_is_valid_at_its_limits_with_many_bars(
    name: str, option: str, limit: str
) -> None:
    """Check that no price of 60,000 bars is 0 or infinite."""
    value = getattr(GENERATORS[name].options[option], limit)
    has_prices(spec(name, bars=MAX_BARS, **{option: value}))


@pytest.mark.parametrize("name", GENERATORS)
def test_all_corners_of_the_options_give_a_market_or_an_error(name: str) -> None:
    options = GENERATORS[name].options
    corners = product(*[(option.low, option.high) for option in options.values()])
    chosen = [dict(zip(options, values, strict=True)) for values in corners]
    outcomes = {has_prices(spec(name, bars=400, **each)) for each in chosen}
    assert True in outcomes


def test_the_maximum_number_of_bars_ends_before_the_last_timestamp() -> None:
    path = "&drift=0&volatility=0.01"
    bars = load(f"synthetic:walk?bars={MAX_BARS}{path}").bars
    assert len(bars) == MAX_BARS
    assert np.all(bars.time[1:] > bars.time[:-1])
    for more in (MAX_BARS + 1, 200_000):
        assert "`bars`" in refuse("data", f"synthetic:walk?bars={more}{path}")


# -- statistics


def kurtosis(r: np.ndarray) -> float:
    return float(((r - r.mean()) ** 4).mean() / r.var() ** 2)


def autocorrelation(r: np.ndarray, lag: int = 1) -> float:
    return float(np.corrcoef(r[lag:], r[:-lag])[0, 1])


@pytest.mark.parametrize("drift", [-0.4, 0.0, 0.06, 0.5])
@pytest.mark.parametrize("volatility", [0.05, 0.2])
def test_a_walk_has_its_drift_and_volatility(drift: float, volatility: float) -> None:
    """Check that log returns have mean drift - volatility²/2, as the mean price grows by drift."""
    years, walks = 400, 20
    bars = [random_walk(252 * years // walks, seed, drift, volatility) for seed in range(walks)]
    steps = np.concatenate([np.diff(np.log(each.close[0]), prepend=np.log(100)) for each in bars])
    error = volatility / np.sqrt(years)
    assert steps.mean() * 252 == pytest.approx(drift - volatility**2 / 2, abs=4 * error)
    assert steps.std() * np.sqrt(252) == pytest.approx(volatility, rel=0.02)


@pytest.mark.parametrize(
    "name", [name for name in GENERATORS if "volatility" in GENERATORS[name].options]
)
def test_each_generator_has_its_volatility(name: str) -> None:
    deviation = returns(name, bars=20_000, volatility=0.3, seed=4).std()
    assert deviation * np.sqrt(252) == pytest.approx(0.3, rel=0.2)


def test_the_drift_changes_only_the_drift() -> None:
    low, high = (random_walk(300, 3, drift).close[0] for drift in (0.0, 0.5))
    assert np.log(high / low) == pytest.approx(0.5 * np.arange(1, 301) / 252)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_garch_has_fat_tails_and_lasting_clusters(seed: int) -> None:
    walk, garch = (returns(name, bars=20_000, seed=seed) for name in ("walk", "garch"))
    assert kurtosis(walk) < 3.2 < 4.0 < kurtosis(garch)
    assert abs(autocorrelation(np.abs(walk))) < 0.03
    assert min(autocorrelation(np.abs(garch), lag) for lag in (1, 5, 20)) > 0.04
    assert abs(autocorrelation(garch)) < 0.05


def test_the_drift_of_ar_lasts() -> None:
    def correlate_months(r: np.ndarray) -> float:
        return autocorrelation(r[: len(r) // 20 * 20].reshape(-1, 20).sum(axis=1))

    assert correlate_months(returns("ar", bars=20_000, wander=1.0, volatility=0.1, seed=2)) > 0.2
    assert abs(correlate_months(returns("walk", bars=20_000))) < 0.08


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_regimes_have_their_volatilities_and_their_length(seed: int) -> None:
    turns = returns("regime", bars=20_000, seed=seed, calm=0.08, wild=0.4, bars_a_regime=250)
    assert autocorrelation(np.abs(turns), 20) > 0.15
    spread = turns[: len(turns) // 20 * 20].reshape(-1, 20).std(axis=1) * np.sqrt(252)
    assert np.quantile(spread, 0.2) < 0.12
    assert np.quantile(spread, 0.8) > 0.3
    level = {"rise": 0, "fall": 0.5}  # the mean of log returns is 0: prices stay in their range
    lasting = {"bars": 40_000, "bars_a_regime": 50}
    bars = load(spec("regime", seed=seed, calm=0.01, wild=1, **lasting, **level)).bars
    is_wild = np.log(bars.high / bars.low)[0] > 0.01  # the calm state has 0.001, the wild one 0.1
    changes = np.count_nonzero(np.diff(is_wild.astype(int)))
    assert 0.4 < np.mean(is_wild) < 0.6
    assert len(bars) / changes == pytest.approx(50, rel=0.15)


# -- planted edges


def test_a_planted_edge_follows_only_the_bars_on_which_the_rule_holds() -> None:
    """Compare each bar with the walk of the same seed."""
    walk = load("synthetic:walk?bars=3000&seed=8").bars
    market = load(spec("planted", bars=3000, seed=8, edge_bps=40)).bars
    holds = Evaluator(market).series(check_expression(RULE))
    moves = [np.diff(np.log(each.close[0]), prepend=np.log(100.0)) for each in (market, walk)]
    expected = np.concatenate([[0.0], np.where(holds, 40e-4, 0.0)[:-1]])
    assert moves[0] - moves[1] == pytest.approx(expected, abs=1e-9)
    assert 0.05 < holds.mean() < 0.5


def test_without_an_edge_the_planted_market_is_the_walk() -> None:
    walk = load("synthetic:walk?bars=900").bars
    assert_same(load(spec("planted", bars=900, edge_bps=0)).bars, walk)


@pytest.mark.parametrize("rule", ["close > 0", "close > 1", "open < 1e9"])
@pytest.mark.parametrize("edge", [-1000, 1000])
def test_an_edge_at_each_bar_gives_a_market_or_an_error(rule: str, edge: int) -> None:
    has_prices(spec("planted", rule=rule, edge_bps=edge, bars=20_000))


CHAINED: dict[str, dict[str, object]] = {  # an edge changes where the rule holds on later bars
    "a level that attracts the price": {"rule": "close < 100", "drift": -0.5, "edge_bps": 100},
    "a long average": {"rule": "close < 0.9 * sma(close, 250)", "drift": -0.3, "edge_bps": 100},
    "an oscillator": {"rule": "rsi(close, 2) < 10"},
    "a short average": {"rule": "close < sma(close, 20)", "edge_bps": 50},
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", CHAINED)
def test_planting_evaluates_each_bar_a_bounded_number_of_times(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluate, bars_evaluated = planted._evaluate, 0

    def count_bars(term: Term, bars: Bars) -> np.ndarray:
        nonlocal bars_evaluated
        bars_evaluated += len(bars)
        return evaluate(term, bars)

    monkeypatch.setattr(planted, "_evaluate", count_bars)
    for bars in (1_000, 6_000):
        bars_evaluated = 0
        assert has_prices(spec("planted", bars=bars, **CHAINED[kind]))
        assert bars_evaluated < 200 * bars


RULES = {
    "close": "condition",
    "close - open": "condition",
    "size 3": "error",
    "close >": "error",
    "clos > 5": "did you mean `close`",
    "smaa(close, 3) > 5": "did you mean `sma`",
    "close > 5; open > 5": "error",
    "strategy s { buy when close > 5 }": "error",
    "close > open[-1]": "error",
    "close > $p": "error",
}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule[:24])
def test_a_rule_that_is_not_a_condition_is_an_error(rule: str) -> None:
    text = f"synthetic:planted?bars=60&rule={rule}"
    with pytest.raises((EvolveError, LanguageError)):
        load(text)
    assert RULES[rule] in refuse("data", text)


def test_a_rule_that_always_holds_is_allowed() -> None:
    assert has_prices("synthetic:planted?bars=60&rule=true")
