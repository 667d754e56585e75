"""Calls that go out, are kept as soon as they are answered, and are waited for."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field

import pytest

from evolve.errors import EvolveError
from evolve.llm.transport.calls import Call, Live, Recorded, Replay
from evolve.llm.transport.client import Client
from evolve.llm.transport.event_loop import Desk
from evolve.llm.transport.exchange import Exchange
from evolve.llm.transport.model import Model
from evolve.llm.transport.request_formats import Constraint
from evolve.llm.transport.server import Server
from tests.llm.scripted import Script, say, serving

FREE = Constraint("", "", {})


@dataclass
class Kept:
    """Remembers what is kept, in order."""

    rows: list[tuple[str, int]] = field(default_factory=list)

    def keep_call(self, call: Call) -> None:
        self.rows.append(("call", call.number))

    def keep_answer(self, number: int, exchanges: tuple[Exchange, ...]) -> None:
        self.rows.append(("answer", number))

    def keep_taken(self, number: int, epoch: int) -> None:
        self.rows.append(("taken", number))


def call(number: int, text: str = "hi") -> Call:
    return Call(number, "propose", "m", ({"role": "user", "content": text},), epoch=3)


@contextmanager
def live(
    script: Script, kept: Kept, interrupted: bool = False, felt: list[str] | None = None
) -> Iterator[Live]:
    with serving(script) as server, closing(Desk(1)) as desk:
        model = Server(Model("m", server.url), None, 5.0)
        desk.closes(model.close)
        client = Client(model, "text", "", {})
        noticed = felt if felt is not None else []
        yield Live(
            desk, {"m": client}, FREE, FREE, kept, lambda: interrupted,
            lambda: noticed.append("felt"),
        )  # fmt: skip


def soon(seconds: float = 5.0) -> float:
    return time.monotonic() + seconds


def test_an_answer_is_kept_when_it_comes_and_not_when_it_is_asked_for() -> None:
    kept = Kept()
    with live(lambda body: say("yes"), kept) as sent:
        sent.begin(call(1))
        deadline = soon()
        while ("answer", 1) not in kept.rows and time.monotonic() < deadline:
            time.sleep(0.01)
        assert kept.rows == [("call", 1), ("answer", 1)]
        found = sent.collect(1, 4, soon())
    assert found is not None
    assert found[-1].text == "yes"
    assert kept.rows[-1] == ("taken", 1)


def test_what_has_not_come_yet_is_left_for_later() -> None:
    kept, felt = Kept(), list[str]()
    with live(lambda body: say("late", seconds=0.5), kept, felt=felt) as sent:
        sent.begin(call(1))
        assert sent.collect(1, 1, soon(0.05)) is None
        assert ("taken", 1) not in kept.rows
        assert sent.collect(1, 2, soon()) is not None
    assert felt == []  # half a second is not worth a word


def test_an_interrupted_wait_ends_and_closing_gives_up_what_is_under_way() -> None:
    kept, began = Kept(), time.monotonic()
    with live(lambda body: say("never", seconds=60.0), kept, interrupted=True) as sent:
        sent.begin(call(1))
        assert sent.collect(1, 1, soon(60)) is None
        assert time.monotonic() - began < 20
    assert kept.rows == [("call", 1)]


def test_a_replay_gives_each_answer_at_its_epoch_and_keeps_it_again() -> None:
    answer = (Exchange("propose", "m", "text", (), "yes"),)
    recorded = {1: Recorded(call(1).digest, answer, 5), 2: Recorded(call(2).digest, answer, None)}
    kept, said = Kept(), list[str]()
    replay = Replay(recorded, kept, "runs/x", said.append)
    for number in (1, 2):
        replay.begin(call(number))
    assert replay.collect(1, 4, soon()) is None
    assert replay.collect(1, 5, soon()) == answer
    assert replay.collect(2, 5, soon()) is None  # it was never taken in then
    assert kept.rows == [("call", 1), ("answer", 1), ("call", 2), ("answer", 2), ("taken", 1)]
    replay.begin(call(3))
    assert said == ["the recording runs/x ends before call 3"]
    assert replay.collect(3, 6, soon()) is None
    with pytest.raises(EvolveError, match="call 2 asked something else"):
        replay.begin(call(2, "something else"))


def test_a_digest_is_of_all_that_is_asked() -> None:
    first = call(1)
    assert first.digest == call(9).digest  # where it stands in the run is not what is asked
    others = [
        call(1, "ho"),
        Call(1, "repair", "m", first.messages, 3),
        Call(1, "propose", "n", first.messages, 3),
        Call(1, "propose", "m", first.messages, 3, "tune"),
    ]
    assert len({first.digest, *[each.digest for each in others]}) == 5
