"""Live and recorded calls: submission, recording and collection."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest

from evolve.errors import EvolveError
from evolve.llm.transport.calls import Call, LiveCalls, RecordedCall, RecordedCalls
from evolve.llm.transport.client import Client
from evolve.llm.transport.event_loop import LoopThread
from evolve.llm.transport.exchange import Exchange
from evolve.llm.transport.model import Model
from evolve.llm.transport.request_formats import Constraint
from evolve.llm.transport.server import Server
from evolve.notices import NoticeList
from evolve.stop import Stop
from tests.llm.scripted import Answer, Script, say, serving

FREE = Constraint("", "", {})


class RowLog(NoticeList):
    """Collects the records in order."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[tuple[str, int]] = []
        self.waits = 0
        self.has_response = threading.Event()

    def record_call(self, call: Call) -> None:
        self.rows.append(("call", call.number))

    def record_response(self, number: int, exchanges: tuple[Exchange, ...]) -> None:
        self.rows.append(("response", number))
        self.has_response.set()

    def record_collected(self, number: int, epoch: int) -> None:
        self.rows.append(("collected", number))

    def waiting(self) -> None:
        self.waits += 1


def call(number: int, text: str = "hi") -> Call:
    return Call(number, "propose", "m", ({"role": "user", "content": text},), epoch=3)


@contextmanager
def live(script: Script, log: RowLog, stop: Stop | None = None) -> Iterator[LiveCalls]:
    with serving(script) as server, closing(LoopThread(1)) as loop:
        model = Server(Model("m", server.url), None, 5.0)
        loop.close_later(model.close)
        client = Client(model, "text", "", {}, log)
        yield LiveCalls(loop, {"m": client}, FREE, log, stop or Stop())


def deadline_in(seconds: float = 5.0) -> float:
    return time.monotonic() + seconds


def test_a_response_is_recorded_when_it_arrives_and_not_when_it_is_collected() -> None:
    log = RowLog()
    with live(lambda body: say("yes"), log) as calls:
        calls.submit(call(1))
        assert log.has_response.wait(5.0)
        assert log.rows == [("call", 1), ("response", 1)]
        exchanges = calls.collect(1, 4, deadline_in())
    assert exchanges is not None
    assert exchanges[-1].text == "yes"
    assert log.rows[-1] == ("collected", 1)


def test_a_response_is_recorded_before_it_can_be_collected() -> None:
    log = RowLog()
    with live(lambda body: say("yes"), log) as calls:
        for number in range(1, 21):
            calls.submit(call(number))
            calls.collect(number, 1, deadline_in())
            assert log.rows[-2:] == [("response", number), ("collected", number)]


def test_a_response_that_cannot_be_recorded_is_not_collected() -> None:
    class FullDisk(RowLog):
        def record_response(self, number: int, exchanges: tuple[Exchange, ...]) -> None:
            raise OSError("no space left on device")

    log = FullDisk()
    with live(lambda body: say("yes"), log) as calls:
        calls.submit(call(1))
        with pytest.raises(OSError, match="no space left"):
            calls.collect(1, 1, deadline_in())
    assert log.rows == [("call", 1)]


def test_a_response_with_content_that_cannot_be_recorded_fails_its_call() -> None:
    class Particular(RowLog):
        def record_response(self, number: int, exchanges: tuple[Exchange, ...]) -> None:
            if exchanges[-1].text:
                raise OverflowError("integer too large\x1b[2J")
            super().record_response(number, exchanges)

    log = Particular()
    with live(lambda body: say("yes"), log) as calls:
        calls.submit(call(1))
        exchanges = calls.collect(1, 1, deadline_in())
    assert exchanges is not None
    assert exchanges[0].error == "internal error: OverflowError: integer too large\\x1b[2J"
    assert (exchanges[0].text, exchanges[0].may_be_billed) == ("", True)
    assert log.rows == [("call", 1), ("response", 1), ("collected", 1)]


