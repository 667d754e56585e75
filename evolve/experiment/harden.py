"""Audit of a run's protocol by a model, which may only make it stricter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

from dsl.analysis.program import Program
from dsl.bars import Bars
from dsl.printing.decompile import format_program
from evolve.config import Experiment
from evolve.config.tighten import Change, stricter_settings, tighten
from evolve.errors import EvolveError
from evolve.experiment.finished_run import FinishedRun
from evolve.experiment.models import configured_models, open_models
from evolve.experiment.observer import Observer
from evolve.experiment.plan import Plan, build_problem
from evolve.experiment.recorder import extend_journal
from evolve.experiment.result import ProtocolResult, Run, build_protocol_result
from evolve.experiment.run import run
from evolve.fitness.fitness import FoldFitness
from evolve.llm.answer.extraction import likeliest_text, list_regions
from evolve.llm.model_set import LlmSettings, ModelSet
from evolve.llm.prompt.quotation import disarm_answer, quote_model_lines
from evolve.llm.prompt.templates import render
from evolve.llm.transport.calls import Call
from evolve.llm.transport.environment import read_environment
from evolve.llm.transport.exchange import Exchange
from evolve.llm.transport.request_body import Message
from evolve.notices import NoticeLog
from evolve.store import Journal, RunFolder
from evolve.validation.selection_bias import compute_independent_level

SHOWN_STRATEGIES = 3  # in the prompt
DIGITS = 3
COST_FACTOR = 2.0
TIMEOUT_SECONDS = 300.0


@dataclass(frozen=True)
class Audit:
    """Stricter protocol that a model proposes.

    Attributes:
        experiment: the experiment with the patch applied.
        patch: the YAML text of the patch.
        changes: the settings that it changes.
        messages: the messages of the last request.
        exchanges: all requests with their responses.
    """

    experiment: Experiment
    patch: str
    changes: tuple[Change, ...]
    messages: tuple[Message, ...]
    exchanges: tuple[Exchange, ...]


def audit(finished: FinishedRun, log: NoticeLog) -> Audit:
    """Ask the model of the experiment, or of the environment, for a stricter protocol.

    Args:
        finished: the run to audit.
        log: receives a notice if the patch is returned for repair.

    Raises:
        EvolveError: if no model is configured, if it does not answer, or if its patch is invalid
            or loosens the protocol.
    """
    if finished.plan.experiment.fitness.scored_on == "validation":
        hint = "expected a run whose `fitness.scored_on` is train"
        raise EvolveError(f"cannot harden {finished.folder}: it was scored on validation", hint)
    finished.verify()
    environment = read_environment(finished.folder)
    models = configured_models(finished.plan, environment)
    if not models:
        hint = "set OPENAI_BASE_URL or OPENAI_API_KEY"
        raise EvolveError("no model configured", hint)
    label, model = next(iter(models.items()))
    model_set = ModelSet({label: model}, LlmSettings(constraint="text"), environment=environment)
    messages = [{"role": "user", "content": _render_protocol(finished)}]
    exchanges: tuple[Exchange, ...] = ()
    with open_models(model_set, log) as opened:
        while True:
            ask = partial(opened.first.exchange, "audit", messages)
            exchanges += opened.loop.submit(ask).result()
            answer = exchanges[-1]
            if answer.error:
                raise EvolveError(answer.error)
            patch = _extract_patch(answer)
            try:
                experiment, changes = tighten(finished.plan.experiment, patch)
                _check_start(finished, experiment)
            except EvolveError as error:
                if len(exchanges) > 1:
                    raise EvolveError(f"invalid patch from the model: {error.message}") from None
                log.notice(f"patch returned for repair: {error.message}")
                request = render("repair_patch.md", why=quote_model_lines(error.message))
                messages = [
                    *messages,
                    {"role": "assistant", "content": disarm_answer(answer.text)},
                    {"role": "user", "content": request},
                ]
                continue
            return Audit(experiment, patch, changes, tuple(messages), exchanges)


def harden(finished: FinishedRun, report: Audit, out: Path | None, observer: Observer) -> Run:
    """Score the trials of a run again under a stricter protocol, in a new run.

    Args:
        finished: the run that was audited.
        report: the audit.
        out: the folder of the new run; `runs/<name>-<time>` if None.
        observer: receives the events of the new run.
    """
    plan = replace(finished.plan, experiment=report.experiment)
    programs = [each.program for each in finished.trials]
    allowed = tuple(each for each in programs if not plan.space.rejection_reason(each))
    keys = {each.key for each in (*plan.start_from, *allowed)}
    budget = {"evaluations": max(1, len(keys)), "stop": None}
    limits = report.experiment.budget.model_copy(update=budget)
    experiment = report.experiment.model_copy(
        update={"budget": limits, "name": f"{report.experiment.name[:50]}-hardened"}
    )
    plan = replace(plan, experiment=experiment, extra=allowed)
    hardened = run(plan, out=out, observer=observer)

    def describe(journal: Journal) -> None:
        journal.event(
            "hardened",
            run=str(finished.folder),
            patch=report.patch,
            changes=[asdict(each) for each in report.changes],
            trials_before=len(finished.trials),
        )
        model = report.exchanges[-1].model
        journal.calls.record_call(Call(1, "audit", model, report.messages, 0))
        journal.calls.record_response(1, report.exchanges)

    extend_journal(RunFolder(hardened.folder), observer.notice, describe)
    return hardened


def compare_protocols(
    finished: FinishedRun, hardened: Run
) -> tuple[ProtocolResult, ProtocolResult]:
    """Compare the best strategies of a run and of its hardened run.

    Args:
        finished: the run that was audited.
        hardened: the new run.

    Returns:
        The results before and after; the latter counts the trials of both runs.
    """
    best = finished.document.best
    metrics = best.metrics if best is not None else {}
    train, validation = (metrics.get(name, {}) for name in ("train", "validation"))
    experiment, trials = finished.plan.experiment, len(finished.trials)
    metric = experiment.fitness.maximize[0]
    score = max((each.scores[0] for each in finished.feasible), default=None)
    level = _compute_independent_level(finished.data.split.train, experiment, trials)
    before = ProtocolResult(trials, score, level, train.get(metric), validation.get(metric))
    trials += hardened.progress.evaluated
    level = _compute_independent_level(hardened.split.train, hardened.experiment, trials)
    return before, build_protocol_result(hardened, trials, level)


def _compute_independent_level(train: Bars, experiment: Experiment, trials: int) -> float | None:
    fitness = experiment.fitness
    return compute_independent_level(
        fitness.maximize[0], trials, train.years, fitness.folds, fitness.spread_penalty
    )


def _render_protocol(finished: FinishedRun) -> str:
    """Render the prompt: the protocol and the metrics of the best strategies on train."""
    settings, data = finished.plan.experiment, finished.data
    train = data.split.train
    shown = sorted(finished.feasible, key=lambda each: -each.scores[0])[:SHOWN_STRATEGIES]
    at_double_costs = FoldFitness(
        train, data.market.scale_costs(COST_FACTOR), settings.fitness.goals()
    )([each.program for each in shown])
    best = [
        {
            "score": round(each.scores[0], DIGITS),
            "folds": [round(value, DIGITS) for value in each.folds],
            "trades": each.trades,
            "nodes": each.program.nodes,
            "at_double_costs": round(scores.values[0], DIGITS),
            "source": format_program(each.program.change(name="found", about="")).strip(),
        }
        for each, scores in zip(shown, at_double_costs, strict=True)
    ]
    level = _compute_independent_level(train, settings, len(finished.trials))
    return render(
        "protocol.md",
        trials=len(finished.trials),
        feasible=len(finished.feasible),
        settings=stricter_settings(settings),
        measure=settings.fitness.maximize[0],
        independent_level=None if level is None else round(level, DIGITS),
        best=best,
    )


def _check_start(finished: FinishedRun, experiment: Experiment) -> None:
    """Check that at least one starting strategy is still feasible under a stricter protocol.

    If none was feasible before, at least one of the feasible trials must be.

    Raises:
        EvolveError: if none is.
    """
    programs = _select_feasible(finished.plan, finished, finished.plan.start_from)
    if not programs:
        programs = [each.program for each in finished.feasible]
    if not _select_feasible(replace(finished.plan, experiment=experiment), finished, programs):
        raise EvolveError("no starting strategy would be feasible")


def _select_feasible(
    plan: Plan, finished: FinishedRun, programs: Sequence[Program]
) -> list[Program]:
    """Return the programs that are allowed and feasible on the run's bars."""
    allowed = [each for each in programs if not plan.space.rejection_reason(each)]
    scores = build_problem(plan, plan.split(finished.data.dataset)).evaluate(allowed)
    return [each for each, score in zip(allowed, scores, strict=True) if score.is_feasible]


def _extract_patch(answer: Exchange) -> str:
    """Return the text of the patch in an answer; empty if it has none."""
    regions = list_regions(answer.text, answer.reasoning)
    return likeliest_text(regions[0].text) if regions else ""
