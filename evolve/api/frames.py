"""Tables of a run for pandas: its trials, their scores, a line of descent, and calls to models."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, fields
from typing import TYPE_CHECKING

from evolve.store.rows import ExchangeRow

if TYPE_CHECKING:
    import pandas as pd

    from evolve.experiment.lineage import Ancestor
    from evolve.store.rows import TrialRow

TRIAL_COLUMNS = (
    "trial", "hash", "proposer", "island", "epoch", "nodes", "trades", "score", "is_feasible",
    "infeasible_reason", "parents", "source",
)  # fmt: skip
LINEAGE_COLUMNS = (
    "trial", "hash", "proposer", "score", "gain", "is_main", "parents", "nodes", "source",
)  # fmt: skip


def build_trials_frame(trials: Iterable[TrialRow]) -> pd.DataFrame:
    """Build a table of trials by number; the parents are hashes with blanks between them."""
    rows = [
        (
            each.number, each.hash, each.proposer, each.island, each.epoch, each.nodes, each.trades,
            _read_score(each), each.is_feasible, each.infeasible_reason, " ".join(each.parents),
            each.source,
        )
        for each in trials
    ]  # fmt: skip
    return _build(rows, TRIAL_COLUMNS, "trial")


def build_scores_frame(trials: Iterable[TrialRow], objectives: Sequence[str]) -> pd.DataFrame:
    """Build a table of the scores of trials by number.

    Args:
        trials: the trials.
        objectives: names of the objectives in the order of the scores.

    Returns:
        A column per objective, then `fold_1` and so on: the first objective on each fold.
    """
    rows = [(each.number, each.scores, each.folds) for each in trials]
    count = max((len(folds) for _, _, folds in rows), default=0)
    columns = ("trial", *objectives, *[f"fold_{fold}" for fold in range(1, count + 1)])
    cells = [
        (number, *_fill(scores, len(objectives)), *_fill(folds, count))
        for number, scores, folds in rows
    ]
    return _build(cells, columns, "trial")


def build_lineage_frame(lineage: Iterable[Ancestor]) -> pd.DataFrame:
    """Build a table of a line of descent by the number of the trial; parents come first."""
    rows = [
        (
            each.trial.number, each.trial.hash, each.trial.proposer, _read_score(each.trial),
            each.gain, each.is_main, " ".join(each.parents), each.trial.nodes, each.trial.source,
        )
        for each in lineage
    ]  # fmt: skip
    return _build(rows, LINEAGE_COLUMNS, "trial").astype({"gain": "float64"})


def build_calls_frame(exchanges: Iterable[ExchangeRow]) -> pd.DataFrame:
    """Build a table of requests to models by the number of the call, which may need several."""
    import pandas as pd

    columns = [each.name for each in fields(ExchangeRow)]
    frame = _build([tuple(asdict(each).values()) for each in exchanges], columns, "call")
    return frame.assign(at=pd.to_datetime(frame["at"], format="ISO8601"))


def _build(rows: Sequence[Sequence[object]], columns: Sequence[str], index: str) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(rows, columns=list(columns)).set_index(index)


def _read_score(trial: TrialRow) -> float | None:
    return trial.scores[0] if trial.scores else None


def _fill(values: Sequence[float], count: int) -> list[float | None]:
    """Return the first `count` values, and None for each that is missing."""
    return [*values[:count], *[None] * (count - len(values))]
