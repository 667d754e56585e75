"""Fake server of Yahoo Finance that answers the requests of yfinance without a network.

`Yahoo` is the transport of the sessions in `yahoo_sessions`. yfinance is not changed: its cookies,
caches and parsers run.
"""

from __future__ import annotations

import json
import logging
import time
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from tests.data.yahoo_listing import Listing

DAY = 86400
# Days of history by interval; Yahoo rejects longer requests.
REACH = {"1m": 30, "2m": 60, "5m": 60, "15m": 60, "30m": 60, "90m": 60, "1h": 730, "60m": 730}
ENDPOINTS = (  # a part of the address, and the kind of request
    ("fc.yahoo.com", "cookie"),
    ("/v1/test/getcrumb", "crumb"),
    ("guce.yahoo.com", "consent"),
    ("consent.yahoo.com", "consent"),
    ("/v10/finance/quoteSummary/", "info"),
    ("/v7/finance/quote", "info"),
    ("/v1/finance/search", "search"),
    ("fundamentals-timeseries", "fundamentals"),
    ("/v8/finance/chart/", "chart"),
)
CONSENT = (
    '<html><form><input name="csrfToken" value="c"/><input name="sessionId" value="s"/></form>'
)


@dataclass(frozen=True)
class Reply:
    """Reply to one request."""

    status: int = 200
    body: str = ""
    kind: str = "application/json;charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)


class RefusedError(Exception):
    """Error of a refused connection, which each session converts."""


class TooSlowError(Exception):
    """Error of a timeout, which each session converts."""


Fault = Reply | Exception


def error(status: int, code: str, description: str) -> Reply:
    """Return the reply of Yahoo for a wrong chart request."""
    chart = {"result": None, "error": {"code": code, "description": description}}
    return Reply(status, json.dumps({"chart": chart}))


UNKNOWN = error(404, "Not Found", "No data found, symbol may be delisted")
NO_SUCH_DATES = error(400, "Bad Request", "Data doesn't exist for startDate = 1, endDate = 2")
TOO_MANY = Reply(429, "Too Many Requests\r\n", "text/html")
BROKEN = error(500, "Internal Server Error", "Internal Server Error")
BROKEN_PAGE = Reply(502, "<!DOCTYPE html><html><h1>Bad Gateway</h1></html>", "text/html")
PAGE = Reply(200, "<!DOCTYPE html><html><body>Yahoo</body></html>", "text/html")
DOWN = Reply(200, "<html>Will be right back...\nThank you for your patience.</html>", "text/html")
TRUNCATED = Reply(200, '{"chart":{"result":[{"meta":{"currency":"USD","symb')
EMPTY = Reply(200, '{"chart":{"result":[],"error":null}}')
NOTHING = Reply(200, "")
REFUSED = RefusedError("Could not resolve host: query2.finance.yahoo.com")
TOO_SLOW = TooSlowError("Operation timed out after 20001 milliseconds with 0 bytes received")


@dataclass(frozen=True)
class Request:
    """Request of yfinance, with its kind and parameters."""

    kind: str
    url: str
    params: Mapping[str, str]
    timeout: object


