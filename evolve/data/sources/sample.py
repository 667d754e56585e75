"""Real prices that ship with the tool's dependencies, for work without a network."""

from __future__ import annotations

from dsl.errors import did_you_mean
from evolve.data.source import Fetched, Notify, Source, Spec
from evolve.errors import EvolveError

SAMPLES = ("sp500",)


def fetch(spec: Spec, notify: Notify) -> Fetched:
    """The S&P 500, daily, 1999 to 2018, as the package `arch` carries it."""
    from arch.data import sp500

    from evolve.data.frames import bars_from_frame

    spec.only()
    if spec.name not in SAMPLES:
        hint = did_you_mean(spec.name, SAMPLES) or f"there is: {', '.join(SAMPLES)}"
        raise EvolveError(f"there is no sample `{spec.name}`", hint)
    bars = bars_from_frame(sp500.load(), "SP500", spec.text, _row)
    return Fetched(bars, are_stocks=False)


def _row(row: int) -> str:
    return f"row {row + 1}"


SOURCE = Source("sample", "the S&P 500, daily, 1999 to 2018", "sample:sp500", fetch)
