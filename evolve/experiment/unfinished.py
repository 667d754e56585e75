"""Best strategies of a search that has not ended, so that a run that is killed loses none."""

from __future__ import annotations

from dsl.syntax.strategy_name import build_strategy_name
from evolve.config import Experiment
from evolve.experiment.finalists import name_finalist
from evolve.experiment.shortlist import select_leaders
from evolve.search.individual import SEED, Individual
from evolve.search.progress import Progress
from evolve.store import RunFolder
from evolve.store.folder import format_commented

NOTE = "unfinished search: the best so far by its score alone, not pruned and not validated"


class UnfinishedFinalists:
    """Files of the best strategy and of the best of each size class, replaced by the finalists.

    They are flushed to the disk at the end of a run only: a run that is killed leaves its files to
    the system, which writes them.
    """

    def __init__(self, settings: Experiment, folder: RunFolder) -> None:
        self._settings, self._folder = settings, folder
        self._written: dict[str, Individual] = {}

    def update(self, progress: Progress) -> None:
        """Write the files of the strategies that improved.

        Raises:
            EvolveError: if a file cannot be written.
        """
        leaders = select_leaders(progress.hall_of_fame)
        files = {name_finalist(rank): each for rank, each in enumerate(leaders, start=1)}
        if leaders:
            files = {self._folder.best.name: leaders[0], **files}
        for name, each in files.items():
            if self._written.get(name) is not each:
                self._folder.write_text(name, self._format(each), is_durable=False)
                self._written[name] = each

    def _format(self, each: Individual) -> str:
        program = each.program
        if each.proposer != SEED:
            program = program.change(name=build_strategy_name(self._settings.name))
        lines = [
            NOTE,
            f"score on {self._settings.fitness.scored_on}: {each.score:.6g}",
            f"proposer: {each.proposer}, in epoch {each.epoch}",
            f"trial: {each.program.hash}",
        ]
        return format_commented(program, "\n".join(lines))
