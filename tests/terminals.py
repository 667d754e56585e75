"""A terminal for tests: a pseudo-terminal, and the screen that its output would leave."""

from __future__ import annotations

import fcntl
import os
import re
import struct
import termios
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

import pytest

HIDE, SHOW = "\x1b[?25l", "\x1b[?25h"
ESCAPE = re.compile(r"\x1b\[[?\d;]*[A-Za-z]")
TOKEN = re.compile(r"\x1b\[([?\d;]*)([A-Za-z])|\r|\n|[^\x1b\r\n]+")


class Terminal:
    """A pseudo-terminal whose output is read by a thread.

    Attributes:
        stream: the side of the program.
    """

    def __init__(self, columns: int, rows: int = 40) -> None:
        self._handle, program = os.openpty()
        fcntl.ioctl(program, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.stream: TextIO = os.fdopen(program, "w", encoding="utf-8")
        self._read = list[bytes]()
        self._reader = threading.Thread(target=self._collect, daemon=True)
        self._reader.start()

    def close(self) -> str:
        """Close it; return all that was written."""
        with suppress(OSError, ValueError):
            self.stream.close()
        self._reader.join(10)
        with suppress(OSError):
            os.close(self._handle)
        return b"".join(self._read).decode("utf-8").replace("\r\n", "\n")

    def hang_up(self) -> None:
        """Close the side of the user; each write fails from now on."""
        os.close(self._handle)

    def _collect(self) -> None:
        with suppress(OSError):
            while part := os.read(self._handle, 65536):
                self._read.append(part)


@contextmanager
def open_terminal(
    monkeypatch: pytest.MonkeyPatch, columns: int, **variables: str
) -> Iterator[Terminal]:
    """Yield a terminal to which standard output and error are connected."""
    terminal = Terminal(columns)
    with monkeypatch.context() as patch:
        for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "TERM", "COLORTERM"):
            patch.delenv(name, raising=False)
        for name, value in {"TERM": "xterm-256color", **variables}.items():
            patch.setenv(name, value)
        patch.setenv("COLUMNS", str(columns))
        patch.setattr("sys.stdout", terminal.stream)
        patch.setattr("sys.stderr", terminal.stream)
        yield terminal


def list_drawn_lines(output: str) -> list[str]:
    """Return all lines that were ever drawn, without their escape codes."""
    return [ESCAPE.sub("", line) for line in re.split(r"[\r\n]+", output)]


def list_screen(output: str) -> list[str]:
    """Return the lines that remain on a screen without width: the codes that rich uses act."""
    rows, row, column = [""], 0, 0
    for match in TOKEN.finditer(output):
        token, parameters, code = match.group(), match.group(1), match.group(2)
        if token == "\n":
            row, column = row + 1, 0
            rows += [""] * (row + 1 - len(rows))
        elif token == "\r":
            column = 0
        elif code == "A":
            row = max(row - int(parameters or 1), 0)
        elif code == "K":
            rows[row] = ""
        elif code is None:
            line = rows[row].ljust(column)
            rows[row] = line[:column] + token + line[column + len(token) :]
            column += len(token)
    return rows
