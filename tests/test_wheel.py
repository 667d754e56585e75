"""A wheel works outside the checkout: it contains the grammar, the prelude and the prompts."""

from __future__ import annotations

import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
STRATEGY = "strategy s { buy when close > sma(close, 20) sell when close < sma(close, 20) }"


@pytest.mark.slow
def test_a_wheel_in_a_fresh_environment_runs_a_strategy(tmp_path: Path) -> None:
    run([sys.executable, "-m", "build", "--wheel", "--outdir", str(tmp_path), str(ROOT)], ROOT)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    for name in (
        "dsl/grammar/strategy.lark", "dsl/operators/prelude.evo", "evolve/prompts/language.md",
        "dsl/py.typed", "evolve/data/samples/stocks.parquet", "evolve/data/samples/NOTICE.md",
    ):  # fmt: skip
        assert name in names
    folders = ("tests", "experiments", "benchmarks", "examples")
    assert not [name for name in names if name.startswith(folders)]
    venv.create(tmp_path / "venv", with_pip=True)
    binaries = tmp_path / "venv" / "bin"
    run([str(binaries / "pip"), "install", "--quiet", str(wheel)], tmp_path)
    (tmp_path / "s.evo").write_text(STRATEGY)
    for name in ("dsl", "grammar", "prompts"):  # a user's own modules
        (tmp_path / f"{name}.py").write_text("raise SystemExit('a user module was imported')")
    evolve = str(binaries / "evolve")
    assert "ok (s)" in run([evolve, "check", "s.evo"], tmp_path)
    assert "num trades" in run([evolve, "backtest", "s.evo", "--data", "sample:sp500"], tmp_path)
    assert "GOOG" in run([evolve, "data", "sample:stocks"], tmp_path)
    assert "# The indicator language" in run([evolve, "ops", "--guide"], tmp_path)


def run(command: list[str], folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
