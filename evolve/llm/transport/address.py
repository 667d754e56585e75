"""Addresses of servers, and the user names and passwords in them."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

_USER_INFO = re.compile(r"://([^/?#\s]+)@")  # up to the last `@` before the path
_PORTS = {"http": 80, "https": 443}


def strip_user_info(url: str) -> tuple[str, str]:
    """Return an address without `user:password@`, and `user:password`; empty if it has none."""
    match = _USER_INFO.search(url)
    if match is None:
        return url, ""
    return url[: match.start(1)] + url[match.end() :], match.group(1)


def mask_user_info(text: str) -> str:
    """Return a text of the same length without the user names and passwords of addresses."""
    return _USER_INFO.sub(lambda match: f"://{'*' * len(match.group(1))}@", text)


def parse_origin(url: str) -> tuple[str, str, int | None]:
    """Return scheme, host and port of an address; empty and None for what it does not have."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "", "", None
    scheme = parts.scheme.lower()
    return scheme, (parts.hostname or "").lower(), port or _PORTS.get(scheme)


def format_host(url: str) -> str:
    """Return the host of an address for messages, with a port that is not the usual one."""
    scheme, host, port = parse_origin(url)
    return host if port == _PORTS.get(scheme) or port is None else f"{host}:{port}"
