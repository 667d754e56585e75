"""How long a person waits for `evolve run experiments/spy.yaml`: seconds of the whole process.

20,000 evaluations, as many workers as there are cores, kernels compiled before. Where Yahoo cannot
be reached, the experiment uses the sample that it names. Null searches are not part of it yet.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from report import report

ROOT = Path(__file__).parents[1]
RUNS = 3


def waited(experiment: Path) -> tuple[float, dict[str, object]]:
    """Seconds from the command to its end, and the document it prints."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "evolve", "run", str(experiment), "--json", "--out",
                   str(Path(folder) / "run")]  # fmt: skip
        began = time.perf_counter()
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        return time.perf_counter() - began, json.loads(done.stdout)


def main() -> None:
    """Print the median of some runs."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--experiment", type=Path, default=ROOT / "experiments" / "spy.yaml")
    experiment = parser.parse_args().experiment
    waited(experiment)
    found = [waited(experiment) for _ in range(RUNS)]
    document = found[0][1]
    report(
        "user",
        experiment=experiment.stem,
        trials=document.get("trials"),
        seconds=round(statistics.median(seconds for seconds, _ in found), 2),
        evaluations_per_second=document.get("evaluations_per_second"),
    )


if __name__ == "__main__":
    main()
