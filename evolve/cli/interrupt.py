"""Ctrl-C during a command: the first one stops it cleanly, a second one at once."""

from __future__ import annotations

import signal
import sys
from threading import Timer, main_thread
from types import FrameType
from typing import TYPE_CHECKING

from evolve.cli.output import echo
from evolve.stop import Stop

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

RETRY_SECONDS = 0.01


class StopOnInterrupt(Stop):
    """Stop request that Ctrl-C sets; a second Ctrl-C raises KeyboardInterrupt."""

    def __init__(self, step: str = "epoch") -> None:
        """
        Args:
            step: the unit of work after which the command stops, for the message.
        """
        super().__init__()
        self._step = step
        signal.signal(signal.SIGINT, self._handle)
        sys.unraisablehook = _handle_unraisable

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.is_set:
            raise KeyboardInterrupt
        self.set()
        echo(f"\nstopping after this {self._step}; Ctrl-C again stops at once", err=True)


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
