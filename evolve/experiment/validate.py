"""Validation of a finished search: gates, null run and holdout, up to the evidence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

from evolve.experiment.evidence import INTERRUPTED, NO_ANSWER, NO_LEDGER, describe_search
from evolve.experiment.holdout import open_holdout
from evolve.experiment.null_models import NullModels, UnansweredError
from evolve.experiment.null_test import NullTester
from evolve.experiment.plan import LoadedData, Plan
from evolve.experiment.recipe import build_recipe
from evolve.experiment.recorder import RunRecorder
from evolve.experiment.repeated_search import JobRunner
from evolve.experiment.searched_run import SearchedRun
from evolve.llm.prompt.selection import is_arm, split_arm
from evolve.search.individual import SEED, Individual
from evolve.stop import Stop
from evolve.validation.family import FamilyTest
from evolve.validation.gates import Gate, check_executable
from evolve.validation.ledger import Ledger, LedgerError, ledger_path
from evolve.validation.null_run import LEVEL, NullRun
from evolve.validation.prices import identify_prices
from evolve.validation.run_ledger import RunLedger, RunRecord, identify_search
from evolve.validation.verdict import Evidence

NO_STRATEGY = Gate(
    "executable", False, "no strategy met `fitness.require` (lower it, or raise the budget)"
)

NOT_REPRODUCED = "the score of the search was not reproduced on train"
SEALED = "`validate.holdout` is sealed (to open it: `evolve holdout open RUN`)"


def begin_search(plan: Plan, data: LoadedData) -> None:
    """Write to the ledger that a search begins, so that one that is killed counts, too.

    If the ledger cannot be used, `validate` reports it.
    """
    with suppress(LedgerError):
        ledger = RunLedger(Ledger(ledger_path()))
        search = identify_search(build_recipe(plan, data), plan.experiment.seed)
        ledger.record_begin(data.split.train.hash, search)


def validate(run: SearchedRun, recorder: RunRecorder, stop: Stop) -> Evidence:
    """Validate the winner of a search.

    The run is written to the ledger before it is tested, so that an interrupted test counts, too.

    Args:
        run: the run.
        recorder: receives notices and progress.
        stop: once set, ends the null run.

    Raises:
        EvolveError: if the journal of the run or of a null search cannot be used, or if the
            workers fail; the run can be resumed.
    """
    evidence = replace(begin_evidence(run), untested="")
    best, individual = run.best, run.last.best
    train = run.data.split.train
    try:
        search = identify_search(build_recipe(run.plan, run.data), run.settings.seed)
        ledger = RunLedger(Ledger(ledger_path())).leave_out_sweep(search)
        ledger.ledger.verify()
        ledger.record_end(train.hash, search)
        if best is None or individual is None:
            return evidence
        asked = sorted(run.models.models) if run.asks_models else ()
        budget, curve = run.settings.budget, run.history.curve.points
        record = RunRecord(
            train.hash, build_recipe(run.plan, run.data, asked), run.settings.seed,
            budget.evaluations if budget.stops_at_luck else run.last.evaluated, individual.score,
            run.winners, curve if budget.stops_at_luck else (),
        )  # fmt: skip
        prices = identify_prices(train, run.data.dataset.has_market_symbols)
        related = ledger.list_related(record.data, prices)
        others = [each for each in ledger.list_runs(record.data) if each != record]
        winners = {each for other in (*others, *related) for each in other.winners}
        ledger.record_run(record, prices)
        reason = _find_reason(run, winners, stop)
        evidence = replace(evidence, protocol=record.key, untested=reason)
        if not evidence.executable.passed or evidence.untested:
            return evidence
        tester = _build_tester(run, record, ledger, recorder, stop)
        unknown = len(related) + ledger.count_abandoned(train.hash) + ledger.other_members
        tester = replace(tester, uncounted=unknown)
        if not _is_reproduced(tester, individual):
            return replace(evidence, untested=NOT_REPRODUCED)
        evidence = _test_null(evidence, tester, recorder, run.settings.validation.max_null_runs)
        if evidence.family is None or evidence.family.p_value > LEVEL:
            return evidence
        if run.settings.validation.holdout == "sealed":
            return replace(evidence, sealed=SEALED)
        evidence = open_holdout(evidence, best, run.data, ledger.ledger)
        if evidence.holdout is not None:
            recorder.event("holdout", opening=evidence.holdout.opening, t=evidence.holdout.t)
        return evidence
    except (LedgerError, UnansweredError) as error:
        recorder.notice(str(error))
        is_unanswered = isinstance(error, UnansweredError)
        return replace(evidence, untested=NO_ANSWER if is_unanswered else NO_LEDGER)


def begin_evidence(run: SearchedRun) -> Evidence:
    """Return the evidence of the first gate, as if the null run were interrupted."""
    settings = run.settings
    spec = settings.fitness.goals()
    gate = NO_STRATEGY
    if run.best is not None:
        gate = check_executable(run.data.market, spec, run.best.train)
    return Evidence(
        gate, spec.maximize[0], run.data.split.train.years, run.last.evaluated,
        untested=INTERRUPTED, curve=run.history.curve.points, caveats=tuple(_list_caveats(run)),
    )  # fmt: skip


def _find_reason(run: SearchedRun, earlier_winners: set[str], stop: Stop) -> str:
    """Return the reason why a null run is impossible; empty if there is none."""
    settings = run.settings
    is_asked = settings.validation.null_llm == "ask"
    if settings.fitness.scored_on == "validation":
        return (
            "the search was scored on validation, so no unseen prices selected the winner (set "
            "`fitness.scored_on` to train)"
        )
    if run.changes:
        return (
            f"settings changed during the search, which no null search repeats: "
            f"{', '.join(run.changes)} (run the experiment again with them)"
        )
    if run.plan.extra:
        return "the search started from strategies that a search found on these prices"
    for program in (*run.plan.start.written, *run.plan.start_from):
        if program.hash in earlier_winners:
            return (
                f"`start_from` has `{program.name}`, which an earlier run found on these prices "
                "(leave it out, or use later prices)"
            )
    if not settings.validation.max_null_runs:
        return "there was no search on shuffled prices (set `validate.null_runs` to 19 or more)"
    if run.models and run.models.settings.mode == "only" and not is_asked:
        return (
            "only models proposed, and they were not asked about shuffled prices "
            "(set `validate.null_llm` to ask)"
        )
    if run.models.recording is not None and is_asked:
        return (
            "recorded answers were written for the real prices, so they are no test on shuffled "
            "ones (remove `llm.replay`)"
        )
    return INTERRUPTED if stop.is_set else ""


def _build_tester(
    run: SearchedRun, record: RunRecord, ledger: RunLedger, recorder: RunRecorder, stop: Stop
) -> NullTester:
    """Build the tester of a run, without the number of related runs."""
    is_asked = run.asks_models
    runner = JobRunner(run.settings.workers, recorder, stop, cluster=run.cluster)
    if is_asked:
        only = run.models.settings.mode == "only"
        source = runner.stay_here().build_source(run.plan, run.data, "only" if only else "mix")
    else:
        source = runner.build_source(run.plan, run.data)
    open_proposer = NullModels(run, recorder.folder, stop).open if is_asked else None
    return NullTester(record, source, run.data, ledger, runner, open_proposer)


def _test_null(
    evidence: Evidence, tester: NullTester, recorder: RunRecorder, planned: int
) -> Evidence:
    """Return the evidence with the null run and the family-wise p-value."""
    null: NullRun | None = None
    for null in tester.iterate(planned):
        search = describe_search(null.results[-1])
        detail = {"curve": null.curve} if null.curve else {}
        recorder.event("null_search", score=null.score, planned=planned, search=search, **detail)
        recorder.observer.null_search(null)
    family: FamilyTest | None = None
    if null is not None and null.is_complete:
        family = tester.test_family(null, recorder.observer.family)
    if null is None or family is None:
        return replace(evidence, null=null, untested=INTERRUPTED)
    recorder.event("null", searches=len(null.results), p_value=null.p_value)
    return replace(evidence, null=null, family=family)


def _is_reproduced(tester: NullTester, winner: Individual) -> bool:
    """Return whether the problem of the null searches scores the winner as the search did.

    A search that was scored on other bars, such as the holdout, is not comparable to them.
    """
    fitness = tester.source.open().fitness
    (scores,) = fitness([winner.program])
    return fitness.bars.hash == tester.record.data and scores.values[0] == winner.score


def _list_caveats(run: SearchedRun) -> Iterator[str]:
    """Yield what a null run of this search does not cover, as sentences."""
    if run.best is None or run.best.individual is None:
        return
    proposers = run.last.index.list_proposers(run.best.individual)
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
