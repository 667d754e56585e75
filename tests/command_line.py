"""Commands run inside the test process, with their output."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple

from evolve.cli import _run

ROOT = Path(__file__).parents[1]
QUICK = str(ROOT / "experiments" / "quick.yaml")
EVOLVE = [sys.executable, "-m", "evolve"]


class Output(NamedTuple):
    """Exit code and output of a command."""

    status: int
    out: str
    err: str


def invoke(*args: str, status: int | None = 0) -> Output:
    """Run a command; fail on another exit code (None allows any) or an internal error."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), _restore_interrupts():
        code = _run(args)
    output = Output(code, out.getvalue(), err.getvalue())
    assert status in (None, code), output
    assert "Traceback" not in output.out + output.err, output
    assert "internal error" not in output.err, output
    return output


@contextmanager
def _restore_interrupts() -> Iterator[None]:
    """Restore default interrupts for a command, and the previous handlers after it."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    handlers, hook = [signal.getsignal(each) for each in numbers], sys.unraisablehook
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        for number, handler in zip(numbers, handlers, strict=True):
            signal.signal(number, handler)
        sys.unraisablehook = hook


def refuse(*args: str, status: int = 1) -> str:
    """Run a command that must print only one short error; return the error."""
    _, out, err = invoke(*args, status=status)
    assert out == ""
    assert len(err.splitlines()) < 12, err
    if status == 1:
        assert err.count("error:") + err.count("error[") == 1, err
    return err


def document(*args: str) -> Any:
    """Run a command with `--json`; return its document, which must be strict JSON."""

    def refuse_constant(name: str) -> None:
        raise AssertionError(f"{name} is not JSON")

    return json.loads(invoke(*args, "--json").out, parse_constant=refuse_constant)


def csv_rows(*args: str) -> list[list[str]]:
    """Run a command that prints CSV; return its rows, with the header first."""
    return list(csv.reader(io.StringIO(invoke(*args).out)))


@contextmanager
def start(
    *args: str, stdin: int | None = None, **variables: str
) -> Iterator[subprocess.Popen[str]]:
    """Start a command in a separate process; kill it at the end if it still runs."""
    with _restore_interrupts():  # a process inherits interrupts that a shell ignores
        process = subprocess.Popen(
            [*EVOLVE, *args], stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, env={**os.environ, "PYTHONPATH": str(ROOT), **variables},
        )  # fmt: skip
    with process as running:
        try:
            yield running
        finally:
            if running.poll() is None:
                running.kill()
