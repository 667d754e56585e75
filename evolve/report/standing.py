"""How the best of a run stands against luck, before and after its protocol was made stricter."""

from __future__ import annotations

from dataclasses import dataclass

from rich.table import Table

from evolve.report.result import Run
from evolve.report.tables import blank_table, say


@dataclass(frozen=True)
class Standing:
    """The best of a run against what chance alone would reach.

    Attributes:
        trials: all that were made for it.
        score: the best on train; luck_level: what chance alone reaches in as many trials.
        train, validation: the measure of the chosen one over each window; None if nothing could
            be used.
    """

    trials: int
    score: float | None
    luck_level: float | None
    train: float | None
    validation: float | None

    @property
    def drop(self) -> float | None:
        """How far the measure falls from train to validation."""
        if self.train is None or self.validation is None:
            return None
        return self.train - self.validation


def standing_of(run: Run, trials: int, luck_level: float | None) -> Standing:
    """How the best of a finished run stands after so many trials."""
    measure, chosen, best = run.experiment.fitness.maximize[0], run.best, run.progress.best
    if chosen is None or best is None:
        return Standing(trials, None, luck_level, None, None)
    validation = chosen.validation.metrics[measure] if chosen.validation else None
    return Standing(trials, best.score, luck_level, chosen.train.metrics[measure], validation)


def standing_table(before: Standing, after: Standing, measure: str) -> Table:
    """The two beside each other."""
    table = blank_table()
    table.add_column(measure.replace("_", " "))
    for heading in ("before", "after"):
        table.add_column(heading, justify="right")
    table.add_row("trials", f"{before.trials:,}", f"{after.trials:,}")
    for name, label in (
        ("score", "best score on train"),
        ("luck_level", "luck level of as many trials"),
        ("train", "the chosen one on train"),
        ("validation", "the chosen one on validation"),
        ("drop", "its drop from train to validation"),
    ):
        values = [getattr(each, name) for each in (before, after)]
        table.add_row(label, *["–" if v is None else say(v, "ratio") for v in values])
    return table
