"""Requests to the server of a model; the only module that uses the `openai` client."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Awaitable, Collection, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from evolve.llm.transport.model import Model
from evolve.llm.transport.refusals import (
    find_unsupported_field,
    read_server_words,
    suggest_remedy,
)
from evolve.llm.transport.reply import (
    ERROR_IN_ANSWER,
    MAX_SHOWN_CHARACTERS,
    ModelError,
    OtherFormatError,
    Reply,
    read_model_names,
    read_reply,
)
from evolve.llm.transport.request_body import (
    Message,
    build_chat_body,
    build_response_body,
    list_optional_fields,
)
from evolve.llm.transport.request_formats import TEXT, Constraint, RequestFormat

if TYPE_CHECKING:
    from openai import APIStatusError, AsyncOpenAI

RETRIES = 2
CONNECT_SECONDS = 10.0
NO_KEY = "none"  # for servers without keys
INVALID_REQUEST = (400, 422)
NO_SUCH_PATH = (404, 405, ERROR_IN_ANSWER)  # statuses of a request to a path that does not exist
_VERSION = re.compile(r"[^/]/v\d")
_CONTEXT = re.compile(r"\bn_ctx\W+(\d+)")


class Server:
    """The server of a model."""

    def __init__(self, model: Model, key: str | None, timeout_seconds: float) -> None:
        """
        Args:
            model: the model and its request parameters.
            key: the API key; None if the server needs none.
            timeout_seconds: the maximum duration of a request with its retries.
        """
        self.model = model
        self.timeout_seconds = timeout_seconds
        self._key = (key or "").strip()
        self._openai: AsyncOpenAI | None = None
        self._unsupported: frozenset[str] = frozenset()

    @property
    def unsupported_fields(self) -> frozenset[str]:
        """Fields that the server does not support, and without which it answered."""
        return self._unsupported

    def omit_fields(self, names: Collection[str]) -> None:
        """Omit fields from all requests, since the server refused them earlier."""
        self._unsupported |= set(names)

    @property
    def _client(self) -> AsyncOpenAI:
        if self._openai is None:
            import httpx2
            from openai import AsyncOpenAI

            from evolve.llm.transport.bounded_client import BoundedClient

            self._openai = AsyncOpenAI(
                api_key=self._key or NO_KEY,
                base_url=self.model.base_url,
                max_retries=RETRIES,
                timeout=httpx2.Timeout(self.timeout_seconds, connect=CONNECT_SECONDS),
                # A proxy of the environment must not receive requests to a local server.
                http_client=BoundedClient(trust_env=not self.model.is_local),
            )
        return self._openai

    async def ask(
        self,
        messages: Sequence[Message],
        request_format: RequestFormat = TEXT,
        constraint: Constraint | None = None,
        max_tokens: int | None = None,
    ) -> Reply:
        """Return the completion of a prompt; transient errors are retried.

        Args:
            messages: the prompt.
            request_format: the format of the constraint.
            constraint: the constraint on the answer; None for no constraint.
            max_tokens: a limit below that of the model.

        Raises:
            ModelError: if the request fails.
        """
        fields = {} if constraint is None else request_format.fields(constraint)
        started = time.monotonic()
        characters = sum(len(each["content"]) for each in messages)
        limit = min(max_tokens or self.model.max_tokens, self.model.max_tokens)
        is_chat = request_format.endpoint == "chat"
        build_body = build_chat_body if is_chat else build_response_body
        path = "/chat/completions" if is_chat else "/responses"
        unsupported = self._unsupported
        while True:
            body = build_body(self.model, messages, fields, limit, unsupported)
            try:
                text = await self._send(self._post(path, body), started)
                reply = read_reply(text, characters, time.monotonic() - started)
            except ModelError as error:
                optional = list_optional_fields(body, self.model, unsupported)
                field = find_unsupported_field(error.body, optional)
                if error.status not in INVALID_REQUEST or not field:
                    raise self._add_address(error) from None
                unsupported |= {field}
            except Exception as error:  # a document that no reader foresees fails its request
                detail = self._redact(f"{type(error).__name__}: {error}")
                message = f"cannot read the answer of {self.model.base_url}: {detail}"
                raise ModelError(message, may_be_billed=True) from None
            else:
                self._unsupported |= unsupported
                return reply

    async def models(self) -> list[str]:
        """Return the names of the models of the server.

        Raises:
            ModelError: if the request fails. If the server answers at the address with `/v1`, the
                hint names that address.
        """
        try:
            return read_model_names(await self._send(self._get("/models")))
        except ModelError as error:
            failure = self._add_address(error)
            if failure is error:
                raise
        url = self._versioned_url
        try:
            read_model_names(await self._send(self._get(f"{url}/models")))
        except ModelError:
            raise failure from None
        hint = f"the server answers at {url}: set OPENAI_BASE_URL to it"
        raise ModelError(failure.message, hint, failure.status) from None

    async def read_document(
        self, path: str, body: Mapping[str, Any] | None = None
    ) -> Mapping[str, Any]:
        """Return a JSON document beside the API, such as `/props`.

        Args:
            path: from the address of the API without `/v1`.
            body: is posted; None to get the document.

        Raises:
            ModelError: if the request fails, or the document is not an object.
        """
        url = self.model.base_url.removesuffix("/v1") + path
        text = await self._send(self._get(url) if body is None else self._post_document(url, body))
        with suppress(ValueError, RecursionError):
            if isinstance(document := json.loads(text), Mapping):
                return document
        raise ModelError(f"{url}: expected a JSON object")

    async def close(self) -> None:
        """Close the connections."""
        if self._openai is not None:
            await self._openai.close()

    async def _post(self, path: str, body: Any) -> str:
        import httpx2

        return (await self._client.post(path, cast_to=httpx2.Response, body=body)).text

    async def _post_document(self, url: str, body: Any) -> str:
        import httpx2

        return (await self._client.post(url, cast_to=httpx2.Response, body=body)).text

    async def _get(self, path: str) -> str:
        import httpx2

        return (await self._client.get(path, cast_to=httpx2.Response)).text

    async def _send(self, request: Awaitable[str], started: float | None = None) -> str:
        """Return the text of a response; convert every failure to a ModelError.

        Args:
            request: the request.
            started: the start of the call, whose requests share one time limit; None for now.
        """
        import httpx2
        import openai

        url = self.model.base_url
        try:
            now = time.monotonic()
            left = self.timeout_seconds - (now - (now if started is None else started))
            return await asyncio.wait_for(request, left)
        except ModelError:
            raise
        except (TimeoutError, openai.APITimeoutError):
            seconds = f"{self.timeout_seconds:g}"
            raise ModelError(
                f"{url} did not answer within {seconds} seconds",
                "raise `llm.timeout_seconds`, or lower the model's `max_tokens`",
                may_be_billed=True,
                is_unreachable=True,
            ) from None
        except openai.APIStatusError as error:
            raise self._convert_status_error(error) from None
        except openai.APIConnectionError as error:
            cause = error.__cause__ or error
            detail = self._redact(str(cause) or type(cause).__name__)
            if isinstance(cause, httpx2.RemoteProtocolError | httpx2.ReadError):
                hint = "check the log of the server"
                message = f"{url} closed the connection during its response: {detail}"
                raise ModelError(message, hint, may_be_billed=True) from None
            hint = "check that the server runs and that OPENAI_BASE_URL is its address"
            message = f"cannot reach {url}: {detail}"
            raise ModelError(message, hint, is_unreachable=True) from None
        except (httpx2.InvalidURL, ImportError) as error:
            hint = "check OPENAI_BASE_URL, such as http://localhost:11434/v1, and the proxy"
            message = f"cannot reach {url}: {self._redact(str(error))}"
            raise ModelError(message, hint, is_unreachable=True) from None
        except UnicodeEncodeError:
            hint = f"check {self.model.api_key_env}"
            message = "invalid characters in the API key"
            raise ModelError(message, hint, is_unreachable=True) from None
        except Exception as error:  # the client and its parsers raise exceptions of any type
            detail = self._redact(str(error) or type(error).__name__)
            raise ModelError(f"the request to {url} failed: {detail}") from None

    def _redact(self, text: str) -> str:
        """Return an error on one line, shortened and without the API key."""
        line = " ".join(text.split())
        return (line.replace(self._key, "…") if self._key else line)[:MAX_SHOWN_CHARACTERS]

    def _convert_status_error(self, error: APIStatusError) -> ModelError:
        status, name = error.status_code, self.model.name
        hints = {
            401: f"set {self.model.api_key_env}",
            403: f"check that the key in {self.model.api_key_env} may use this model",
            404: f"check that the server has the model `{name}`; set OPENAI_MODEL or `llm.models`",
            429: "the rate limit is exceeded, or the credit is used up",
        }
        body = error.response.text
        detail = self._redact(read_server_words(body)) or "nothing"
        text = f"{self.model.base_url} answered {status}: {detail}"
        if context := _CONTEXT.search(body):  # llama.cpp states its context here only
            text += f" (n_ctx {context[1]})"
        hint = suggest_remedy(body) if status in INVALID_REQUEST else hints.get(status, "")
        return ModelError(text, hint, status, body=body)

    @property
    def _versioned_url(self) -> str:
        """The address with `/v1`; empty if the address has a version."""
        url = self.model.base_url
        return "" if _VERSION.search(url) else f"{url.rstrip('/')}/v1"

    def _add_address(self, error: ModelError) -> ModelError:
        """Return an error with a hint to the address with `/v1`, if the address may be wrong."""
        url = self._versioned_url
        is_wrong = isinstance(error, OtherFormatError) or error.status in NO_SUCH_PATH
        if not (url and is_wrong):
            return error
        hint = f"set OPENAI_BASE_URL to {url}, if the server has its API there"
        return ModelError(
            error.message, f"{hint}; {error.hint}" if error.hint else hint, error.status,
            error.may_be_billed, error.is_unreachable, error.body,
        )  # fmt: skip
