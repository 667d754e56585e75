"""Yahoo with its network edge replaced: the cache, the fallback, and the notices of both."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
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
    """What stands in for Yahoo: a table or an error, and the symbols that were asked for."""

    def __init__(self) -> None:
        self.answer: pd.DataFrame | EvolveError = frame()
        self.asked: list[str] = []

    def download(self, symbol: str, session: object = None, interval: str = "1d") -> pd.DataFrame:
        self.asked.append(symbol)
        if isinstance(self.answer, EvolveError):
            raise self.answer
        return self.answer.copy()

    def cut(self) -> None:
        self.answer = UnreachableError("yahoo:SPY: Yahoo is unreachable (no route)")


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EVOLVE_HOME", str(tmp_path / "home"))
    return tmp_path


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Network:
    made = Network()
    monkeypatch.setattr(yahoo, "download", made.download)
    return made


def loaded(spec: str = "yahoo:SPY", **options: Any) -> tuple[Dataset, list[str]]:
    """The dataset, and the notices."""
    notices = NoticeList()
    return load(DataRequest(spec, **options), notices), notices.texts


def parts_left(place: Path) -> list[Path]:
    return list(place.rglob("*.part"))


# -- fetching


def test_prices_are_adjusted_and_dated(network: Network) -> None:
    data, notices = loaded()
    assert data.bars.symbols == ("SPY",)
    assert data.bars.close[0].tolist() == [50, 50.5, 51, 51.5]
    assert data.bars.adjustment[0].tolist() == [0.5] * 4
    assert data.as_of == days_ago(0)
    assert not data.fallback_used
    assert notices == []
    assert_sound(data.bars)


def test_the_second_load_of_a_day_reads_the_disk(network: Network, place: Path) -> None:
    first, _ = loaded()
    network.cut()
    second, notices = loaded()
    third, _ = loaded("yahoo:spy")
    assert network.asked == ["SPY"]
    assert first.bars.hash == second.bars.hash == third.bars.hash
    assert second.as_of == days_ago(0)
    assert notices == []
    assert parts_left(place) == []


def test_each_symbol_has_its_own_file(network: Network) -> None:
    symbols = ["SPY", "^GSPC", "BRK-B", "BRK.B", "EURUSD=X", ".X"]
    assert len({cache.locate("yahoo", symbol) for symbol in symbols}) == len(symbols)
    loaded("yahoo:^GSPC")
    loaded("yahoo:BRK-B")
    assert network.asked == ["^GSPC", "BRK-B"]


@pytest.mark.parametrize("symbol", ["../../x", "/etc/passwd", "..", ".", "a/b", "a\\b", "A" * 300])
def test_no_symbol_leaves_the_cache_folder(symbol: str, place: Path) -> None:
    folder = place / "home" / "prices" / "yahoo"
    path = cache.locate("yahoo", symbol)
    assert path.parent == folder
    assert path.resolve().parent == folder.resolve()


def test_the_next_day_prices_are_fetched_again(network: Network) -> None:
    cache.write("yahoo", "SPY", frame(3), days_ago(1))
    data, notices = loaded()
    assert len(data.bars) == 4
    assert data.as_of == days_ago(0)
    assert notices == []
    assert cache.read("yahoo", "SPY") is not None


def test_older_prices_are_used_with_a_word_when_yahoo_cannot_be_reached(network: Network) -> None:
    cache.write("yahoo", "SPY", frame(3), days_ago(9))
    network.cut()
    data, notices = loaded(fallback="sample:sp500")
    assert len(data.bars) == 3
    assert data.as_of == days_ago(9)
    assert not data.fallback_used  # these are the prices that were asked for
    assert len(notices) == 1
    assert days_ago(9) in notices[0]
    assert "is unreachable" in notices[0]


def test_rows_without_prices_are_left_out(network: Network) -> None:
    made = frame(5)
    made.loc[made.index[2], ["Open", "High", "Low", "Close", "Adj Close"]] = np.nan
    network.answer = made
    bars = loaded()[0].bars
    assert days_of(bars) == ["2024-01-01", "2024-01-02", "2024-01-04", "2024-01-05"]


def test_prices_that_make_no_sense_are_named(network: Network) -> None:
    made = frame()
    made.loc[made.index[1], "High"] = 1.0
    network.answer = made
    error = refusal("yahoo:SPY")
    assert "yahoo:SPY" in error.message
    assert "row 2" in error.message


def test_prices_that_make_no_sense_do_not_replace_good_ones(network: Network) -> None:
    """A bad answer must not be cached for the day, nor cost the prices there were."""
    cache.write("yahoo", "SPY", frame(3), days_ago(1))
    made = frame()
    made.loc[made.index[1], "High"] = 1.0
    network.answer = made
    with pytest.raises(EvolveError):
        load("yahoo:SPY")
    cached = cache.read("yahoo", "SPY")
    assert cached is not None
    assert len(cached.frame) == 3
    network.answer = frame()
    assert len(load("yahoo:SPY").bars) == 4


def test_a_table_without_a_price_is_refused(network: Network) -> None:
    network.answer = frame() * np.nan
    assert "yahoo:SPY" in refusal("yahoo:SPY").message


# -- the cache file


def test_what_is_written_is_read() -> None:
    made = frame(20)
    cache.write("yahoo", "SPY", made, "2024-05-06")
    cached = cache.read("yahoo", "SPY")
    assert cached is not None
    assert cached.as_of == "2024-05-06"
    pd.testing.assert_frame_equal(cached.frame, made, check_freq=False)
    assert cache.read("yahoo", "QQQ") is None


def test_a_damaged_cache_file_is_ignored(network: Network) -> None:
    loaded()
    path = cache.locate("yahoo", "SPY")
    whole = path.read_bytes()
    for content in (b"", b"PAR1", b"junk" * 100, whole[:-1], whole[: len(whole) // 2], whole[9:]):
        path.write_bytes(content)
        assert cache.read("yahoo", "SPY") is None
        network.asked.clear()
        assert len(loaded()[0].bars) == 4
        assert network.asked == ["SPY"]  # fetched again, and cached whole
        assert cache.read("yahoo", "SPY") is not None


def test_a_cache_file_with_a_changed_byte_is_ignored_or_whole() -> None:
    made = frame(5)
    cache.write("yahoo", "SPY", made, "2024-05-06")
    path = cache.locate("yahoo", "SPY")
    whole = path.read_bytes()
    wrong: dict[int, str] = {}
    for place in range(0, len(whole), 17):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        try:
            cached = cache.read("yahoo", "SPY")
        except Exception as error:
            wrong[place] = f"{type(error).__name__}: {error}"
            continue
        if cached is not None and not (cached.frame.equals(made) and cached.as_of == "2024-05-06"):
            wrong[place] = f"read {list(cached.frame.columns)} of {cached.as_of}"
    assert wrong == {}


def test_a_cache_file_whose_values_were_changed_is_ignored() -> None:
    cache.write("yahoo", "SPY", frame(), "2024-05-06")
    path = cache.locate("yahoo", "SPY")
    table = pq.read_table(path)
    changed = table.to_pandas()
    changed.iloc[0, 0] += 1
    pq.write_table(
        pa.Table.from_pandas(changed).replace_schema_metadata(table.schema.metadata), path
    )
    assert cache.read("yahoo", "SPY") is None


def test_a_foreign_parquet_file_is_ignored() -> None:
    path = cache.locate("yahoo", "SPY")
    path.parent.mkdir(parents=True)
    frame().to_parquet(path)
    assert cache.read("yahoo", "SPY") is None


def test_a_folder_in_place_of_a_cache_file_is_ignored() -> None:
    cache.locate("yahoo", "SPY").mkdir(parents=True)
    assert cache.read("yahoo", "SPY") is None


@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()])
def test_a_write_that_fails_leaves_what_there_was(
    error: BaseException, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.write("yahoo", "SPY", frame(3), "2024-05-06")

    def fail(table: object, path: str) -> None:
        Path(path).write_bytes(b"half of it")
        raise error

    monkeypatch.setattr(pq, "write_table", fail)
    with pytest.raises(EvolveError if isinstance(error, OSError) else type(error)):
        cache.write("yahoo", "SPY", frame(4), "2024-05-07")
    assert parts_left(place) == []
    cached = cache.read("yahoo", "SPY")
    assert cached is not None
    assert (len(cached.frame), cached.as_of) == (3, "2024-05-06")


# -- the fallback


def test_without_a_fallback_an_unreachable_source_is_an_error(network: Network) -> None:
    network.cut()
    error = refusal("yahoo:SPY")
    assert "is unreachable" in error.message
    assert "fallback" in error.hint


def test_a_fallback_is_used_and_noted(network: Network) -> None:
    network.cut()
    data, notices = loaded(fallback="sample:sp500")
    assert data.fallback_used
    assert (data.requested, data.used) == (("yahoo:SPY",), ("sample:sp500",))
    assert "is unreachable" in data.reason
    assert data.bars.symbols == ("SP500",)
    assert len(notices) == 1
    assert "sample:sp500" in notices[0]
    assert "is unreachable" in notices[0]
    assert "SP500 has no traded opens" in data.tradability_notes[0]


def test_a_fallback_is_not_used_when_it_is_not_needed(network: Network) -> None:
    data, notices = loaded(fallback="sample:sp500")
    assert not data.fallback_used
    assert data.reason == ""
    assert notices == []


def test_a_fallback_is_for_outages_alone(network: Network, place: Path) -> None:
    spoilt = frame()
    spoilt.loc[spoilt.index[1], "High"] = 1.0
    unknown = EvolveError("yahoo:SPX: Yahoo has no prices for it", "check the ticker")
    for spec, answer, match in (
        ("yahoo:SPX", unknown, "no prices"),
        ("yahoo:SPY", spoilt, "high"),
        (f"csv:{place / 'none.csv'}", frame(), "no such file"),
    ):
        network.answer = answer
        with pytest.raises(EvolveError, match=match):
            load(DataRequest(spec, fallback="sample:sp500"))


def test_a_fallback_that_cannot_be_read_is_an_error(network: Network, place: Path) -> None:
    network.cut()
    for fallback, match in (
        ("nothing", "unknown data source"),
        (f"csv:{place / 'none.csv'}", "no such file"),
        ("yahoo:QQQ", "is unreachable"),
    ):
        with pytest.raises(EvolveError, match=match):
            load(DataRequest("yahoo:SPY", fallback=fallback))


def test_the_range_applies_to_a_fallback_that_has_bars_in_it(network: Network) -> None:
    network.cut()
    data, _ = loaded(fallback="sample:sp500", start=date(2010, 1, 1), end=date(2011, 12, 31))
    assert data.first_day == "2010-01-04"
    assert data.last_day == "2011-12-30"


def test_the_range_does_not_apply_to_a_fallback_without_bars_in_it(network: Network) -> None:
    """So `load` says of `start` and `end`."""
    network.cut()
    for with_earlier in (False, True):
        data, _ = loaded(fallback="sample:sp500", start=date(2020, 1, 1), with_earlier=with_earlier)
        assert (data.first_day, data.last_day) == ("1999-01-04", "2018-12-31")
        assert data.start == 0


def test_a_file_may_be_the_fallback(network: Network, place: Path) -> None:
    network.cut()
    spec = csv(place / "acme.csv", *ROWS)
    data, _ = loaded(fallback=spec)
    assert data.used == (spec,)
    assert len(data.bars) == 4
