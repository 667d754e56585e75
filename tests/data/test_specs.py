"""The notation of specs, and the sources that need neither a file nor a network."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from evolve.data import load
from evolve.data.generators import random_walk
from evolve.data.source import parse_spec
from evolve.data.sources import SOURCES
from evolve.errors import EvolveError
from tests.data.tables import ROWS, assert_same, assert_sound, csv, days_of, refusal


def test_every_source_declares_itself() -> None:
    assert sorted(SOURCES) == ["csv", "parquet", "sample", "synthetic", "yahoo"]
    for name, source in SOURCES.items():
        assert source.name == name
        assert source.about
        assert parse_spec(source.example, SOURCES).source == name


def test_a_spec_taken_apart() -> None:
    spec = parse_spec("synthetic:walk?seed=1&bars=2500&drift=0.06", SOURCES)
    assert (spec.source, spec.name) == ("synthetic", "walk")
    assert spec.options == {"seed": "1", "bars": "2500", "drift": "0.06"}


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("yaho:SPY", "did you mean `yahoo`?"),
        ("Yahoo:SPY", "did you mean `yahoo`?"),
        ("sampel:sp500", "did you mean `sample`?"),
        ("bloomberg:SPY", "csv:"),
        ("SPY", "yahoo:SPY"),
        ("", "write one of"),
        ("csv:", "csv:prices.csv"),
        ("yahoo:?x=1", "yahoo:SPY"),
        ("sample:sp50", "did you mean `sp500`?"),
        ("sample:dax", "sp500"),
        ("sample:sp500?bars=3", "none"),
        ("synthetic:wlak", "did you mean `walk`?"),
        ("synthetic:walk?sede=1", "did you mean `seed`?"),
        ("synthetic:walk?length=9", "seed, bars, drift, volatility"),
        ("yahoo:SPY?period=max", "interval"),
        ("yahoo:SPY?interval=2d", "1d"),
        ("yahoo:S PY", "yahoo:SPY"),
        ("yahoo:../../etc/passwd", "yahoo:SPY"),
    ],
)
def test_an_unknown_source_name_or_option_is_refused_with_a_way_out(spec: str, said: str) -> None:
    assert said in refusal(spec).hint


@pytest.mark.parametrize(
    "options",
    [
        "bars=1", "bars=0", "bars=-5", "bars=2.5", "bars=many", "bars=", "bars=nan", "bars=1e99",
        "seed=-1", "seed=0.5", "seed=x", "seed=nan", "drift=x", "drift=nan", "drift=inf",
        "volatility=0", "volatility=-1", "volatility=nan", "volatility=inf", "volatility=x",
    ],
)  # fmt: skip
def test_an_option_with_a_value_that_makes_no_sense_is_refused(options: str) -> None:
    # What the options do not name is given, so that each is refused for its own sake.
    name = options.partition("=")[0]
    others = [f"{each}={value}" for each, value in (("bars", 50), ("seed", 1)) if each != name]
    assert f"`{name}`" in refusal(f"synthetic:walk?{'&'.join([options, *others])}").message


@pytest.mark.parametrize("drift", ["1e6", "-1e6"])
def test_a_drift_that_leaves_the_numbers_is_refused(drift: str) -> None:
    assert "drift" in refusal(f"synthetic:walk?bars=1000&seed=1&drift={drift}").message


# -- synthetic


@pytest.mark.parametrize(
    "spec",
    [
        "synthetic:walk",
        "synthetic:walk?seed=1",
        "synthetic:walk?bars=100",
        "synthetic:walk?seed=1&bars=2500&drift=0.06",
        "synthetic:walk?seed=1&bars=2500&volatility=0.3",
    ],
)
def test_options_have_defaults(spec: str) -> None:
    bars = load(spec).bars
    assert_sound(bars)
    assert len(bars) == (100 if "bars=100" in spec else 2500)


def test_the_same_seed_gives_the_same_market() -> None:
    one, again, other = (load(f"synthetic:walk?seed={seed}&bars=400").bars for seed in (1, 1, 2))
    assert_same(one, again)
    assert one.hash == again.hash
    assert one.hash != other.hash
    assert not np.allclose(one.close, other.close)


def test_the_default_seed_is_1() -> None:
    assert_same(random_walk(50, 1), load("synthetic:walk?seed=1&bars=50").bars)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("volatility", [0.01, 0.16, 2.0])
def test_a_synthetic_bar_is_consistent(seed: int, volatility: float) -> None:
    bars = random_walk(500, seed, 0.06, volatility)
    assert_sound(bars)
    assert np.all(bars.high >= np.maximum(bars.open, bars.close))
    assert np.all(bars.low <= np.minimum(bars.open, bars.close))
    assert np.all(bars.high > bars.low)
    assert days_of(bars)[:6] == [
        "2000-01-03", "2000-01-04", "2000-01-05", "2000-01-06", "2000-01-07", "2000-01-10",
    ]  # fmt: skip
    assert bars.bars_per_year == 252


@pytest.mark.parametrize("drift", [-0.4, 0.0, 0.06, 0.5])
@pytest.mark.parametrize("volatility", [0.05, 0.2])
def test_drift_and_volatility_are_honoured(drift: float, volatility: float) -> None:
    """A price grows by exp(drift) a year in the mean: log returns have drift - volatility²/2."""
    years, walks = 400, 20
    steps = np.concatenate(
        [
            np.diff(np.log(np.concatenate([[100.0], each.close[0]])))
            for each in (
                random_walk(252 * years // walks, seed, drift, volatility) for seed in range(walks)
            )
        ]
    )
    error = volatility / np.sqrt(years)
    assert steps.mean() * 252 == pytest.approx(drift - volatility**2 / 2, abs=4 * error)
    assert steps.std() * np.sqrt(252) == pytest.approx(volatility, rel=0.02)


def test_the_path_does_not_depend_on_the_drift_but_for_it() -> None:
    low, high = (random_walk(300, 3, drift).close[0] for drift in (0.0, 0.5))
    years = np.arange(1, 301) / 252
    assert np.log(high / low) == pytest.approx(0.5 * years)


@pytest.mark.parametrize("bars", [2, 60_000, 70_000, 200_000])
def test_times_ascend_however_many_bars(bars: int) -> None:
    """70,000 business days end in 2268, past what nanoseconds can count: such may be refused."""
    try:
        made = load(f"synthetic:walk?seed=1&bars={bars}&drift=0&volatility=0.01").bars
    except EvolveError as error:
        assert bars > 60_000
        assert "`bars`" in error.message
        return
    assert len(made) == bars
    assert np.all(made.time[1:] > made.time[:-1])


# -- sample


def test_the_sample() -> None:
    data = load("sample:sp500")
    assert_sound(data.bars)
    assert len(data.bars) == 5031
    assert (data.first_day, data.last_day) == ("1999-01-04", "2018-12-31")
    assert data.bars.bars_per_year == 252
    assert np.all(data.bars.high >= np.maximum(data.bars.open, data.bars.close) - 1e-9)


def test_relative_paths_start_from_the_folder_they_are_written_in(tmp_path: Path) -> None:
    csv(tmp_path / "acme.csv", *ROWS)
    assert len(load("csv:acme.csv", base=tmp_path).bars) == 4
    assert len(load("acme.csv", base=tmp_path).bars) == 4
    assert len(load(f"csv:{tmp_path / 'acme.csv'}", base=Path("/nowhere")).bars) == 4


def test_earlier_bars_stay_where_they_are_asked_for() -> None:
    start, end = date(2018, 12, 24), date(2018, 12, 28)
    whole, cut = load("sample:sp500"), load("sample:sp500", start, end)
    warm = load("sample:sp500", start, end, with_earlier=True)
    assert (cut.start, len(cut.bars), warm.start, len(warm.bars)) == (0, 4, 5026, 5030)
    assert warm.window.hash == cut.window.hash == cut.bars.hash
    assert (warm.first_day, warm.last_day) == (cut.first_day, cut.last_day)
    assert warm.bars.hash == whole.bars.slice(0, 5030).hash
