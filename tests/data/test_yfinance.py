"""Downloads through yfinance with a fake transport."""

from __future__ import annotations

import warnings
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

pytest.importorskip("yfinance")

from evolve.data.source import UnreachableError
from evolve.data.sources import yahoo
from evolve.errors import EvolveError
from tests.data import yahoo_server as server
from tests.data.yahoo_listing import (
    Flaw,
    Listing,
    live,
    null,
    weekdays,
    without_adjclose,
    without_bars,
    without_meta,
)  # fmt: skip
from tests.data.yahoo_server import Fault, Yahoo
from tests.data.yahoo_sessions import SESSIONS

DAYS = weekdays(date(2024, 3, 4), 10)  # they include a clock change in New York
pytestmark = pytest.mark.usefixtures("fresh_yfinance")
MAX_REQUESTS = 40  # of one download from a failing server


@pytest.fixture(params=list(SESSIONS))
def kind(request: pytest.FixtureRequest) -> str:
    """Return each of the two kinds of session that yfinance accepts."""
    return str(request.param)


def get(fake: Yahoo, kind: str = "curl", symbol: str = "SPY", **options: Any) -> pd.DataFrame:
    return yahoo.download(symbol, session=SESSIONS[kind](fake), **options)


def refusal(fake: Yahoo, kind: str = "curl", symbol: str = "SPY") -> EvolveError:
    """Return the error of a download; check that it is readable."""
    with pytest.raises(EvolveError) as caught:
        get(fake, kind, symbol)
    error = caught.value
    assert error.message.startswith(f"yahoo:{symbol}: ")
    assert "\n" not in error.message
    for noise in ("Traceback", "http", "curl", "NoneType", "index out of range", "KeyError"):
        assert noise not in error.message
    assert len(error.message) < 160
    assert error.__cause__ is None
    assert error.__context__ is None or error.__suppress_context__
    return error


def days(frame: pd.DataFrame) -> list[date]:
    return [moment.date() for moment in pd.DatetimeIndex(frame.index)]


# -- correct answers


def test_prices_dividends_and_splits_are_read(kind: str, slept: list[float]) -> None:
    listing = Listing("SPY", DAYS, dividends={DAYS[5]: 5.2}, splits={DAYS[7]: (2, 1)})
    fake = Yahoo(listing)
    frame = get(fake, kind)
    assert days(frame) == DAYS
    assert frame.index.name == "Date"
    assert pd.DatetimeIndex(frame.index).tz is None
    assert list(frame["Close"]) == [100.0 + n for n in range(10)]
    assert list(frame["Volume"]) == [1000 + n for n in range(10)]
    factor = (frame["Adj Close"] / frame["Close"]).round(9).tolist()
    assert factor == [0.95] * 5 + [1.0] * 5
    assert frame["Dividends"].tolist() == [0.0] * 5 + [5.2] + [0.0] * 4
    assert frame["Stock Splits"].tolist() == [0.0] * 7 + [2.0] + [0.0] * 2
    assert fake.counts["chart"] == 1
    assert sum(fake.counts.values()) <= 4
    assert slept == []


@pytest.mark.parametrize(
    ("symbol", "zone", "hours"),
    [
        ("SPY", "America/New_York", (clock(9, 30), clock(16))),
        ("7203.T", "Asia/Tokyo", (clock(9), clock(15))),
        ("CBA.AX", "Australia/Sydney", (clock(10), clock(16))),
        ("EURUSD=X", "Europe/London", (clock(0), clock(23, 59))),
        ("BTC-USD", "UTC", (clock(0), clock(23, 59))),
        ("^NZ50", "Pacific/Auckland", (clock(10), clock(16, 45))),
    ],
)
def test_days_are_those_of_the_exchange(symbol: str, zone: str, hours: tuple[clock, clock]) -> None:
    frame = get(Yahoo(Listing(symbol, DAYS, zone=zone, hours=hours)), symbol=symbol)
    assert days(frame) == DAYS
    assert pd.DatetimeIndex(frame.index).tz is None


@pytest.mark.parametrize("instrument", ["EQUITY", "ETF", "MUTUALFUND", "INDEX", "CURRENCY"])
def test_columns_do_not_depend_on_the_instrument(instrument: str) -> None:
    frame = get(Yahoo(Listing("SPY", instrument=instrument)))
    assert list(frame.columns)[:6] == list(yahoo.COLUMNS)[:6]
    assert "Capital Gains" not in frame.columns


def test_a_missing_adjusted_close_is_the_close() -> None:
    frame = get(
        Yahoo(Listing("^GSPC", instrument="INDEX", flaws=[without_adjclose])), "curl", "^GSPC"
    )
    assert frame["Adj Close"].tolist() == frame["Close"].tolist()


def test_an_empty_row_is_dropped(kind: str) -> None:
    frame = get(Yahoo(Listing("SPY", DAYS, flaws=[null(3)])), kind)
    assert days(frame) == DAYS[:3] + DAYS[4:]


@pytest.mark.parametrize("seconds", [0, 6 * 3600])
def test_the_live_quote_of_the_last_day_replaces_its_bar(seconds: int) -> None:
    frame = get(Yahoo(Listing("SPY", DAYS, flaws=[live(seconds)])))
    assert days(frame) == DAYS
    assert frame["Volume"].iloc[-1] == 1009 + 7


