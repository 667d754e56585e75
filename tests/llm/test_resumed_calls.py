"""Calls of a run that goes on: recorded answers first, each in the epoch of its decision."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any

import pytest

from evolve.llm.transport.calls import Call, LiveCalls, RecordedCall
from evolve.llm.transport.client import Client
from evolve.llm.transport.event_loop import LoopThread
from evolve.llm.transport.exchange import Exchange, Kind
from evolve.llm.transport.model import Model
from evolve.llm.transport.resumed_calls import ResumedCalls
from evolve.llm.transport.server import Server
from evolve.llm.transport.usage import CallBudget, CallLimits, Cost
from evolve.stop import Stop
from tests.llm.scripted import GOOD, Answer, Script, Scripted, keeping_to, say, serving
from tests.llm.test_calls import RowLog, deadline_in
from tests.llm.test_client import OPENINGS, PROBE, REAL

ASKED = 4  # epoch
ANSWER = (Exchange("propose", "m", "text", (), "recorded"),)
pytestmark = pytest.mark.usefixtures("own_home")


class ResumedLog(RowLog):
    """Collects the records in order, and calls that are moved."""

    def move_calls(self, first: int) -> None:
        self.rows.append(("moved from", first))

    def read_left_cost(self) -> Cost:
        return Cost(sum(kind == "moved from" for kind, *_ in self.rows))


def call(number: int, text: str = "hi", kind: Kind = "propose", epoch: int = ASKED) -> Call:
    return Call(number, kind, "m", ({"role": "user", "content": text},), epoch)


def record(
    number: int, collected: int | None = None, exchanges: tuple[Exchange, ...] = ANSWER,
    kind: Kind = "propose", asked: int = ASKED,
) -> RecordedCall:  # fmt: skip
    digest = call(number, kind=kind).digest
    return RecordedCall(digest, exchanges, collected, kind, "m", asked)


@contextmanager
def resumed(
    recorded: Mapping[int, RecordedCall], log: ResumedLog,
    script: Script = lambda body: say("live"), constraint: str = "text", stop: Stop | None = None,
    budget: CallBudget | None = None,
) -> Iterator[tuple[ResumedCalls, Scripted]]:  # fmt: skip
    with serving(script) as server, closing(LoopThread(1)) as loop:
        connection = Server(Model("m", server.url), None, 5.0)
        loop.close_later(connection.close)
        client = Client(connection, constraint, PROBE, OPENINGS, log)
        live = LiveCalls(loop, {"m": client}, REAL, log, stop or Stop())
        yield ResumedCalls(recorded, live, log, budget or CallBudget(CallLimits())), server


def read_texts(exchanges: tuple[Exchange, ...] | None) -> list[str] | None:
    return None if exchanges is None else [each.text for each in exchanges]


def test_a_recorded_answer_is_not_requested_and_one_without_an_answer_is() -> None:
    log = ResumedLog()
    with resumed({1: record(1), 2: record(2, exchanges=())}, log) as (calls, server):
        for number in (1, 2, 3):
            calls.submit(call(number))
        found = [read_texts(calls.collect(each, 5, deadline_in())) for each in (1, 2, 3)]
        assert found == [["recorded"], ["live"], ["live"]]
        assert len(server.bodies) == 2
    assert ("call", 1) not in log.rows and ("response", 1) not in log.rows
    assert [each for each in log.rows if each[0] != "response"] == [
        ("call", 2), ("call", 3), ("collected", 1), ("collected", 2), ("collected", 3),
    ]  # fmt: skip


def test_a_call_is_collected_in_the_epoch_of_its_recorded_collection() -> None:
    """Its answer was late in the process before; later calls depend on that."""
    log = ResumedLog()
    with resumed({1: record(1, 8), 2: record(2, 5)}, log) as (calls, _):
        calls.submit(call(1))
        calls.submit(call(2))
        found = {epoch: read_texts(calls.collect(1, epoch, deadline_in())) for epoch in (5, 6, 8)}
        assert found == {5: None, 6: None, 8: ["recorded"]}
        assert read_texts(calls.collect(2, 5, deadline_in())) == ["recorded"]


@pytest.mark.parametrize("exchanges", [ANSWER, ()])
def test_a_call_that_a_collection_left_is_left_again(exchanges: tuple[Exchange, ...]) -> None:
    """The collection of epoch 5 came to call 2, and that of epoch 6 to the call of the next."""
    later = {2: record(2, 5), 3: record(3, asked=6)}
    with resumed({1: record(1, exchanges=exchanges), **later}, ResumedLog()) as (calls, server):
        calls.submit(call(1))
        assert [calls.collect(1, epoch, deadline_in()) for epoch in (5, 6)] == [None, None]
        expected = "recorded" if exchanges else "live"
        assert read_texts(calls.collect(1, 7, deadline_in())) == [expected]
        assert len(server.bodies) == (not exchanges)


def test_a_collection_that_was_killed_midway_goes_on_with_the_answers_that_arrived() -> None:
    """A repair starts within the collection of its epoch, so it does not prove its end."""
    recorded = {
        1: record(1, 5),
        2: record(2),
        3: record(3, exchanges=()),
        4: record(4, kind="repair", asked=5),
    }
    with resumed(recorded, ResumedLog()) as (calls, server):
        for number in (1, 2, 3):
            calls.submit(call(number))
        found = [read_texts(calls.collect(each, 5, deadline_in())) for each in (1, 2, 3)]
        assert found == [["recorded"], ["recorded"], ["live"]]
        calls.submit(call(4, kind="repair", epoch=5))
        assert read_texts(calls.collect(4, 5, deadline_in())) == ["recorded"]
        assert len(server.bodies) == 1


def test_a_stop_during_a_collection_marks_no_call_as_left() -> None:
    log, stop = ResumedLog(), Stop()

    def stop_and_answer(body: dict[str, Any]) -> Answer:
        stop.set()
        return say("late", seconds=0.5)

    with resumed({1: record(1, exchanges=()), 2: record(2)}, log, stop_and_answer, stop=stop) as (
        calls, _,
    ):  # fmt: skip
        for number in (1, 2):
            calls.submit(call(number))
        assert [calls.collect(number, 5, deadline_in()) for number in (1, 2)] == [None, None]
    assert not [each for each in log.rows if each[0] == "collected"]


def test_a_call_with_another_prompt_leaves_the_recorded_course() -> None:
    log, budget = ResumedLog(), CallBudget(CallLimits())
    recorded = {1: record(1), 2: record(2, 9), 3: record(3, 9)}
    with resumed(recorded, log, budget=budget) as (calls, server):
        assert budget.spent == Cost(0)
        calls.submit(call(1))
        assert calls.collect(1, 5, deadline_in()) is None
        calls.submit(call(2, "something else"))
        calls.submit(call(3))
        assert log.rows[0] == ("moved from", 2)
        found = [read_texts(calls.collect(each, 6, deadline_in())) for each in (1, 2, 3)]
        assert found == [["recorded"], ["live"], ["live"]]
        assert len(server.bodies) == 2
        assert budget.spent == Cost(1)


def test_a_call_in_another_epoch_uses_its_answer_at_once() -> None:
    log = ResumedLog()
    with resumed({1: record(1, 9)}, log) as (calls, server):
        calls.submit(call(1, epoch=ASKED + 1))
        assert read_texts(calls.collect(1, 6, deadline_in())) == ["recorded"]
        assert log.rows == [("call", 1), ("collected", 1)]
        assert not server.bodies


def enforced(name: str) -> tuple[Exchange, ...]:
    probe = Exchange("probe", "m", name, (), "xyz")
    return (probe, probe, Exchange("propose", "m", name, (), GOOD))


def refused(name: str) -> tuple[Exchange, ...]:
    refusal = Exchange("propose", "m", name, (), error="no such field", status=400)
    return (refusal, Exchange("propose", "m", "text", (), GOOD))


@pytest.mark.parametrize(
    ("exchanges", "is_shown"),
    [(enforced("gbnf"), True), (refused("gbnf"), False), ((), False)],
)
def test_a_format_that_the_recording_shows_is_not_probed(
    exchanges: tuple[Exchange, ...], is_shown: bool
) -> None:
    script = keeping_to("grammar", lambda body: say(GOOD))
    with resumed({1: record(1, 4, exchanges)}, ResumedLog(), script, "auto") as (calls, server):
        calls.submit(call(2))
        found = calls.collect(2, 5, deadline_in())
        assert found is not None
        if is_shown:
            assert [(each.kind, each.request_format) for each in found] == [("propose", "gbnf")]
            assert len(server.bodies) == 1
        else:
            assert found[0].kind == "probe"


def test_an_unreadable_answer_counts_for_its_request_format_alone() -> None:
    script = keeping_to("grammar", lambda body: say(GOOD))
    log = ResumedLog()
    with resumed({1: record(1, 4, enforced("gbnf"))}, log, script, "auto") as (calls, _):
        for _ in range(2):
            calls.record_parse_result("m", False, "llguidance")
        calls.submit(call(2))
        assert calls.collect(2, 5, deadline_in())
        assert not log.texts
        for _ in range(2):
            calls.record_parse_result("m", False, "gbnf")
        calls.submit(call(3))
        assert calls.collect(3, 6, deadline_in())
        assert log.texts == [
            "request format gbnf disabled: 2 consecutive answers of m are unreadable"
        ]
