"""Cache, fallback and notices of Yahoo, with a fake download."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from evolve.data import DataRequest, Dataset, cache, load
from evolve.data.source import UnreachableError
from evolve.data.sources import yahoo
from evolve.errors import EvolveError
from evolve.notices import NoticeList
from tests.data.tables import ROWS, assert_sound, csv, days_of, frame, refusal


def days_ago(count: int) -> str:
    return (datetime.now(UTC).date() - timedelta(days=count)).isoformat()


class Network:
    """Fake download that returns a table or raises an error, and records symbols."""

    def __init__(self) -> None:
        self.answer: pd.DataFrame | EvolveError = frame()
        self.requested: list[str] = []

    def download(self, symbol: str, session: object = None, interval: str = "1d") -> pd.DataFrame:
        self.requested.append(symbol)
        if isinstance(self.answer, EvolveError):
            raise self.answer
        return self.answer.copy()

    def cut(self) -> None:
        self.answer = UnreachableError("yahoo:SPY: Yahoo is unreachable (no route)")


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EVOLVE_HOME", str(tmp_path / "home"))
    return tmp_path


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Network:
    fake = Network()
    monkeypatch.setattr(yahoo, "download", fake.download)
    return fake


def load_with_notices(spec: str = "yahoo:SPY", **options: Any) -> tuple[Dataset, list[str]]:
    """Return the dataset and the notices."""
    notices = NoticeList()
    return load(DataRequest(spec, **options), notices), notices.texts


def list_part_files(root: Path) -> list[Path]:
    return list(root.rglob("*.part"))


# -- fetching


def test_prices_are_adjusted_and_dated(network: Network) -> None:
    data, notices = load_with_notices()
    assert data.bars.symbols == ("SPY",)
    assert data.bars.close[0].tolist() == [50, 50.5, 51, 51.5]
    assert data.bars.adjustment[0].tolist() == [0.5] * 4
    assert data.as_of == days_ago(0)
    assert not data.fallback_used
    assert notices == []
    assert_sound(data.bars)


def test_the_second_load_of_a_day_reads_the_cache(network: Network, root: Path) -> None:
    first, _ = load_with_notices()
    network.cut()
    second, notices = load_with_notices()
    third, _ = load_with_notices("yahoo:spy")
    assert network.requested == ["SPY"]
    assert first.bars.hash == second.bars.hash == third.bars.hash
    assert second.as_of == days_ago(0)
    assert notices == []
    assert list_part_files(root) == []


def test_each_symbol_has_a_separate_file(network: Network) -> None:
    symbols = ["SPY", "^GSPC", "BRK-B", "BRK.B", "EURUSD=X", ".X"]
    assert len({cache.locate("yahoo", symbol) for symbol in symbols}) == len(symbols)
    load_with_notices("yahoo:^GSPC")
    load_with_notices("yahoo:BRK-B")
    assert network.requested == ["^GSPC", "BRK-B"]


@pytest.mark.parametrize("symbol", ["../../x", "/etc/passwd", "..", ".", "a/b", "a\\b", "A" * 300])
def test_no_symbol_leads_out_of_the_cache_folder(symbol: str, root: Path) -> None:
    folder = root / "home" / "prices" / "yahoo"
    path = cache.locate("yahoo", symbol)
    assert path.parent == folder
    assert path.resolve().parent == folder.resolve()


def test_prices_are_fetched_again_on_the_next_day(network: Network) -> None:
    cache.write("yahoo", "SPY", frame(3), days_ago(1))
    data, notices = load_with_notices()
    assert len(data.bars) == 4
    assert data.as_of == days_ago(0)
    assert notices == []
    assert cache.read("yahoo", "SPY") is not None


def test_cached_prices_are_used_with_a_notice_if_yahoo_is_unreachable(network: Network) -> None:
    cache.write("yahoo", "SPY", frame(3), days_ago(9))
    network.cut()
    data, notices = load_with_notices(fallback="sample:sp500")
    assert len(data.bars) == 3
    assert data.as_of == days_ago(9)
    assert not data.fallback_used  # the requested symbol, only older
    assert len(notices) == 1
    assert days_ago(9) in notices[0]
    assert "is unreachable" in notices[0]


def test_rows_without_prices_are_dropped(network: Network) -> None:
    prices = frame(5)
    prices.loc[prices.index[2], ["Open", "High", "Low", "Close", "Adj Close"]] = np.nan
    network.answer = prices
    bars = load_with_notices()[0].bars
    assert days_of(bars) == ["2024-01-01", "2024-01-02", "2024-01-04", "2024-01-05"]


def test_the_error_of_wrong_prices_names_the_row(network: Network) -> None:
    prices = frame()
    prices.loc[prices.index[1], "High"] = 1.0
    network.answer = prices
    error = refusal("yahoo:SPY")
    assert "yahoo:SPY" in error.message
    assert "row 2" in error.message


def test_wrong_prices_do_not_replace_cached_ones(network: Network) -> None:
    cache.write("yahoo", "SPY", frame(3), days_ago(1))
    prices = frame()
    prices.loc[prices.index[1], "High"] = 1.0
    network.answer = prices
    with pytest.raises(EvolveError):
        load("yahoo:SPY")
    cached = cache.read("yahoo", "SPY")
    assert cached is not None
    assert len(cached.frame) == 3
    network.answer = frame()
    assert len(load("yahoo:SPY").bars) == 4


def test_a_table_without_prices_is_an_error(network: Network) -> None:
    network.answer = frame() * np.nan
    assert "yahoo:SPY" in refusal("yahoo:SPY").message


def test_a_damaged_cache_file_is_ignored(network: Network) -> None:
    load_with_notices()
    path = cache.locate("yahoo", "SPY")
    whole = path.read_bytes()
    for content in (b"", b"PAR1", b"junk" * 100, whole[:-1], whole[: len(whole) // 2], whole[9:]):
        path.write_bytes(content)
        assert cache.read("yahoo", "SPY") is None
        network.requested.clear()
        assert len(load_with_notices()[0].bars) == 4
        assert network.requested == ["SPY"]  # fetched again, and cached whole
        assert cache.read("yahoo", "SPY") is not None


# -- the fallback


def test_without_a_fallback_an_unreachable_source_is_an_error(network: Network) -> None:
    network.cut()
    error = refusal("yahoo:SPY")
    assert "is unreachable" in error.message
    assert "fallback" in error.hint


def test_a_fallback_is_used_and_noted(network: Network) -> None:
    network.cut()
    data, notices = load_with_notices(fallback="sample:sp500")
    assert data.fallback_used
    assert (data.requested, data.used) == (("yahoo:SPY",), ("sample:sp500",))
    assert "is unreachable" in data.reason
    assert data.bars.symbols == ("SP500",)
    assert len(notices) == 1
    assert "sample:sp500" in notices[0]
    assert "is unreachable" in notices[0]
    assert "SP500 has no traded opens" in data.tradability_notes[0]


def test_a_fallback_is_not_used_if_the_source_is_reachable(network: Network) -> None:
    data, notices = load_with_notices(fallback="sample:sp500")
    assert not data.fallback_used
    assert data.reason == ""
    assert notices == []


def test_a_fallback_is_only_for_outages(network: Network, root: Path) -> None:
    wrong_prices = frame()
    wrong_prices.loc[wrong_prices.index[1], "High"] = 1.0
    unknown = EvolveError("yahoo:SPX: no prices at Yahoo", "check the ticker")
    for spec, answer, match in (
        ("yahoo:SPX", unknown, "no prices"),
        ("yahoo:SPY", wrong_prices, "high"),
        (f"csv:{root / 'none.csv'}", frame(), "no such file"),
    ):
        network.answer = answer
        with pytest.raises(EvolveError, match=match):
            load(DataRequest(spec, fallback="sample:sp500"))


def test_an_unreadable_fallback_is_an_error(network: Network, root: Path) -> None:
    network.cut()
    for fallback, match in (
        ("nothing", "unknown data source"),
        (f"csv:{root / 'none.csv'}", "no such file"),
        ("yahoo:QQQ", "is unreachable"),
    ):
        with pytest.raises(EvolveError, match=match):
            load(DataRequest("yahoo:SPY", fallback=fallback))


def test_the_range_applies_to_a_fallback_that_has_bars_in_it(network: Network) -> None:
    network.cut()
    data, _ = load_with_notices(
        fallback="sample:sp500", start=date(2010, 1, 1), end=date(2011, 12, 31)
    )
    assert data.first_day == "2010-01-04"
    assert data.last_day == "2011-12-30"


def test_the_range_does_not_apply_to_a_fallback_without_bars_in_it(network: Network) -> None:
    network.cut()
    for with_earlier in (False, True):
        data, _ = load_with_notices(
            fallback="sample:sp500", start=date(2020, 1, 1), with_earlier=with_earlier
        )
        assert (data.first_day, data.last_day) == ("1999-01-04", "2018-12-31")
        assert data.start == 0


def test_a_file_may_be_the_fallback(network: Network, root: Path) -> None:
    network.cut()
    spec = csv(root / "acme.csv", *ROWS)
    data, _ = load_with_notices(fallback=spec)
    assert data.used == (spec,)
    assert len(data.bars) == 4
