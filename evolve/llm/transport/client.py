"""A model that is asked as strictly as its server allows, found out by what the server does.

Servers ignore fields they do not know with a 200, so nothing they say of themselves counts: a
shape is believed once an answer keeps to a grammar whose only sentence is a random word, and then
begins as the real one must.
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
PROBE_TOKENS = 400  # room for a model that thinks first
REFUSAL_STATUSES = (
    ERROR_IN_ANSWER,
    400,
    404,
    405,
    415,
    422,
    500,
    501,
)  # of a field that is not taken
SERVER_ERROR = 500  # and above: perhaps for a while only
MAX_UNREADABLE = 2  # answers in a row, then the server is asked less strictly


class Client:
    """One model, its server, and the strictest way it is known to answer."""

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
            server: of the model.
            constraint: `auto`, or the level to keep to.
            probe: the words of a probe.
            openings: how an answer that keeps to the real constraint begins, by level.
            log: told when less strict requests are made from now on.
        """
        self.server = server
        self._probe, self._openings, self._log = probe, openings, log
        self._left = formats_for(constraint)
        self._key = f"{server.model.base_url} {server.model.name}"
        # Where a level has one shape its word is taken: nothing is probed until it fails.
        is_only = len(self._left) == 2
        self._shape = self._left[0] if is_only else _read_cached(self._key, self._left)
        self._unreadable, self._is_for_now = 0, constraint != "auto"
        self._detecting = asyncio.Lock()

    @property
    def model(self) -> Model:
        """The model it asks."""
        return self.server.model

    @property
    def request_format(self) -> RequestFormat | None:
        """The shape in use; None before it is known."""
        return self._shape

    async def exchange(
        self, kind: Kind, messages: Sequence[Message], constraint: Constraint | None = None
    ) -> tuple[Exchange, ...]:
        """Ask, and give the exchanges that this took, the answer's last.

        Args:
            kind: what it is for.
            messages: of the chat.
            constraint: what the answer is held to, as strictly as can be; None to leave it free.
        """
        made: list[Exchange] = []
        if constraint is None:
            made.append(await self._exchange(kind, messages, TEXT, None))
            return tuple(made)
        while True:
            async with self._detecting:
                if self._shape is None:
                    self._shape = await self._detect_format(self._left, constraint, made)
                shape = self._shape
            if shape is None:
                return tuple(made)
            made.append(await self._exchange(kind, messages, shape, constraint))
            answer = made[-1]
            if answer.status not in REFUSAL_STATUSES or shape is TEXT:
                if not answer.error:
                    self._cache_format(shape)
                return tuple(made)
            self._is_for_now |= (answer.status or 0) >= SERVER_ERROR
            self._downgrade(shape, f"{self.model.name} refused it ({answer.status})")

    async def read_json(self, kind: Kind, messages: Sequence[Message], constraint: Constraint) \
            -> tuple[Exchange, ...]:  # fmt: skip
        """Ask for a JSON document: held to a schema if the server takes any constraint."""
        is_held = self._shape is not None and self._shape is not TEXT
        shape = SCHEMA if is_held else TEXT
        return (await self._exchange(kind, messages, shape, constraint),)

    def record_parse_result(self, is_readable: bool) -> None:
        """Be told whether an answer could be read; less is asked after a few that could not."""
        self._unreadable = 0 if is_readable else self._unreadable + 1
        if self._unreadable >= MAX_UNREADABLE and self._shape not in (None, TEXT):
            assert self._shape is not None
            why = f"{self._unreadable} answers of {self.model.name} in a row could not be read"
            self._downgrade(self._shape, why)
            self._unreadable = 0

    def _downgrade(self, shape: RequestFormat, why: str) -> None:
        """Ask less strictly from now on, unless that is done already."""
        if shape is self._shape:
            self._log.notice(f"{shape.name} is given up: {why}")
            self._left, self._shape = _weaker_formats(shape, self._left), None

    async def probe(self, constraint: Constraint) -> tuple[Exchange, ...]:
        """Find out the strictest shape anew, whatever is remembered; gives the probes."""
        made: list[Exchange] = []
        async with self._detecting:
            found = await self._detect_format(self._left, constraint, made)
        if found is not None:
            self._shape = found
            self._cache_format(found)
        return tuple(made)

    async def _detect_format(
        self, left: Sequence[RequestFormat], constraint: Constraint, made: list[Exchange]
    ) -> RequestFormat | None:
        """The first shape that the server keeps to; None if it cannot be reached."""
        for shape in left:
            if shape is TEXT:
                return shape
            kept, is_lost = await self._probe_format(shape, constraint, made)
            if kept:
                return shape
            if is_lost:
                return None
        return TEXT

    async def _probe_format(
        self, shape: RequestFormat, constraint: Constraint, made: list[Exchange]
    ) -> tuple[bool, bool]:
        """Whether the server keeps to a shape; and whether it is lost altogether."""
        word = _random_word(self.model, shape)
        opening = self._openings.get(shape.strictness, "")
        for held_to, expected in ((_single_word_constraint(word), word), (constraint, opening)):
            messages = [{"role": "user", "content": self._probe}]
            made.append(await self._exchange("probe", messages, shape, held_to, PROBE_TOKENS))
            answer = made[-1]
            if answer.error and _is_unreachable(answer, shape, made[:-1]):
                return False, True
            said = (answer.text or answer.reasoning).strip()
            is_kept = expected in said if held_to is not constraint else said.startswith(expected)
            if answer.error or not is_kept:
                return False, False
        return True, False

    async def _exchange(
        self, kind: Kind, messages: Sequence[Message], shape: RequestFormat,
        constraint: Constraint | None, max_tokens: int | None = None,
    ) -> Exchange:  # fmt: skip
        sent = add_note(messages, constraint.notes.get(shape.strictness, "") if constraint else "")
        label = self.model.label
        try:
            reply = await self.server.ask(sent, shape, constraint, max_tokens)
        except ModelError as error:
            return Exchange(
                kind, label, shape.name, sent, error=str(error), status=error.status,
                may_be_billed=error.may_be_billed, is_unreachable=error.is_out_of_reach,
            )  # fmt: skip
        return _build_exchange(kind, self.model, shape, sent, reply)

    def _cache_format(self, shape: RequestFormat) -> None:
        if shape is self._shape and not self._is_for_now:
            _write_cached(self._key, shape)


