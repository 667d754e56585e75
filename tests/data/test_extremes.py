"""Synthetic markets at the ends of what may be asked: prices, or a clear error, and soon."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from time import perf_counter

import numpy as np
import pytest

from dsl.analysis.check import check_expression
from dsl.bars import FIELDS, Bars
from dsl.diagnostics import LanguageError
from dsl.evaluate import Evaluator
from evolve.data import load
from evolve.data.generators import LAWS
from evolve.data.sources.synthetic import MOST_BARS
from evolve.errors import EvolveError

RULE = "rsi(close, 2) < 15"
MOST_SECONDS = 10.0  # on a machine that others use


def spec(name: str, **options: object) -> str:
    chosen = {"rule": RULE} if LAWS[name].needs_rule else {}
    pairs = "&".join(f"{key}={value}" for key, value in {**chosen, **options}.items())
    return f"synthetic:{name}?{pairs}"


def assert_prices(bars: Bars) -> None:
    for name in FIELDS:
        values = getattr(bars, name)
        assert np.all(np.isfinite(values) & (values > 0)), name
    assert np.all(bars.high >= np.maximum(bars.open, bars.close))
    assert np.all(bars.low <= np.minimum(bars.open, bars.close))
    assert np.all(bars.time[1:] > bars.time[:-1])


def makes_prices_or_says_why(text: str) -> None:
    try:
        bars = load(text).bars
    except EvolveError as error:
        assert error.hint
        return
    assert_prices(bars)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "option", "end"),
    [(n, o, end) for n, law in LAWS.items() for o in law.options for end in ("least", "most")],
)
def test_the_end_of_an_option_over_the_most_bars(name: str, option: str, end: str) -> None:
    """What may be asked of 300 bars may be asked of 60,000: then no price is 0 or infinite."""
    value = getattr(LAWS[name].options[option], end)
    makes_prices_or_says_why(spec(name, bars=MOST_BARS, **{option: value}))


@pytest.mark.parametrize("name", LAWS)
def test_all_corners_of_the_options(name: str) -> None:
    """Every option at its least or most, in every combination."""
    options = LAWS[name].options
    for values in product(*[(option.least, option.most) for option in options.values()]):
        chosen: dict[str, object] = dict(zip(options, values, strict=True))
        makes_prices_or_says_why(spec(name, bars=400, **chosen))


@pytest.mark.parametrize("rule", ["close > 0", "close > 1", "open < 1e9"])
@pytest.mark.parametrize("edge", [-1000, 1000])
def test_an_edge_at_every_bar(rule: str, edge: int) -> None:
    makes_prices_or_says_why(spec("planted", rule=rule, edge_bps=edge, bars=20_000))


SLOW: dict[
    str, dict[str, object]
] = {  # a bar whose edge moves the level changes the rule at every bar after it
    "a level that holds the price": {"rule": "close < 100", "drift": -0.5, "edge_bps": 100},
    "a long average": {"rule": "close < 0.9 * sma(close, 250)", "drift": -0.3, "edge_bps": 100},
    "an oscillator": {"rule": "rsi(close, 2) < 10"},
    "a short average": {"rule": "close < sma(close, 20)", "edge_bps": 50},
}


@pytest.mark.parametrize("kind", SLOW)
def test_a_planted_market_is_soon_made(kind: str) -> None:
    """However long the chain of bars that decide each other: 12,000 now, 60,000 at most."""
    chosen = SLOW[kind]
    load(spec("planted", bars=100, **chosen))  # what is compiled once
    begin = perf_counter()
    bars = load(spec("planted", bars=12_000, **chosen)).bars
    seconds = perf_counter() - begin
    assert_prices(bars)
    assert seconds < MOST_SECONDS / 5


# -- what a market does not depend on


@pytest.mark.parametrize("name", ["walk", "planted"])
@pytest.mark.parametrize("bars", [50, 200, 799])
def test_the_first_bars_do_not_depend_on_how_many_come_after(name: str, bars: int) -> None:
    short, long = (load(spec(name, bars=count)).bars for count in (bars, 800))
    for field in ("open", "high", "low", "close"):
        assert np.array_equal(getattr(short, field), getattr(long, field)[:, :bars])


def test_a_planted_edge_is_where_the_rule_held_and_nowhere_else() -> None:
    """Bar by bar against the walk of the same seed, not only in the mean."""
    walk = load("synthetic:walk?bars=3000&seed=8").bars
    planted = load(spec("planted", bars=3000, seed=8, edge_bps=40)).bars
    holds = Evaluator(planted).series(check_expression(RULE))
    more = np.diff(np.log(planted.close[0]), prepend=np.log(100.0)) - np.diff(
        np.log(walk.close[0]), prepend=np.log(100.0)
    )
    expected = np.concatenate([[0.0], np.where(holds, 40e-4, 0.0)[:-1]])
    assert more == pytest.approx(expected, abs=1e-9)
    assert 0.05 < holds.mean() < 0.5


@pytest.mark.parametrize("name", LAWS)
def test_many_seeds_make_as_many_markets(name: str) -> None:
    seeds = [0, 1, 2, 3, 10, 2**31, 2**32 + 1, 2**53]
    made = [load(spec(name, bars=30, seed=seed)).bars for seed in seeds]
    assert len({each.close.tobytes() for each in made}) == len(seeds)
    assert [each.symbols[0] for each in made] == [f"{name.upper()}{seed}" for seed in seeds]


def test_large_seeds_that_differ_by_one_differ() -> None:
    one, other = (load(spec("walk", bars=30, seed=2**53 + more)).bars for more in (0, 1))
    assert one.symbols != other.symbols
    assert not np.array_equal(one.close, other.close)


# -- statistics of the laws


def returns(name: str, **options: object) -> np.ndarray:
    return np.diff(np.log(load(spec(name, **options)).bars.close[0]))


def echo(series: np.ndarray, lag: int = 1) -> float:
    return float(np.corrcoef(series[lag:], series[:-lag])[0, 1])


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_clusters_last(seed: int) -> None:
    size = np.abs(returns("garch", bars=20_000, seed=seed))
    assert min(echo(size, lag) for lag in (1, 5, 20)) > 0.04
    turns = returns("regime", bars=20_000, seed=seed, calm=0.08, wild=0.4, bars_a_regime=250)
    assert echo(np.abs(turns), 20) > 0.15


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_regime_lasts_as_long_as_is_asked(seed: int) -> None:
    level = {"rise": 0, "fall": 0.5}  # the mean of log returns is 0: prices stay in their range
    many = {"bars": 40_000, "bars_a_regime": 50}
    bars = load(spec("regime", seed=seed, calm=0.01, wild=1, **many, **level)).bars
    is_wild = np.log(bars.high / bars.low)[0] > 0.01  # the calm state has 0.001, the wild one 0.1
    changes = np.count_nonzero(np.diff(is_wild.astype(int)))
    assert 0.4 < np.mean(is_wild) < 0.6
    assert len(bars) / changes == pytest.approx(50, rel=0.15)


@pytest.mark.parametrize("name", LAWS)
def test_every_law_honours_its_volatility(name: str) -> None:
    if "volatility" not in LAWS[name].options:
        return
    made = returns(name, bars=20_000, volatility=0.3, seed=4)
    assert made.std() * np.sqrt(252) == pytest.approx(0.3, rel=0.2)


# -- rules that cannot be


REFUSED: dict[str, Callable[[str], bool]] = {
    "close": lambda said: "condition" in said,
    "close - open": lambda said: "condition" in said,
    "close >": lambda said: "error" in said,
    "clos > 5": lambda said: "did you mean `close`" in said,
    "smaa(close, 3) > 5": lambda said: "did you mean `sma`" in said,
    "close > 5; open > 5": lambda said: "error" in said,
    "strategy s { buy when close > 5 }": lambda said: "error" in said,
    "close > open[-1]": lambda said: "error" in said,
    "close > $p": lambda said: "error" in said,
    "true": lambda said: True,
}


@pytest.mark.parametrize("rule", REFUSED, ids=lambda rule: rule[:24])
def test_a_rule_that_cannot_be_is_refused_in_plain_words(
    rule: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from evolve.cli import _run

    try:
        bars = load(f"synthetic:planted?bars=60&rule={rule}").bars
    except (EvolveError, LanguageError):
        assert _run(["data", f"synthetic:planted?bars=60&rule={rule}"]) == 1
        said = capsys.readouterr()
        assert said.out == ""
        assert "fault of evolve" not in said.err
        assert REFUSED[rule](said.err)
    else:
        assert rule == "true"
        assert_prices(bars)
