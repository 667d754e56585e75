"""Clients of models, which detect the strictest request format that a server enforces.

Servers ignore unknown fields and still answer 200, so formats are detected by probes. A format
is accepted if an answer matches a grammar whose only sentence is a random word, and if another
begins as the constraint of the run requires.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from random import Random
from string import ascii_lowercase

from dsl.cache_dir import cache_dir
from evolve.errors import EvolveError
from evolve.files import write_text
from evolve.llm.transport.context import read_context_error
from evolve.llm.transport.exchange import Exchange, Kind
from evolve.llm.transport.model import Model
from evolve.llm.transport.reply import ERROR_IN_ANSWER, ModelError, Reply
from evolve.llm.transport.request_formats import (
    REQUEST_FORMATS,
    SCHEMA,
    TEXT,
    Constraint,
    RequestFormat,
    formats_for,
)
from evolve.llm.transport.server import Message, Server
from evolve.notices import NoticeLog

WORD_LETTERS = 12
PROBE_TOKENS = 400  # enough for a reasoning model
# Statuses with which servers reject an unsupported field.
REFUSAL_STATUSES = (ERROR_IN_ANSWER, 400, 404, 405, 415, 422, 500, 501)
SERVER_ERROR = 500  # and above: possibly transient
MAX_UNREADABLE = 2  # consecutive answers, before a downgrade


class Client:
    """A model on its server, with the strictest request format that it is known to support."""

    def __init__(
        self,
        server: Server,
        constraint: str,
        probe: str,
        openings: Mapping[str, str],
        log: NoticeLog,
    ) -> None:
        """
        Args:
            server: the server of the model.
            constraint: `auto`, or the strictness to use.
            probe: the prompt of a probe.
            openings: the required beginning of a constrained answer, by strictness.
            log: is notified of a downgrade to a less strict format.
        """
        self.server = server
        self._probe, self._openings, self._log = probe, openings, log
        self._candidates = formats_for(constraint)
        self._key = f"{server.model.base_url} {server.model.name}"
        # A strictness with only one format needs no probe: it is used until it fails.
        is_only = len(self._candidates) == 2
        self._format = self._candidates[0] if is_only else _read_cached(self._key, self._candidates)
        self._unreadable, self._is_temporary = 0, constraint != "auto"
        self._detecting = asyncio.Lock()

    @property
    def model(self) -> Model:
        """The model that it calls."""
        return self.server.model

    @property
    def request_format(self) -> RequestFormat | None:
        """The format in use; None until it is detected."""
        return self._format

    async def exchange(
        self, kind: Kind, messages: Sequence[Message], constraint: Constraint | None = None,
        max_tokens: int | None = None,
    ) -> tuple[Exchange, ...]:  # fmt: skip
        """Call the model; return all exchanges, of which the last has the answer.

        Args:
            kind: the purpose of the call.
            messages: the prompt.
            constraint: the constraint on the answer, enforced in the strictest supported format;
                None for no constraint.
            max_tokens: a limit on the answer below that of the model.
        """
        exchanges: list[Exchange] = []
        if constraint is None:
            exchanges.append(await self._exchange(kind, messages, TEXT, None, max_tokens))
            return tuple(exchanges)
        while True:
            async with self._detecting:
                if self._format is None:
                    self._format = await self._detect_format(
                        self._candidates, constraint, exchanges
                    )
                request_format = self._format
            if request_format is None:
                return tuple(exchanges)
            sent = (kind, messages, request_format, constraint, max_tokens)
            exchanges.append(await self._exchange(*sent))
            answer = exchanges[-1]
            is_too_long = read_context_error(answer.error) is not None
            if answer.status not in REFUSAL_STATUSES or request_format is TEXT or is_too_long:
                if not answer.error:
                    self._cache_format(request_format)
                return tuple(exchanges)
            self._is_temporary |= (answer.status or 0) >= SERVER_ERROR
            self._downgrade(request_format, f"{self.model.name} rejected it ({answer.status})")

    async def read_json(self, kind: Kind, messages: Sequence[Message], constraint: Constraint) \
            -> tuple[Exchange, ...]:  # fmt: skip
        """Request a JSON document; constrain it if the server supports any constraint."""
        is_supported = self._format is not None and self._format is not TEXT
        request_format = SCHEMA if is_supported else TEXT
        return (await self._exchange(kind, messages, request_format, constraint),)

    def record_parse_result(self, is_readable: bool) -> None:
        """Record whether an answer was parsed; downgrade after consecutive failures."""
        self._unreadable = 0 if is_readable else self._unreadable + 1
        if self._unreadable >= MAX_UNREADABLE and self._format not in (None, TEXT):
            assert self._format is not None
            reason = f"{self._unreadable} consecutive answers of {self.model.name} are unreadable"
            self._downgrade(self._format, reason)
            self._unreadable = 0

    def _downgrade(self, request_format: RequestFormat, reason: str) -> None:
        """Stop using a format, unless another is in use already."""
        if request_format is self._format:
            self._log.notice(f"request format {request_format.name} disabled: {reason}")
            self._candidates, self._format = (
                _list_weaker_formats(request_format, self._candidates),
                None,
            )

    async def probe(self, constraint: Constraint) -> tuple[Exchange, ...]:
        """Detect the strictest format without the cache; return the probes."""
        exchanges: list[Exchange] = []
        async with self._detecting:
            detected = await self._detect_format(self._candidates, constraint, exchanges)
        if detected is not None:
            self._format = detected
            self._cache_format(detected)
        return tuple(exchanges)

    async def _detect_format(
        self,
        candidates: Sequence[RequestFormat],
        constraint: Constraint,
        exchanges: list[Exchange],
    ) -> RequestFormat | None:
        """Return the first format that the server enforces; None if it is unreachable."""
        for request_format in candidates:
            if request_format is TEXT:
                return request_format
            is_enforced, is_unreachable = await self._probe_format(
                request_format, constraint, exchanges
            )
            if is_enforced:
                return request_format
            if is_unreachable:
                return None
        return TEXT

    async def _probe_format(
        self, request_format: RequestFormat, constraint: Constraint, exchanges: list[Exchange]
    ) -> tuple[bool, bool]:
        """Return whether the server enforces a format, and whether it is unreachable."""
        word = _draw_word(self.model, request_format)
        opening = self._openings.get(request_format.strictness, "")
        for probed, expected in ((_build_word_constraint(word), word), (constraint, opening)):
            messages = [{"role": "user", "content": self._probe}]
            exchanges.append(
                await self._exchange("probe", messages, request_format, probed, PROBE_TOKENS)
            )
            answer = exchanges[-1]
            if answer.error and _is_unreachable(answer, request_format, exchanges[:-1]):
                return False, True
            text = (answer.text or answer.reasoning).strip()
            is_matched = expected in text if probed is not constraint else text.startswith(expected)
            if answer.error or not is_matched:
                return False, False
        return True, False

    async def _exchange(
        self, kind: Kind, messages: Sequence[Message], request_format: RequestFormat,
        constraint: Constraint | None, max_tokens: int | None = None,
    ) -> Exchange:  # fmt: skip
        sent = add_note(
            messages, constraint.notes.get(request_format.strictness, "") if constraint else ""
        )
        label = self.model.label
        try:
            reply = await self.server.ask(sent, request_format, constraint, max_tokens)
        except ModelError as error:
            return Exchange(
                kind, label, request_format.name, sent, error=str(error), status=error.status,
                may_be_billed=error.may_be_billed, is_unreachable=error.is_unreachable,
            )  # fmt: skip
        return _build_exchange(kind, self.model, request_format, sent, reply)

    def _cache_format(self, request_format: RequestFormat) -> None:
        if request_format is self._format and not self._is_temporary:
            _write_cached(self._key, request_format)


def add_note(messages: Sequence[Message], note: str) -> tuple[Message, ...]:
    """Return the messages with a note appended to the last one."""
    if not note:
        return tuple(messages)
    *before, last = messages
    return (*before, {**last, "content": f"{last['content']}\n\n{note}"})


def _build_exchange(
    kind: Kind, model: Model, request_format: RequestFormat, sent: tuple[Message, ...], reply: Reply
) -> Exchange:
    usd = model.usd(reply.tokens_in, reply.tokens_out)
    return Exchange(
        kind, model.label, request_format.name, sent, reply.text, reply.reasoning, reply.finish,
        reply.tokens_in, reply.tokens_out, usd, reply.seconds,
    )  # fmt: skip


def _list_weaker_formats(
    request_format: RequestFormat, candidates: Sequence[RequestFormat]
) -> tuple[RequestFormat, ...]:
    """Return the formats after one; plain text if none follows."""
    index = candidates.index(request_format) if request_format in candidates else -1
    return tuple(candidates[index + 1 :]) or (TEXT,)


def _build_word_constraint(word: str) -> Constraint:
    """Return a constraint that only one word matches."""
    schema = {
        "type": "object",
        "properties": {"answer": {"type": "string", "enum": [word]}},
        "required": ["answer"],
        "additionalProperties": False,
    }
    return Constraint(f'start: "{word}"\n', f'root ::= "{word}"\n', schema)


def _draw_word(model: Model, request_format: RequestFormat) -> str:
    """Return a word that no model writes unprompted, determined by model and format."""
    rng = Random(f"{model.base_url} {model.name} {request_format.name}")
    return "".join(rng.choices(ascii_lowercase, k=WORD_LETTERS))


def _cache_path() -> Path:
    return cache_dir() / "llm" / "request_formats.json"


def _is_unreachable(
    answer: Exchange, request_format: RequestFormat, before: Sequence[Exchange]
) -> bool:
    """Return whether an error means an unreachable server, not an unsupported format."""
    if answer.is_unreachable:
        has_answered = any(not each.error for each in before)
        return answer.may_be_billed or not has_answered
    is_refusal = answer.status in REFUSAL_STATUSES or request_format.endpoint == "responses"
    return answer.status is not None and not is_refusal


def _read_cached(key: str, candidates: Sequence[RequestFormat]) -> RequestFormat | None:
    """Return the cached format of a model if it is among the candidates."""
    name = _read_cache().get(key)
    return next((each for each in candidates if each.name == name), None)


def _write_cached(key: str, request_format: RequestFormat) -> None:
    """Write the format of a model to the cache; ignore an error, as it can be detected again."""
    cached = _read_cache()
    if cached.get(key) == request_format.name:
        return
    path = _cache_path()
    with suppress(OSError, EvolveError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, json.dumps({**cached, key: request_format.name}, indent=1, sort_keys=True))


def _read_cache() -> dict[str, str]:
    names = {each.name for each in REQUEST_FORMATS}
    try:
        cached = json.loads(_cache_path().read_text("utf-8"))
        return {str(key): name for key, name in cached.items() if name in names}
    except (OSError, ValueError, AttributeError, TypeError, RecursionError):
        return {}