class Yahoo:
    """Fake server with listings, faults and a log of requests.

    The kinds of request are `cookie`, `crumb`, `zone`, `chart`, `info`, `consent` and `search`.
    For the `zone`, the time zone of the exchange, yfinance requests a chart of one day.
    """

    def __init__(self, *listings: Listing) -> None:
        self.listings = {each.symbol: each for each in listings or (Listing("SPY"),)}
        self.requests: list[Request] = []
        self._always: dict[str, Fault] = {}
        self._next: dict[str, list[Fault | None]] = {}

    def always(self, fault: Fault, *what: str) -> None:
        """Set a fault for all requests of some kinds; by default, for charts and the zone."""
        self._always.update(dict.fromkeys(what or ("zone", "chart"), fault))

    def then(self, what: str, *faults: Fault | None) -> None:
        """Set the faults of the next requests of a kind; None for a correct answer."""
        self._next.setdefault(what, []).extend(faults)

    def heal(self) -> None:
        """Remove all faults."""
        self._always.clear()
        self._next.clear()

    @property
    def counts(self) -> dict[str, int]:
        """Number of requests by kind."""
        return dict(Counter(each.kind for each in self.requests))

    def answer(self, url: str, params: Mapping[str, str], timeout: object) -> Reply:
        """Return the reply to a request, or raise the exception of its fault."""
        what = next((name for part, name in ENDPOINTS if part in url), "unknown")
        if what == "chart" and (params.get("range"), params.get("interval")) == ("1d", "1d"):
            what = "zone"
        self.requests.append(Request(what, url, params, timeout))
        queue = self._next.get(what)
        fault = queue.pop(0) if queue else self._always.get(what)
        if isinstance(fault, Exception):
            raise fault
        return fault or self._good(what, url, params)

    def _good(self, what: str, url: str, params: Mapping[str, str]) -> Reply:
        symbol = urlsplit(url).path.rsplit("/", 1)[-1]
        listing = self.listings.get(symbol)
        if what in ("zone", "chart"):
            return UNKNOWN if listing is None else _chart(listing, params)
        if what == "cookie":
            cookie = "A3=d=AQABB; Max-Age=31557600; Domain=.yahoo.com; Path=/; Secure; HttpOnly"
            return Reply(404, "Not Found", "text/html", {"Set-Cookie": cookie})
        if what == "crumb":
            return Reply(200, "yMz.1fK0aBc", "text/plain")
        if what == "consent":
            return Reply(200, CONSENT, "text/html")
        if what == "search":
            return Reply(200, '{"quotes":[],"news":[]}')
        if what == "fundamentals":
            return Reply(200, '{"timeseries":{"result":[],"error":null}}')
        if listing is not None:
            about = {"symbol": symbol, "exchangeTimezoneName": listing.zone}
            return Reply(200, json.dumps({"quoteSummary": {"result": [about], "error": None}}))
        fault = {"code": "Not Found", "description": f"Quote not found for symbol: {symbol}"}
        return Reply(404, json.dumps({"quoteSummary": {"result": None, "error": fault}}))


def _chart(listing: Listing, params: Mapping[str, str]) -> Reply:
    interval, now = params["interval"], int(time.time())
    if "range" in params:
        last, span = now + DAY, _span(params["range"])
        first = max(0, listing.opens(listing.days[-1]) - span + DAY)
    else:
        first, last = int(params["period1"]), int(params["period2"])
        span = now - first
    reach = REACH.get(interval)
    if reach and span > reach * DAY:
        return error(
            422,
            "Unprocessable Entity",
            f"{interval} data not available for startTime={first} and endTime={last}. "
            f"The requested range must be within the last {reach} days.",
        )
    if interval == "1m" and span > 8 * DAY:
        return error(
            422,
            "Unprocessable Entity",
            "1m data not available. Only 8 days worth of 1m granularity data are allowed to be "
            "fetched per request.",
        )
    result = listing.result(interval, first, last)
    return Reply(200, json.dumps({"chart": {"result": [result], "error": None}}))


def _span(text: str) -> int:
    """Return the seconds of a range such as 5d, 1mo, 10y or max."""
    number = "".join(each for each in text if each.isdigit())
    days = {"d": 1, "mo": 31, "y": 366, "max": 99 * 366, "ytd": 366}[text.removeprefix(number)]
    return int(number or 1) * days * DAY


@contextmanager
def fresh_yfinance(folder: Path) -> Iterator[None]:
    """Reset the state of yfinance before and after a block, with its caches in a folder."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from yfinance import base, cache, config, data

    level = logging.getLogger("yfinance").level
    hidden = config.debug.hide_exceptions, config.network.retries

    def reset() -> None:
        data.YfData.cache_get.cache_clear()
        data.SingletonMeta._instances.clear()
        base._tz_info_fetch_ctr = 0
        for name in ("Tz", "Cookie", "ISIN"):
            manager = getattr(cache, f"_{name}DBManager")
            manager.close_db()
            manager._db = None
        cache._TzCacheManager._tz_cache = None
        cache._CookieCacheManager._Cookie_cache = None
        cache._ISINCacheManager._isin_cache = None

    reset()
    cache.set_tz_cache_location(str(folder))
    try:
        yield
    finally:
        reset()
        logging.getLogger("yfinance").setLevel(level)
        config.debug.hide_exceptions, config.network.retries = hidden