def add_note(messages: Sequence[Message], note: str) -> tuple[Message, ...]:
    """The messages with what a level adds to the last of them."""
    if not note:
        return tuple(messages)
    *before, last = messages
    return (*before, {**last, "content": f"{last['content']}\n\n{note}"})


def _build_exchange(
    kind: Kind, model: Model, shape: RequestFormat, sent: tuple[Message, ...], reply: Reply
) -> Exchange:
    usd = model.usd(reply.tokens_in, reply.tokens_out)
    return Exchange(
        kind, model.label, shape.name, sent, reply.text, reply.reasoning, reply.finish,
        reply.tokens_in, reply.tokens_out, usd, reply.seconds,
    )  # fmt: skip


def _weaker_formats(
    shape: RequestFormat, shapes: Sequence[RequestFormat]
) -> tuple[RequestFormat, ...]:
    """The shapes that ask less than one."""
    place = shapes.index(shape) if shape in shapes else -1
    return tuple(shapes[place + 1 :]) or (TEXT,)


def _single_word_constraint(word: str) -> Constraint:
    """A constraint that one word alone meets."""
    schema = {
        "type": "object",
        "properties": {"answer": {"type": "string", "enum": [word]}},
        "required": ["answer"],
        "additionalProperties": False,
    }
    return Constraint(f'start: "{word}"\n', f'root ::= "{word}"\n', schema)


def _random_word(model: Model, shape: RequestFormat) -> str:
    """A word that no model says by itself, the same whenever it is asked for."""
    rng = Random(f"{model.base_url} {model.name} {shape.name}")
    return "".join(rng.choices(ascii_lowercase, k=WORD_LETTERS))


def _cache_path() -> Path:
    return cache_dir() / "llm" / "shapes.json"


def _is_unreachable(answer: Exchange, shape: RequestFormat, before: Sequence[Exchange]) -> bool:
    """Whether an error says that the server is out of reach, and not that it refuses a shape."""
    if answer.is_unreachable:
        has_answered = any(not each.error for each in before)
        return answer.may_be_billed or not has_answered
    is_refusal = answer.status in REFUSAL_STATUSES or shape.endpoint == "responses"
    return answer.status is not None and not is_refusal


def _read_cached(key: str, among: Sequence[RequestFormat]) -> RequestFormat | None:
    """The shape that was found for a model before, if it is one of some."""
    name = _read_cache().get(key)
    return next((each for each in among if each.name == name), None)


def _write_cached(key: str, shape: RequestFormat) -> None:
    """Keep what was found; it is found again where nothing can be kept."""
    known = _read_cache()
    if known.get(key) == shape.name:
        return
    path = _cache_path()
    with suppress(OSError, EvolveError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, json.dumps({**known, key: shape.name}, indent=1, sort_keys=True))


def _read_cache() -> dict[str, str]:
    names = {each.name for each in REQUEST_FORMATS}
    try:
        read = json.loads(_cache_path().read_text("utf-8"))
        return {str(key): name for key, name in read.items() if name in names}
    except (OSError, ValueError, AttributeError, TypeError, RecursionError):
        return {}
