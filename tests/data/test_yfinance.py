"""Yahoo through yfinance itself: only its transport is ours, so all that it does is done here."""

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

DAYS = weekdays(date(2024, 3, 4), 10)  # the clocks of New York go forward within them
pytestmark = pytest.mark.usefixtures("fresh_yfinance")
FOREVER = 40  # requests: more than any one download may make of a Yahoo that fails


@pytest.fixture(params=list(server.SESSIONS))
def kind(request: pytest.FixtureRequest) -> str:
    """Each of the two sessions that yfinance takes; without one it makes itself a `curl`."""
    return str(request.param)


def get(made: Yahoo, kind: str = "curl", symbol: str = "SPY", **options: Any) -> pd.DataFrame:
    return yahoo.download(symbol, session=server.SESSIONS[kind](made), **options)


def refusal(made: Yahoo, kind: str = "curl", symbol: str = "SPY") -> EvolveError:
    """The error of a download, which must be fit for a person to read."""
    with pytest.raises(EvolveError) as caught:
        get(made, kind, symbol)
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


# -- what is right


def test_prices_as_yahoo_gives_them(kind: str, slept: list[float]) -> None:
    listing = Listing("SPY", DAYS, dividends={DAYS[5]: 5.2}, splits={DAYS[7]: (2, 1)})
    made = Yahoo(listing)
    frame = get(made, kind)
    assert days(frame) == DAYS
    assert frame.index.name == "Date"
    assert pd.DatetimeIndex(frame.index).tz is None
    assert list(frame["Close"]) == [100.0 + n for n in range(10)]
    assert list(frame["Volume"]) == [1000 + n for n in range(10)]
    factor = (frame["Adj Close"] / frame["Close"]).round(9).tolist()
    assert factor == [0.95] * 5 + [1.0] * 5
    assert frame["Dividends"].tolist() == [0.0] * 5 + [5.2] + [0.0] * 4
    assert frame["Stock Splits"].tolist() == [0.0] * 7 + [2.0] + [0.0] * 2
    assert made.counts["chart"] == 1
    assert sum(made.counts.values()) <= 4
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
def test_days_are_the_exchanges_own(symbol: str, zone: str, hours: tuple[clock, clock]) -> None:
    frame = get(Yahoo(Listing(symbol, DAYS, zone=zone, hours=hours)), symbol=symbol)
    assert days(frame) == DAYS
    assert pd.DatetimeIndex(frame.index).tz is None


@pytest.mark.parametrize("instrument", ["EQUITY", "ETF", "MUTUALFUND", "INDEX", "CURRENCY"])
def test_columns_are_the_same_for_every_instrument(instrument: str) -> None:
    frame = get(Yahoo(Listing("SPY", instrument=instrument)))
    assert list(frame.columns)[:6] == list(yahoo.COLUMNS)[:6]
    assert "Capital Gains" not in frame.columns


def test_without_an_adjusted_close_it_is_the_close() -> None:
    frame = get(
        Yahoo(Listing("^GSPC", instrument="INDEX", flaws=[without_adjclose])), "curl", "^GSPC"
    )
    assert frame["Adj Close"].tolist() == frame["Close"].tolist()


def test_a_row_without_anything_is_left_out(kind: str) -> None:
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
    made = Yahoo()
    made.always(fault, what)
    assert len(get(made, kind)) == 10


# -- what is wrong

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
PLACES = {"from the start": ("zone", "chart"), "at the prices": ("chart",)}


@pytest.mark.parametrize("what", PLACES.values(), ids=PLACES)
@pytest.mark.parametrize("fault", UNREACHABLE.values(), ids=UNREACHABLE)
def test_a_yahoo_that_fails_is_unreachable_and_may_recover(
    fault: Fault, what: tuple[str, ...], kind: str
) -> None:
    """yfinance keeps the first answer about a symbol, a bad one too, as long as it lives."""
    made = Yahoo()
    made.always(fault, *what)
    assert isinstance(refusal(made, kind), UnreachableError)
    assert sum(made.counts.values()) < FOREVER
    made.heal()
    assert len(get(made, kind)) == 10


