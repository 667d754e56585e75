"""Commands of a user without a home folder, as in a container."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.command_line import QUICK, ROOT

# A process without HOME, whose user is not in the password database.
CODE = """
import pwd, sys
def getpwuid(number):
    raise KeyError(number)
pwd.getpwuid = getpwuid
from evolve.cli import main
main(sys.argv[1:])
"""
SETS = ("budget.evaluations=60", "search.population=20", "validate.null_runs=19",
        "language.operators=[sma, rsi]")  # fmt: skip
NO_HOME = "this user has no home folder: set EVOLVE_HOME to a folder"
NO_USER = "EVOLVE_HOME: no such user or home folder: ~no-such-user/x"


def evolve(folder: Path, *args: str, **variables: str) -> subprocess.CompletedProcess[str]:
    hidden = {"HOME", "EVOLVE_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME"}
    inherited = {name: value for name, value in os.environ.items() if name not in hidden}
    done = subprocess.run(
        [sys.executable, "-c", CODE, *args], cwd=folder, capture_output=True, text=True,
        check=False, env={**inherited, "PYTHONPATH": str(ROOT), **variables},
    )  # fmt: skip
    assert "internal error" not in done.stderr, done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    return done


@pytest.mark.slow
def test_a_run_without_a_home_folder_ends_without_a_test(tmp_path: Path) -> None:
    sets = [part for each in SETS for part in ("--set", each)]
    for number, (variables, problem) in enumerate(
        (({}, NO_HOME), ({"EVOLVE_HOME": "~no-such-user/x"}, NO_USER))
    ):
        done = evolve(tmp_path, "run", QUICK, *sets, "--out", f"run{number}", **variables)
        assert done.returncode == 0, done.stderr
        assert f"note {problem}" in " ".join(done.stdout.split())
        assert "NOT TESTED" in done.stdout
    assert sorted(each.name for each in tmp_path.iterdir()) == ["run0", "run1"]


@pytest.mark.slow
def test_commands_without_a_home_folder_name_the_problem(tmp_path: Path) -> None:
    plain = evolve(tmp_path, "eval", "close", "--data", "sample:sp500")
    assert (plain.returncode, plain.stderr.count("\n")) == (0, 1)  # the note of the sample
    doctor = evolve(tmp_path, "doctor")
    assert doctor.returncode == 1
    assert NO_HOME in doctor.stdout
    variables = {"EVOLVE_HOME": "~no-such-user/x"}
    assert NO_USER in evolve(tmp_path, "doctor", **variables).stdout
    assert list(tmp_path.iterdir()) == []
