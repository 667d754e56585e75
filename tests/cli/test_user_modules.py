"""Modules in the user's folder are never imported, whatever their names."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = str(Path(sys.executable).with_name("evolve"))
NAMES = ("dsl", "grammar", "prompts", "lark", "strategies")


@pytest.mark.parametrize("command", [[sys.executable, "-m", "evolve"], [SCRIPT]])
def test_modules_beside_the_user_are_not_imported(command: list[str], tmp_path: Path) -> None:
    for name in NAMES:
        (tmp_path / f"{name}.py").write_text("raise SystemExit('a user module was imported')\n")
    (tmp_path / "s.evo").write_text("strategy s { buy when close > open hold 5 }\n")
    for arguments, found in (
        (["check", "s.evo"], "ok (s)"),
        (["ops", "--guide"], "# The indicator language"),
    ):
        done = subprocess.run(
            [*command, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert found in done.stdout
