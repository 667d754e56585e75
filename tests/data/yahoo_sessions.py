"""The two kinds of session that yfinance accepts, with the fake server as their transport."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Mapping
from email.message import Message
from http.client import responses
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import curl_cffi.requests as curl
import requests
import urllib3

from tests.data.yahoo_server import DAY, RefusedError, TooSlowError, Yahoo


class _Original:
    """Original response, from which requests reads cookies."""

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
        except RefusedError as caught:
            raise requests.exceptions.ConnectionError(str(caught), request=request) from None
        except TooSlowError as caught:
            raise requests.exceptions.ReadTimeout(str(caught), request=request) from None
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
        texts = {name: str(value) for name, value in (params or {}).items()}
        more = "See https://curl.se/libcurl/c/libcurl-errors.html first for more details."
        try:
            reply = self.yahoo.answer(url, texts, options.get("timeout"))
        except RefusedError as caught:
            text = f"Failed to perform, curl: (6) {caught}. {more}"
            raise curl.exceptions.DNSError(text, 6) from None  # type: ignore[arg-type]
        except TooSlowError as caught:
            text = f"Failed to perform, curl: (28) {caught}. {more}"
            raise curl.exceptions.Timeout(text, 28) from None  # type: ignore[arg-type]
        response = curl.Response()
        response.url, response.status_code, response.ok = url, reply.status, reply.status < 400
        response.content, response.reason = reply.body.encode(), responses[reply.status]
        response.headers = curl.Headers({"Content-Type": reply.kind, **reply.headers})
        if "Set-Cookie" in reply.headers:
            self.cookies.set("A3", "d=AQABB", domain=".yahoo.com", secure=True)
            for cookie in self.cookies.jar:
                cookie.expires = int(time.time()) + 365 * DAY
        return response


def _build_requests_session(yahoo: Yahoo) -> Any:
    session = requests.Session()
    session.mount("https://", _Adapter(yahoo))
    return session


SESSIONS: Mapping[str, Callable[[Yahoo], Any]] = {
    "curl": _CurlSession,
    "requests": _build_requests_session,
}
