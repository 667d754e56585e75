"""Long runs: their journal, log and checkpoints stay small, by a benchmark of fewer trials."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from evolve.store import Journal

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "durable.py"
TRIALS = 20_000


@pytest.mark.slow
def test_what_a_trial_adds_to_a_run_is_bounded(tmp_path: Path) -> None:
    command = [sys.executable, str(SCRIPT), "--case", "long", str(tmp_path / "run"), str(TRIALS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    figures = json.loads(done.stdout)
    assert figures["trials"] >= TRIALS
    assert 100 < figures["journal_bytes_per_trial"] < 400
    assert 0 < figures["checkpoint_bytes_per_trial"] < 20
    assert figures["max_log_mb"] <= 64
    with closing(Journal(tmp_path / "run" / "journal.sqlite")) as journal:
        last = journal.read_checkpoint()
        assert len(journal.read_index(last.trials)) == last.trials == figures["trials"]
