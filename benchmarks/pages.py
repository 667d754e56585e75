"""Seconds and bytes of a run's report, by number of trials: medians over builds."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

from report import report

from evolve.experiment.plan import read_plan
from evolve.experiment.run import run
from evolve.experiment.run_view import read_view
from evolve.report.html.render import render_page
from evolve.report.page.build import build_page

EXPERIMENT = Path(__file__).parents[1] / "experiments" / "spy.yaml"
TRIALS = (5_000, 20_000)
ROUNDS = 5


def make_run(folder: Path, trials: int) -> Path:
    """Run the experiment with a number of evaluations; return its folder."""
    overrides = ["data.from=sample:sp500", f"budget.evaluations={trials}",
                 "budget.stale_epochs=null"]  # fmt: skip
    return run(read_plan(EXPERIMENT, overrides), out=folder / str(trials)).folder


def measure(folder: Path) -> dict[str, float]:
    """Return seconds of reading with building and of rendering, and the size of the file."""
    built, rendered, size = list[float](), list[float](), 0
    for _ in range(ROUNDS):
        began = time.perf_counter()
        page = build_page(read_view(folder))
        middle = time.perf_counter()
        size = len(render_page(page).encode())
        built.append(middle - began)
        rendered.append(time.perf_counter() - middle)
    return {
        "build_seconds": round(statistics.median(built), 2),
        "render_seconds": round(statistics.median(rendered), 2),
        "mb": round(size / 1e6, 2),
    }


def main() -> None:
    """Make the runs and print the figures of each report."""
    with tempfile.TemporaryDirectory() as folder:
        figures = {str(each): measure(make_run(Path(folder), each)) for each in TRIALS}
    report("pages", trials=figures)


if __name__ == "__main__":
    main()
