"""A model audits how a run judged its strategies; what it says may only make that stricter."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

from dsl.analysis.program import Program
from dsl.printing.decompile import format_program
from evolve.config import Experiment, load_experiment
from evolve.config.schema import Data
from evolve.config.tighten import Change, stricter_settings, tightened
from evolve.data import Partition, load, part
from evolve.errors import EvolveError
from evolve.experiment.models import models_of, named, server_of
from evolve.experiment.observer import Observer
from evolve.experiment.plan import Plan, breeding_of, plan
from evolve.experiment.result import Run, Standing, standing_of
from evolve.experiment.run import run
from evolve.fitness.fitness import FoldFitness
from evolve.llm.answer.extraction import likeliest_text, places_of
from evolve.llm.prompt.templates import render
from evolve.llm.transport.calls import Call
from evolve.llm.transport.client import Client
from evolve.llm.transport.event_loop import Desk
from evolve.llm.transport.exchange import Exchange
from evolve.llm.transport.model import environment
from evolve.llm.transport.server import Message
from evolve.store import Journal, RunFolder
from evolve.store.journal import Trial, read_trials
from evolve.validation.selection_bias import luck_level

SHOWN = 3  # strategies that the audit is about
DIGITS = 3
DOUBLED = 2.0
WITHOUT_MODELS = ("llm.mode=off", "llm.replay=null", "llm.learnings=null", "llm.prompts=null",
                  "llm.directions=all")  # fmt: skip
TIMEOUT_SECONDS = 300.0


@dataclass(frozen=True, eq=False)
class Judged:
    """A finished run, as it can be judged again: on its own snapshot of the bars.

    Attributes:
        plan: its experiment, with the snapshot for data.
        trials: everything it evaluated, in order.
    """

    folder: Path
    plan: Plan
    trials: tuple[Trial, ...]


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


def read_run(folder: Path) -> Judged:
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
    if load_experiment(folder / "experiment.yaml").fitness.on == "validation":
        hint = "harden a run whose `fitness.on` is train"
        raise EvolveError(f"{folder} was scored on validation: no protocol can mend that", hint)
    ready = plan(folder / "experiment.yaml", WITHOUT_MODELS)
    parts = ready.experiment.split
    if result["data"]["fallback_used"] and parts.fallback is not None:
        parts = parts.fallback
    snapshot = Data(source=f"parquet:{(folder / 'bars.parquet').resolve()}")
    judged = ready.experiment.model_copy(update={"data": snapshot, "split": parts})
    ready = replace(ready, experiment=judged)
    return Judged(folder, ready, tuple(read_trials(files.journal)))


def audit(judged: Judged, notify: Callable[[str], None] = lambda _: None) -> Audit:
    """Ask the model of the experiment, or of the environment, what should be stricter.

    Raises:
        EvolveError: if there is no model, it does not answer, or its patch would loosen anything.
    """
    variables = environment(judged.folder)
    models = models_of(judged.plan.experiment, variables)
    if not models:
        hint = "set OPENAI_BASE_URL or OPENAI_API_KEY"
        raise EvolveError("there is no model to ask", hint)
    messages = [{"role": "user", "content": _protocol(judged)}]
    made: tuple[Exchange, ...] = ()
    with closing(Desk(1)) as desk:
        model = next(iter(named(desk, models, variables).values()))
        server = server_of(desk, model, variables, TIMEOUT_SECONDS)
        client = Client(server, "text", "", {}, notify)
        while True:
            made += desk.begin(partial(client.exchange, "audit", messages)).result()
            answer = made[-1]
            if answer.error:
                raise EvolveError(answer.error)
            patch = _patch_in(answer)
            try:
                experiment, changes = tightened(judged.plan.experiment, patch)
                _check_seeds(judged, experiment)
            except EvolveError as error:
                if len(made) > 1:
                    raise EvolveError(f"the model's patch is refused: {error.message}") from None
                notify(f"sent back: {error.message}")
                again = render("repair_patch.md", why=error.message)
                messages = [
                    *messages,
                    {"role": "assistant", "content": answer.text},
                    {"role": "user", "content": again},
                ]
                continue
            return Audit(experiment, patch, changes, tuple(messages), made)


def harden(judged: Judged, found: Audit, out: Path | None, watch: Observer) -> Run:
    """A new run that scores everything again under the stricter protocol, and counts it.

    Args:
        judged: the run before.
        found: what to make stricter.
        out: the new run's folder.
        watch: told what happens.
    """
    ready = replace(judged.plan, experiment=found.experiment)
    programs = [each.program for each in judged.trials]
    kept = tuple(each for each in programs if not ready.space.objection(each))
    scored = {each.key for each in (*ready.seeds, *kept)}
    limits = found.experiment.budget.model_copy(update={"evaluations": max(1, len(scored))})
    again = found.experiment.model_copy(
        update={"budget": limits, "name": f"{found.experiment.name[:50]}-hardened"}
    )
    finished = run(replace(ready, experiment=again, further=kept), out=out, observer=watch)
    with Journal(RunFolder(finished.folder).journal) as journal:
        journal.event(
            "hardened",
            run=str(judged.folder),
            patch=found.patch,
            changes=[asdict(each) for each in found.changes],
            trials_before=len(judged.trials),
        )
        model = found.exchanges[-1].model
        journal.calls.keep_call(Call(1, "audit", model, found.messages, 0))
        journal.calls.keep_answer(1, found.exchanges)
    return finished


def standings(judged: Judged, finished: Run) -> tuple[Standing, Standing]:
    """How the best stood before, and how it stands after the trials of both runs."""
    result = json.loads((judged.folder / "result.json").read_text("utf-8"))
    metrics = result.get("best", {}).get("metrics", {})
    train, validation = (metrics.get(name, {}) for name in ("train", "validation"))
    measure, trials = judged.plan.experiment.fitness.maximize[0], len(judged.trials)
    score = max((each.scores[0] for each in judged.trials if not each.obstacle), default=None)
    level = _luck(judged.plan, trials)
    before = Standing(trials, score, level, train.get(measure), validation.get(measure))
    trials += finished.progress.evaluated
    hardened = replace(judged.plan, experiment=finished.experiment)
    return before, standing_of(finished, trials, _luck(hardened, trials))


def _luck(ready: Plan, trials: int) -> float | None:
    train, fitness = _partition(ready).train, ready.experiment.fitness
    return luck_level(
        fitness.maximize[0], trials, train.years, fitness.folds, fitness.spread_penalty
    )


def _protocol(judged: Judged) -> str:
    """What the model is shown: the protocol, and what was measured on train alone."""
    settings = judged.plan.experiment
    train = _partition(judged.plan).train
    usable = sorted(
        (each for each in judged.trials if not each.obstacle), key=lambda each: -each.scores[0]
    )[:SHOWN]
    dear = settings.backtest.market().dearer(DOUBLED)
    doubled = FoldFitness(train, dear, settings.fitness.goals())([each.program for each in usable])
    best = [
        {
            "score": round(each.scores[0], DIGITS),
            "folds": [round(value, DIGITS) for value in each.folds],
            "trades": each.trades,
            "nodes": each.program.nodes,
            "at_double_costs": round(scores.values[0], DIGITS),
            "source": format_program(replace(each.program, name="found", about="")).strip(),
        }
        for each, scores in zip(usable, doubled, strict=True)
    ]
    level = _luck(judged.plan, len(judged.trials))
    return render(
        "protocol.md",
        trials=len(judged.trials),
        feasible=sum(not each.obstacle for each in judged.trials),
        settings=stricter_settings(settings),
        measure=settings.fitness.maximize[0],
        luck_level=None if level is None else round(level, DIGITS),
        best=best,
    )


def _check_seeds(judged: Judged, experiment: Experiment) -> None:
    """At least one strategy that the search began with must stay usable.

    Where none of them was usable before, one of those it found.
    """
    seeds = _usable(judged.plan, judged.plan.seeds)
    if not seeds:
        seeds = [each.program for each in judged.trials if not each.obstacle]
    if not _usable(replace(judged.plan, experiment=experiment), seeds):
        raise EvolveError("no strategy that the search began with could be used any more")


def _usable(ready: Plan, programs: Sequence[Program]) -> list[Program]:
    """The programs that an experiment allows and finds feasible."""
    space = ready.space
    fitting = [each for each in programs if not space.objection(each)]
    scores = breeding_of(ready, _partition(ready)).evaluate(fitting)
    return [each for each, score in zip(fitting, scores, strict=True) if score.is_feasible]


def _partition(ready: Plan) -> Partition:
    settings = ready.experiment
    return part(load(settings.data.source, base=ready.base).bars, settings.split.split())


def _patch_in(answer: Exchange) -> str:
    places = places_of(answer.text, answer.reasoning)
    return likeliest_text(places[0]) if places else ""
