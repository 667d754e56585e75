"""Signals that end a command: the first one stops a search cleanly, a second one at once.

They are Ctrl-C (SIGINT), SIGTERM, which service managers and `timeout` send, and SIGHUP, which a
closed terminal sends.
"""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from threading import Timer, main_thread
from types import FrameType
from typing import TYPE_CHECKING

from evolve.cli.output import echo
from evolve.stop import Stop

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

RETRY_SECONDS = 0.01
SAME_REQUEST_SECONDS = 2.0  # `timeout` and a closed terminal send their signal twice
NAMES = ("SIGINT", "SIGTERM", "SIGHUP")  # SIGHUP does not exist on Windows


def interrupt_on_signals() -> None:
    """Raise KeyboardInterrupt at SIGTERM and SIGHUP, as at Ctrl-C, so that files are cleaned up."""
    for number in _list_signals():
        if number != signal.SIGINT:  # Python does it
            signal.signal(number, signal.default_int_handler)


class StopOnInterrupt(Stop):
    """Stop request that a signal sets; a second signal raises KeyboardInterrupt."""

    def __init__(self, step: str = "epoch", clock: Callable[[], float] = time.monotonic) -> None:
        """
        Args:
            step: the unit of work after which the command stops, for the message.
            clock: returns seconds, to recognize a signal other than Ctrl-C that is sent twice.
        """
        super().__init__()
        self._step, self._clock, self._since = step, clock, 0.0
        for number in _list_signals():
            signal.signal(number, self._handle)
        sys.unraisablehook = _handle_unraisable

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.is_set:
            if number != signal.SIGINT and self._clock() < self._since + SAME_REQUEST_SECONDS:
                return
            raise KeyboardInterrupt
        self.set()
        self._since = self._clock()
        # The terminal may be closed, or the signal may interrupt a write to the same stream.
        with suppress(OSError, ValueError, RuntimeError):
            echo(f"\nstopping after this {self._step}; Ctrl-C again stops at once", err=True)


def _list_signals() -> list[signal.Signals]:
    """Return the signals that end a command; SIGHUP only if `nohup` does not ignore it."""
    known = [signal.Signals[name] for name in NAMES if hasattr(signal, name)]
    return [
        each
        for each in known
        if each.name != "SIGHUP" or signal.getsignal(each) is not signal.SIG_IGN
    ]


def _handle_unraisable(args: UnraisableHookArgs) -> None:
    """Repeat an interrupt that a callback of a weak reference could not raise."""
    if args.exc_type is not KeyboardInterrupt:
        sys.__unraisablehook__(args)
        return
    is_started = False
    while not is_started:
        try:
            Timer(RETRY_SECONDS, _interrupt_main).start()
            is_started = True
        except KeyboardInterrupt:  # on a busy machine the timer may fire within start()
            pass


def _interrupt_main() -> None:
    if hasattr(signal, "pthread_kill"):  # it also ends a blocking wait
        signal.pthread_kill(main_thread().ident or 0, signal.SIGINT)
    else:
        signal.raise_signal(signal.SIGINT)
