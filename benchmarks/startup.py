"""Startup time of commands: milliseconds of the process, medians over runs."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

from report import report

ROOT = Path(__file__).parents[1]
CROSS = str(ROOT / "experiments" / "strategies" / "sma_cross.evo")
RUNS = 7
COMMANDS = {
    "python": ["-c", "pass"],
    "help": ["-m", "evolve", "--help"],
    "check": ["-m", "evolve", "check", CROSS],
    "backtest": ["-m", "evolve", "backtest", CROSS, "--data", "synthetic:walk?bars=5000"],
}


def milliseconds(args: list[str]) -> float:
    """Return the time of a Python process from start to exit."""
    began = time.perf_counter()
    subprocess.run([sys.executable, *args], check=True, capture_output=True)
    return (time.perf_counter() - began) * 1000


def main() -> None:
    """Print medians; each round runs every command, so that all have the same noise."""
    rounds = [{name: milliseconds(args) for name, args in COMMANDS.items()} for _ in range(RUNS)]
    medians = {name: statistics.median(each[name] for each in rounds) for name in COMMANDS}
    report("startup", **{f"{name}_ms": round(value) for name, value in medians.items()})


if __name__ == "__main__":
    main()
