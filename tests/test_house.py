"""The house rules that a machine can hold: format, lint, types, import layers, short files."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MOST_LINES = 320

CHECKS = {
    "format": [sys.executable, "-m", "ruff", "format", "--check", "."],
    "lint": [sys.executable, "-m", "ruff", "check", "."],
    "types": [sys.executable, "-m", "mypy"],
    "layers": [str(Path(sys.executable).parent / "lint-imports"), "--no-logo"],
}


@pytest.mark.parametrize("name", CHECKS)
def test_the_tools_find_nothing(name: str) -> None:
    done = subprocess.run(CHECKS[name], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_files_stay_short() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for package in ("dsl", "evolve")
        for path in (ROOT / package).rglob("*.py")
        if (lines := len(path.read_text("utf-8").splitlines())) > MOST_LINES
    }
    assert not long