def test_an_error_in_a_client_fails_its_call(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Client, *arguments: object) -> None:
        raise KeyError("choices")

    monkeypatch.setattr(Client, "exchange", fail)
    log = RowLog()
    with live(lambda body: say("yes"), log) as calls:
        calls.submit(call(1))
        exchanges = calls.collect(1, 1, deadline_in())
    assert exchanges is not None
    assert exchanges[0].error == "internal error: KeyError: 'choices'"


def test_an_error_in_a_callback_is_not_printed(capfd: pytest.CaptureFixture[str]) -> None:
    with live(lambda body: say("yes"), RowLog()) as calls:
        calls.record_parse_result("unknown model", True, "text")
        calls.submit(call(1))
        assert calls.collect(1, 1, deadline_in())
    assert capfd.readouterr() == ("", "")


def test_a_connection_that_fails_to_close_neither_raises_nor_leaves_the_thread_alive() -> None:
    closed: list[str] = []

    async def fail() -> None:
        raise OSError("connection reset")

    async def close() -> None:
        closed.append("second")

    threads = threading.active_count()
    loop = LoopThread(1)
    loop.close_later(fail)
    loop.close_later(close)
    loop.close()
    assert closed == ["second"]
    assert threading.active_count() == threads


def test_a_late_response_is_collected_later() -> None:
    log = RowLog()
    with live(lambda body: say("late", seconds=0.5), log) as calls:
        calls.submit(call(1))
        assert calls.collect(1, 1, deadline_in(0.05)) is None
        assert ("collected", 1) not in log.rows
        assert calls.collect(1, 2, deadline_in()) is not None
    assert log.waits == 0  # half a second is not noticeable


def test_a_stopped_wait_ends_and_closing_cancels_calls_in_flight() -> None:
    log, stop = RowLog(), Stop()
    stop.set()
    may_answer = threading.Event()
    with live(answer_after(may_answer), log, stop) as calls:
        calls.submit(call(1))
        assert calls.collect(1, 1, deadline_in(60)) is None
        assert not may_answer.is_set()
    may_answer.set()
    assert log.rows == [("call", 1)]


def answer_after(event: threading.Event) -> Script:
    """Return a script that answers after an event is set."""

    def script(body: dict[str, Any]) -> Answer:
        event.wait(60)
        return say("never collected")

    return script


def test_a_replay_gives_each_answer_in_its_epoch_and_records_it_again() -> None:
    answer = (Exchange("propose", "m", "text", (), "yes"),)
    recorded = {
        1: RecordedCall(call(1).digest, answer, 5, "propose", "m", 3),
        2: RecordedCall(call(2).digest, answer, None, "propose", "m", 3),
    }
    log = RowLog()
    replay = RecordedCalls(recorded, "runs/x", log)
    for number in (1, 2):
        replay.submit(call(number))
    assert replay.collect(1, 4, deadline_in()) is None
    assert replay.collect(1, 5, deadline_in()) == answer
    assert replay.collect(2, 5, deadline_in()) is None  # the recorded run never collected it
    assert log.rows == [
        ("call", 1), ("response", 1), ("call", 2), ("response", 2), ("collected", 1),
    ]  # fmt: skip
    replay.submit(call(3))
    assert log.texts == ["the recording runs/x ends before call 3"]
    assert replay.collect(3, 6, deadline_in()) is None
    with pytest.raises(EvolveError, match="cannot replay runs/x: call 2 differs"):
        replay.submit(call(2, "something else"))


def test_a_digest_covers_kind_model_task_and_messages_only() -> None:
    first = call(1)
    assert first.digest == call(9).digest
    others = [
        call(1, "ho"),
        Call(1, "repair", "m", first.messages, 3),
        Call(1, "propose", "n", first.messages, 3),
        Call(1, "propose", "m", first.messages, 3, "tune"),
    ]
    assert len({first.digest, *[each.digest for each in others]}) == 5
