"""Output of every benchmark: one JSON line with versions and the machine."""

from __future__ import annotations

import json
import os
import platform
import resource

from evolve.experiment.result import versions


def report(name: str, **figures: object) -> None:
    """Print the name of a benchmark, its figures, versions and the machine as one JSON line."""
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    machine = {"cores": os.cpu_count(), "system": platform.machine()}
    line = {"benchmark": name, **figures, "peak_mb": round(peak_mb), "machine": machine}
    print(json.dumps(line | {"versions": versions()}))