@pytest.mark.parametrize("what", ["cookie", "crumb", "consent"])
@pytest.mark.parametrize(
    "fault", [server.TOO_MANY, server.BROKEN_PAGE, server.NOTHING, server.REFUSED, server.TOO_SLOW]
)
def test_prices_need_neither_cookie_nor_crumb(what: str, fault: Fault, kind: str) -> None:
    fake = Yahoo()
    fake.always(fault, what)
    assert len(get(fake, kind)) == 10


# -- faults

UNREACHABLE = {
    "429": server.TOO_MANY,
    "500": server.BROKEN,
    "502": server.BROKEN_PAGE,
    "page": server.PAGE,
    "down": server.DOWN,
    "truncated": server.TRUNCATED,
    "nothing": server.NOTHING,
    "refused": server.REFUSED,
    "slow": server.TOO_SLOW,
}
STAGES = {"from the start": ("zone", "chart"), "at the prices": ("chart",)}


@pytest.mark.parametrize("what", STAGES.values(), ids=STAGES)
@pytest.mark.parametrize("fault", UNREACHABLE.values(), ids=UNREACHABLE)
def test_a_failing_server_is_unreachable_and_may_recover(
    fault: Fault, what: tuple[str, ...], kind: str
) -> None:
    """Check that a wrong answer, which yfinance caches in memory, has no effect later."""
    fake = Yahoo()
    fake.always(fault, *what)
    assert isinstance(refusal(fake, kind), UnreachableError)
    assert sum(fake.counts.values()) < MAX_REQUESTS
    fake.heal()
    assert len(get(fake, kind)) == 10


def test_the_error_names_a_rate_limit(kind: str) -> None:
    fake = Yahoo()
    fake.always(server.TOO_MANY)
    error = refusal(fake, kind)
    assert "refuses" in error.message or "too many" in error.message.lower()


def test_a_single_rate_limit_has_no_effect(kind: str, slept: list[float]) -> None:
    """Check that yfinance repeats the request at once."""
    fake = Yahoo()
    fake.then("chart", server.TOO_MANY)
    assert len(get(fake, kind)) == 10
    assert slept == []


def test_an_unknown_symbol_is_not_an_outage_on_repeated_requests(kind: str) -> None:
    fake = Yahoo()
    for _ in range(4):
        error = refusal(fake, kind, "ZZZZ")
        assert not isinstance(error, UnreachableError)
        assert "no prices" in error.message
        assert error.hint
    assert len(get(fake, kind)) == 10  # other symbols are not affected


WITHOUT_PRICES = {"404": server.UNKNOWN, "400": server.NO_SUCH_DATES, "empty": server.EMPTY}


@pytest.mark.parametrize("fault", WITHOUT_PRICES.values(), ids=WITHOUT_PRICES)
def test_a_delisted_symbol_is_not_an_outage(fault: Fault, kind: str) -> None:
    fake = Yahoo()
    fake.always(fault, "chart")
    assert not isinstance(refusal(fake, kind), UnreachableError)


@pytest.mark.parametrize(
    "flaws", [[without_bars], [null(row) for row in range(10)]], ids=["bars", "cells"]
)
def test_a_symbol_without_bars_is_not_an_outage(flaws: list[Flaw]) -> None:
    error = refusal(Yahoo(Listing("SPY", DAYS, flaws=flaws)))
    assert not isinstance(error, UnreachableError)
    assert "no prices" in error.message


@pytest.mark.parametrize("name", ["instrumentType", "currency", "exchangeTimezoneName"])
def test_incomplete_metadata_is_a_readable_error(name: str) -> None:
    refusal(Yahoo(Listing("SPY", flaws=[without_meta(name)])))


def test_an_unknown_isin_is_not_an_outage() -> None:
    error = refusal(Yahoo(), symbol="US0378331005")
    assert not isinstance(error, UnreachableError)


# -- intraday bars


@pytest.mark.parametrize(("interval", "count"), [("1h", 7), ("5m", 78)])
def test_intraday_bars_have_the_local_time_of_the_exchange(interval: str, count: int) -> None:
    recent = weekdays(datetime.now(UTC).date() - timedelta(days=9), 3)
    frame = get(Yahoo(Listing("SPY", recent)), interval=interval)
    assert len(frame) == 3 * count
    index = pd.DatetimeIndex(frame.index)
    assert index.tz is None
    assert str(index[0]) == f"{recent[0]} 09:30:00"
    assert index.is_monotonic_increasing
    assert index.is_unique


# -- state


def test_a_new_session_receives_the_requests(kind: str) -> None:
    first, second = Yahoo(), Yahoo()
    get(first, kind)
    count = len(first.requests)
    get(second, kind)
    assert len(first.requests) == count
    assert second.counts["chart"] == 1


def test_a_reset_removes_all_state_of_yfinance(kind: str, tmp_path: Path) -> None:
    first, second = Yahoo(), Yahoo()
    first.always(server.BROKEN_PAGE, "cookie", "crumb", "zone", "chart")
    refusal(first, kind)
    with server.fresh_yfinance(tmp_path / "home" / "next"):
        assert len(get(second, kind)) == 10
    assert second.counts["cookie"] == second.counts["crumb"] == 1


def test_a_download_does_not_change_warning_filters(kind: str) -> None:
    before = list(warnings.filters)
    fake = Yahoo()
    get(fake, kind)
    refusal(fake, kind, "ZZZZ")
    assert warnings.filters == before
