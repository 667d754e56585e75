"""A Yahoo Finance of our own: what yfinance itself asks, answered without a network.

`Yahoo` answers; `sessions(yahoo)` are the two kinds of session that yfinance takes, with their
transport replaced by it. Nothing of yfinance is: its cookies, caches and parsers all run.
"""

from __future__ import annotations

import io
import json
import logging
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http.client import responses
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import curl_cffi.requests as curl
import requests
import urllib3

from tests.data.yahoo_listing import Listing

DAY = 86400
# How far back Yahoo goes, and what it calls the fault of asking for more.
REACH = {"1m": 30, "2m": 60, "5m": 60, "15m": 60, "30m": 60, "90m": 60, "1h": 730, "60m": 730}
ENDPOINTS = (  # a part of the address, and what it is called here
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
    """What comes back of one request."""

    status: int = 200
    body: str = ""
    kind: str = "application/json;charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)


class RefusedError(Exception):
    """No connection: each session makes its own error of it."""


class TooSlowError(Exception):
    """No answer in time."""


Fault = Reply | Exception  # what may go wrong


def error(status: int, code: str, description: str) -> Reply:
    """Yahoo's own way to say what is wrong with a chart."""
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
class Asked:
    """One request: what it was for, and its parameters."""

    what: str
    url: str
    params: Mapping[str, str]
    timeout: object


class Yahoo:
    """What is listed, what is to go wrong, and all that was asked.

    A request is for a `cookie`, a `crumb`, the `zone` (yfinance asks the chart of one day for the
    exchange's time zone), a `chart`, `info`, `consent` or `search`.
    """

    def __init__(self, *listings: Listing) -> None:
        self.listings = {each.symbol: each for each in listings or (Listing("SPY"),)}
        self.asked: list[Asked] = []
        self._always: dict[str, Fault] = {}
        self._next: dict[str, list[Fault | None]] = {}

    def always(self, fault: Fault, *what: str) -> None:
        """Answer so from now on; to charts and the time zone if nothing else is named."""
        self._always.update(dict.fromkeys(what or ("zone", "chart"), fault))

    def then(self, what: str, *faults: Fault | None) -> None:
        """Answer so once each, None for a good answer, before anything else."""
        self._next.setdefault(what, []).extend(faults)

    def heal(self) -> None:
        """Answer well from now on."""
        self._always.clear()
        self._next.clear()

    @property
    def counts(self) -> dict[str, int]:
        """How often each thing was asked for."""
        return dict(Counter(each.what for each in self.asked))

    def answer(self, url: str, params: Mapping[str, str], timeout: object) -> Reply:
        """The reply to a request; raises what `always` and `then` were given to raise."""
        what = next((name for part, name in ENDPOINTS if part in url), "unknown")
        if what == "chart" and (params.get("range"), params.get("interval")) == ("1d", "1d"):
            what = "zone"
        self.asked.append(Asked(what, url, params, timeout))
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
    """The seconds of a range such as 5d, 1mo, 10y or max."""
    number = "".join(each for each in text if each.isdigit())
    days = {"d": 1, "mo": 31, "y": 366, "max": 99 * 366, "ytd": 366}[text.removeprefix(number)]
    return int(number or 1) * days * DAY


# -- the two kinds of session


class _Original:
    """What cookies are read from."""

    def __init__(self, message: Message) -> None:
        self.msg = message

    def isclosed(self) -> bool:
        return True


class _Adapter(requests.adapters.BaseAdapter):
    def __init__(self, yahoo: Yahoo) -> None:
        super().__init__()
        self.yahoo = yahoo

    def send(self, request: Any, *rest: Any, timeout: Any = None, **options: Any) -> Any:
        parts = urlsplit(request.url)
        url = parts._replace(query="").geturl()
        try:
            reply = self.yahoo.answer(url, dict(parse_qsl(parts.query)), timeout)
        except RefusedError as why:
            raise requests.exceptions.ConnectionError(str(why), request=request) from None
        except TooSlowError as why:
            raise requests.exceptions.ReadTimeout(str(why), request=request) from None
        headers = {"Content-Type": reply.kind, **reply.headers}
        message = Message()
        for name, value in headers.items():
            message[name] = value
        raw = urllib3.HTTPResponse(
            io.BytesIO(reply.body.encode()),
            headers,
            reply.status,
            reason=responses[reply.status],
            preload_content=False,
        )
        raw._original_response = _Original(message)  # type: ignore[assignment]
        return requests.adapters.HTTPAdapter().build_response(request, raw)

    def close(self) -> None:
        pass


class _CurlSession(curl.Session[Any]):
    def __init__(self, yahoo: Yahoo) -> None:
        super().__init__(impersonate="chrome")
        self.yahoo = yahoo

    def request(self, method: Any, url: str, params: Any = None, **options: Any) -> Any:  # type: ignore[override]
        asked = {name: str(value) for name, value in (params or {}).items()}
        more = "See https://curl.se/libcurl/c/libcurl-errors.html first for more details."
        try:
            reply = self.yahoo.answer(url, asked, options.get("timeout"))
        except RefusedError as why:
            text = f"Failed to perform, curl: (6) {why}. {more}"
            raise curl.exceptions.DNSError(text, 6) from None  # type: ignore[arg-type]
        except TooSlowError as why:
            text = f"Failed to perform, curl: (28) {why}. {more}"
            raise curl.exceptions.Timeout(text, 28) from None  # type: ignore[arg-type]
        made = curl.Response()
        made.url, made.status_code, made.ok = url, reply.status, reply.status < 400
        made.content, made.reason = reply.body.encode(), responses[reply.status]
        made.headers = curl.Headers({"Content-Type": reply.kind, **reply.headers})
        if "Set-Cookie" in reply.headers:
            self.cookies.set("A3", "d=AQABB", domain=".yahoo.com", secure=True)
            for cookie in self.cookies.jar:
                cookie.expires = int(time.time()) + 365 * DAY
        return made


def _mounted(yahoo: Yahoo) -> Any:
    session = requests.Session()
    session.mount("https://", _Adapter(yahoo))
    return session


SESSIONS: Mapping[str, Callable[[Yahoo], Any]] = {"curl": _CurlSession, "requests": _mounted}


@contextmanager
def fresh_yfinance(folder: Path) -> Iterator[None]:
    """As if yfinance had just been imported, and so again after; its caches in a folder."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from yfinance import base, cache, config, data

    level = logging.getLogger("yfinance").level
    hidden = config.debug.hide_exceptions, config.network.retries

    def forget() -> None:
        data.YfData.cache_get.cache_clear()
        data.SingletonMeta._instances.clear()
        base._tz_info_fetch_ctr = 0
        for name in ("Tz", "Cookie", "ISIN"):
            keeper = getattr(cache, f"_{name}DBManager")
            keeper.close_db()
            keeper._db = None
        cache._TzCacheManager._tz_cache = None
        cache._CookieCacheManager._Cookie_cache = None
        cache._ISINCacheManager._isin_cache = None

    forget()
    cache.set_tz_cache_location(str(folder))
    try:
        yield
    finally:
        forget()
        logging.getLogger("yfinance").setLevel(level)
        config.debug.hide_exceptions, config.network.retries = hidden
