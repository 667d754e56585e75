"""Samples: their shape, known prices, and no use of the network."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from dsl.bars import Bars
from evolve.config.load import load_experiment
from evolve.data import DataRequest, load
from evolve.data.sources import SOURCES
from evolve.data.sources.sample import FOLDER, SAMPLES
from evolve.notices import NoticeList
from tests.data.tables import assert_sound, days_of

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def stocks() -> Bars:
    return load("sample:stocks").bars


def find_row(bars: Bars, day: str) -> int:
    return days_of(bars).index(day)


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_is_valid_and_needs_no_network(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.socket", None)
    data = load(f"sample:{name}")
    assert (data.fallback_used, data.as_of) == (False, "")
    for symbol in range(len(data.bars.symbols)):
        assert_sound(data.bars.select_symbol(symbol))


@pytest.mark.parametrize("name", SAMPLES)
def test_the_page_and_the_source_list_each_sample(name: str) -> None:
    assert re.search(
        rf"^\| .*`sample:{name}`.* \|", (ROOT / "docs" / "data.md").read_text("utf-8"), re.M
    )
    assert SAMPLES[name].about in SOURCES["sample"].about


@pytest.mark.parametrize(("name", "count"), [("sp500", 0), ("stocks", 4)])
def test_only_stocks_give_a_notice_of_survivorship_bias(name: str, count: int) -> None:
    notices = NoticeList()
    load(f"sample:{name}", notices)
    warnings = [each for each in notices.texts if each.startswith("survivorship")]
    assert len(warnings) == bool(count)
    assert all(f"{count} stocks of today" in each for each in warnings)


def test_the_stocks_have_the_days_of_the_index_and_one_starts_late(stocks: Bars) -> None:
    assert stocks.symbols == ("AAPL", "GOOG", "IBM", "MSFT")
    assert stocks.close.shape == (4, 3270)
    days = days_of(stocks)
    assert (days[0], days[-1]) == ("2000-03-01", "2013-03-01")
    assert stocks.bars_per_year == 252
    index = days_of(load("sample:sp500").bars)
    assert days == index[index.index(days[0]) : index.index(days[-1]) + 1]
    listed = find_row(stocks, "2004-08-19")
    priced = np.isfinite(stocks.close)
    assert priced.all(axis=1).tolist() == [True, False, True, True]
    assert not priced[1, :listed].any()
    assert priced[1, listed:].all()


@pytest.mark.parametrize(
    ("symbol", "day", "field", "price"),
    [
        ("GOOG", "2004-08-19", "open", 100.01),
        ("GOOG", "2004-08-19", "close", 100.335),
        ("AAPL", "2007-01-09", "close", 92.57),
        ("AAPL", "2012-09-19", "close", 702.1),
        ("MSFT", "2003-02-14", "close", 48.3),
        ("IBM", "2013-03-01", "close", 202.91),
    ],
)
def test_raw_prices_equal_published_ones(
    symbol: str, day: str, field: str, price: float, stocks: Bars
) -> None:
    alone = stocks.select_symbol(stocks.symbols.index(symbol))
    row = find_row(alone, day)
    raw = getattr(alone, field)[0, row] / alone.adjustment[0, row]
    assert raw == pytest.approx(price, abs=1e-9)


@pytest.mark.parametrize(
    ("symbol", "day", "split", "dividend"),
    [
        ("AAPL", "2000-06-21", 2, 0),
        ("AAPL", "2005-02-28", 2, 0),
        ("AAPL", "2012-08-09", 1, 2.65),
        ("MSFT", "2003-02-18", 2, 0),
        ("MSFT", "2004-11-15", 1, 3.08),
        ("IBM", "2000-05-08", 1, 0.13),
        ("IBM", "2013-02-06", 1, 0.85),
    ],
)
def test_the_adjustment_changes_at_splits_and_dividends(
    symbol: str, day: str, split: float, dividend: float, stocks: Bars
) -> None:
    alone = stocks.select_symbol(stocks.symbols.index(symbol))
    row = find_row(alone, day)
    raw = alone.close[0, row] / alone.adjustment[0, row]
    step = alone.adjustment[0, row] / alone.adjustment[0, row - 1]
    assert step == pytest.approx(split * (1 + dividend / raw), rel=1e-9)


def test_all_prices_have_one_scale_and_raw_prices_are_exact(stocks: Bars) -> None:
    for symbol in range(4):
        alone = stocks.select_symbol(symbol)
        prices = np.stack([alone.open[0], alone.high[0], alone.low[0], alone.close[0]])
        raw = prices / alone.adjustment[0]
        assert np.abs(raw - raw.round(4)).max() < 1e-9
        assert np.abs(np.diff(np.log(prices[3]))).max() < 0.75  # AAPL lost half on 2000-09-29
    steps = stocks.adjustment[:, 1:] / stocks.adjustment[:, :-1]
    events = (np.abs(steps - 1) > 1e-5).sum(axis=1)
    assert events.tolist() == [5, 1, 52, 38]  # GOOG: from the 1.0 of the bars before its first


def test_the_fallback_of_the_etfs_has_as_many_symbols_from_the_first_day() -> None:
    etfs = load_experiment(ROOT / "experiments" / "etfs.yaml").data
    assert (len(etfs.source), etfs.fallback) == (4, "sample:stocks")
    bars = load(DataRequest("sample:stocks", start=etfs.start)).bars
    assert days_of(bars)[0] == str(etfs.start) == "2004-11-18"
    assert bars.close.shape == (4, 2084)
    assert np.isfinite(bars.close).all()


def test_the_file_is_small_and_has_a_notice() -> None:
    assert (FOLDER / "stocks.parquet").stat().st_size < 450_000
    notice = (FOLDER / "NOTICE.md").read_text("utf-8")
    assert "This data is in the public domain. You may copy, distribute, disseminate" in notice
