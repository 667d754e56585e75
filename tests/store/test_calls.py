"""Calls in a journal: replaced when they are repeated, and moved when a run leaves its course."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from evolve.llm.transport.calls import Call
from evolve.llm.transport.exchange import Exchange
from evolve.store import Journal
from evolve.store.calls import CallTables, read_recording


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


@pytest.fixture
def calls(path: Path) -> Iterator[CallTables]:
    with closing(Journal.create(path)) as journal:
        yield journal.calls


def call(number: int, text: str = "hi", epoch: int = 3) -> Call:
    return Call(number, "propose", "m", ({"role": "user", "content": text},), epoch, "tune")


def answer(text: str, usd: float = 0.0) -> tuple[Exchange, ...]:
    return (Exchange("propose", "m", "text", (), text, usd=usd, seconds=2.0),)


@pytest.mark.parametrize(
    ("repeated", "collected"),
    [(call(1), 5), (call(1, "something else"), None), (call(1, epoch=4), None)],
)
def test_a_repeated_call_replaces_its_row(
    calls: CallTables, repeated: Call, collected: int | None
) -> None:
    calls.record_call(call(1))
    calls.record_response(1, answer("yes"))
    calls.record_collected(1, 5)
    calls.record_call(repeated)
    (row,) = calls.read().values()
    assert (row.digest, row.asked_epoch) == (repeated.digest, repeated.epoch)
    assert row.collected_epoch == collected


def test_a_response_replaces_an_earlier_one(calls: CallTables, path: Path) -> None:
    calls.record_call(call(1))
    calls.record_response(1, answer("yes"))
    calls.record_response(1, answer("no"))
    assert [each.text for each in calls.read()[1].exchanges] == ["no"]
    assert read_recording(path) == calls.read()


def test_calls_of_a_course_that_a_run_left_are_no_recording_but_cost(
    calls: CallTables, path: Path
) -> None:
    for number in range(1, 5):
        calls.record_call(call(number))
        calls.record_response(number, answer(f"first {number}", 0.5))
        calls.record_collected(number, 5)
    calls.move_calls(3)
    for number in (3, 4):
        calls.record_call(call(number, "other"))
        calls.record_response(number, answer(f"second {number}", 0.5))
    calls.move_calls(4)
    calls.move_calls(9)
    assert {number: each.exchanges[0].text for number, each in calls.read().items()} == {
        1: "first 1", 2: "first 2", 3: "second 3",
    }  # fmt: skip
    assert read_recording(path) == calls.read()
    (cost,) = calls.costs().values()
    assert (cost.calls, cost.usd) == (6, 3.0)
    left = calls.read_left_cost()
    assert (left.calls, left.usd) == (3, 1.5)
