"""A model audits how a run judged its strategies; what it says may only make that stricter."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from functools import cached_property, partial
from pathlib import Path

from dsl.analysis.program import Program
from dsl.bars import Bars
from dsl.printing.decompile import format_program
from evolve.config import Experiment, load_experiment
from evolve.config.schema import Data
from evolve.config.tighten import Change, stricter_settings, tighten
from evolve.errors import EvolveError
from evolve.experiment.models import configured_models, open_models
from evolve.experiment.observer import Observer
from evolve.experiment.plan import LoadedData, Plan, build_problem, read_plan
from evolve.experiment.result import ProtocolResult, Run, build_protocol_result
from evolve.experiment.run import run
from evolve.fitness.fitness import FoldFitness
from evolve.llm.answer.extraction import likeliest_text, list_regions
from evolve.llm.model_set import LlmSettings, ModelSet
from evolve.llm.prompt.templates import render
from evolve.llm.transport.calls import Call
from evolve.llm.transport.exchange import Exchange
from evolve.llm.transport.model import environment
from evolve.llm.transport.server import Message
from evolve.notices import NoticeList, NoticeLog
from evolve.store import Journal, RunFolder
from evolve.store.journal import Trial, read_trials
from evolve.validation.selection_bias import compute_luck_level

SHOWN_STRATEGIES = 3  # strategies that the audit is about
DIGITS = 3
COST_FACTOR = 2.0
WITHOUT_MODELS = ("llm.mode=off", "llm.replay=null", "llm.learnings=null", "llm.prompts=null",
                  "llm.tasks=all")  # fmt: skip
TIMEOUT_SECONDS = 300.0


@dataclass(frozen=True, eq=False)
class FinishedRun:
    """A finished run, as it can be judged again: on its own snapshot of the bars.

    Attributes:
        plan: its experiment, with the snapshot for data.
        trials: everything it evaluated, in order.
    """

    folder: Path
    plan: Plan
    trials: tuple[Trial, ...]

    @cached_property
    def data(self) -> LoadedData:
        """Its data, loaded once."""
        return self.plan.load(NoticeList())

    @property
    def feasible(self) -> tuple[Trial, ...]:
        """The trials that met every requirement."""
        return tuple(each for each in self.trials if not each.infeasible_reason)


@dataclass(frozen=True)
class Audit:
    """What a model wants stricter.

    Attributes:
        experiment: with the patch applied; patch: as it was written; changes: what it changes.
        messages, exchanges: what was said.
    """

    experiment: Experiment
    patch: str
    changes: tuple[Change, ...]
    messages: tuple[Message, ...]
    exchanges: tuple[Exchange, ...]


def read_run(folder: Path) -> FinishedRun:
    """A run from its folder.

    Raises:
        EvolveError: if there is none, or it is not finished, or was scored on validation.
    """
    files = RunFolder(folder)
    try:
        result = json.loads((folder / "result.json").read_text("utf-8"))
    except (OSError, ValueError):
        hint = "give the folder of a finished run, such as runs/spy-20261101-120000"
        raise EvolveError(f"there is no finished run in {folder}", hint) from None
    if load_experiment(folder / "experiment.yaml").fitness.scored_on == "validation":
        hint = "harden a run whose `fitness.scored_on` is train"
        raise EvolveError(f"{folder} was scored on validation: no protocol can mend that", hint)
    ready = read_plan(folder / "experiment.yaml", WITHOUT_MODELS)
    parts = ready.experiment.split
    if result["data"]["fallback_used"] and parts.fallback is not None:
        parts = parts.fallback
    snapshot = Data(source=f"parquet:{(folder / 'bars.parquet').resolve()}")
    judged = ready.experiment.model_copy(update={"data": snapshot, "split": parts})
    ready = replace(ready, experiment=judged)
    return FinishedRun(folder, ready, tuple(read_trials(files.journal)))


def audit(judged: FinishedRun, log: NoticeLog) -> Audit:
    """Ask the model of the experiment, or of the environment, what should be stricter.

    Args:
        judged: the run.
        log: told if an answer is returned for repair.

    Raises:
        EvolveError: if there is no model, it does not answer, or its patch would loosen anything.
    """
    variables = environment(judged.folder)
    models = configured_models(judged.plan.experiment, variables)
    if not models:
        hint = "set OPENAI_BASE_URL or OPENAI_API_KEY"
        raise EvolveError("there is no model to ask", hint)
    label, model = next(iter(models.items()))
    asked = ModelSet({label: model}, LlmSettings(constraint="text"), variables=variables)
    messages = [{"role": "user", "content": _render_protocol(judged)}]
    exchanges: tuple[Exchange, ...] = ()
    with open_models(asked, log) as opened:
        while True:
            work = partial(opened.first.exchange, "audit", messages)
            exchanges += opened.loop.submit(work).result()
            answer = exchanges[-1]
            if answer.error:
                raise EvolveError(answer.error)
            patch = _extract_patch(answer)
            try:
                experiment, changes = tighten(judged.plan.experiment, patch)
                _check_start(judged, experiment)
            except EvolveError as error:
                if len(exchanges) > 1:
                    raise EvolveError(f"the model's patch is refused: {error.message}") from None
                log.notice(f"sent back: {error.message}")
                again = render("repair_patch.md", why=error.message)
                messages = [
                    *messages,
                    {"role": "assistant", "content": answer.text},
                    {"role": "user", "content": again},
                ]
                continue
            return Audit(experiment, patch, changes, tuple(messages), exchanges)


def harden(judged: FinishedRun, found: Audit, out: Path | None, watch: Observer) -> Run:
    """A new run that scores everything again under the stricter protocol, and counts it.

    Args:
        judged: the run before.
        found: what to make stricter.
        out: the new run's folder.
        watch: told what happens.
    """
    ready = replace(judged.plan, experiment=found.experiment)
    programs = [each.program for each in judged.trials]
    kept = tuple(each for each in programs if not ready.space.rejection_reason(each))
    scored = {each.key for each in (*ready.start_from, *kept)}
    limits = found.experiment.budget.model_copy(update={"evaluations": max(1, len(scored))})
    again = found.experiment.model_copy(
        update={"budget": limits, "name": f"{found.experiment.name[:50]}-hardened"}
    )
    finished = run(replace(ready, experiment=again, extra=kept), out=out, observer=watch)
    with closing(Journal(RunFolder(finished.folder).journal)) as journal:
        journal.event(
            "hardened",
            run=str(judged.folder),
            patch=found.patch,
            changes=[asdict(each) for each in found.changes],
            trials_before=len(judged.trials),
        )
        model = found.exchanges[-1].model
        journal.calls.record_call(Call(1, "audit", model, found.messages, 0))
        journal.calls.record_response(1, found.exchanges)
    return finished


def compare_protocols(judged: FinishedRun, finished: Run) -> tuple[ProtocolResult, ProtocolResult]:
    """Return the best of the run before, and of the new run with the trials of both counted."""
    result = json.loads((judged.folder / "result.json").read_text("utf-8"))
    metrics = result.get("best", {}).get("metrics", {})
    train, validation = (metrics.get(name, {}) for name in ("train", "validation"))
    experiment, trials = judged.plan.experiment, len(judged.trials)
    metric = experiment.fitness.maximize[0]
    score = max((each.scores[0] for each in judged.feasible), default=None)
    level = _luck_level(judged.data.split.train, experiment, trials)
    before = ProtocolResult(trials, score, level, train.get(metric), validation.get(metric))
    trials += finished.progress.evaluated
    level = _luck_level(finished.split.train, finished.experiment, trials)
    return before, build_protocol_result(finished, trials, level)


def _luck_level(train: Bars, experiment: Experiment, trials: int) -> float | None:
    fitness = experiment.fitness
    return compute_luck_level(
        fitness.maximize[0], trials, train.years, fitness.folds, fitness.spread_penalty
    )


def _render_protocol(judged: FinishedRun) -> str:
    """Return what the model is shown: the protocol, and what was measured on train alone."""
    settings, train, market = judged.plan.experiment, judged.data.split.train, judged.data.market
    shown = sorted(judged.feasible, key=lambda each: -each.scores[0])[:SHOWN_STRATEGIES]
    at_double_costs = FoldFitness(train, market.scale_costs(COST_FACTOR), settings.fitness.goals())(
        [each.program for each in shown]
    )
    best = [
        {
            "score": round(each.scores[0], DIGITS),
            "folds": [round(value, DIGITS) for value in each.folds],
            "trades": each.trades,
            "nodes": each.program.nodes,
            "at_double_costs": round(scores.values[0], DIGITS),
            "source": format_program(replace(each.program, name="found", about="")).strip(),
        }
        for each, scores in zip(shown, at_double_costs, strict=True)
    ]
    level = _luck_level(train, settings, len(judged.trials))
    return render(
        "protocol.md",
        trials=len(judged.trials),
        feasible=len(judged.feasible),
        settings=stricter_settings(settings),
        measure=settings.fitness.maximize[0],
        luck_level=None if level is None else round(level, DIGITS),
        best=best,
    )


def _check_start(judged: FinishedRun, experiment: Experiment) -> None:
    """Check that a stricter protocol leaves at least one starting strategy usable.

    If none of them was usable before, at least one of the feasible trials must stay usable.

    Raises:
        EvolveError: if none does.
    """
    programs = _select_usable(judged.plan, judged, judged.plan.start_from)
    if not programs:
        programs = [each.program for each in judged.feasible]
    if not _select_usable(replace(judged.plan, experiment=experiment), judged, programs):
        raise EvolveError("no strategy that the search began with could be used any more")


def _select_usable(plan: Plan, judged: FinishedRun, programs: Sequence[Program]) -> list[Program]:
    """Return the programs that an experiment allows and finds feasible on the run's bars."""
    fitting = [each for each in programs if not plan.space.rejection_reason(each)]
    scores = build_problem(plan, plan.split(judged.data.dataset)).evaluate(fitting)
    return [each for each, score in zip(fitting, scores, strict=True) if score.is_feasible]


def _extract_patch(answer: Exchange) -> str:
    regions = list_regions(answer.text, answer.reasoning)
    return likeliest_text(regions[0]) if regions else ""
