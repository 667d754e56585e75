"""Guard of the server: refuses foreign hosts, other sites and methods, and adds headers.

A page of another site may ask a browser to send requests to this machine. A name that resolves to
this machine would make them requests of the same site (DNS rebinding), so the Host header must name
this server. Fetch metadata (W3C, "Fetch Metadata Request Headers") identify the other requests.
"""

from __future__ import annotations

from contextlib import suppress

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

METHODS = ("GET", "HEAD")
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
        "img-src data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Guard:
    """Application that passes only safe requests of this machine to another application."""

    def __init__(self, app: ASGIApp, port: int) -> None:
        """
        Args:
            app: the application.
            port: the port of the server.
        """
        self._app, self._port = app, port

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request to the application, or refuse it."""
        if scope["type"] != "http":
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        app = self._refuse(scope["method"], Headers(scope=scope)) or self._app
        with suppress(Exception):  # Starlette has answered with status 500, and raises it again
            await app(scope, receive, send_with_headers)

    def _refuse(self, method: str, headers: Headers) -> Response | None:
        """Return the answer to a request that is refused; None if it is not."""
        if headers.getlist("host") not in [[f"{name}:{self._port}"] for name in LOOPBACK]:
            text = f"wrong host: open http://127.0.0.1:{self._port}"
            return PlainTextResponse(text, 421)
        if method not in METHODS:
            return PlainTextResponse("read only", 405, {"Allow": ", ".join(METHODS)})
        is_navigation = headers.get("sec-fetch-mode") == "navigate"
        if headers.get("sec-fetch-site") in ("cross-site", "same-site") and not is_navigation:
            return PlainTextResponse("this page serves no other site", 403)
        return None
