"""Live display of a run on a terminal: what it draws, and what it leaves."""

from __future__ import annotations

import re
import sys
from contextlib import suppress
from pathlib import Path
from unittest.mock import patch

import pytest

from evolve.cli.console import ConsoleObserver
from evolve.cli.live import LiveDisplay
from evolve.cli.output import echo, echo_heading
from evolve.cli.terminal import OutputConsole
from evolve.experiment.run import run
from evolve.search.progress import Progress
from tests.experiment.small_runs import write_experiment
from tests.llm.scripted import GOOD, say, serving
from tests.terminals import HIDE, SHOW, Terminal, list_drawn_lines, list_screen, open_terminal

LONG = "a-model-with-a-very-long-name/" + "of-a-vendor-" * 6
DRAWN = re.compile("epoch|best |by  |luck |left |model|      ")
SMALL = ("budget.evaluations=100", "budget.llm_calls=2")

pytestmark = pytest.mark.usefixtures("own_home")


def run_on(
    terminal: Terminal, folder: Path, null_runs: int = 0, observer: ConsoleObserver | None = None
) -> str:
    """Run a small experiment with a model on a terminal; return all that it wrote."""
    with serving(lambda body: say(GOOD, tokens=(1000, 50))) as server:
        model = f"llm.models=[{{name: '{LONG}', base_url: '{server.url}'}}]"
        settings = (*SMALL, model, "llm.constraint=text", f"validate.null_runs={null_runs}")
        path = write_experiment(folder)
        with patch("evolve.cli.live.SECONDS_PER_LOOK", 0.01):
            try:
                with observer or ConsoleObserver() as shown:
                    run(path, settings, out=folder / "run", observer=shown)
            except KeyboardInterrupt:
                echo("interrupted", err=True)
    return terminal.close()


@pytest.mark.parametrize(
    ("columns", "null_runs"), [(80, 19), pytest.param(40, 0, marks=pytest.mark.slow)]
)
def test_a_run_draws_every_part_within_the_width_and_erases_it(
    columns: int, null_runs: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_terminal(monkeypatch, columns) as terminal:
        output = run_on(terminal, tmp_path, null_runs)
    lines = list_drawn_lines(output)
    drawn = " ".join(" ".join(lines).split())
    parts = [
        r"epoch \d+ [█░]+ \d+ of 100 trials, [\d,]+/s", r"best -?\d+\.\d\d", "proposed: ",
        "accepted: ", r"[12] of 2 calls, [\d,]+ tokens, \$0\.0000", "left ",
    ]  # fmt: skip
    if null_runs:
        parts += [r"\d+ of 19 searches on", r"beaten \d"]
    for part in parts:
        assert re.search(part, drawn), part
    live = [line for line in lines if DRAWN.match(line)]
    assert live
    assert all(len(line) <= columns for line in live)
    assert LONG.split("/")[1][:12] in drawn  # wraps
    screen = list_screen(output)
    assert not any(re.match(r"(epoch \d|luck  |left  )", line) for line in screen)
    assert any("next steps" in line for line in screen)
    assert output.count(HIDE) > 0
    assert output.rindex(SHOW) > output.rindex(HIDE)


class InterruptedObserver(ConsoleObserver):
    """Observer that is interrupted in its second epoch, as by a second Ctrl-C."""

    def progress(self, progress: Progress, seconds: float) -> None:
        super().progress(progress, seconds)
        if progress.epoch == 2:
            raise KeyboardInterrupt


def test_an_interrupt_leaves_a_clean_terminal_with_a_cursor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_terminal(monkeypatch, 80) as terminal:
        output = run_on(terminal, tmp_path, observer=InterruptedObserver())
    assert output.rindex(SHOW) > output.rindex(HIDE)
    screen = [line for line in list_screen(output) if line]
    assert screen[-1] == "interrupted"
    assert not any(line.startswith(("epoch", "left")) for line in screen)


def test_a_terminal_without_colors_gets_lines_without_escape_codes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_terminal(monkeypatch, 80, NO_COLOR="1") as terminal:
        echo_heading("heading")
        output = run_on(terminal, tmp_path)
    assert "\x1b" not in output
    assert re.search(r"^epoch \d+: \d+ of 100, [\d,]+ per second, best", output, re.MULTILINE)
    assert "2 calls, $0.0000" in output


@pytest.mark.parametrize("variables", [{"NO_COLOR": "1"}, {"TERM": "dumb"}, {"TERM": "unknown"}])
def test_plain_terminals_are_not_drawn_on(
    variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_terminal(monkeypatch, 80, **variables) as terminal:
        console = OutputConsole(stderr=True)
        display = LiveDisplay(console, lambda: ["line"])
        display.update()
        display.stop()
        console.print("bold", style="bold red")
        echo_heading("heading")
        assert terminal.close() == "bold\nheading\n"


def test_color_that_is_forced_into_a_file_is_not_drawn_in_place(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    with (tmp_path / "log").open("w") as log:
        monkeypatch.setattr(sys, "stderr", log)
        assert not OutputConsole(stderr=True).can_redraw


def test_other_lines_are_printed_above_the_display(monkeypatch: pytest.MonkeyPatch) -> None:
    with open_terminal(monkeypatch, 80) as terminal:
        console = OutputConsole(stderr=True)
        display = LiveDisplay(console, lambda: ["live line"])
        display.update()
        echo("message of a signal", err=True)
        with display.pause():
            OutputConsole().print("result")
        assert display.is_started
        display.stop()
        display.stop()
        output = terminal.close()
    screen = [line for line in list_screen(output) if line]
    assert screen == ["message of a signal", "result"]
    assert "live line" in output


def test_a_narrower_terminal_is_erased_by_the_rows_that_it_wrapped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with open_terminal(monkeypatch, 80) as terminal:
        console = OutputConsole(stderr=True)
        display = LiveDisplay(console, lambda: ["x" * 70, "y" * 10])
        display.update()
        console.width = 30
        display.stop()
        output = terminal.close()
    drawn, erased = output.split("y" * 10)
    assert erased.count("\x1b[1A") == 1 + 2  # one of its own, and two of the first line
    assert drawn.count("\x1b[1A") == 0


def test_a_closed_terminal_ends_no_display(monkeypatch: pytest.MonkeyPatch) -> None:
    with open_terminal(monkeypatch, 80) as terminal:
        display = LiveDisplay(OutputConsole(stderr=True), lambda: ["line"])
        display.update()
        terminal.hang_up()
        display.update()
        display.stop()
        assert not display.is_started
        with suppress(OSError):
            terminal.stream.close()
