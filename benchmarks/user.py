"""Seconds of `evolve run experiments/spy.yaml`, from start to exit.

5,000 evaluations, one worker per core, compiled kernels. If Yahoo cannot be reached, the
experiment uses its fallback. Each run has an empty ledger, so no null search is reused.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from report import report

from dsl.evaluate.jit import kernel_cache_dir

ROOT = Path(__file__).parents[1]
RUNS = 3


def time_run(experiment: Path) -> tuple[float, dict[str, object]]:
    """Run an experiment; return the seconds and the document that it prints."""
    kernels = str(kernel_cache_dir())
    with tempfile.TemporaryDirectory() as folder:
        variables = {**os.environ, "EVOLVE_HOME": folder, "NUMBA_CACHE_DIR": kernels}
        command = [sys.executable, "-m", "evolve", "run", str(experiment), "--json", "--out",
                   str(Path(folder) / "run")]  # fmt: skip
        began = time.perf_counter()
        done = subprocess.run(command, check=True, capture_output=True, text=True, env=variables)
        return time.perf_counter() - began, json.loads(done.stdout)


def label(document: dict[str, object]) -> object:
    """Return the label of the verdict."""
    verdict = document["verdict"]
    assert isinstance(verdict, dict)
    return verdict["label"]


def main() -> None:
    """Print the median of several runs."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--experiment", type=Path, default=ROOT / "experiments" / "spy.yaml")
    experiment = parser.parse_args().experiment
    time_run(experiment)  # compiles the kernels
    runs = [time_run(experiment) for _ in range(RUNS)]
    document = runs[0][1]
    report(
        "user",
        experiment=experiment.stem,
        trials=document.get("trials"),
        verdict=label(document),
        seconds=round(statistics.median(seconds for seconds, _ in runs), 2),
        evaluations_per_second=document.get("evaluations_per_second"),
    )


if __name__ == "__main__":
    main()
