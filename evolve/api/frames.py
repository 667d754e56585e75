"""Tables of a run for pandas: its trials, their scores, a line of descent, and calls to models."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple
from typing import TYPE_CHECKING, get_type_hints

if TYPE_CHECKING:
    import pandas as pd

    from evolve.experiment.lineage import Ancestor
    from evolve.experiment.result_parts import FinalistDocument
    from evolve.store.rows import ExchangeRow, TrialRow

TRIAL_TYPES = {
    "trial": int, "hash": str, "proposer": str, "island": int, "epoch": int, "nodes": int,
    "trades": int, "score": float, "is_feasible": bool, "infeasible_reason": str, "parents": str,
    "source": str,
}  # fmt: skip
FINALIST_TYPES = {
    "rank": int, "hash": str, "nodes": int, "score": float, "train": float, "validation": float,
    "trades": float, "bars_held": float, "exposure": float, "correlation": float, "source": str,
}  # fmt: skip
LINEAGE_TYPES = {
    "trial": int, "hash": str, "proposer": str, "score": float, "gain": float, "is_main": bool,
    "parents": str, "nodes": int, "source": str,
}  # fmt: skip
DTYPES = {str: "str", int: "int64", float: "float64", bool: "bool"}


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
    return _build(rows, TRIAL_TYPES)


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
    names = (*objectives, *[f"fold_{fold}" for fold in range(1, count + 1)])
    cells = [
        (number, *_fill(scores, len(objectives)), *_fill(folds, count))
        for number, scores, folds in rows
    ]
    return _build(cells, {"trial": int} | dict.fromkeys(names, float))


def build_finalists_frame(finalists: Iterable[FinalistDocument], metric: str) -> pd.DataFrame:
    """Build a table of finalists by rank.

    Args:
        finalists: the finalists, the winner first.
        metric: name of the leading objective, whose values on train and validation are columns.
    """
    rows = [
        (
            rank, each.hash, each.nodes, each.scores[0] if each.scores else None,
            each.find_metric("train", metric), each.find_metric("validation", metric),
            each.find_metric("train", "num_trades"), each.find_metric("train", "avg_trade_bars"),
            each.find_metric("train", "exposure"), each.correlation, each.source,
        )
        for rank, each in enumerate(finalists, start=1)
    ]  # fmt: skip
    return _build(rows, FINALIST_TYPES)


def build_lineage_frame(lineage: Iterable[Ancestor]) -> pd.DataFrame:
    """Build a table of a line of descent by the number of the trial; parents come first."""
    rows = [
        (
            each.trial.number, each.trial.hash, each.trial.proposer, _read_score(each.trial),
            each.gain, each.is_main, " ".join(each.parents), each.trial.nodes, each.trial.source,
        )
        for each in lineage
    ]  # fmt: skip
    return _build(rows, LINEAGE_TYPES)


def build_calls_frame(exchanges: Iterable[ExchangeRow]) -> pd.DataFrame:
    """Build a table of requests to models by the number of the call, which may need several."""
    import pandas as pd

    from evolve.store.rows import ExchangeRow

    frame = _build([astuple(each) for each in exchanges], get_type_hints(ExchangeRow))
    return frame.assign(at=pd.to_datetime(frame["at"], format="ISO8601"))


def _build(rows: Sequence[Sequence[object]], types: Mapping[str, type]) -> pd.DataFrame:
    """Build a table whose index is the first column, with the same types for any rows."""
    import pandas as pd

    frame = pd.DataFrame(rows, columns=list(types))
    dtypes = {name: DTYPES[each] for name, each in types.items()}
    return frame.astype(dtypes).set_index(frame.columns[0])


def _read_score(trial: TrialRow) -> float | None:
    return trial.scores[0] if trial.scores else None


def _fill(values: Sequence[float], count: int) -> list[float | None]:
    """Return the first `count` values, and None for each that is missing."""
    return [*values[:count], *[None] * (count - len(values))]
