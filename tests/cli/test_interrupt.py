"""Ctrl-C, SIGTERM and SIGHUP stop a run after the epoch; a second one stops it at once."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest

from evolve.cli.interrupt import StopOnInterrupt
from tests.command_line import start

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.fixture
def stop(monkeypatch: pytest.MonkeyPatch) -> Iterator[StopOnInterrupt]:
    before = {number: signal.getsignal(number) for number in SIGNALS}
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    yield StopOnInterrupt(clock=iter([0.0, 1.0, 2.0, 9.0]).__next__)
    for number, handler in before.items():
        signal.signal(number, handler)


def test_the_first_requests_a_stop_and_the_second_raises(
    stop: StopOnInterrupt, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not stop.is_set
    signal.raise_signal(signal.SIGINT)
    assert stop.is_set
    assert "stopping after this epoch" in capsys.readouterr().err
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize("number", SIGNALS[1:])
def test_a_signal_that_is_sent_twice_is_one_request(
    stop: StopOnInterrupt, number: signal.Signals
) -> None:
    signal.raise_signal(number)
    assert stop.is_set
    signal.raise_signal(number)  # after one second, as `timeout` and a closed terminal do
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(number)


def test_ctrl_c_after_another_signal_stops_at_once(stop: StopOnInterrupt) -> None:
    signal.raise_signal(signal.SIGTERM)
    assert stop.is_set
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_a_closed_terminal_does_not_end_the_handler(
    stop: StopOnInterrupt, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Closed:
        def write(self, text: str) -> None:
            raise OSError(5, "Input/output error")

    monkeypatch.setattr(sys, "stderr", Closed())
    signal.raise_signal(signal.SIGHUP)
    assert stop.is_set


def test_nohup_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    before = {number: signal.getsignal(number) for number in SIGNALS}
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    try:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        stop = StopOnInterrupt()
        signal.raise_signal(signal.SIGHUP)
        assert not stop.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@pytest.mark.parametrize("number", SIGNALS[1:])
def test_a_command_without_a_search_ends_in_words(number: signal.Signals) -> None:
    with start("check", "-", stdin=subprocess.PIPE) as running:
        assert running.stderr is not None
        wait_for_handler(running.pid, number)
        running.send_signal(number)
        assert running.wait(30) == 130
        assert running.stderr.read().lstrip("\n") == "interrupted\n"  # click may end a line first


def wait_for_handler(process: int, number: signal.Signals) -> None:
    """Wait until a process catches a signal."""
    status = Path(f"/proc/{process}/status")
    if not status.exists():
        pytest.skip("reads /proc")
    while True:
        text = status.read_text()
        caught = int(next(each for each in text.splitlines() if each.startswith("SigCgt"))[7:], 16)
        if caught >> (number - 1) & 1:
            return
        time.sleep(0.01)


def test_an_interrupt_in_the_callback_of_a_weak_reference_is_repeated(
    stop: StopOnInterrupt, capsys: pytest.CaptureFixture[str]
) -> None:
    class Target:
        """Object with a weak reference."""

    target = Target()
    reference = weakref.ref(target, lambda _: signal.raise_signal(signal.SIGINT))
    signal.raise_signal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        del target
        time.sleep(5)
    assert reference() is None
    assert "Traceback" not in capsys.readouterr().err


def test_another_unraisable_error_is_printed(
    stop: StopOnInterrupt, capsys: pytest.CaptureFixture[str]
) -> None:
    class Broken:
        def __del__(self) -> None:
            raise ValueError("broken")

    del stop
    broken = Broken()
    del broken
    assert "ValueError: broken" in capsys.readouterr().err
