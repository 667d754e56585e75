"""Regression check of the engine and the search: fails if one is 15 % slower than the baseline.

Rates are those of one time of unrelated work, done before and after each round (`reference.py`),
and are compared with `baseline.json`. If a figure is too low it is measured again, because a shared
machine has slow moments. The check fails if all tries are too low.

`--write` replaces the baseline by new measurements.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
BASELINE = HERE / "baseline.json"
MIN_RATIO = 0.85
TRIES, BASELINE_RUNS = 4, 5
FIGURES = {
    "search": (
        ["search.py", "--evaluations", "8000", "--reference"],
        ("evaluations_by_reference",),
    ),
    "engine": (["engine.py", "--short"], ("plain_by_reference", "general_by_reference")),
}


def measure(name: str) -> dict[str, float]:
    """Return the figures of a benchmark."""
    command, names = FIGURES[name]
    done = subprocess.run(
        [sys.executable, str(HERE / command[0]), *command[1:]],
        check=True, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    figures = json.loads(done.stdout)
    return {f"{name}.{each}": figures[each] for each in names}


def main() -> None:
    """Print each ratio to its baseline, the best of several tries; exit with 1 if one is low."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--write", action="store_true", help="replace the baseline")
    if parser.parse_args().write:
        runs = [{**measure("search"), **measure("engine")} for _ in range(BASELINE_RUNS)]
        medians = {each: round(statistics.median(run[each] for run in runs), 3) for each in runs[0]}
        BASELINE.write_text(json.dumps(medians, indent=2) + "\n")
        print(BASELINE.read_text())
        return
    baseline: dict[str, float] = json.loads(BASELINE.read_text())
    best: dict[str, float] = {}
    for name in FIGURES:
        for _ in range(TRIES):
            for figure, rate in measure(name).items():
                best[figure] = max(best.get(figure, 0.0), rate / baseline[figure])
            if all(each >= MIN_RATIO for figure, each in best.items() if figure.startswith(name)):
                break
    print(
        json.dumps({"benchmark": "check", **{name: round(each, 2) for name, each in best.items()}})
    )
    slow = {name: each for name, each in best.items() if each < MIN_RATIO}
    for name, each in slow.items():
        print(
            f"{name} is {each:.0%} of its baseline: expected at least {MIN_RATIO:.0%}",
            file=sys.stderr,
        )
    sys.exit(bool(slow))


if __name__ == "__main__":
    main()
