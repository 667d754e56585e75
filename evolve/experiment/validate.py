"""Validation of a finished search: gates, null run and holdout, up to the evidence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from dsl.bars import Bars
from evolve.config import Experiment
from evolve.errors import EvolveError
from evolve.experiment.models import open_proposer
from evolve.experiment.null_test import NullTester
from evolve.experiment.observer import Observer
from evolve.experiment.open_holdout import open_holdout
from evolve.experiment.plan import LoadedData, Plan, build_problem
from evolve.experiment.recipe import build_recipe
from evolve.experiment.recorder import RunRecorder
from evolve.experiment.result import Assessed
from evolve.fitness.fitness import FoldFitness
from evolve.llm.model_set import ModelSet
from evolve.llm.prompt.selection import is_arm, split_arm
from evolve.search.best_curve import BestCurve
from evolve.search.external import ExternalProposer
from evolve.search.individual import SEED, Individual
from evolve.search.lineage import Lineage
from evolve.search.progress import Progress
from evolve.stop import Stop
from evolve.store import RunFolder
from evolve.validation.family import FamilyTest
from evolve.validation.gates import Gate, check_executable
from evolve.validation.ledger import Ledger, ledger_path
from evolve.validation.null_run import LEVEL, NullRun
from evolve.validation.run_ledger import RunLedger, RunRecord
from evolve.validation.verdict import Evidence

NO_STRATEGY = Gate("executable", False, "no strategy met `fitness.require`")


@dataclass(frozen=True)
class SearchedRun:
    """Run whose search has ended.

    Attributes:
        plan: its plan.
        data: its data.
        models: its models.
        last: the last state of the search.
        best: the winner; None if no strategy was feasible.
        curve: best score so far.
        lineage: origins of the trials.
    """

    plan: Plan
    data: LoadedData
    models: ModelSet
    last: Progress
    best: Assessed | None
    curve: BestCurve
    lineage: Lineage

    @property
    def settings(self) -> Experiment:
        """Settings of the experiment."""
        return self.plan.experiment


def validate(run: SearchedRun, recorder: RunRecorder, stop: Stop) -> Evidence:
    """Validate the winner of a search.

    Args:
        run: the run.
        recorder: receives notices and progress.
        stop: once set, ends the null run.
    """
    evidence = _begin(run)
    best, individual = run.best, run.last.best
    if best is None or individual is None:
        return evidence
    record = RunRecord(
        run.data.split.train.hash, build_recipe(run.plan, run.data), run.settings.seed,
        run.last.evaluated, individual.score, individual.program.hash,
    )  # fmt: skip
    ledger = RunLedger(Ledger(ledger_path()))
    try:
        winners = {each.winner for each in ledger.list_runs(record.data) if each != record}
        ledger.record_run(record)
        evidence = replace(evidence, untested=_find_reason(run, winners, stop))
        if not evidence.executable.passed or evidence.untested:
            return evidence
        evidence = _test_null(evidence, run, record, ledger, recorder, stop)
        if evidence.family is None or evidence.family.p_value > LEVEL:
            return evidence
        if run.settings.validation.holdout == "sealed":
            return replace(evidence, sealed="`validate.holdout` is sealed")
        return open_holdout(evidence, best, run.data, record, ledger.ledger, recorder)
    except EvolveError as error:
        recorder.notice(str(error))
        return replace(evidence, untested="the ledger of runs could not be used")


def _begin(run: SearchedRun) -> Evidence:
    """Return the evidence of the first gate."""
    settings = run.settings
    spec = settings.fitness.goals()
    gate = NO_STRATEGY
    if run.best is not None:
        gate = check_executable(run.data.market, spec, run.best.train)
    return Evidence(
        gate, spec.maximize[0], run.data.split.train.years,
        curve=run.curve.points, caveats=tuple(_list_caveats(run)),
    )  # fmt: skip


def _find_reason(run: SearchedRun, earlier_winners: set[str], stop: Stop) -> str:
    """Return the reason why a null run is impossible; empty if there is none."""
    settings = run.settings
    is_asked = settings.validation.null_llm == "ask"
    if settings.fitness.scored_on == "validation":
        return "the search was scored on validation, so no unseen data is left"
    if run.plan.extra:
        return "the search started from strategies that were selected on these prices"
    for program in run.plan.start_from:
        if program.hash in earlier_winners:
            return f"`start_from` has `{program.name}`, which won an earlier run on these prices"
    if not settings.validation.max_null_runs:
        return "no null run was made (`validate.null_runs` is 0)"
    if run.models and run.models.settings.mode == "only" and not is_asked:
        return (
            "only models proposed, and they did not see the shuffled prices "
            "(`validate.null_llm: ask` asks them)"
        )
    if run.models.recording is not None and is_asked:
        return "recorded answers were written for the real prices, so they cannot be a null run"
    return "the run was interrupted before the null run" if stop.is_set else ""


def _test_null(
    evidence: Evidence, run: SearchedRun, record: RunRecord, ledger: RunLedger,
    recorder: RunRecorder, stop: Stop,
) -> Evidence:  # fmt: skip
    """Return the evidence with the null run and the family-wise p-value."""
    is_asked = bool(run.models) and run.settings.validation.null_llm == "ask"
    mode = run.models.settings.mode if is_asked else "mix"
    processes = run.settings.workers.processes
    tester = NullTester(
        record,
        build_problem(run.plan, run.data, mode),
        run.data,
        ledger,
        None if processes == "auto" else processes,
        recorder,
        stop,
        _NullModels(run, stop).open if is_asked else None,
    )
    if not _is_reproduced(tester, run.last.best):
        return replace(evidence, untested="the score of the search was not reproduced on train")
    null: NullRun | None = None
    for null in tester.iterate(run.settings.validation.max_null_runs):
        recorder.observer.null_search(null)
    family: FamilyTest | None = None
    if null is not None and null.is_complete:
        family = tester.test_family(null, recorder.observer.family)
    if null is None or family is None:
        return replace(evidence, null=null, untested="the null run was interrupted")
    recorder.event("null", p_value=null.p_value, family=family.p_value, runs=family.runs)
    return replace(evidence, null=null, family=family)


def _is_reproduced(tester: NullTester, winner: Individual | None) -> bool:
    """Return whether the problem of the null searches scores the winner as the search did.

    A search that was scored on other bars, such as the holdout, is not comparable to them.
    """
    fitness = tester.problem.evaluate
    assert isinstance(fitness, FoldFitness)
    assert winner is not None
    (scores,) = fitness([winner.program])
    return fitness.bars.hash == tester.record.data and scores.values[0] == winner.score


@dataclass(frozen=True)
class _NullModels:
    """Models that propose anew on permuted bars, with a journal that is discarded."""

    run: SearchedRun
    stop: Stop

    @contextmanager
    def open(self, bars: Bars) -> Iterator[ExternalProposer | None]:
        data = replace(self.run.data, split=replace(self.run.data.split, train=bars))
        with TemporaryDirectory(prefix="evolve-") as folder, RunRecorder(Observer()) as recorder:
            recorder.open(RunFolder(Path(folder)))
            with open_proposer(
                self.run.models, self.run.plan, data, recorder, self.stop
            ) as proposer:
                yield proposer


def _list_caveats(run: SearchedRun) -> Iterator[str]:
    """Yield what a null run of this search does not cover, as sentences."""
    if run.best is None or run.best.individual is None:
        return
    proposers = run.lineage.list_proposers(run.best.individual)
    arms = [split_arm(each)[0] for each in proposers if is_arm(each)]
    if SEED in proposers:
        yield (
            "It descends from a strategy of `start_from`: the null run does not cover what its "
            "author knew about these prices."
        )
    if not arms:
        return
    names = ", ".join(sorted(set(arms)))
    if run.settings.validation.null_llm != "ask":
        yield f"It descends from answers of {names}, which the null run did not ask."
    first_day = run.data.dataset.first_day
    for label in sorted(set(arms)):
        model = run.models.models.get(label)
        cutoff = model.knowledge_cutoff if model else ""
        if not cutoff or first_day < cutoff:
            yield f"The model {label} may know this period."
