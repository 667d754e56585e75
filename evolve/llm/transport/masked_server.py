"""Server of a model that gets a key, and whose answers and errors never contain it."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Awaitable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from evolve.llm.transport.credentials import is_trusted
from evolve.llm.transport.masking import Mask, Value
from evolve.llm.transport.model import Model
from evolve.llm.transport.reply import ModelError, Reply
from evolve.llm.transport.request_body import Message
from evolve.llm.transport.request_formats import TEXT, Constraint, RequestFormat
from evolve.llm.transport.server import Server

if TYPE_CHECKING:
    from openai import AsyncOpenAI


class MaskedServer(Server):
    """Server of a model; all that it answers passes one mask."""

    def __init__(self, model: Model, key: str, timeout_seconds: float) -> None:
        """
        Args:
            model: the model, with the user name and password of its address.
            key: the API key; empty to send none.
            timeout_seconds: the maximum duration of a request with its retries.
        """
        super().__init__(model, key, timeout_seconds)
        self._mask = Mask(key, model.user_info)

    async def ask(
        self,
        messages: Sequence[Message],
        request_format: RequestFormat = TEXT,
        constraint: Constraint | None = None,
        max_tokens: int | None = None,
    ) -> Reply:
        """Return the completion of a prompt, as `Server.ask` does."""
        return await self._take_in(super().ask(messages, request_format, constraint, max_tokens))

    async def models(self) -> list[str]:
        """Return the names of the models of the server, as `Server.models` does."""
        return await self._take_in(super().models())

    async def read_document(
        self, path: str, body: Mapping[str, Any] | None = None
    ) -> Mapping[str, Any]:
        """Return a JSON document beside the API, as `Server.read_document` does."""
        return await self._take_in(super().read_document(path, body))

    async def _take_in(self, answer: Awaitable[Value]) -> Value:
        """Return an answer without credentials; raise an error without them."""
        try:
            return self._mask.apply(await answer)
        except ModelError as error:
            raise self._mask.apply_to_error(error) from None

    @property
    def _client(self) -> AsyncOpenAI:
        is_new = self._openai is None
        client = super()._client
        if is_new and not is_trusted(self.model):
            # The client reads these from the environment, for OpenAI.
            client.organization = client.project = None
            client._custom_headers = {}
        if is_new and self.model.user_info:
            name, _, password = self.model.user_info.partition(":")
            basic = b64encode(f"{unquote(name)}:{unquote(password)}".encode()).decode()
            client._custom_headers = {
                **client._custom_headers,
                "Authorization": f"Basic {basic}",
            }
        return client
