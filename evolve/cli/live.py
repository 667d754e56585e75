"""Live display on stderr: lines that are drawn again in place, and erased at its end."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from threading import Event, Lock, Thread

from rich.console import ConsoleRenderable, Group, RenderableType
from rich.control import Control
from rich.live import Live
from rich.segment import ControlType, Segment, SegmentLines

from evolve.cli.terminal import OutputConsole

SECONDS_PER_LOOK = 0.25  # a display that changed is drawn four times a second at most
LOOKS_PER_DRAWING = 4  # one that did not change, once a second: the time left changes

# A fork while the other thread draws would copy a lock that nobody releases.
_drawing = Lock()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_drawing.acquire,
        after_in_parent=_drawing.release,
        after_in_child=_drawing.release,
    )


class LiveDisplay:
    """Live display. It never fails: a terminal that is closed shows nothing.

    Attributes:
        is_enabled: whether the console can draw in place.
    """

    def __init__(
        self, console: OutputConsole, render: Callable[[], Sequence[RenderableType]]
    ) -> None:
        """
        Args:
            console: the console.
            render: returns the lines to draw.
        """
        self.is_enabled = console.can_redraw
        self._console, self._render = console, render
        self._live: _ReflowingLive | None = None
        self._is_changed = self._is_ending = False
        self._end = Event()
        self._thread: Thread | None = None

    @property
    def is_started(self) -> bool:
        """Whether it is on the terminal now."""
        return self._live is not None

    def update(self) -> None:
        """Draw soon; start the display if it is not on the terminal."""
        self._is_changed = True
        if self.is_enabled and self._live is None:
            self._start()

    def stop(self) -> None:
        """Remove the display and show the cursor; do nothing if it is not on the terminal."""
        if self._live is None:
            return
        self._end.set()
        if self._thread is not None:
            self._thread.join()
        live, self._live, self._thread = self._live, None, None
        self._is_ending = True
        try:
            with suppress(OSError, ValueError):
                live.stop()
        finally:
            with suppress(OSError, ValueError):
                self._console.show_cursor(True)

    @contextmanager
    def pause(self) -> Iterator[None]:
        """Remove the display while other lines are printed."""
        was_started = self.is_started
        self.stop()
        yield
        if was_started:
            self.update()

    def _start(self) -> None:
        self._is_ending = False
        self._live = _ReflowingLive(self._console, self._list_lines)
        with suppress(OSError, ValueError):
            self._live.start(refresh=True)
        self._end = Event()
        self._thread = Thread(target=self._follow, args=(self._live, self._end), daemon=True)
        self._thread.start()

    def _follow(self, live: Live, end: Event) -> None:
        """Draw while the display is on the terminal."""
        looks = 0
        while not end.wait(SECONDS_PER_LOOK):
            looks += 1
            if not self._is_changed and looks < LOOKS_PER_DRAWING:
                continue
            self._is_changed, looks = False, 0
            with _drawing:
                try:
                    live.refresh()
                except (OSError, ValueError):  # the terminal is closed
                    return

    def _list_lines(self) -> Sequence[RenderableType]:
        return () if self._is_ending else self._render()


class _ReflowingLive(Live):
    """Live display that erases its lines also after the terminal has wrapped them.

    A terminal that becomes narrower wraps the lines on it, so that they take more rows than were
    drawn.
    """

    def __init__(
        self, console: OutputConsole, list_lines: Callable[[], Sequence[RenderableType]]
    ) -> None:
        self._list_lines = list_lines
        self._lengths: list[int] = []  # of the lines to draw
        self._drawn_lengths: list[int] = []
        super().__init__(
            console=console, auto_refresh=False, transient=True, redirect_stdout=False,
            get_renderable=self._draw,
        )  # fmt: skip

    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        """Return what to print: the display is erased before, and drawn after, other lines."""
        width = max(self.console.width, 1)
        wrapped = sum(max(length - 1, 0) // width for length in self._drawn_lengths)
        up = ((ControlType.ERASE_IN_LINE, 2), (ControlType.CURSOR_UP, 1))
        self._drawn_lengths = self._lengths
        return [Control(*up * wrapped), *super().process_renderables(renderables)]

    def _draw(self) -> SegmentLines:
        options = self.console.options
        rows = self.console.render_lines(Group(*self._list_lines()), options, pad=False)
        rows = rows[: max(options.size.height - 1, 1)]
        self._lengths = [Segment.get_line_length(row) for row in rows]
        return SegmentLines(rows, new_lines=True)
