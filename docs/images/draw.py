"""Picture of a run: `run.svg`, the shortened output in a terminal."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).parents[2]
COMMAND = ["run", "experiments/quick.yaml"]
WIDTH = 108
SHOWN = (
    "data",
    "split",
    "score appraisal",
    "by ",
    "ended",
    "strategy",
    "best score",
    "gate",
    "NOT DISTINGUISHED",
)  # first words
OMITTED = ("note", "by symbol", "with one", "at higher", "other statistics", "symbol ")


def run_output() -> list[Text]:
    """Return the lines that a run prints, with their styles."""
    variables = {**os.environ, "FORCE_COLOR": "1", "COLUMNS": str(WIDTH)}
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-m", "evolve", *COMMAND, "--out", f"{folder}/run"],
            cwd=ROOT, env=variables, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            text=True, check=True,
        )  # fmt: skip
    return [Text.from_ansi(line) for line in done.stdout.splitlines()]


def shorten(lines: list[Text]) -> list[Text]:
    """Return the lines of the picture: blocks that begin with a word of SHOWN, and the metrics."""
    shown: list[Text] = []
    is_shown = False
    for line in lines:
        plain = line.plain.strip()
        if not plain:
            is_shown = is_shown and bool(shown)
            if is_shown and shown[-1].plain:
                shown.append(Text())
        elif plain.startswith(OMITTED) or plain.startswith("on train"):
            is_shown = False
        elif plain.startswith(SHOWN) or plain.startswith("train  "):
            is_shown = True
        elif " trials (" in plain:
            shown.append(line)
            return shown
        if is_shown and plain:
            shown.append(line)
    return shown


def main() -> None:
    """Write the picture."""
    console = Console(record=True, width=WIDTH, file=open(os.devnull, "w"))  # noqa: SIM115, PTH123
    for line in shorten(run_output()):
        console.print(line)
    target = Path(__file__).with_name("run.svg")
    target.write_text(console.export_svg(title=f"evolve {' '.join(COMMAND)}"), "utf-8")


if __name__ == "__main__":
    main()
