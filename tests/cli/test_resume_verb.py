"""`evolve resume`: its output, its suggestions and its refusals."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

import pytest

from evolve.cli.console import ConsoleObserver
from evolve.cli.run_page import print_run
from tests.command_line import invoke, refuse
from tests.experiment.small_runs import NOISE, Stopper, run_small, write_experiment

NO_TEST = "validate.null_runs=0"


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a run that was interrupted after its first epoch."""
    observer = Stopper("progress")
    folder = tmp_path_factory.mktemp("runs")
    return run_small(folder, NOISE, NO_TEST, observer=observer, stop=observer.stop).folder


def list_next_steps(text: str) -> list[str]:
    return re.findall(r"^  (evolve .*)$", text.partition("next steps:")[2], re.M)


def test_a_resumed_run_suggests_only_commands_that_work(stopped: Path) -> None:
    done = invoke("resume", str(stopped))
    assert re.search(r"the checkpoint at trial \d+ of 200", done.out)
    assert list_next_steps(done.out)[-1] == f"evolve run {stopped}/experiment.yaml"
    assert "is finished" in refuse("resume", str(stopped))


def test_an_interrupt_while_the_report_is_written_interrupts_no_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(folder: Path) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr("evolve.report.save.save_report", interrupt)
    path = write_experiment(tmp_path)
    done = invoke("run", str(path), "--set", NO_TEST, "--out", str(tmp_path / "run"), status=0)
    assert "to go on" not in done.err


def test_an_interrupted_run_suggests_to_continue_it(tmp_path: Path) -> None:
    observer, console = Stopper("progress"), ConsoleObserver(command="evolve run small.yaml")
    with console.out.capture() as printed:
        finished = run_small(tmp_path, NOISE, NO_TEST, observer=observer, stop=observer.stop)
        print_run(console.out, finished, console.command)
    assert list_next_steps(printed.get())[0] == f"evolve resume {finished.folder}"