def test_too_many_requests_are_named_as_the_cause(kind: str) -> None:
    made = Yahoo()
    made.always(server.TOO_MANY)
    error = refusal(made, kind)
    assert "refuses" in error.message or "too many" in error.message.lower()


def test_too_many_requests_once_are_no_matter(kind: str, slept: list[float]) -> None:
    """yfinance asks a second time by itself, at once."""
    made = Yahoo()
    made.then("chart", server.TOO_MANY)
    assert len(get(made, kind)) == 10
    assert slept == []


def test_an_unknown_symbol_is_no_outage_however_often_it_is_asked_for(kind: str) -> None:
    """A fallback must not stand in for a slip of the pen."""
    made = Yahoo()
    for _ in range(4):
        error = refusal(made, kind, "ZZZZ")
        assert not isinstance(error, UnreachableError)
        assert "no prices" in error.message
        assert error.hint
    assert len(get(made, kind)) == 10  # and others are there as before


DELISTED = {"404": server.UNKNOWN, "400": server.NO_SUCH_DATES, "empty": server.EMPTY}


@pytest.mark.parametrize("fault", DELISTED.values(), ids=DELISTED)
def test_a_symbol_that_has_no_prices_left_is_no_outage(fault: Fault, kind: str) -> None:
    made = Yahoo()
    made.always(fault, "chart")
    assert not isinstance(refusal(made, kind), UnreachableError)


@pytest.mark.parametrize(
    "flaws", [[without_bars], [null(row) for row in range(10)]], ids=["bars", "cells"]
)
def test_a_symbol_without_bars_is_no_outage(flaws: list[Flaw]) -> None:
    error = refusal(Yahoo(Listing("SPY", DAYS, flaws=flaws)))
    assert not isinstance(error, UnreachableError)
    assert "no prices" in error.message


@pytest.mark.parametrize("name", ["instrumentType", "currency", "exchangeTimezoneName"])
def test_an_answer_that_lacks_a_part_is_an_error_in_words(name: str) -> None:
    refusal(Yahoo(Listing("SPY", flaws=[without_meta(name)])))


def test_an_isin_that_yahoo_does_not_know_is_no_outage() -> None:
    error = refusal(Yahoo(), symbol="US0378331005")
    assert not isinstance(error, UnreachableError)


# -- other lengths of bar


@pytest.mark.parametrize(("interval", "count"), [("1h", 7), ("5m", 78)])
def test_bars_within_a_day_have_the_exchanges_clock(interval: str, count: int) -> None:
    recent = weekdays(datetime.now(UTC).date() - timedelta(days=9), 3)
    frame = get(Yahoo(Listing("SPY", recent)), interval=interval)
    assert len(frame) == 3 * count
    index = pd.DatetimeIndex(frame.index)
    assert index.tz is None
    assert str(index[0]) == f"{recent[0]} 09:30:00"
    assert index.is_monotonic_increasing
    assert index.is_unique


# -- what is left behind


def test_a_new_session_is_the_one_that_is_asked(kind: str) -> None:
    first, second = Yahoo(), Yahoo()
    get(first, kind)
    asked = len(first.asked)
    get(second, kind)
    assert len(first.asked) == asked
    assert second.counts["chart"] == 1


def test_nothing_is_left_of_one_yfinance_for_the_next(kind: str, tmp_path: Path) -> None:
    first, second = Yahoo(), Yahoo()
    first.always(server.BROKEN_PAGE, "cookie", "crumb", "zone", "chart")
    refusal(first, kind)
    with server.fresh_yfinance(tmp_path / "home" / "next"):
        assert len(get(second, kind)) == 10
    assert second.counts["cookie"] == second.counts["crumb"] == 1


def test_warnings_are_as_they_were(kind: str) -> None:
    before = list(warnings.filters)
    made = Yahoo()
    get(made, kind)
    refusal(made, kind, "ZZZZ")
    assert warnings.filters == before
