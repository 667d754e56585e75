"""Tuning of a user's strategy: the search over its constants on train, counted in the ledger."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from random import Random
from typing import Any

import numpy as np

from dsl.analysis.program import Program
from evolve.analysis.tunable import TunableText
from evolve.analysis.tuning import Tuning, Variant, tune
from evolve.backtest.backtest import Backtest, Backtester
from evolve.backtest.market import Market
from evolve.config.data import Parts
from evolve.data import Dataset, split_bars
from evolve.errors import EvolveError
from evolve.experiment.assessed import clean_metrics
from evolve.experiment.plan import LoadedData
from evolve.experiment.result import data_document, describe_parts
from evolve.experiment.robustness import score_programs
from evolve.fitness.fitness import FoldFitness
from evolve.fitness.goals import FitnessSpec
from evolve.stop import Stop
from evolve.validation.gain_luck import GainLuck, measure_gain_luck, split_ratio
from evolve.validation.holdout import appraisal_returns
from evolve.validation.ledger import Ledger, ledger_path
from evolve.validation.prices import identify_prices
from evolve.validation.run_ledger import RunLedger, RunRecord, identify_search
from evolve.validation.selection_bias import compute_independent_level

PARTS = ("train", "validation")
NOT_REPEATED: Mapping[str, Any] = {"versions": [], "models": []}
"""Part of a recipe without null searches, so that a later run counts the search in full."""


@dataclass(frozen=True)
class Earlier:
    """Searches on the same train bars in the ledger, before this one.

    Attributes:
        searches: their number, with those that were killed.
        trials: trials of those that ended.
    """

    searches: int
    trials: int


@dataclass(frozen=True, eq=False)
class TunedStrategy:
    """Strategy before and after the search over its constants.

    Attributes:
        tuning: the search.
        data: its data.
        before: by part, the backtest of the strategy as it was.
        after: by part, the backtest of the chosen variant.
        luck: its gain on train beside that of luck; None without a gain or with too few bars.
        independent_level: score expected of the best of as many independent trials without skill,
            with those of earlier searches.
        earlier: earlier searches on the same train bars.
        infeasible_reason: why the strategy as it was is infeasible; empty if it is not.
    """

    tuning: Tuning
    data: LoadedData
    before: Mapping[str, Backtest]
    after: Mapping[str, Backtest]
    luck: GainLuck | None
    independent_level: float | None
    earlier: Earlier
    infeasible_reason: str

    @property
    def is_changed(self) -> bool:
        """Whether a variant was chosen over the strategy."""
        return self.tuning.after is not self.tuning.before

    @property
    def exceeds_luck(self) -> bool:
        """Whether the gain exceeds what as many variants give by luck."""
        return self.luck is not None and self.luck.exceeds_luck

    @property
    def text(self) -> str:
        """Text of the file with the chosen values."""
        return self.tuning.text.render(self.tuning.after.point)


def split_data(dataset: Dataset, market: Market) -> LoadedData:
    """Split bars as an experiment does by default, with a sealed holdout.

    Raises:
        EvolveError: if there are too few bars.
    """
    split = split_bars(dataset.bars, Parts().sizes())
    bars = replace(dataset.bars, closes_only=split.seen.closes_only)
    return LoadedData(
        replace(dataset, bars=bars, stop_gains=split.stop_gains), split, market
    )  # fmt: skip


def tune_strategy(
    text: TunableText, data: LoadedData, max_evaluations: int, seed: int, stop: Stop,
    progress: Callable[[int, float], None],
) -> TunedStrategy:  # fmt: skip
    """Search for better values of the constants of a strategy, and count the trials.

    Variants are scored and chosen on train. Validation is measured afterwards.

    Args:
        text: the text, with its tunable constants.
        data: the data.
        max_evaluations: maximum number of trials.
        seed: seed of the restarts and of the resamples.
        stop: once set, ends the search.
        progress: called with the number of trials and the best score.

    Raises:
        EvolveError: if there is no constant to tune, or if the ledger cannot be used.
    """
    if not text.tunables:
        raise EvolveError(
            f"{text.file}: strategy `{text.strategy}` has no constant to tune",
            "write a literal, as in `rsi(close, 2)`, or a range: `param n = 2 in 2..14`",
        )
    goals, train = FitnessSpec(), data.split.train
    ledger = RunLedger(Ledger(ledger_path()))
    ledger.ledger.verify()
    recipe = _build_recipe(text, data)
    search = identify_search(recipe, seed)
    ledger.record_begin(train.hash, search)
    fitness = FoldFitness(train, data.market, goals)
    tuning = tune(
        text, lambda programs: score_programs(fitness, programs), max_evaluations, Random(seed),
        stop, progress,
    )  # fmt: skip
    earlier = _record(ledger, _build_record(tuning, data, recipe, seed), data, search)
    level = compute_independent_level(
        goals.maximize[0], tuning.trials + earlier.trials, train.years, goals.folds,
        goals.spread_penalty,
    )  # fmt: skip
    before, after = (
        measure_parts(each, data) for each in (tuning.before.program, tuning.after.program)
    )
    luck = None if tuning.after is tuning.before else _measure_luck(tuning, data, seed)
    assert tuning.before.program is not None
    (scores,) = fitness([tuning.before.program])
    return TunedStrategy(
        tuning, data, before, after, luck, level, earlier, scores.infeasible_reason
    )  # fmt: skip


def measure_parts(program: Program | None, data: LoadedData) -> dict[str, Backtest]:
    """Return the backtests of a strategy on train and validation."""
    assert program is not None
    split = data.split
    return {
        "train": Backtester(split.train, data.market)(program),
        "validation": Backtester(split.seen, data.market, split.validation_start)(program),
    }


def describe_tuned(tuned: TunedStrategy) -> dict[str, Any]:
    """Describe a tuned strategy for JSON."""
    tuning, split = tuned.tuning, tuned.data.split
    plateau = tuning.plateau
    return {
        "data": data_document(tuned.data.dataset),
        "split": describe_parts(split),
        "strategy": tuning.text.strategy,
        "constants": [
            {
                "name": each.name,
                "rule": each.rule,
                "line": each.line,
                "before": each.values[before],
                "after": each.values[after],
            }
            for each, before, after in zip(
                tuning.text.tunables, tuning.before.point, tuning.after.point, strict=True
            )
        ],
        "infeasible_reason": tuned.infeasible_reason,
        "before": _describe_variant(tuning.before, tuned.before),
        "after": _describe_variant(tuning.after, tuned.after),
        "is_changed": tuned.is_changed,
        "is_complete": tuning.is_complete,
        "trials": tuning.trials,
        "earlier": asdict(tuned.earlier),
        "luck": None if tuned.luck is None else asdict(tuned.luck),
        "exceeds_luck": tuned.exceeds_luck,
        "independent_level": tuned.independent_level,
        "plateau": {
            "neighbors": len(plateau.neighbors),
            "share": _clean(plateau.share),
            "median": _clean(plateau.median),
        },
        "source": tuned.text,
    }


def _describe_variant(variant: Variant, results: Mapping[str, Backtest]) -> dict[str, Any]:
    assert variant.program is not None
    return {
        "hash": variant.program.hash,
        "score": _clean(variant.score),
        **{part: clean_metrics(result.metrics) for part, result in results.items()},
    }


def _clean(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _build_recipe(text: TunableText, data: LoadedData) -> dict[str, Any]:
    """Return what determines the search, besides data, seed and trials."""
    tuned = {"strategy": text.strategy, "text": text.text, "market": repr(data.market)}
    return {**NOT_REPEATED, "tune": tuned, "closes_only": sorted(data.split.train.closes_only)}


def _build_record(tuning: Tuning, data: LoadedData, recipe: dict[str, Any], seed: int) -> RunRecord:
    after = tuning.after
    assert after.program is not None
    winners = () if after is tuning.before else (after.program.hash,)
    return RunRecord(data.split.train.hash, recipe, seed, tuning.trials, after.score, winners)


def _record(ledger: RunLedger, record: RunRecord, data: LoadedData, search: str) -> Earlier:
    """Write the end of the search to the ledger, and return the earlier ones on its bars."""
    ledger.record_end(record.data, search)
    others = [each for each in ledger.list_runs(record.data) if each != record]
    if math.isfinite(record.score):  # without a feasible strategy, nothing was selected
        prices = identify_prices(data.split.train, data.dataset.has_market_symbols)
        ledger.record_run(record, prices)
    count = len(others) + ledger.count_abandoned(record.data)
    return Earlier(count, sum(each.trials for each in others))


def _measure_luck(tuning: Tuning, data: LoadedData, seed: int) -> GainLuck | None:
    train = data.split.train
    run = Backtester(train, data.market)

    def split(program: Program | None) -> np.ndarray:
        assert program is not None
        return split_ratio(appraisal_returns(run(program).performance), train.years)

    feasible = [each for each in tuning.variants if math.isfinite(each.score)]
    columns = {each.point: split(each.program) for each in feasible}
    return measure_gain_luck(
        split(tuning.before.program), columns[tuning.after.point],
        np.array(list(columns.values())).T, np.random.default_rng(seed),
    )  # fmt: skip
