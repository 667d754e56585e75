"""Memory of a long search: the index of its trials grows, and nothing else does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TRIALS = 200_000
MAX_BYTES_PER_TRIAL = 400  # the index has about 250, and dictionaries grow in steps
SCRIPT = f"""
import json, resource
from evolve.search.progress import Budget
from evolve.search.search import search
from tests.search.toy import toy_problem

marks = {{}}
for progress in search(toy_problem(100, 10), Budget({TRIALS})):
    for mark in ({TRIALS // 4}, {TRIALS}):
        if progress.evaluated >= mark:
            marks.setdefault(mark, 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
first, last = marks.values()
print((last - first) / {TRIALS - TRIALS // 4})
"""


@pytest.mark.slow
def test_a_search_needs_few_bytes_per_trial_over_200_000_trials() -> None:
    result = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert float(result.stdout) < MAX_BYTES_PER_TRIAL
