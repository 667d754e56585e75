"""One request to one model's server: the only place that knows the `openai` client."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from evolve.llm.transport.model import OPENAI, Model
from evolve.llm.transport.reply import MAX_SHOWN_CHARACTERS, ModelError, Reply, read_reply
from evolve.llm.transport.request_formats import TEXT, Constraint, RequestFormat

if TYPE_CHECKING:
    from openai import APIStatusError, AsyncOpenAI

Message = dict[str, str]
RETRIES = 2
CONNECT_SECONDS = 10.0
NO_KEY = "none"  # what servers that want no key are sent


class Server:
    """The server of one model."""

    def __init__(self, model: Model, key: str | None, timeout_seconds: float) -> None:
        """
        Args:
            model: which one, and how it is asked.
            key: None where the server wants none.
            timeout_seconds: for an answer, tries again included.
        """
        self.model = model
        self.timeout_seconds = timeout_seconds
        self._key = (key or "").strip()
        self._opened: AsyncOpenAI | None = None

    @property
    def _client(self) -> AsyncOpenAI:
        if self._opened is None:
            import httpx2
            from openai import AsyncOpenAI, DefaultAsyncHttpxClient

            # A proxy of the environment must not capture what goes to this machine.
            transport = DefaultAsyncHttpxClient(trust_env=not self.model.is_local)
            self._opened = AsyncOpenAI(
                api_key=self._key or NO_KEY,
                base_url=self.model.base_url,
                max_retries=RETRIES,
                timeout=httpx2.Timeout(self.timeout_seconds, connect=CONNECT_SECONDS),
                http_client=transport,
            )
        return self._opened

    async def ask(
        self,
        messages: Sequence[Message],
        shape: RequestFormat = TEXT,
        constraint: Constraint | None = None,
        max_tokens: int | None = None,
    ) -> Reply:
        """The model's answer; what is worth another try is tried again.

        Args:
            messages: of the chat.
            shape: how the constraint is put.
            constraint: what the answer is held to; None to leave it free.
            max_tokens: fewer than the model's own.

        Raises:
            ModelError: if there is none.
        """
        fields = {} if constraint is None else shape.fields(constraint)
        began = time.monotonic()
        sent = sum(len(each["content"]) for each in messages)
        limit = min(max_tokens or self.model.max_tokens, self.model.max_tokens)
        if shape.endpoint == "responses":
            post = self._post("/responses", self._response(messages, fields, limit))
        else:
            post = self._post("/chat/completions", self._chat(messages, fields, limit))
        body = await self._guarded(post)
        return read_reply(body, sent, time.monotonic() - began)

    async def models(self) -> list[str]:
        """The names of the models the server has.

        Raises:
            ModelError: if it does not say.
        """
        listed = await self._guarded(self._list_models())
        return listed.split("\n") if listed else []

    async def close(self) -> None:
        """Let go of its connections."""
        if self._opened is not None:
            await self._opened.close()

    def _chat(self, messages: Sequence[Message], fields: Mapping[str, Any], limit: int) -> Any:
        model = self.model
        is_openai = model.base_url == OPENAI  # which takes the old name for old models alone
        body: dict[str, Any] = {"model": model.name, "messages": list(messages)}
        body["max_completion_tokens" if is_openai else "max_tokens"] = limit
        if model.temperature is not None:
            body["temperature"] = model.temperature
        if model.reasoning_effort is not None:
            body["reasoning_effort"] = model.reasoning_effort
        return body | dict(fields) | dict(model.extra_body)

    def _response(self, messages: Sequence[Message], fields: Mapping[str, Any], limit: int) -> Any:
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

    async def _list_models(self) -> str:
        return "\n".join([each.id async for each in await self._client.models.list()])

    async def _guarded(self, request: Any) -> str:
        """What a request gives, with every way it can fail said in words."""
        import httpx2
        import openai

        where = self.model.base_url
        try:
            text: str = await asyncio.wait_for(request, self.timeout_seconds)
        except (TimeoutError, openai.APITimeoutError):
            seconds = f"{self.timeout_seconds:g}"
            raise ModelError(
                f"{where} did not answer within {seconds} seconds",
                "raise `llm.timeout_seconds`, or lower the model's `max_tokens`",
                may_be_billed=True,
                is_out_of_reach=True,
            ) from None
        except openai.APIStatusError as error:
            raise self._status_error(error) from None
        except openai.APIConnectionError as error:
            cause = error.__cause__ or error
            said = self._shown(str(cause) or type(cause).__name__)
            if isinstance(cause, httpx2.RemoteProtocolError | httpx2.ReadError):
                hint = "look at the server's own log"
                message = f"{where} broke off while it answered: {said}"
                raise ModelError(message, hint, may_be_billed=True) from None
            hint = "is the server running, and OPENAI_BASE_URL its address?"
            message = f"{where} cannot be reached: {said}"
            raise ModelError(message, hint, is_out_of_reach=True) from None
        except (httpx2.InvalidURL, ImportError) as error:
            hint = "is OPENAI_BASE_URL like http://localhost:11434/v1, and the proxy one of http?"
            message = f"{where} cannot be asked: {self._shown(str(error))}"
            raise ModelError(message, hint, is_out_of_reach=True) from None
        except UnicodeEncodeError:
            hint = f"look at {self.model.api_key_env}"
            message = "the key holds characters that no key has"
            raise ModelError(message, hint, is_out_of_reach=True) from None
        except (openai.OpenAIError, ValueError, RecursionError) as error:
            said = self._shown(str(error))
            raise ModelError(f"{where} answered what cannot be read: {said}") from None
        return text

    def _shown(self, text: str) -> str:
        """What may be told of an error: on one line, cut, and without the key."""
        said = " ".join(text.split())
        return (said.replace(self._key, "…") if self._key else said)[:MAX_SHOWN_CHARACTERS]

    def _status_error(self, error: APIStatusError) -> ModelError:
        status, name = error.status_code, self.model.name
        hints = {
            401: f"set {self.model.api_key_env}",
            403: f"may the key in {self.model.api_key_env} use this model?",
            404: f"does the server have the model `{name}`? Set OPENAI_MODEL, or `llm.models`",
            429: "the server asks for fewer requests, or the credit is used up",
        }
        # What stands in its body, where the client tells more than that.
        body = error.body
        message = body.get("message") if isinstance(body, Mapping) else None
        said = self._shown(str(message or error.message))
        where = self.model.base_url
        return ModelError(f"{where} answered {status}: {said}", hints.get(status, ""), status)
