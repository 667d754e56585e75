"""From a spec to bars through yfinance itself, and what it leaves on the machine."""

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

pytest.importorskip("yfinance")
DAYS = weekdays(date(2024, 3, 4), 10)
pytestmark = pytest.mark.usefixtures("fresh_yfinance")


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Yahoo:
    """What `load` reaches: yfinance's own session, which it makes for itself."""
    from yfinance import base, data

    made = Yahoo()
    session = server.SESSIONS["curl"](made)
    for module in (base, data):
        monkeypatch.setattr(module, "new_session", lambda: session)
    return made


# -- through the data layer


def test_load_counts_the_end_in_which_yfinance_does_not(network: Yahoo) -> None:
    data = load(DataRequest("yahoo:SPY", start=DAYS[2], end=DAYS[6]))
    assert days_of(data.bars) == [day.isoformat() for day in DAYS[2:7]]
    assert_sound(data.bars)


def test_load_asks_once_a_day(network: Yahoo) -> None:
    first = load("yahoo:SPY")
    asked = len(network.asked)
    network.always(server.REFUSED)
    assert load("yahoo:SPY").bars.hash == first.bars.hash
    assert len(network.asked) == asked


@pytest.mark.parametrize("cells", [("close",), ("open", "high", "low")])
def test_load_leaves_out_a_row_without_some_prices(network: Yahoo, cells: tuple[str, ...]) -> None:
    network.listings["SPY"].flaws = [null(3, *cells)]
    assert days_of(load("yahoo:SPY").bars) == [str(day) for day in (*DAYS[:3], *DAYS[4:])]


def test_load_names_a_row_without_an_adjusted_close(network: Yahoo) -> None:
    network.listings["SPY"].flaws = [null(3, "adjclose")]
    with pytest.raises(EvolveError, match="row 4"):
        load("yahoo:SPY")


def test_load_uses_older_prices_when_yahoo_fails(network: Yahoo) -> None:
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


def test_load_waits_and_goes_on_where_yahoo_refuses_more_requests(
    network: Yahoo, slept: list[float]
) -> None:
    """In a list, what was fetched before the refusal is not asked for again."""
    network.listings["QQQ"] = Listing("QQQ")
    load("yahoo:QQQ")
    network.then("chart", *[server.TOO_MANY] * 4)
    notices = NoticeList()
    data = load(["yahoo:QQQ", "yahoo:SPY"], notices)
    assert data.bars.symbols == ("QQQ", "SPY")
    assert list(yahoo.WAITS_SECONDS[:2]) == slept
    waits = zip(slept, notices.texts[:2], strict=True)
    assert all(f"next attempt in {seconds} s" in text for seconds, text in waits)


def test_load_gives_up_after_the_last_wait(network: Yahoo, slept: list[float]) -> None:
    network.always(server.TOO_MANY)
    with pytest.raises(EvolveError, match="refuses"):
        load("yahoo:SPY")
    assert list(yahoo.WAITS_SECONDS) == slept


def test_load_names_every_symbol_of_a_list_that_yahoo_does_not_know(network: Yahoo) -> None:
    with pytest.raises(EvolveError) as caught:
        load(DataRequest(["yahoo:ZZZZ", "yahoo:SPY", "yahoo:YYYY"], fallback="sample:sp500"))
    assert "yahoo:ZZZZ" in caught.value.message
    assert "yahoo:YYYY" in caught.value.message
    assert "yahoo:SPY" not in caught.value.message


def test_load_fetches_again_when_asked(network: Yahoo) -> None:
    load("yahoo:SPY")
    asked = len(network.asked)
    load(DataRequest("yahoo:SPY", refresh=True))
    assert len(network.asked) > asked


@pytest.mark.parametrize(("instrument", "warns"), [("EQUITY", True), ("ETF", False)])
def test_a_universe_of_stocks_is_warned_about(network: Yahoo, instrument: str, warns: bool) -> None:
    for symbol in ("AAA", "BBB"):
        network.listings[symbol] = Listing(symbol, instrument=instrument)
    for _ in range(2):  # from Yahoo, and from disk
        notices = NoticeList()
        load(["yahoo:AAA", "yahoo:BBB"], notices)
        assert any("survivorship" in text for text in notices.texts) == warns


def test_load_falls_back_for_an_outage_only(network: Yahoo) -> None:
    with pytest.raises(EvolveError, match="ZZZZ"):
        load(DataRequest("yahoo:ZZZZ", fallback="sample:sp500"))
    network.always(server.REFUSED)
    assert load(DataRequest("yahoo:SPY", fallback="sample:sp500")).fallback_used


# -- what is left behind

QUIET = """
import warnings
import pandas
from evolve.data.sources import yahoo
from evolve.errors import EvolveError
from tests.data import yahoo_server as server
before = list(warnings.filters)
yahoo.sleep = lambda seconds: None
for kind in server.SESSIONS:
    for fault in (None, server.UNKNOWN, server.TOO_MANY, server.PAGE, server.REFUSED):
        made = server.Yahoo()
        if fault:
            made.always(fault)
        try:
            yahoo.download("SPY" if fault is None else "QQQ", session=server.SESSIONS[kind](made))
        except EvolveError:
            assert fault
        else:
            assert not fault
assert warnings.filters == before, warnings.filters
"""


def test_a_process_of_its_own_prints_nothing_and_writes_at_home_only(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", QUIET],
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
