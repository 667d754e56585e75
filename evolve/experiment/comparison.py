"""Comparison of runs in any state: figures, data, settings and winners."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dsl.printing.decompile import format_program
from evolve.config.document import read_document
from evolve.errors import EvolveError
from evolve.experiment.model_costs import sum_cost
from evolve.experiment.result_parts import FinalistDocument
from evolve.experiment.run_summary import read_stats
from evolve.experiment.run_view import RunView
from evolve.files import read_text
from evolve.llm.prompt.selection import is_arm
from evolve.llm.transport.address import mask_user_info
from evolve.search.proposer_stats import ProposerStats
from evolve.store.files import EXPERIMENT

OWN_SETTINGS = ("name", "seed")  # shown with the figures


@dataclass(frozen=True)
class ComparedRun:
    """Figures of a run; None for what it does not have yet.

    Attributes:
        label: the name of its folder, or its path if two folders have one name.
        name: name of the experiment.
        seed: seed of the search.
        state: `running`, `stopped` or `finished`.
        verdict: label of the verdict.
        objective: name of the score.
        scored_on: part of the data that the search scores on.
        score: best score.
        validation: the objective of the winner on validation.
        beats_benchmark: whether its total return on validation is above buy and hold.
        holdout: the objective of the winner on an opened holdout.
        trials: number of trials.
        evaluations_per_second: trials per second of the search.
        null_searches: number of searches on shuffled prices.
        nulls_beaten: number of those with a lower best score.
        usd: cost of the models in US dollars; None if none was asked.
        data: origin of the bars.
        data_hash: hash of the bars.
        validation_from: first day of validation.
        source: source of the winner, or of the best strategy so far.
        credit: counts by proposer; those of the last epoch if the search has not ended.
    """

    label: str
    name: str
    seed: int
    state: str
    verdict: str | None
    objective: str
    scored_on: str
    score: float | None
    validation: float | None
    beats_benchmark: bool | None
    holdout: float | None
    trials: int
    evaluations_per_second: float | None
    null_searches: int | None
    nulls_beaten: int | None
    usd: float | None
    data: str
    data_hash: str
    validation_from: str
    source: str | None
    credit: Mapping[str, ProposerStats]


@dataclass(frozen=True)
class Comparison:
    """Compared runs.

    Attributes:
        runs: the runs.
        settings: the settings that differ, by name `a.b`, with the text of their value in each
            run; None where a run has no such setting.
        warnings: reasons why figures are not comparable, as sentences.
    """

    runs: tuple[ComparedRun, ...]
    settings: Mapping[str, tuple[str | None, ...]]
    warnings: tuple[str, ...]

    @property
    def proposers(self) -> tuple[str, ...]:
        """Proposers of any run: operators, then models, each in order of names."""
        names = {name for each in self.runs for name in each.credit}
        return tuple(sorted(names, key=lambda each: (is_arm(each), each)))


def compare_runs(views: Sequence[RunView]) -> Comparison:
    """Compare runs.

    Raises:
        EvolveError: if there are fewer than two runs, one of them is listed twice, or a file of a
            run is damaged.
    """
    folders = [each.folder.resolve() for each in views]
    if len(views) < 2:
        raise EvolveError(f"expected two runs or more, found {len(views)}")
    if len(set(folders)) < len(folders):
        twice = next(each for each in folders if folders.count(each) > 1)
        raise EvolveError(f"duplicate run {twice}", "name each run once")
    names = Counter(each.name for each in folders)
    labels = [each.name if names[each.name] == 1 else str(each) for each in folders]
    runs = tuple(_summarize(view, label) for view, label in zip(views, labels, strict=True))
    return Comparison(runs, _find_differences(views), tuple(_list_warnings(runs)))


def _summarize(view: RunView, label: str) -> ComparedRun:
    experiment, document, rows = view.plan.experiment, view.document, view.rows
    objective = experiment.fitness.maximize[0]
    best = document.best if document is not None else None
    null, cost = view.null, sum_cost(view)
    return ComparedRun(
        label=label,
        name=experiment.name,
        seed=experiment.seed,
        state=view.state,
        verdict=document.verdict.label if document and view.state == "finished" else None,
        objective=objective,
        scored_on=experiment.fitness.scored_on,
        score=None if rows.best is None else rows.best.scores[0],
        validation=best.find_metric("validation", objective) if best else None,
        beats_benchmark=_compare_returns(best) if best else None,
        holdout=document.holdout.find_metric(objective) if document and document.holdout else None,
        trials=len(rows.trials),
        evaluations_per_second=document.evaluations_per_second if document else None,
        null_searches=len(null.results) if null else None,
        nulls_beaten=len(null.results) - null.exceedances if null else None,
        usd=None if cost is None else cost.usd,
        data=view.origin.name if view.origin else "",
        data_hash=view.data.dataset.bars.hash,
        validation_from=str(view.data.split.seen.time[view.data.split.validation_start])[:10],
        source=None if view.best is None else format_program(view.best),
        credit=dict(sorted(read_stats(view)[0].items())),
    )


def _compare_returns(best: FinalistDocument) -> bool | None:
    """Return whether a strategy earned more on validation than buy and hold."""
    returns = [each.get("validation", {}).get("total_return", math.nan)
               for each in (best.metrics, best.benchmark)]  # fmt: skip
    return None if any(map(math.isnan, returns)) else returns[0] > returns[1]


def _list_warnings(runs: Sequence[ComparedRun]) -> Iterator[str]:
    if len({each.data_hash for each in runs}) > 1:
        yield "The runs have different data: scores and metrics are not comparable."
    elif len({each.validation_from for each in runs}) > 1:
        yield "Validation begins on different days: metrics on it are not comparable."
    if len({(each.objective, each.scored_on) for each in runs}) > 1:
        yield "The runs maximize different objectives: their scores are not comparable."
    unfinished = [each.label for each in runs if each.state != "finished"]
    if unfinished:
        yield f"Not finished: {', '.join(unfinished)}. The best strategy so far is the winner."


def _find_differences(views: Sequence[RunView]) -> dict[str, tuple[str | None, ...]]:
    """Return the settings that differ, in the order of the first run."""
    settings = [dict(_flatten(_read_settings(each))) for each in views]
    names = dict.fromkeys(name for each in settings for name in each)
    values = {name: tuple(each.get(name) for each in settings) for name in names}
    return {
        name: found
        for name, found in values.items()
        if name not in OWN_SETTINGS and len(set(found)) > 1
    }


def _read_settings(view: RunView) -> Mapping[str, Any]:
    path = view.folder / EXPERIMENT
    data = read_document(read_text(path), str(path)).data
    return data if isinstance(data, dict) else {}


def _flatten(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield each setting with its value as JSON; names of texts have no quotes."""
    for name, value in settings.items():
        if isinstance(value, dict) and value:
            yield from _flatten(value, f"{prefix}{name}.")
        else:
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            yield f"{prefix}{name}", mask_user_info(text)
