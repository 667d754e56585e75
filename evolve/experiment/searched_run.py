"""Run whose search has ended, before its validation."""

from __future__ import annotations

from dataclasses import dataclass

from evolve.cluster import Cluster
from evolve.config import Experiment
from evolve.experiment.assessed import Assessed
from evolve.experiment.plan import LoadedData, Plan
from evolve.llm.model_set import ModelSet
from evolve.search.history import SearchHistory
from evolve.search.individual import SEED
from evolve.search.progress import Progress


@dataclass(frozen=True)
class SearchedRun:
    """Run whose search has ended.

    Attributes:
        plan: its plan.
        data: its data.
        models: its models.
        last: the last state of the search.
        finalists: the finalists, the winner first.
        history: history of the search.
        changes: settings that changed during the search, each with its values.
        cluster: the connected cluster; None for workers on this machine.
    """

    plan: Plan
    data: LoadedData
    models: ModelSet
    last: Progress
    finalists: tuple[Assessed, ...]
    history: SearchHistory
    changes: tuple[str, ...] = ()
    cluster: Cluster | None = None

    @property
    def settings(self) -> Experiment:
        """Settings of the experiment."""
        return self.plan.experiment

    @property
    def asks_models(self) -> bool:
        """True if the models propose in its null searches, too."""
        return bool(self.models) and self.settings.validation.null_llm == "ask"

    @property
    def best(self) -> Assessed | None:
        """Winner; None if no strategy was feasible."""
        return self.finalists[0] if self.finalists else None

    @property
    def winners(self) -> tuple[str, ...]:
        """Hashes of the best on train and of the finalists, as found and as pruned.

        Those of `start_from` are left out.
        """
        found = [self.last.best, *(each.individual for each in self.finalists)]
        hashes = {each.program.hash for each in found if each and each.proposer != SEED}
        pruned = {each.program.hash for each in self.finalists if each.pruned is not None}
        return tuple(sorted(hashes | pruned))
