"""Loading of specs through yfinance with a fake transport, and its side effects."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from evolve.data import DataRequest, cache, load
from evolve.data.sources import yahoo
from evolve.errors import EvolveError
from evolve.notices import NoticeList
from tests.data import yahoo_server as server
from tests.data.tables import assert_sound, days_of
from tests.data.yahoo_listing import Listing, null, weekdays
from tests.data.yahoo_server import Yahoo
from tests.data.yahoo_sessions import SESSIONS

pytest.importorskip("yfinance")
DAYS = weekdays(date(2024, 3, 4), 10)
pytestmark = pytest.mark.usefixtures("fresh_yfinance")


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Yahoo:
    """Replace the session that yfinance creates by default."""
    from yfinance import base, data

    fake = Yahoo()
    session = SESSIONS["curl"](fake)
    for module in (base, data):
        monkeypatch.setattr(module, "new_session", lambda: session)
    return fake


# -- loading


def test_the_range_includes_its_last_day(network: Yahoo) -> None:
    data = load(DataRequest("yahoo:SPY", start=DAYS[2], end=DAYS[6]))
    assert days_of(data.bars) == [day.isoformat() for day in DAYS[2:7]]
    assert_sound(data.bars)


def test_prices_are_requested_once_a_day(network: Yahoo) -> None:
    first = load("yahoo:SPY")
    count = len(network.requests)
    network.always(server.REFUSED)
    assert load("yahoo:SPY").bars.hash == first.bars.hash
    assert len(network.requests) == count


@pytest.mark.parametrize("cells", [("close",), ("open", "high", "low")])
def test_a_row_without_some_prices_is_dropped(network: Yahoo, cells: tuple[str, ...]) -> None:
    network.listings["SPY"].flaws = [null(3, *cells)]
    assert days_of(load("yahoo:SPY").bars) == [str(day) for day in (*DAYS[:3], *DAYS[4:])]


def test_the_error_names_a_row_without_an_adjusted_close(network: Yahoo) -> None:
    network.listings["SPY"].flaws = [null(3, "adjclose")]
    with pytest.raises(EvolveError, match="row 4"):
        load("yahoo:SPY")


def test_cached_prices_are_used_if_yahoo_fails(network: Yahoo) -> None:
    load("yahoo:SPY")
    cached = cache.read("yahoo", "SPY")
    assert cached is not None
    before = (datetime.now(UTC).date() - timedelta(days=3)).isoformat()
    cache.write("yahoo", "SPY", cached.frame, before)
    network.always(server.TOO_MANY)
    notices = NoticeList()
    data = load(DataRequest("yahoo:SPY", fallback="sample:sp500"), notices)
    assert (data.as_of, data.fallback_used) == (before, False)
    assert before in notices.texts[-1]


def test_the_bar_of_an_open_session_is_left_out_and_reported(
    network: Yahoo, monkeypatch: pytest.MonkeyPatch
) -> None:
    last = network.listings["SPY"].days[-1]
    whole = load("yahoo:SPY").bars
    noon = datetime(last.year, last.month, last.day, 17, tzinfo=UTC)
    monkeypatch.setattr(yahoo, "now", lambda: noon)
    notices = NoticeList()
    bars = load(DataRequest("yahoo:SPY", refresh=True), notices).bars
    assert bars.time.tolist() == whole.time.tolist()[:-1]
    (notice,) = [text for text in notices.texts if "no complete bar" in text]
    assert notice.startswith(f"SPY: the last row, {last.isoformat()} ")


def test_a_rate_limit_pauses_the_load_of_a_list(network: Yahoo, slept: list[float]) -> None:
    """Check that symbols fetched before the rate limit are not requested again."""
    network.listings["QQQ"] = Listing("QQQ")
    load("yahoo:QQQ")
    network.then("chart", *[server.TOO_MANY] * 4)
    notices = NoticeList()
    data = load(["yahoo:QQQ", "yahoo:SPY"], notices)
    assert data.bars.symbols == ("QQQ", "SPY")
    assert list(yahoo.WAITS_SECONDS[:2]) == slept
    waits = zip(slept, notices.texts[:2], strict=True)
    assert all(f"next attempt in {seconds} s" in text for seconds, text in waits)


def test_the_load_fails_after_the_last_pause(network: Yahoo, slept: list[float]) -> None:
    network.always(server.TOO_MANY)
    with pytest.raises(EvolveError, match="refuses"):
        load("yahoo:SPY")
    assert list(yahoo.WAITS_SECONDS) == slept


def test_the_error_names_all_unknown_symbols_of_a_list(network: Yahoo) -> None:
    with pytest.raises(EvolveError) as caught:
        load(DataRequest(["yahoo:ZZZZ", "yahoo:SPY", "yahoo:YYYY"], fallback="sample:sp500"))
    assert "yahoo:ZZZZ" in caught.value.message
    assert "yahoo:YYYY" in caught.value.message
    assert "yahoo:SPY" not in caught.value.message


def test_a_refresh_fetches_again(network: Yahoo) -> None:
    load("yahoo:SPY")
    count = len(network.requests)
    load(DataRequest("yahoo:SPY", refresh=True))
    assert len(network.requests) > count


@pytest.mark.parametrize(("instrument", "warns"), [("EQUITY", True), ("ETF", False)])
def test_a_list_of_stocks_gives_a_notice_of_survivorship_bias(
    network: Yahoo, instrument: str, warns: bool
) -> None:
    for symbol in ("AAA", "BBB"):
        network.listings[symbol] = Listing(symbol, instrument=instrument)
    for _ in range(2):  # from Yahoo, and from disk
        notices = NoticeList()
        load(["yahoo:AAA", "yahoo:BBB"], notices)
        assert any("survivorship" in text for text in notices.texts) == warns


def test_the_fallback_is_used_only_for_an_outage(network: Yahoo) -> None:
    with pytest.raises(EvolveError, match="ZZZZ"):
        load(DataRequest("yahoo:ZZZZ", fallback="sample:sp500"))
    network.always(server.REFUSED)
    assert load(DataRequest("yahoo:SPY", fallback="sample:sp500")).fallback_used


# -- side effects

SCRIPT = """
import warnings
import pandas
from evolve.data.sources import yahoo
from evolve.errors import EvolveError
from tests.data import yahoo_server as server
from tests.data.yahoo_sessions import SESSIONS
before = list(warnings.filters)
yahoo.sleep = lambda seconds: None
for kind in SESSIONS:
    for fault in (None, server.UNKNOWN, server.TOO_MANY, server.PAGE, server.REFUSED):
        fake = server.Yahoo()
        if fault:
            fake.always(fault)
        try:
            yahoo.download("SPY" if fault is None else "QQQ", session=SESSIONS[kind](fake))
        except EvolveError:
            assert fault
        else:
            assert not fault
assert warnings.filters == before, warnings.filters
"""


def test_a_separate_process_prints_nothing_and_writes_only_to_the_cache(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        capture_output=True,
        text=True,
        env={
            "HOME": str(tmp_path / "user"),
            "EVOLVE_HOME": str(tmp_path / "home"),
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert not (tmp_path / "user").exists()
