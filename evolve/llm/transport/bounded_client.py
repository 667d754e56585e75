"""HTTP client that reads a bounded number of bytes from a response, and follows no redirect.

Import it only to send a request: it loads the `openai` client.
"""

from __future__ import annotations

from typing import Any

import httpx2
from openai import DefaultAsyncHttpxClient

from evolve.llm.transport.reply import MAX_SHOWN_CHARACTERS, ModelError

MAX_BODY_BYTES = 4_000_000  # decoded; a stream takes about 250 bytes for each token
REQUESTED_ENCODING = {"accept-encoding": "identity"}
# One coding alone: the decoders expand nested codings by the product of their ratios.
READABLE_ENCODINGS = ("", "identity", "gzip", "deflate")
# The `openai` client uses these headers to retry. Without a content type, text is UTF-8.
USED_HEADERS = ("retry-after", "retry-after-ms", "x-should-retry")


class BoundedClient(DefaultAsyncHttpxClient):
    """HTTP client for servers that may send anything."""

    def __init__(self, trust_env: bool) -> None:
        """
        Args:
            trust_env: whether the proxies of the environment are used.
        """
        super().__init__(trust_env=trust_env, follow_redirects=False, headers=REQUESTED_ENCODING)

    async def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        """Send a request; return the response after its body has been read.

        Raises:
            ModelError: if the body is too large or has an unknown encoding, or if the server
                redirects the request.
        """
        response = await super().send(request, **{**options, "stream": True})
        try:
            _check_redirect(response)
            content = await _read_body(response)
        finally:
            await response.aclose()
        headers = {
            name: response.headers[name] for name in USED_HEADERS if name in response.headers
        }
        return httpx2.Response(
            response.status_code, headers=headers, content=content, request=request
        )


def _check_redirect(response: httpx2.Response) -> None:
    """Raise if a response redirects: another host must not receive the prompt."""
    if response.has_redirect_location:
        url, status = response.request.url, response.status_code
        target = response.headers["location"][:MAX_SHOWN_CHARACTERS]
        raise ModelError(
            f"{url} answered {status}: it redirects to {target}",
            "redirects are not followed: set OPENAI_BASE_URL to the final address",
            status,
        )


async def _read_body(response: httpx2.Response) -> bytes:
    """Return the decoded body of a response; stop at the first byte beyond the limit."""
    url = response.request.url
    encoding = response.headers.get("content-encoding", "").strip().lower()
    if encoding not in READABLE_ENCODINGS:
        shown = encoding[:MAX_SHOWN_CHARACTERS]
        raise ModelError(
            f"{url} sent a body with the encoding `{shown}`: expected none, or gzip or deflate",
            "disable the compression of the server or its proxy",
            may_be_billed=True,
        )
    chunks, size = [], 0
    try:
        async for chunk in response.aiter_bytes():
            size += len(chunk)
            if size > MAX_BODY_BYTES:
                raise ModelError(
                    f"{url} sent a body of more than {MAX_BODY_BYTES:,} bytes",
                    "check the log of the server",
                    may_be_billed=True,
                )
            chunks.append(chunk)
    except httpx2.DecodingError as error:
        message = f"{url} sent a body that is not `{encoding}`: {error}"
        raise ModelError(message, may_be_billed=True) from None
    return b"".join(chunks)
