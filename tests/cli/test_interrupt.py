"""Ctrl-C stops a run after the epoch; a second Ctrl-C stops it at once."""

from __future__ import annotations

import signal
import sys
import time
import weakref
from collections.abc import Iterator

import pytest

from evolve.cli.interrupt import StopOnInterrupt


@pytest.fixture
def stop(monkeypatch: pytest.MonkeyPatch) -> Iterator[StopOnInterrupt]:
    before = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    yield StopOnInterrupt()
    signal.signal(signal.SIGINT, before)


def test_the_first_requests_a_stop_and_the_second_raises(
    stop: StopOnInterrupt, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not stop.is_set
    signal.raise_signal(signal.SIGINT)
    assert stop.is_set
    assert "stopping after this epoch" in capsys.readouterr().err
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


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
