"""Result of a run, and its document for `result.json` and `--json`."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dsl.analysis.program import LANGUAGE_VERSION
from evolve.config import Experiment
from evolve.data import Dataset, DataSplit
from evolve.data.split import SealedHoldout
from evolve.experiment.assessed import Assessed, clean_metrics, describe_finalists
from evolve.experiment.evidence import UNTESTED_SO_FAR, build_document
from evolve.experiment.robustness import Robustness, describe_robustness
from evolve.llm.transport.usage import ArmCost, CallBudget, Cost
from evolve.search.progress import Progress
from evolve.store import RunFolder
from evolve.validation.verdict import Evidence, Verdict

if TYPE_CHECKING:
    from evolve.experiment.diagnostics import Diagnostics

PACKAGES = ("evolve-trading", "numpy", "numba", "pandas", "deap", "lark")


@dataclass(frozen=True, eq=False)
class Run:
    """Finished run.

    Attributes:
        experiment: the settings.
        dataset: the bars and their origin.
        split: train and validation, without the sealed holdout.
        progress: the state of the search at its end.
        finalists: the winner, and others that trade differently, ranked.
        folder: the run folder.
        seconds: duration of the run.
        search_seconds: duration of the search.
        evidence: the evidence of the verdict.
        verdict: what the run may claim.
        robustness: analyses of the winner on train; None if no program was feasible.
        call_budget: cost of the models; None if no model was asked.
        arm_costs: cost by arm.
        diagnostics: power and walk-forward; None before the run has its verdict.
        incomplete: names of the files of the run folder that could not be written.
    """

    experiment: Experiment
    dataset: Dataset
    split: DataSplit
    progress: Progress
    finalists: tuple[Assessed, ...]
    folder: Path
    seconds: float
    search_seconds: float
    evidence: Evidence
    verdict: Verdict
    robustness: Robustness | None
    call_budget: CallBudget | None = None
    arm_costs: Mapping[str, ArmCost] = field(default_factory=dict)
    diagnostics: Diagnostics | None = None
    incomplete: tuple[str, ...] = ()

    @property
    def run_folder(self) -> RunFolder:
        """Run folder with its files."""
        return RunFolder(self.folder)

    @property
    def is_complete(self) -> bool:
        """True if the run was not interrupted, and its test had a ledger and all answers."""
        return self.diagnostics is not None and self.evidence.untested not in UNTESTED_SO_FAR

    @property
    def spent(self) -> Cost | None:
        """Cost of the models; None if no model was asked."""
        return self.call_budget.spent if self.call_budget is not None else None

    @property
    def best(self) -> Assessed | None:
        """First finalist; None if no program was feasible."""
        return self.finalists[0] if self.finalists else None

    @property
    def evaluations_per_second(self) -> float:
        """Distinct programs evaluated per second of the search."""
        return self.progress.evaluated / self.search_seconds if self.search_seconds > 0 else 0.0


def document(run: Run) -> dict[str, object]:
    """Build the result document of a run."""
    stats = run.progress.stats
    result: dict[str, object] = {
        "name": run.experiment.name,
        "seed": run.experiment.seed,
        "run_dir": str(run.folder),
        "verdict": asdict(run.verdict),
    }
    if not run.is_complete:
        result["unfinished"] = True
    if run.call_budget is not None:
        arms = {name: asdict(cost) for name, cost in run.arm_costs.items()}
        result["llm"] = {
            **asdict(run.call_budget.spent),
            "refused": run.call_budget.refused,
            "assumed": asdict(run.call_budget.assumed),
            "arms": arms,
        }
    if run.split.holdout.bars:
        result["holdout"] = describe_holdout(run.evidence, run.split.holdout)
    result["validation"] = build_document(run.evidence)
    if run.robustness is not None:
        result["robustness"] = describe_robustness(run.robustness)
    if run.diagnostics is not None:
        result |= run.diagnostics.describe()
    finalists = describe_finalists(run.finalists)
    if finalists:
        result["best"] = finalists[0]
    return result | {
        "finalists": finalists,
        "trials": {
            "proposed": sum(each.proposed for each in stats.values()),
            "valid": sum(each.valid for each in stats.values()),
            "duplicate": sum(each.duplicate for each in stats.values()),
            "idle": sum(each.idle for each in stats.values()),
            "evaluated": run.progress.evaluated,
        },
        "proposers": {name: asdict(counts) for name, counts in sorted(stats.items())},
        "proposer_seconds": {
            name: round(spent, 4) for name, spent in sorted(run.progress.seconds.items())
        },
        "stop_reason": run.progress.stop_reason,
        "data": data_document(run.dataset) | {"parts": describe_parts(run.split)},
        "elapsed_seconds": round(run.seconds, 3),
        "evaluations_per_second": round(run.evaluations_per_second, 1),
        "versions": versions(),
    }


def data_document(dataset: Dataset) -> dict[str, Any]:
    """Describe the origin and the extent of a dataset."""
    bars, used = dataset.window, dataset.used
    return {
        "from": list(used) if len(used) > 1 else used[0],
        "fallback_used": dataset.fallback_used,
        "symbols": list(bars.symbols),
        "start": dataset.first_day,
        "end": dataset.last_day,
        "bars": len(bars),
        "bars_per_year": bars.bars_per_year,
        "closes_only": {name: asdict(dataset.stop_gains[name]) for name in bars.closes_only},
        "hash": bars.hash,
        "as_of": dataset.as_of,
        "fallback_reason": dataset.reason,
    }


def describe_parts(split: DataSplit) -> dict[str, int]:
    """Return the number of bars of each part of the data."""
    train, seen = len(split.train), len(split.seen)
    return {"train": train, "validation": seen - train, "holdout": split.holdout.bars}


def versions() -> dict[str, str]:
    """Return the versions of Python, the language and the packages."""
    result = {"python": platform.python_version(), "language": LANGUAGE_VERSION}
    for package in PACKAGES:
        try:
            result[package] = version(package)
        except PackageNotFoundError:
            continue
    return result


def describe_holdout(evidence: Evidence, holdout: SealedHoldout) -> dict[str, object]:
    """Describe the holdout and its test."""
    test, result = evidence.holdout, evidence.holdout_result
    document: dict[str, object] = {"sealed": test is None, **asdict(holdout)}
    if evidence.power is not None:
        document["power"] = evidence.power
    if test is None or result is None:
        return document
    return document | {
        "test": {**asdict(test), "passed": test.passed},
        "metrics": clean_metrics(result.metrics),
        "benchmark": clean_metrics(result.benchmark_metrics),
    }


@dataclass(frozen=True)
class ProtocolResult:
    """Best strategy of a run, compared with independent trials.

    Attributes:
        trials: number of trials.
        score: best score on train; None if no program was feasible.
        independent_level: the best score expected of as many independent trials; None if
            unknown.
        train: metric of the best strategy on train; None if no program was feasible.
        validation: its metric on validation; likewise.
    """

    trials: int
    score: float | None
    independent_level: float | None
    train: float | None
    validation: float | None

    @property
    def drop(self) -> float | None:
        """Difference of the metric between train and validation."""
        if self.train is None or self.validation is None:
            return None
        return self.train - self.validation


def build_protocol_result(run: Run, trials: int, independent_level: float | None) -> ProtocolResult:
    """Build the protocol result of a finished run.

    Args:
        run: the run.
        trials: number of trials, which may include those of an earlier run.
        independent_level: the best score expected of as many independent trials.
    """
    metric, chosen, best = run.experiment.fitness.maximize[0], run.best, run.progress.best
    if chosen is None or best is None:
        return ProtocolResult(trials, None, independent_level, None, None)
    validation = chosen.validation.metrics[metric] if chosen.validation else None
    return ProtocolResult(
        trials, best.score, independent_level, chosen.train.metrics[metric], validation
    )
