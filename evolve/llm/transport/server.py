"""Requests to the server of a model; the only module that uses the `openai` client."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from evolve.llm.transport.model import OPENAI, Model
from evolve.llm.transport.reply import MAX_SHOWN_CHARACTERS, ModelError, Reply, read_reply
from evolve.llm.transport.request_formats import TEXT, Constraint, RequestFormat

if TYPE_CHECKING:
    from openai import APIStatusError, AsyncOpenAI

Message = dict[str, str]
RETRIES = 2
CONNECT_SECONDS = 10.0
NO_KEY = "none"  # for servers without keys


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

    @property
    def _client(self) -> AsyncOpenAI:
        if self._openai is None:
            import httpx2
            from openai import AsyncOpenAI, DefaultAsyncHttpxClient

            # A proxy of the environment must not receive requests to a local server.
            transport = DefaultAsyncHttpxClient(trust_env=not self.model.is_local)
            self._openai = AsyncOpenAI(
                api_key=self._key or NO_KEY,
                base_url=self.model.base_url,
                max_retries=RETRIES,
                timeout=httpx2.Timeout(self.timeout_seconds, connect=CONNECT_SECONDS),
                http_client=transport,
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
        if request_format.endpoint == "responses":
            post = self._post("/responses", self._build_response_body(messages, fields, limit))
        else:
            post = self._post("/chat/completions", self._build_chat_body(messages, fields, limit))
        body = await self._send(post)
        return read_reply(body, characters, time.monotonic() - started)

    async def models(self) -> list[str]:
        """Return the names of the models of the server.

        Raises:
            ModelError: if the request fails.
        """
        lines = await self._send(self._list_models())
        return lines.split("\n") if lines else []

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
        text = await self._send(self._request_document(url, body))
        with suppress(ValueError, RecursionError):
            if isinstance(document := json.loads(text), Mapping):
                return document
        raise ModelError(f"{url}: expected a JSON object")

    async def close(self) -> None:
        """Close the connections."""
        if self._openai is not None:
            await self._openai.close()

    def _build_chat_body(
        self, messages: Sequence[Message], fields: Mapping[str, Any], limit: int
    ) -> dict[str, Any]:
        model = self.model
        is_openai = model.base_url == OPENAI  # which accepts `max_tokens` for old models only
        body: dict[str, Any] = {"model": model.name, "messages": list(messages)}
        body["max_completion_tokens" if is_openai else "max_tokens"] = limit
        if model.temperature is not None:
            body["temperature"] = model.temperature
        if model.reasoning_effort is not None:
            body["reasoning_effort"] = model.reasoning_effort
        return body | dict(fields) | dict(model.extra_body)

    def _build_response_body(
        self, messages: Sequence[Message], fields: Mapping[str, Any], limit: int
    ) -> dict[str, Any]:
        model = self.model
        body: dict[str, Any] = {"model": model.name, "input": list(messages)}
        body |= {"max_output_tokens": limit, "store": False}
        if model.temperature is not None:
            body["temperature"] = model.temperature
        if model.reasoning_effort is not None:
            body["reasoning"] = {"effort": model.reasoning_effort}
        return body | dict(fields) | dict(model.extra_body)

    async def _post(self, path: str, body: Any) -> str:
        import httpx2

        response = await self._client.post(path, cast_to=httpx2.Response, body=body)
        return response.text

    async def _request_document(self, url: str, body: Any) -> str:
        import httpx2

        if body is None:
            response = await self._client.get(url, cast_to=httpx2.Response)
        else:
            response = await self._client.post(url, cast_to=httpx2.Response, body=body)
        return response.text

    async def _list_models(self) -> str:
        return "\n".join([each.id async for each in await self._client.models.list()])

    async def _send(self, request: Any) -> str:
        """Send a request; convert every failure to a ModelError."""
        import httpx2
        import openai

        url = self.model.base_url
        try:
            text: str = await asyncio.wait_for(request, self.timeout_seconds)
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
        except (openai.OpenAIError, ValueError, RecursionError) as error:
            detail = self._redact(str(error))
            raise ModelError(f"the request to {url} failed: {detail}") from None
        return text

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
        # The message of the client repeats the body, so the message in the body is preferred.
        body = error.body
        message = body.get("message") if isinstance(body, Mapping) else None
        detail = self._redact(str(message or error.message))
        text = f"{self.model.base_url} answered {status}: {detail}"
        if isinstance(body, Mapping) and "n_ctx" in body:  # llama.cpp states its context here only
            text += f" (n_ctx {self._redact(str(body['n_ctx']))})"
        return ModelError(text, hints.get(status, ""), status)
