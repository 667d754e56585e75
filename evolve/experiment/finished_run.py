"""Finished run, read from its folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from evolve.config.data import Data
from evolve.errors import EvolveError
from evolve.experiment.plan import LoadedData, Plan, read_plan
from evolve.notices import NoticeList
from evolve.store import RunFolder
from evolve.store.journal import Trial, read_trials

WITHOUT_FILES = ("llm.replay=null", "llm.learnings=null", "llm.prompts=null", "llm.tasks=all")


@dataclass(frozen=True, eq=False)
class FinishedRun:
    """Finished run, read from its folder.

    Attributes:
        folder: the run folder.
        plan: the plan of its experiment, with the snapshot of the bars as data.
        result: the result document.
    """

    folder: Path
    plan: Plan
    result: Mapping[str, Any]

    @cached_property
    def data(self) -> LoadedData:
        """Data of the run, loaded once."""
        return self.plan.load(NoticeList())

    @cached_property
    def trials(self) -> tuple[Trial, ...]:
        """Trials of the run in order, read once."""
        return tuple(read_trials(RunFolder(self.folder).journal))

    @property
    def feasible(self) -> tuple[Trial, ...]:
        """Trials that meet every requirement."""
        return tuple(each for each in self.trials if not each.infeasible_reason)


def read_run(folder: Path) -> FinishedRun:
    """Read a finished run from its folder.

    Raises:
        EvolveError: if the folder has no finished run, or if the run was scored on validation.
    """
    try:
        result = json.loads((folder / "result.json").read_text("utf-8"))
    except (OSError, ValueError):
        hint = "expected the folder of a finished run, such as runs/spy-20261101-120000"
        raise EvolveError(f"no finished run in {folder}", hint) from None
    plan = read_plan(folder / "experiment.yaml", WITHOUT_FILES)
    parts = plan.experiment.split
    if result["data"]["fallback_used"] and parts.fallback is not None:
        parts = parts.fallback
    snapshot = Data(source=f"parquet:{(folder / 'bars.parquet').resolve()}")
    llm = plan.experiment.llm.model_copy(update={"mode": "off"})  # after the check of `scored_on`
    experiment = plan.experiment.model_copy(update={"data": snapshot, "split": parts, "llm": llm})
    return FinishedRun(folder, replace(plan, experiment=experiment), result)
