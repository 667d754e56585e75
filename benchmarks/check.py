"""Whether the engine and the search are as fast as they were: fails if one lost 15 %.

Rates are divided by the pace of work that has nothing to do with this project, measured in the
same run, and compared with `baseline.json`. A figure that is too low is measured again, as a
machine that is shared has slow moments; only one that stays low fails.

`--write` makes what is measured the new baseline.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path

from reference import pace

HERE = Path(__file__).parent
BASELINE = HERE / "baseline.json"
LEAST = 0.85
TRIES, WRITTEN = 4, 5
FIGURES = {
    "search": (["search.py", "--evaluations", "8000"], ("evaluations_per_second",)),
    "engine": (["engine.py", "--short"], ("plain_per_second", "general_per_second")),
}


def ratios(name: str) -> dict[str, float]:
    """The figures of a benchmark over the pace of the machine before and after."""
    command, wanted = FIGURES[name]
    before = pace()
    done = subprocess.run(
        [sys.executable, str(HERE / command[0]), *command[1:]],
        check=True, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    found = json.loads(done.stdout)
    own = statistics.mean([before, pace()])
    return {f"{name}.{each}": found[each] / own for each in wanted}


def main() -> None:
    """Print each ratio over its baseline, best of a few tries."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--write", action="store_true", help="make this the baseline")
    if parser.parse_args().write:
        runs = [{**ratios("search"), **ratios("engine")} for _ in range(WRITTEN)]
        middle = {each: round(statistics.median(run[each] for run in runs), 3) for each in runs[0]}
        BASELINE.write_text(json.dumps(middle, indent=2) + "\n")
        print(BASELINE.read_text())
        return
    baseline: dict[str, float] = json.loads(BASELINE.read_text())
    best: dict[str, float] = {}
    for name in FIGURES:
        for _ in range(TRIES):
            for figure, ratio in ratios(name).items():
                best[figure] = max(best.get(figure, 0.0), ratio / baseline[figure])
            if all(each >= LEAST for figure, each in best.items() if figure.startswith(name)):
                break
    print(
        json.dumps({"benchmark": "check", **{name: round(each, 2) for name, each in best.items()}})
    )
    slow = {name: each for name, each in best.items() if each < LEAST}
    for name, each in slow.items():
        print(
            f"{name} is {each:.0%} of what it was: at least {LEAST:.0%} is asked", file=sys.stderr
        )
    sys.exit(bool(slow))


if __name__ == "__main__":
    main()
