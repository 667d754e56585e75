"""Waits for models: one for a server that stops answering, none for calls that are overdue."""

from __future__ import annotations

import pytest

from evolve.llm.patience import Patience
from evolve.notices import NoticeList

WAIT = 120.0


class Clock:
    """Clock that a test advances."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seconds = 1000.0
        monkeypatch.setattr("evolve.llm.patience.time.monotonic", lambda: self.seconds)


class Synchronizations:
    """Synchronizations of calls that never end, and the seconds that each waits."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, always_waits: bool = False) -> None:
        self.clock, self.log = Clock(monkeypatch), NoticeList()
        self.patience = Patience(WAIT, always_waits, self.log)

    def wait(self, calls: dict[int, str], is_last: bool = False, answering: str = "") -> float:
        """Return the seconds of a synchronization that waits for calls in vain."""
        started = self.clock.seconds
        self.patience.begin(is_last)
        for number, model in calls.items():
            deadline = self.patience.get_deadline(number, model)
            self.clock.seconds = max(self.clock.seconds, deadline)
        self.patience.end(calls, {answering} - {""})
        return self.clock.seconds - started


def test_a_silent_model_costs_one_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    syncs = Synchronizations(monkeypatch)
    assert [syncs.wait({1: "m"}) for _ in range(4)] == [WAIT, 0, 0, 0]
    assert syncs.wait({2: "m"}) == 0, "another call of a silent model"
    assert len(syncs.log.texts) == 1
    assert "no answer from m: none within 120 seconds" in syncs.log.texts[0]


def test_a_model_is_awaited_again_once_it_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    syncs = Synchronizations(monkeypatch)
    syncs.wait({1: "m"})
    assert syncs.wait({}, answering="m") == 0
    assert syncs.log.texts[1:] == ["the model answers again"]
    assert syncs.wait({2: "m"}) == WAIT


def test_an_overdue_call_is_not_awaited_beside_one_that_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    syncs = Synchronizations(monkeypatch)
    assert syncs.wait({1: "m"}, answering="m") == WAIT
    assert syncs.wait({1: "m"}, answering="m") == 0
    assert syncs.log.texts == []


def test_a_model_that_answers_is_awaited_beside_a_silent_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    syncs = Synchronizations(monkeypatch)
    assert syncs.wait({1: "m", 2: "other"}, answering="other") == WAIT
    assert syncs.wait({1: "m"}) == 0
    assert syncs.wait({1: "m", 3: "other"}) == WAIT


def test_models_alone_are_always_awaited(monkeypatch: pytest.MonkeyPatch) -> None:
    syncs = Synchronizations(monkeypatch, always_waits=True)
    assert [syncs.wait({1: "m"}) for _ in range(3)] == [WAIT] * 3


@pytest.mark.parametrize("is_refused", [True, False])
def test_only_the_last_synchronization_awaits_a_server_that_refused(
    is_refused: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    syncs = Synchronizations(monkeypatch)
    syncs.patience.record_silence("m", "cannot reach it", is_refused)
    assert syncs.wait({1: "m"}) == 0
    assert syncs.wait({1: "m"}, is_last=True) == WAIT * is_refused


def test_an_interrupted_wait_is_no_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    syncs = Synchronizations(monkeypatch)
    syncs.patience.begin(is_last=False)
    syncs.clock.seconds += 5.0
    syncs.patience.end({1: "m"}, set())
    assert syncs.log.texts == []
    assert syncs.wait({1: "m"}) == WAIT
