"""Small experiments for tests of the verdict, on synthetic prices."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from evolve.experiment.observer import Observer
from evolve.experiment.plan import read_plan
from evolve.experiment.result import Run
from evolve.experiment.run import run
from evolve.notices import NoticeList
from evolve.search.progress import Progress
from evolve.stop import Stop
from evolve.validation.ledger import Ledger, ledger_path
from evolve.validation.null_run import NullRun

TEXT = """
name: small
seed: 1
data: {from: "%s"}
language: {operators: [roc, rsi, sma, "<", ">", and], max_nodes: 16}
fitness: {folds: 2}
search: {islands: 2, population: 20, generations_per_epoch: 2}
budget: {evaluations: 200, stale_epochs: null}
workers: 1
"""
NOISE = "synthetic:walk?seed=2&bars=1000"
EDGE = "synthetic:planted?seed=8&bars=2500&edge_bps=60&rule=roc(close, 1) < 0"
WEAK_EDGE = "synthetic:planted?seed=7&bars=2500&edge_bps=32&rule=roc(close, 1) < 0"


def write_experiment(folder: Path, source: str = NOISE) -> Path:
    """Write the experiment on a source; return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "small.yaml"
    path.write_text(TEXT % source, "utf-8")
    return path


def run_small(
    folder: Path, source: str, *overrides: str, observer: Observer | None = None,
    stop: Stop | None = None, start_from: Path | None = None,
) -> Run:  # fmt: skip
    """Run the experiment into the next of `folder/1`, `folder/2` and so on."""
    if start_from is not None:
        overrides = (*overrides, f'start_from=["{start_from}"]')
    plan = read_plan(write_experiment(folder, source), overrides)
    number = 1
    while (folder / str(number)).exists():
        number += 1
    return run(plan, out=folder / str(number), observer=observer, stop=stop)


def find_train_hash(folder: Path, source: str) -> str:
    """Return the hash of the train bars."""
    return read_plan(write_experiment(folder, source)).load(NoticeList()).split.train.hash


class Notices(Observer):
    """Observer that keeps the notices."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def notice(self, text: str) -> None:
        self.texts.append(text)


def read_result(finished: Run) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((finished.folder / "result.json").read_text("utf-8"))
    return document


def assert_unused(finished: Run) -> None:
    """Check that the holdout is sealed, in the evidence and in the result."""
    assert finished.evidence.holdout is None
    assert finished.evidence.holdout_result is None
    document = read_result(finished)
    assert document["holdout"]["sealed"] is True
    assert "metrics" not in document["holdout"]
    assert Ledger(ledger_path()).read("opening") == []


class Stopper(Observer):
    """Observer that requests a stop at an event, or raises an interrupt."""

    def __init__(self, event: str, interrupt: bool = False) -> None:
        self.stop, self.event, self.interrupt = Stop(), event, interrupt

    def _act(self, event: str) -> None:
        if event == self.event:
            if self.interrupt:
                raise KeyboardInterrupt
            self.stop.set()

    def early_null_search(self, run: NullRun) -> None:
        self._act("early_null_search")

    def progress(self, progress: Progress, seconds: float) -> None:
        self._act("progress")

    def null_search(self, run: NullRun) -> None:
        self._act("null_search")

    def family(self, index: int, count: int) -> None:
        self._act("family")
