"""`evolve dash` serves until Ctrl-C, and `evolve run --dash` until the run ends."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from evolve.dash.listener import open_listener
from evolve.errors import EvolveError
from evolve.store import JOURNAL, REPORT
from tests.command_line import refuse, start
from tests.experiment.small_runs import NOISE, write_experiment

ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+\S*")
LONG = ("--set", "budget.evaluations=1000000", "--set", "validate.null_runs=0")


def read_address(process: subprocess.Popen[str]) -> str:
    """Read lines of a command up to the first address."""
    assert process.stdout is not None
    for line in process.stdout:
        if match := ADDRESS.search(line):
            return match.group()
    raise AssertionError("no address")


def is_served(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=30) as answer:
            return bool(answer.status == 200)
    except urllib.error.HTTPError:
        return False
    except OSError:
        return False


def wait_until_refused(address: str) -> None:
    for _ in range(1200):
        if not is_served(address):
            return
        time.sleep(0.05)
    raise AssertionError(f"{address} is still served")


def wait_until_served(address: str) -> None:
    for _ in range(1200):
        if is_served(address):
            return
        time.sleep(0.05)
    raise AssertionError(f"{address} is not served")


def read_state(address: str) -> str:
    """Read the state of a run from its page."""
    with urllib.request.urlopen(f"{address}/page.json", timeout=60) as answer:
        return str(json.load(answer)["state"])


@pytest.mark.parametrize(
    "number",
    [
        signal.SIGINT,
        pytest.param(signal.SIGTERM, marks=pytest.mark.slow),
        pytest.param(signal.SIGHUP, marks=pytest.mark.slow),
    ],
)
def test_a_signal_ends_the_server_without_a_traceback(
    tmp_path: Path, number: signal.Signals
) -> None:
    with start("dash", str(tmp_path / "runs"), "--port", "0") as process:
        address = read_address(process)
        wait_until_served(address)
        with urllib.request.urlopen(f"{address}/list/events", timeout=30) as stream:
            assert stream.readline().startswith(b"retry:")  # a browser listens
            process.send_signal(number)
            out, err = process.communicate(timeout=30)
    assert process.returncode == 0
    assert out == ""
    assert err == f"shows the runs in {tmp_path / 'runs'}; Ctrl-C ends it\n"
    assert not (tmp_path / "runs").exists()


def test_a_port_in_use_is_refused_with_the_way_to_another(tmp_path: Path) -> None:
    with open_listener(0) as listener:
        port = listener.getsockname()[1]
        error = refuse("dash", str(tmp_path), "--port", str(port))
    assert f"port {port} of 127.0.0.1: it is in use" in error
    assert "--port 0" in error


def test_the_default_port_in_use_is_replaced_by_a_free_one() -> None:
    with open_listener(None) as one, open_listener(None) as other:
        assert one.getsockname()[0] == other.getsockname()[0] == "127.0.0.1"
        assert one.getsockname()[1] != other.getsockname()[1]


@pytest.mark.parametrize("port", ["-1", "65536", "x"])
def test_no_other_port_is_accepted(port: str, tmp_path: Path) -> None:
    assert "--port" in refuse("dash", str(tmp_path), "--port", port, status=2)


def test_no_option_listens_on_another_host(tmp_path: Path) -> None:
    refuse("dash", str(tmp_path), "--host", "0.0.0.0", status=2)


def test_a_file_and_a_single_run_are_refused(tmp_path: Path) -> None:
    (tmp_path / JOURNAL).touch()
    assert f"evolve dash {tmp_path.parent}" in refuse("dash", str(tmp_path))
    assert "is no folder" in refuse("dash", str(tmp_path / JOURNAL))


@pytest.mark.parametrize("package", ["starlette", "uvicorn"])
def test_a_missing_extra_is_named(
    package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    assert "pip install 'evolve-trading[dash]'" in refuse("dash", str(tmp_path))
    experiment = write_experiment(tmp_path, NOISE)
    error = refuse("run", str(experiment), "--dash", "--out", str(tmp_path / "run"))
    assert "pip install 'evolve-trading[dash]'" in error
    assert not (tmp_path / "run").exists()


def test_a_failing_live_view_is_a_note_of_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from evolve.cli import live_view
    from tests.command_line import invoke

    def fail(port: int | None) -> None:
        raise EvolveError("no socket")

    monkeypatch.setattr(live_view, "open_listener", fail)
    experiment = write_experiment(tmp_path, NOISE)
    output = invoke("run", str(experiment), "--dash", "--out", str(tmp_path / "run"),
                    "--set", "validate.null_runs=0")  # fmt: skip
    assert "no live view: no socket; the run continues" in " ".join(output.out.split())
    assert (tmp_path / "run" / REPORT).exists()


def test_a_server_that_dies_is_a_note_of_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from evolve.cli import live_view
    from tests.command_line import invoke

    def start_another(runs: Path, listener: int) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-c", "raise SystemExit('no memory')"],
            stdin=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        process.wait()
        return process

    monkeypatch.setattr(live_view, "_start_server", start_another)
    experiment = write_experiment(tmp_path, NOISE)
    output = invoke("run", str(experiment), "--dash", "--out", str(tmp_path / "run"),
                    "--set", "validate.null_runs=0")  # fmt: skip
    text = " ".join(output.out.split())
    assert text.count("the live view has ended: no memory; the run continues") == 1
    assert (tmp_path / "run" / REPORT).exists()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_the_live_view_ends_with_its_run(tmp_path: Path, number: signal.Signals) -> None:
    experiment, out = write_experiment(tmp_path, NOISE), tmp_path / "runs" / "one"
    with start("run", str(experiment), "--dash", "--out", str(out), *LONG) as process:
        address = read_address(process)
        assert address.endswith("/runs/one")
        wait_until_served(address)
        assert read_state(address) == "running"
        with urllib.request.urlopen(f"{address}/events", timeout=60) as stream:  # a browser
            process.send_signal(number)
            out_text, err = process.communicate(timeout=60)
            assert "Traceback" not in out_text + err
            states = [read_state(address) for line in stream if line.startswith(b"data:")]
        assert states[-1] == "stopped"
    assert process.returncode == (130 if number == signal.SIGINT else -signal.SIGKILL)
    wait_until_refused(address)
    assert (out / REPORT).exists() == (number == signal.SIGINT)
