"""Killed at any moment, the cache holds a whole table: the one before, or the one after."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import numpy as np
import pytest

from evolve.data import cache
from tests.data.tables import frame

pytestmark = pytest.mark.slow

KILLS = 12
WRITER = """
from evolve.data import cache
from tests.data.tables import frame
number = 0
print("ready", flush=True)
while True:
    number += 1
    made = frame(3000)
    made["Volume"] = number
    cache.write("yahoo", "SPY", made, f"day {number}")
"""


def test_a_process_killed_while_it_writes_leaves_a_whole_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVOLVE_HOME", str(tmp_path))
    cache.write("yahoo", "SPY", frame(3000), "day 0")
    rng, seen = Random(5), set()
    for _ in range(KILLS):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER], stdout=subprocess.PIPE, env=dict(os.environ)
        )
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(rng.uniform(0.0, 0.12))
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        kept = cache.read("yahoo", "SPY")
        assert kept is not None
        assert len(kept.frame) == 3000
        number = kept.as_of.removeprefix("day ")
        if number != "0":
            assert np.all(kept.frame["Volume"] == int(number))
        seen.add(number)
    assert len(seen) > 1  # it was killed at work
