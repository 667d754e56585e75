"""Openings of holdouts: what counts as the same prices, and what the n-th opening requires."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from dsl.bars import FIELDS, Bars
from evolve.data import load
from evolve.data.dataset import DataRequest
from evolve.data.tables.frames import bars_to_frame
from evolve.validation.ledger import FILE, Ledger
from evolve.validation.openings import KIND, open_prices, required_p_value
from evolve.validation.prices import PriceId, identify_prices, read_prices
from tests.samples import random_bars

DAY = np.timedelta64(86_400_000_000_000, "ns")
MINUTE = np.timedelta64(60_000_000_000, "ns")


def identify(bars: Bars, start: int = 0, is_market: bool = False) -> PriceId:
    return identify_prices(bars, is_market, start)


def rescaled(bars: Bars, factor: float) -> Bars:
    """Return bars whose prices have another unit, such as after a split."""
    return replace(bars, **{name: factor * getattr(bars, name) for name in FIELDS[:4]})


def paid(bars: Bars, day: int, share: float) -> Bars:
    """Return bars whose vendor takes a dividend off the earlier prices."""
    factor = np.where(np.arange(len(bars)) < day, 1 - share, 1.0)
    return replace(bars, **{name: factor * getattr(bars, name) for name in FIELDS[:4]})


def rounded(bars: Bars, digits: int = 2) -> Bars:
    return replace(bars, **{name: np.round(getattr(bars, name), digits) for name in FIELDS[:4]})


def at_times(bars: Bars, step: np.timedelta64) -> Bars:
    """Return bars at another interval."""
    start = np.datetime64("2010-01-04T09:30", "ns")
    return replace(bars, time=start + np.arange(len(bars)) * step)


# -- market symbols


def named(symbol: str, seed: int, start: int, stop: int) -> PriceId:
    return identify(
        replace(random_bars(seed, 600), symbols=(symbol,)).slice(start, stop), is_market=True
    )


def test_a_symbol_on_overlapping_dates_counts_whatever_its_prices() -> None:
    assert named("SPY", 1, 0, 300).overlaps(named("SPY", 2, 299, 600))
    assert not named("SPY", 1, 0, 300).overlaps(named("SPY", 1, 300, 600))
    assert not named("SPY", 1, 0, 300).overlaps(named("QQQ", 2, 0, 300))


def test_a_symbol_counts_in_a_panel() -> None:
    panel = replace(random_bars(3, 300, symbols=2), symbols=("QQQ", "SPY"))
    assert identify(panel, is_market=True).overlaps(named("SPY", 1, 0, 300))
    assert not identify(panel, is_market=True).overlaps(named("DIA", 1, 0, 300))


def test_another_interval_does_not_count() -> None:
    daily = replace(random_bars(1, 300), symbols=("SPY",))
    hourly = replace(at_times(random_bars(2, 3000), 60 * MINUTE), symbols=("SPY",))
    assert not identify(daily, is_market=True).overlaps(identify(hourly, is_market=True))
    assert identify(hourly, is_market=True).interval == 3600


def test_a_name_of_a_file_does_not_count() -> None:
    one, two = (replace(random_bars(seed, 300), symbols=("SPY",)) for seed in (1, 2))
    assert not identify(one).overlaps(identify(two))


def test_a_sample_counts_again_from_a_file(tmp_path: Path) -> None:
    sample = load("sample:sp500")
    assert sample.has_market_symbols
    bars = sample.bars.slice(4000, len(sample.bars))
    bars_to_frame(bars).to_csv(tmp_path / "mine.csv", index=False)
    mine = load(DataRequest("mine.csv", base=tmp_path))
    assert not mine.has_market_symbols
    assert identify(mine.bars).overlaps(identify(sample.bars, 4500, is_market=True))


# -- fingerprints


@pytest.mark.parametrize("count", [30, 60, 300, 1500])
def test_the_same_returns_count_under_another_name_and_scale(count: int) -> None:
    bars = random_bars(7, 2000)
    start = len(bars) - count
    other = replace(rescaled(bars, 0.25), symbols=("X",))
    assert identify(bars, start).overlaps(identify(other, start))


@pytest.mark.parametrize("seed", range(10))
def test_a_new_dividend_and_prices_in_cents_count(seed: int) -> None:
    bars = random_bars(seed, 1000)
    after = rounded(paid(bars, 900, 0.004))
    assert identify(rounded(bars), 800).overlaps(identify(after, 800))


@pytest.mark.parametrize("added", [1, 7, 100])
def test_a_longer_file_counts(added: int) -> None:
    bars = random_bars(3, 1000)
    shorter = bars.slice(0, len(bars) - added)
    start = round(0.8 * len(shorter))
    later = round(0.8 * len(bars))
    assert identify(shorter, start).overlaps(identify(bars, later))


def test_a_holdout_counts_among_other_symbols() -> None:
    panel = random_bars(4, 500, symbols=3)
    alone = replace(panel.select_symbol(1), symbols=("ALONE",))
    assert identify(panel, 400).overlaps(identify(alone, 400))


@pytest.mark.parametrize("step", [MINUTE, 5 * MINUTE, 60 * MINUTE, DAY, 7 * DAY, 30 * DAY], ids=str)
def test_each_interval_has_a_fingerprint(step: np.timedelta64) -> None:
    bars, other = (at_times(random_bars(seed, 400), step) for seed in (1, 2))
    assert identify(bars, 320).overlaps(identify(rescaled(bars, 3.0), 350))
    assert not identify(bars).overlaps(identify(other))


def test_earlier_and_later_parts_of_the_same_file_do_not_count() -> None:
    bars = random_bars(1, 3000)
    assert not identify(bars.slice(0, 1500)).overlaps(identify(bars, 1500))


def test_random_markets_do_not_count() -> None:
    found = [identify(random_bars(seed, 2500)) for seed in range(30)]
    assert not any(one.overlaps(other) for one, other in combinations(found, 2))


@pytest.mark.parametrize("kind", ["walk", "garch", "planted"])
def test_seeds_of_a_generator_do_not_count(kind: str) -> None:
    rule = "&rule=close<close[1]" if kind == "planted" else ""
    found = [
        identify(load(f"synthetic:{kind}?seed={seed}&bars=2000{rule}").bars) for seed in range(8)
    ]
    assert not any(one.overlaps(other) for one, other in combinations(found, 2))
    again = identify(load(f"synthetic:{kind}?seed=3&bars=2000{rule}").bars, 1500)
    assert found[3].overlaps(again)


def test_different_stocks_do_not_count() -> None:
    stocks = load("sample:stocks").bars
    found = [identify(stocks.select_symbol(each)) for each in range(len(stocks.symbols))]
    assert not any(one.overlaps(other) for one, other in combinations(found, 2))


def test_markets_that_move_together_do_not_count() -> None:
    rng = np.random.default_rng(1)
    bars = random_bars(1, 3000)
    drift = np.exp(np.cumsum(rng.normal(0.0, 0.004, (1, 3000)), axis=1))
    other = replace(bars, **{name: drift * getattr(bars, name) for name in FIELDS[:4]})
    returns = [np.diff(np.log(each.close[0])) for each in (bars, other)]
    assert np.corrcoef(*returns)[0, 1] > 0.97
    assert not identify(bars).overlaps(identify(other))


def test_minutes_with_few_prices_do_not_count() -> None:
    found = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        close = (1000 + np.cumsum(rng.integers(-1, 2, (1, 20_000)), axis=1)) / 1000
        bars = replace(random_bars(seed, 20_000), open=close, high=close, low=close, close=close)
        found.append(identify(at_times(bars, MINUTE)))
    pairs = [one.overlaps(other) for one, other in combinations(found, 2)]
    assert not any(pairs)


def test_prices_that_never_move_have_no_fingerprint() -> None:
    flat = random_bars(1, 300)
    ones = np.full((1, 300), 7.0)
    flat = replace(flat, open=ones, high=ones, low=ones, close=ones)
    assert identify(flat).fingerprint == ()


def test_an_identity_is_the_same_after_json(tmp_path: Path) -> None:
    identity = named("SPY", 1, 0, 300)
    assert read_prices(json.loads(json.dumps(identity.describe()))) == identity


# -- the ledger


def always(number: int) -> bool:
    return True


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / FILE)


def test_openings_of_the_same_prices_are_numbered(ledger: Ledger) -> None:
    bars = random_bars(1, 1000)
    for number, start in enumerate((800, 700, 900), start=1):
        assert open_prices(ledger, identify(bars, start), {"strategy": "s"}, always) == number
    other = identify(random_bars(2, 1000))
    assert open_prices(ledger, other, {"strategy": "s"}, always) == 1


def test_the_same_strategy_on_the_same_holdout_has_its_number_again(ledger: Ledger) -> None:
    holdout = identify(random_bars(1, 1000), 800)
    numbers = [
        open_prices(ledger, holdout, {"strategy": each}, always) for each in ("a", "b", "a", "b")
    ]
    assert numbers == [1, 2, 1, 2]
    assert len(ledger.read(KIND)) == 2


def test_the_same_strategy_on_a_longer_holdout_is_another_opening(ledger: Ledger) -> None:
    """Otherwise a user could move the end of the data until the holdout confirms."""
    bars = random_bars(1, 1000)
    for number, stop in enumerate((998, 999, 1000), start=1):
        holdout = identify(bars.slice(0, stop), 800)
        assert open_prices(ledger, holdout, {"strategy": "s", "protocol": "p"}, always) == number


def test_a_refused_opening_is_not_written(ledger: Ledger) -> None:
    holdout = identify(random_bars(1, 1000), 800)
    assert open_prices(ledger, holdout, {"strategy": "a"}, lambda number: number < 2) == 1
    for _ in range(3):
        assert open_prices(ledger, holdout, {"strategy": "b"}, lambda number: number < 2) == 2
    assert [each["strategy"] for each in ledger.read(KIND)] == ["a"]


def test_openings_at_once_have_different_numbers(ledger: Ledger) -> None:
    holdout = identify(random_bars(1, 1000), 800)
    with ThreadPoolExecutor(8) as pool:
        numbers = pool.map(
            lambda index: open_prices(ledger, holdout, {"strategy": str(index)}, always), range(8)
        )
        assert sorted(numbers) == list(range(1, 9))


def test_the_required_p_values_fall_and_their_sum_is_a_tenth() -> None:
    required = [required_p_value(number) for number in range(1, 10_001)]
    assert required[:4] == pytest.approx([0.05, 0.016667, 0.008333, 0.005], rel=1e-4)
    assert required == sorted(required, reverse=True)
    assert 0.0999 < sum(required) <= 0.1
