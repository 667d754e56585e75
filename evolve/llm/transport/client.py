"""Clients of models, which detect the strictest request format that a server enforces.

Servers ignore unknown fields and still answer 200, so formats are detected by probes. A format
is accepted if an answer matches a grammar whose only sentence is a random word, and if another
begins as the constraint of the run requires.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from evolve.llm.transport.context import read_context_error
from evolve.llm.transport.exchange import Exchange, Kind
from evolve.llm.transport.format_cache import (
    find_recorded_format,
    read_cached_format,
    write_cached_format,
)
from evolve.llm.transport.limit_notices import LimitNotices
from evolve.llm.transport.model import Model
from evolve.llm.transport.probes import (
    PROBE_TOKENS,
    REFUSAL_STATUSES,
    build_word_constraint,
    draw_word,
    is_unreachable,
)
from evolve.llm.transport.reply import ModelError, Reply
from evolve.llm.transport.request_body import Message
from evolve.llm.transport.request_formats import (
    SCHEMA,
    TEXT,
    Constraint,
    RequestFormat,
    formats_for,
    list_weaker_formats,
)
from evolve.llm.transport.server import Server
from evolve.notices import NoticeLog

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
        self._format = (
            self._candidates[0] if is_only else read_cached_format(self._key, self._candidates)
        )
        self._unreadable, self._is_temporary = 0, constraint != "auto"
        self._detecting = asyncio.Lock()
        self._limits = LimitNotices(server, log)

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
        request_format = await self._find_format(constraint, exchanges)
        if request_format is None:
            return tuple(exchanges)
        answer = await self._exchange(kind, messages, request_format, constraint, max_tokens)
        exchanges.append(answer)
        is_too_long = read_context_error(answer.error) is not None
        if answer.status not in REFUSAL_STATUSES:
            if not answer.error:
                self._cache_format(request_format)
        elif request_format is TEXT:
            self._forget_unproven_format(exchanges)
        elif not is_too_long:
            exchanges += await self._repeat_without(request_format, answer, constraint, max_tokens)
        return tuple(exchanges)

    async def read_json(self, kind: Kind, messages: Sequence[Message], constraint: Constraint) \
            -> tuple[Exchange, ...]:  # fmt: skip
        """Request a JSON document; constrain it if the server supports any constraint."""
        is_supported = self._format is not None and self._format is not TEXT
        request_format = SCHEMA if is_supported else TEXT
        answer = await self._exchange(kind, messages, request_format, constraint)
        if answer.status not in REFUSAL_STATUSES or request_format is TEXT:
            return (answer,)
        return answer, await self._exchange(kind, messages, TEXT, constraint)

    def record_parse_result(self, is_readable: bool) -> None:
        """Record whether an answer was parsed; downgrade after consecutive failures."""
        self._unreadable = 0 if is_readable else self._unreadable + 1
        if self._unreadable >= MAX_UNREADABLE and self._format not in (None, TEXT):
            assert self._format is not None
            reason = f"{self._unreadable} consecutive answers of {self.model.name} are unreadable"
            self._downgrade(self._format, reason)
            self._unreadable = 0

    def adopt(self, exchanges: Sequence[Exchange]) -> None:
        """Adopt what a recorded call of this model shows.

        Its request format needs no probe, a field that was refused is not sent again, and what was
        reported is not reported again.
        """
        for each in exchanges:
            self.server.omit_fields(each.omitted)
        self._limits.adopt(exchanges)
        found = find_recorded_format(exchanges, self._candidates)
        if found is not None:
            self._candidates = self._candidates[self._candidates.index(found) :]
            self._format, self._is_temporary = found, True  # whoever asked may have cached it

    async def _repeat_without(
        self,
        request_format: RequestFormat,
        refusal: Exchange,
        constraint: Constraint,
        max_tokens: int | None,
    ) -> list[Exchange]:
        """Repeat a refused request without its constraint; the last exchange has the answer.

        The server may have refused the prompt or a parameter. Only an answer to the same request
        without the constraint proves that it refused the format, which is then disabled.
        """
        answer = await self._exchange(refusal.kind, refusal.messages, TEXT, constraint, max_tokens)
        if answer.error:
            return [answer]
        probes: list[Exchange] = []
        self._is_temporary |= (refusal.status or 0) >= SERVER_ERROR
        self._downgrade(request_format, f"{self.model.name} rejected it ({refusal.status})")
        if await self._find_format(constraint, probes) is TEXT:
            self._cache_format(TEXT)
        return [*probes, answer]

    def _forget_unproven_format(self, exchanges: Sequence[Exchange]) -> None:
        """Detect the format again in the next call, if this one had no answer at all."""
        probes = [each for each in exchanges if each.kind == "probe"]
        if probes and all(each.error for each in probes):
            self._format = None

    def _downgrade(self, request_format: RequestFormat, reason: str) -> None:
        """Stop using a format, unless another is in use already."""
        if request_format is self._format:
            self._log.notice(f"request format {request_format.name} disabled: {reason}")
            self._candidates, self._format = (
                list_weaker_formats(request_format, self._candidates),
                None,
            )

    async def probe(self, constraint: Constraint) -> tuple[Exchange, ...]:
        """Detect the strictest format without the cache; return the probes."""
        exchanges: list[Exchange] = []
        async with self._detecting:
            detected = await self._detect_format(self._candidates, constraint, exchanges)
            if exchanges and all(each.error for each in exchanges):
                messages = [{"role": "user", "content": self._probe}]
                plain = await self._exchange("probe", messages, TEXT, None, PROBE_TOKENS)
                exchanges.append(plain)
                detected = None if plain.error else detected
            self._format = detected
        if detected is not None:
            self._cache_format(detected)
        return tuple(exchanges)

    async def _find_format(
        self, constraint: Constraint, exchanges: list[Exchange]
    ) -> RequestFormat | None:
        """Return the format in use; detect it first if it is unknown."""
        async with self._detecting:
            if self._format is None:
                self._format = await self._detect_format(self._candidates, constraint, exchanges)
            return self._format

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
            is_enforced, has_failed = await self._probe_format(
                request_format, constraint, exchanges
            )
            if is_enforced:
                return request_format
            if has_failed:
                return None
        return TEXT

    async def _probe_format(
        self, request_format: RequestFormat, constraint: Constraint, exchanges: list[Exchange]
    ) -> tuple[bool, bool]:
        """Return whether the server enforces a format, and whether it is unreachable."""
        word = draw_word(self.model, request_format)
        opening = self._openings.get(request_format.strictness, "")
        for probed, expected in ((build_word_constraint(word), word), (constraint, opening)):
            messages = [{"role": "user", "content": self._probe}]
            answer = await self._exchange("probe", messages, request_format, probed, PROBE_TOKENS)
            exchanges.append(answer)
            if answer.error and is_unreachable(answer, request_format, exchanges[:-1]):
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
        try:
            reply = await self.server.ask(sent, request_format, constraint, max_tokens)
        except ModelError as error:
            return Exchange(
                kind, self.model.label, request_format.name, sent, error=str(error),
                status=error.status, may_be_billed=error.may_be_billed,
                is_unreachable=error.is_unreachable,
            )  # fmt: skip
        exchange = _build_exchange(kind, self.server, request_format, sent, reply)
        self._limits.report(exchange)
        return exchange

    def _cache_format(self, request_format: RequestFormat) -> None:
        if request_format is self._format and not self._is_temporary:
            write_cached_format(self._key, request_format)


def add_note(messages: Sequence[Message], note: str) -> tuple[Message, ...]:
    """Return the messages with a note appended to the last one."""
    if not note:
        return tuple(messages)
    *before, last = messages
    return (*before, {**last, "content": f"{last['content']}\n\n{note}"})


def _build_exchange(
    kind: Kind, server: Server, request_format: RequestFormat, sent: tuple[Message, ...],
    reply: Reply,
) -> Exchange:  # fmt: skip
    return Exchange(
        kind, server.model.label, request_format.name, sent, reply.text, reply.reasoning,
        reply.finish, reply.tokens_in, reply.tokens_out,
        server.model.usd(reply.tokens_in, reply.tokens_out), reply.seconds,
        omitted=tuple(sorted(server.unsupported_fields)),
    )  # fmt: skip
