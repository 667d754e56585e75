"""Real prices that ship with the tool's dependencies, for work without a network."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from dsl.errors import did_you_mean
from evolve.data.source import Fetched, Notify, Source, Spec
from evolve.errors import EvolveError

SAMPLES = ("sp500",)


def fetch(spec: Spec, notify: Notify) -> Fetched:
    """The S&P 500, daily, 1999 to 2018, as the package `arch` carries it."""
    import pandas as pd

    from evolve.data.frames import bars_from_frame

    spec.only()
    if spec.name not in SAMPLES:
        hint = did_you_mean(spec.name, SAMPLES) or f"there is: {', '.join(SAMPLES)}"
        raise EvolveError(f"there is no sample `{spec.name}`", hint)
    frame = pd.read_csv(_path(), index_col=0, parse_dates=True)
    return Fetched(bars_from_frame(frame, "SP500", spec.text, _row), are_stocks=False)


def _path() -> Path:
    """The table inside `arch`, found without importing that: it takes a second."""
    found = find_spec("arch")
    assert found is not None and found.submodule_search_locations is not None
    return Path(found.submodule_search_locations[0]) / "data" / "sp500" / "sp500.csv.gz"


def _row(row: int) -> str:
    return f"row {row + 1}"


SOURCE = Source("sample", "the S&P 500, daily, 1999 to 2018", "sample:sp500", fetch)
