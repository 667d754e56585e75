"""Outputs that are closed or full: a run continues and saves its result."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from evolve.cli import _prepare_streams
from tests.command_line import EVOLVE, ROOT, invoke, refuse
from tests.experiment.small_runs import write_experiment

FULL = Path("/dev/full")
SMALL = ("--set", "budget.evaluations=100", "--set", "validate.null_runs=0")
needs_full = pytest.mark.skipif(not FULL.exists(), reason="needs /dev/full")


def run_shell(folder: Path, redirection: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run a small experiment in a shell; `folder/run` is its folder."""
    experiment = write_experiment(folder)
    arguments = [*EVOLVE, "run", str(experiment), *SMALL, "--out", str(folder / "run"), *options]
    command = " ".join(f"'{each}'" for each in arguments)
    return subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command} {redirection}"],
        capture_output=True, text=True, check=False, timeout=120,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip


def assert_complete(folder: Path) -> None:
    document = json.loads((folder / "run" / "result.json").read_text("utf-8"))
    assert document["trials"]["evaluated"] == 100
    assert (folder / "run" / "best.evo").exists()
    assert (folder / "run" / "journal.sqlite").stat().st_size > 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("redirection", "status"),
    [
        ("| head -1", 0),
        ("2>&1 >/dev/null | head -1", 0),
        ("2>&1 | head -1", 0),
        pytest.param("> /dev/full", 1, marks=needs_full),
        pytest.param("2> /dev/full", 0, marks=needs_full),
        pytest.param("> /dev/full 2>&1", 1, marks=needs_full),
        (">&-", 0),
        ("2>&-", 0),
        ("<&- >&- 2>&-", 0),
    ],
)
def test_a_run_survives_its_output(tmp_path: Path, redirection: str, status: int) -> None:
    done = run_shell(tmp_path, redirection)
    assert done.returncode == status, done
    assert "Traceback" not in done.stdout + done.stderr
    assert_complete(tmp_path)


@pytest.mark.slow
@needs_full
def test_a_full_output_is_reported_once_with_the_folder(tmp_path: Path) -> None:
    done = run_shell(tmp_path, "> /dev/full")
    assert done.stderr.count("note: cannot print") == 1
    assert f"  = it is in {tmp_path / 'run'}\n" in done.stderr


@pytest.mark.slow
def test_a_document_may_go_to_a_closed_pipe(tmp_path: Path) -> None:
    assert run_shell(tmp_path, "| head -c 5", "--json").returncode == 0
    assert_complete(tmp_path)


def test_an_output_that_cannot_encode_gets_escapes(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, "ascii"))
    _prepare_streams()
    print("a ─ \udcff", flush=True)
    assert written.getvalue() == b"a \\u2500 \\udcff\n"


@pytest.mark.slow
def test_a_closed_terminal_ends_no_run(tmp_path: Path) -> None:
    experiment = write_experiment(tmp_path)
    terminal, slave = os.openpty()
    arguments = ["run", str(experiment), *SMALL, "--out", str(tmp_path / "run")]
    process = subprocess.Popen(
        [*EVOLVE, *arguments], stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    os.close(slave)
    while not (tmp_path / "run" / "experiment.yaml").exists():
        time.sleep(0.01)
    os.close(terminal)
    assert process.wait(60) == 1
    assert_complete(tmp_path)


@needs_full
@pytest.mark.parametrize("arguments", [("ops",), ("explain",), ("schema",)])
def test_another_command_reports_a_full_output(arguments: tuple[str, ...]) -> None:
    with FULL.open("w") as full:
        done = subprocess.run(
            [*EVOLVE, *arguments], stdout=full, stderr=subprocess.PIPE, text=True, check=False,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == "error: No space left on device\n"


WALK = ("--data", "synthetic:walk?bars=300")
WALK_FORWARD = ("walkforward", "{}", "--set", "budget.evaluations=100")


@needs_full
@pytest.mark.parametrize(
    "arguments", [("prompt", "{}"), pytest.param(WALK_FORWARD, marks=pytest.mark.slow)]
)
def test_a_full_stderr_ends_no_command(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    experiment = write_experiment(tmp_path)
    with FULL.open("w") as full:
        done = subprocess.run(
            [*EVOLVE, *(each.format(experiment) for each in arguments)], stdout=subprocess.PIPE,
            stderr=full, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
    assert done.returncode == 0
    assert done.stdout


@pytest.mark.parametrize("arguments", [("fmt", "-"), ("check", "-"), ("signals", "-", *WALK)])
def test_a_closed_standard_input_is_an_empty_file(arguments: tuple[str, ...]) -> None:
    command = " ".join(f"'{each}'" for each in (*EVOLVE, *arguments))
    done = subprocess.run(
        ["bash", "-c", f"{command} <&-"], capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert "internal error" not in done.stderr
    assert done.returncode == (0 if arguments[0] == "fmt" else 1)


@pytest.mark.parametrize("name", ["a.csv", "link.csv", "hard.csv"])
def test_data_refuses_to_overwrite_its_input(tmp_path: Path, name: str) -> None:
    path = tmp_path / "a.csv"
    invoke("data", "synthetic:walk?bars=300", "-o", str(path))
    before = path.read_bytes()
    (tmp_path / "link.csv").symlink_to("a.csv")
    (tmp_path / "hard.csv").hardlink_to(path)
    assert refuse("data", str(path), "-o", str(tmp_path / name)) == (
        f"error: cannot write {tmp_path / name}: it is an input\n  = choose another name\n"
    )
    assert path.read_bytes() == before
