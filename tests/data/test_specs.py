"""Data specs, and sources that need neither a file nor a network."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from evolve.data import DataRequest, load, sources
from evolve.data.source import parse_spec
from evolve.data.sources import SOURCES
from tests.command_line import refuse
from tests.data.tables import ROWS, assert_sound, csv


def test_each_source_is_declared_with_a_valid_example() -> None:
    modules = {path.stem for path in Path(sources.__file__).parent.glob("[a-z]*.py")}
    assert set(SOURCES) == modules
    for name, source in SOURCES.items():
        assert source.name == name
        assert source.about
        assert parse_spec(source.example, SOURCES).source == name


def test_a_spec_has_a_source_a_name_and_options() -> None:
    spec = parse_spec("synthetic:walk?seed=1&bars=2500&drift=0.06", SOURCES)
    assert (spec.source, spec.name) == ("synthetic", "walk")
    assert spec.options == {"seed": "1", "bars": "2500", "drift": "0.06"}


WRONG = {  # a spec, and words of its error
    "yaho:SPY": "did you mean `yahoo`?",
    "Yahoo:SPY": "did you mean `yahoo`?",
    "sampel:sp500": "did you mean `sample`?",
    "bloomberg:SPY": "csv:",
    "SPY": "yahoo:SPY",
    "": "expected one of",
    "csv:": "csv:prices.csv",
    "csv:none.csv": "no such file: none.csv",
    "none.csv": "no such file: none.csv",
    "csv:*.csv": "*.csv",
    "csv:none/*.csv": "none/*.csv",
    "csv:~no-such-user-at-all/prices.csv": "no-such-user-at-all",
    "parquet:none.parquet": "no such file: none.parquet",
    "parquet:*.parquet": "*.parquet",
    "sample:": "sample:stocks",
    "sample:sp50": "did you mean `sp500`?",
    "sample:dax": "sp500",
    "sample:sp500?bars=3": "unknown option `bars`",
    "synthetic:wlak": "did you mean `walk`?",
    "synthetic:walk?sede=1": "did you mean `seed`?",
    "synthetic:walk?length=9": "seed, bars, drift, volatility",
    "synthetic:walk?rule=close > open": "rule",
    "synthetic:garch?alpha=0.9&beta=0.9": "alpha",
    "synthetic:garch?freedom=1": "freedom",
    "synthetic:ar?wander=-1": "wander",
    "synthetic:regime?bars_a_regime=0": "bars_a_regime",
    "synthetic:planted": "rule",
    "synthetic:planted?rule=": "rule",
    "yahoo:?x=1": "yahoo:SPY",
    "yahoo:SPY?period=max": "interval",
    "yahoo:SPY?interval=2d": "1d",
    "yahoo:S PY": "yahoo:SPY",
    "yahoo:../../etc/passwd": "yahoo:SPY",
}


@pytest.mark.parametrize("spec", WRONG)
def test_a_wrong_spec_is_an_error_with_a_hint(
    spec: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    message = refuse("data", "--", spec)
    assert WRONG[spec] in message
    assert "\n  = " in message
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "options",
    [
        "bars=1", "bars=0", "bars=-5", "bars=2.5", "bars=many", "bars=", "bars=nan", "bars=1e99",
        "seed=-1", "seed=0.5", "seed=x", "seed=nan", "drift=x", "drift=nan", "drift=inf",
        "drift=1e6", "drift=-1e6", "volatility=0", "volatility=-1", "volatility=nan",
        "volatility=inf", "volatility=x",
    ],
)  # fmt: skip
def test_an_option_with_a_wrong_value_is_an_error(options: str) -> None:
    assert f"`{options.partition('=')[0]}`" in refuse("data", f"synthetic:walk?{options}")


def test_the_error_names_all_wrong_specs_of_a_list() -> None:
    message = refuse("data", "sample:dax", "sample:sp500", "csv:none.csv")
    assert "dax" in message
    assert "none.csv" in message


def test_symbols_that_cannot_be_aligned_are_an_error(tmp_path: Path) -> None:
    weekly = [f"2024-0{month}-{day:02d},10,12,9,11,1" for month in (1, 2) for day in (1, 8, 15, 22)]
    spec = csv(tmp_path / "W.csv", *weekly)
    assert "bars of one length" in refuse("data", spec, "sample:sp500")
    assert "duplicate symbol `SP500`" in refuse("data", "sample:sp500", "sample:sp500")


# -- sample


def test_the_sample_of_the_index_is_valid() -> None:
    data = load("sample:sp500")
    assert_sound(data.bars)
    assert len(data.bars) == 5031
    assert (data.first_day, data.last_day) == ("1999-01-04", "2018-12-31")
    assert data.bars.bars_per_year == 252
    assert np.all(data.bars.high >= np.maximum(data.bars.open, data.bars.close) - 1e-9)


def test_relative_paths_start_from_the_base_folder(tmp_path: Path) -> None:
    csv(tmp_path / "acme.csv", *ROWS)
    assert len(load(DataRequest("csv:acme.csv", base=tmp_path)).bars) == 4
    assert len(load(DataRequest("acme.csv", base=tmp_path)).bars) == 4
    assert len(load(DataRequest(f"csv:{tmp_path / 'acme.csv'}", base=Path("/nowhere"))).bars) == 4


def test_earlier_bars_are_included_on_request() -> None:
    start, end = date(2018, 12, 24), date(2018, 12, 28)
    whole, cut = load("sample:sp500"), load(DataRequest("sample:sp500", start, end))
    warm = load(DataRequest("sample:sp500", start, end, with_earlier=True))
    assert (cut.start, len(cut.bars), warm.start, len(warm.bars)) == (0, 4, 5026, 5030)
    assert warm.window.hash == cut.window.hash == cut.bars.hash
    assert (warm.first_day, warm.last_day) == (cut.first_day, cut.last_day)
    assert warm.bars.hash == whole.bars.slice(0, 5030).hash
