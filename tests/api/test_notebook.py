"""The example of a notebook runs, and importing the interface is light."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_the_example_of_a_notebook_runs(tmp_path: Path) -> None:
    (tmp_path / "experiments").symlink_to(ROOT / "experiments")
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples" / "notebook.py")],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "backtest of `dips` on AAPL" in done.stdout
    assert "verdict: NOT DISTINGUISHED FROM LUCK" in done.stdout
    assert "backtest of `quick` on AAPL, GOOG, IBM, MSFT" in done.stdout
    assert len(list((tmp_path / "runs").iterdir())) == 1


def test_importing_the_interface_loads_no_slow_package() -> None:
    script = "import sys, evolve.api; print(*sorted(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    slow = {"pandas", "plotly", "numba", "pydantic", "scipy", "openai", "deap", "rich", "jinja2"}
    assert "evolve.api.backtesting" in loaded
    assert loaded & slow == set()
