"""Memory test of `proposals.py`: are first proposals better where the market is recognizable?

A model is asked without parents and scores. Its prompt is that of a run, to which a description of
the market is added: name, dates and closes of the real one, closes alone of a disguise. The prompt
`plain` has no description, as in a run, and is equal for all markets.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from disguises import DISGUISES, REAL, describe_market, write_templates
from memory_statistics import Series, compare, summarize

from dsl.analysis.program import Program
from dsl.bars import Bars
from dsl.terms.canonical import MeaningError
from evolve.errors import EvolveError
from evolve.experiment.models import (
    UNCONSTRAINED,
    build_constraint,
    load_model_set,
    open_models,
)
from evolve.experiment.plan import (
    LoadedData,
    Plan,
    build_fitness,
    build_grammar,
    build_prompts,
    read_plan,
    restrict_space,
)
from evolve.llm.answer.parse import parse_answer
from evolve.llm.model_set import ModelSet
from evolve.llm.prompt.builder import PromptBuilder
from evolve.llm.prompt.composer import Composer
from evolve.llm.prompt.learnings import Learnings
from evolve.llm.transport.exchange import Exchange
from evolve.notices import NoticeList
from evolve.search.epoch import fits_space
from evolve.search.grow import grow_rules
from evolve.search.progress import Progress

PLAIN = "plain"
RANDOM_STRATEGIES = 2_000
EXPERIMENT = """
name: memory
seed: 1
data: {{from: "{data}"}}
language: {{directions: [long]}}
"""
NOTHING = Progress(0, (), 0, None, (), {}, ())  # no trial so far
Programs = list[Program]


@dataclass(frozen=True)
class FirstProposals:
    """First proposals of a model.

    Attributes:
        programs: the usable strategies of each call, by the market that the prompt describes.
        failed: number of calls without an answer.
        tokens: tokens of all calls.
    """

    programs: dict[str, list[Programs]]
    failed: int
    tokens: int


def measure_memory(data: str, calls: int, settings: Sequence[str]) -> dict[str, Any]:
    """Return the figures of the test.

    Args:
        data: the source of the real market, which has one symbol.
        calls: number of calls for each prompt.
        settings: settings of the experiment.
    """
    with TemporaryDirectory() as folder:
        path = Path(folder) / "memory.yaml"
        path.write_text(EXPERIMENT.format(data=data), "utf-8")
        plan = read_plan(path, ["budget.llm_calls=1", *settings])
        loaded = plan.load(NoticeList())
        markets = build_markets(loaded)
        models = load_model_set(replace(plan, environment_folder=Path.cwd()))
        if not models:
            raise EvolveError("no model is configured", models.reason_empty)
        prompts = {
            PLAIN: build_prompts(plan, loaded, models.settings),
            **{
                name: build_prompts(
                    describe(plan, Path(folder) / name, each.split.train, name == REAL),
                    each, models.settings,
                )
                for name, each in markets.items()
            },
        }  # fmt: skip
        first = ask_first(plan, models, prompts, calls)
    return {"calls": calls * len(prompts), **summarize_memory(plan, markets, first)}


def build_markets(data: LoadedData) -> dict[str, LoadedData]:
    """Build the real market and its disguises, on the bars of train."""

    def change(bars: Bars) -> LoadedData:
        return replace(data, split=replace(data.split, train=bars))

    train = data.split.train
    return {REAL: data, **{name: change(build(train)) for name, build in DISGUISES.items()}}


def describe(plan: Plan, folder: Path, bars: Bars, is_named: bool) -> Plan:
    """Return a plan whose prompts describe a market."""
    write_templates(folder, describe_market(bars, is_named))
    return replace(plan, assets=replace(plan.assets, folder=folder))


def ask_first(
    plan: Plan, models: ModelSet, prompts: dict[str, PromptBuilder], calls: int
) -> FirstProposals:
    """Ask for first proposals with each prompt, in turn.

    Calls of equal numbers have equal examples and tasks in all prompts.
    """
    constraint = UNCONSTRAINED
    if models.settings.constraint != "text":
        constraint = build_constraint(prompts[PLAIN], build_grammar(plan))
    pending: list[tuple[str, Future[tuple[Exchange, ...]]]] = []
    with open_models(models, NoticeList()) as opened:
        for seed in range(1, calls + 1):
            for name, builder in prompts.items():
                composed = Composer(opened.models, builder, seed).compose(NOTHING, Learnings())
                client = opened.clients[composed.choice.model]
                work = partial(client.exchange, "propose", composed.messages, constraint)
                pending.append((name, opened.loop.submit(work)))
        answered = [(name, future.result()) for name, future in pending]
    programs: dict[str, list[Programs]] = {name: [] for name in prompts}
    failed = tokens = 0
    for name, exchanges in answered:
        last = exchanges[-1]
        failed += bool(last.error)
        tokens += sum(each.tokens_in + each.tokens_out for each in exchanges)
        parsed = parse_answer(last.text, last.reasoning, prompts[name].space, last.finish)
        programs[name].append([] if last.error else list(parsed.programs))
    return FirstProposals(programs, failed, tokens)


def summarize_memory(
    plan: Plan, markets: dict[str, LoadedData], first: FirstProposals
) -> dict[str, Any]:
    """Return the mean scores by described and by scored market, and their comparisons."""
    fitness = {name: build_fitness(plan, data) for name, data in markets.items()}
    scores = {
        described: {
            name: np.array([score_call(each, evaluate) for each in answers])
            for name, evaluate in fitness.items()
        }
        for described, answers in first.programs.items()
    }
    drawn = draw_random(plan, markets[REAL].split.train)
    chance = {
        name: np.array([_read_score(each) for each in evaluate(drawn)])
        for name, evaluate in fitness.items()
    }
    return {
        "failed": first.failed,
        "tokens": first.tokens,
        "usable": {
            name: sum(map(bool, answers)) for name, answers in first.programs.items()
        },
        "scores": {
            described: {name: summarize(values) for name, values in by_market.items()}
            for described, by_market in scores.items()
        },
        "random": {name: summarize(values) for name, values in chance.items()},
        "memory": {
            name: compare_disguise(name, scores, chance[REAL] - chance[name]) for name in DISGUISES
        },
    }  # fmt: skip


def compare_disguise(
    name: str, scores: dict[str, dict[str, Series]], chance: Series
) -> dict[str, Any]:
    """Return how much better proposals for the real market are than those for a disguise.

    Args:
        name: the disguise.
        scores: float[call], NaN without a feasible strategy, by described and by scored market.
        chance: float[strategy], score of random strategies on the real market less that on the
            disguise; NaN if infeasible on one.

    Returns:
        `recognition`, on the real bars: only the prompts differ, not the bars. `own_bars`, each on
        the bars that its prompt describes, less the difference of random strategies. `fit`, the
        first on the real bars less the first on the bars of the disguise. `habit`, the difference
        of plain proposals between both markets, less that of random strategies.
    """
    real, own, plain = scores[REAL], scores[name], scores[PLAIN]
    luck = chance[~np.isnan(chance)]
    return {
        "recognition": compare(real[REAL], own[REAL]),
        "own_bars": compare(real[REAL], own[name], luck),
        "fit": compare(real[REAL] - real[name], own[REAL] - own[name]),
        "habit": compare(plain[REAL] - plain[name], luck),
    }


def score_call(programs: Programs, evaluate: Any) -> float:
    """Return the mean score of the feasible strategies of an answer; NaN if there is none."""
    scores = [_read_score(each) for each in evaluate(programs)] if programs else []
    feasible = [each for each in scores if not np.isnan(each)]
    return float(np.mean(feasible)) if feasible else float("nan")


def draw_random(plan: Plan, bars: Bars) -> Programs:
    """Draw random strategies of the space, as a search does."""
    space, rng, drawn = restrict_space(plan, bars), Random("memory/random"), Programs()
    while len(drawn) < RANDOM_STRATEGIES:
        program = Program("random", grow_rules(space, rng))
        try:
            if fits_space(program.rules, space) and program.key:
                drawn.append(program)
        except MeaningError:
            continue
    return drawn


def _read_score(scores: Any) -> float:
    return scores.values[0] if scores.is_feasible else float("nan")
