"""Parents, arms, schedule and prompts depend only on the state of the search and a seed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsl.analysis.check import check
from evolve.backtest.market import market
from evolve.errors import EvolveError
from evolve.fitness.fitness import Scores
from evolve.fitness.goals import FitnessSpec
from evolve.llm.model_set import LlmSettings, ModelSet
from evolve.llm.prompt.assets import PromptAssets
from evolve.llm.prompt.builder import PromptBuilder
from evolve.llm.prompt.composer import Composer
from evolve.llm.prompt.learnings import Learning, Learnings
from evolve.llm.prompt.parts import Failure
from evolve.llm.prompt.profile import Profiler
from evolve.llm.prompt.selection import (
    FALLBACK_TASK,
    MAX_LINEAGE,
    ArmChoice,
    arm_name,
    choose_arm,
    choose_parents,
    trace_lineage,
)
from evolve.llm.prompt.templates import Task
from evolve.llm.schedule import MAX_SKIPPED_ROUNDS, MAX_UNANSWERED_ROUNDS, Schedule
from evolve.llm.transport.model import Model
from evolve.search.individual import Fitness, Individual
from evolve.search.island import Island
from evolve.search.progress import Progress
from evolve.search.proposer_stats import ProposerStats
from evolve.search.space import build_space
from tests.samples import random_bars

WEIGHTS = (1.0, -1.0)


def one(
    score: float, days: int | None = None, proposer: str = "crossover",
    parents: Sequence[Individual] = (), reason: str = "",
) -> Individual:  # fmt: skip
    """Return an individual with a score, and a program that is unique for its score or days."""
    rule = f"close > sma(close, {2 + int(100 * abs(score)) if days is None else days})"
    program = check(f"strategy s {{ buy when {rule} hold {5 + (score < 0)} }}")
    scores = Scores((score, 6.0), (score, score), 9, reason)
    hashes = tuple(each.program.hash for each in parents)
    return Individual(program, scores, Fitness(WEIGHTS, scores.values), proposer, hashes, 0, 1)


def state(
    population: Sequence[Individual] = (), fame: Sequence[Individual] = (), epoch: int = 1,
    trials: Sequence[Individual] = (), stats: Mapping[str, ProposerStats] | None = None,
    first: Sequence[Individual] = (),
) -> Progress:  # fmt: skip
    islands = (Island(0, tuple(population), ()), Island(1, tuple(population[:1]), ()))
    best = max(fame, key=lambda each: each.score, default=None)
    return Progress(
        epoch, tuple(trials), 100, best, tuple(fame), stats or {}, islands,
        first=tuple(first),
    )  # fmt: skip


CROWD = [one(index / 10) for index in range(12)]
FIRST = [one(0.9, reason="few trades"), one(-0.4, reason="ruined"), one(0.3, reason="few")]


def scores_of(individuals: Sequence[Individual]) -> list[float]:
    return [each.score for each in individuals]


@given(st.integers(0, 99), st.integers(1, 8))
def test_the_best_and_others_are_chosen_the_worst_first(seed: int, count: int) -> None:
    chosen = choose_parents(state(CROWD, first=FIRST), count, "mix", Random(seed))
    assert len(set(scores_of(chosen))) == len(chosen) == count
    assert chosen[-1] == CROWD[-1]
    assert scores_of(chosen) == sorted(scores_of(chosen))
    assert choose_parents(state(CROWD, first=FIRST), count, "mix", Random(seed)) == chosen


@pytest.mark.parametrize("mode", ["mix", "only"])
def test_no_parents_are_chosen_if_the_count_is_zero(mode: str) -> None:
    for shown in (state(CROWD), state()):
        assert choose_parents(replace(shown, first=tuple(FIRST)), 0, mode, Random(1)) == []


def test_other_parents_are_selected_by_tournaments_of_three() -> None:
    drawn = Counter(
        choose_parents(state(CROWD), 2, "mix", Random(seed))[0].score for seed in range(600)
    )
    assert drawn[1.0] / 600 == pytest.approx(1 - (10 / 11) ** 3, abs=0.03)
    assert drawn[0.9] / 600 == pytest.approx((10**3 - 9**3) / 11**3, abs=0.03)
    assert min(drawn) <= 0.1


def test_models_alone_get_the_best_individuals() -> None:
    for seed in range(5):
        chosen = choose_parents(state(CROWD[:7], CROWD[9:], first=FIRST), 4, "only", Random(seed))
        assert scores_of(chosen) == [0.6, 0.9, 1.0, 1.1]


@pytest.mark.parametrize("mode", ["mix", "only"])
def test_of_individuals_with_equal_scores_only_the_best_is_chosen(mode: str) -> None:
    small, other = one(0.5, 10), one(0.2)
    large = replace(one(0.5, 20), fitness=Fitness(WEIGHTS, (0.5, 30.0)))
    for population in ([small, large, other], [other, large, small]):
        assert choose_parents(state(population, [large]), 5, mode, Random(1)) == [other, small]


def test_without_feasible_individuals_the_first_trials_are_chosen_the_worst_first() -> None:
    for mode in ("mix", "only"):
        assert choose_parents(state(), 5, mode, Random(1)) == []
        assert len(choose_parents(state(first=FIRST), 2, mode, Random(1))) == 2
        chosen = choose_parents(state(first=FIRST), 5, mode, Random(1))
        assert scores_of(chosen) == [-0.4, 0.3, 0.9]


TASKS = {each.name: each for each in (Task("combine", 2), Task("tune", 1),
                                           Task(FALLBACK_TASK, 0))}  # fmt: skip
MODELS = {"big": 1.0, "tiny": 3.0}


def shares(
    models: Mapping[str, float] = MODELS, tasks: Mapping[str, Task] = TASKS,
    parents: Sequence[Individual] = CROWD[:3], stats: Mapping[str, ProposerStats] | None = None,
) -> dict[tuple[str, str], float]:  # fmt: skip
    rng, count = Random(1), 2000
    drawn = [choose_arm(models, tasks, parents, stats or {}, rng) for _ in range(count)]
    counts = Counter((each.model, each.task) for each in drawn)
    return {arm: counts[arm] / count for arm in counts}


def test_arms_are_drawn_by_the_weights_of_their_models() -> None:
    found = shares()
    assert set(found) == {(model, name) for model in MODELS for name in TASKS}
    for (model, _), share in found.items():
        assert share == pytest.approx(MODELS[model] / 12, abs=0.03)


def test_a_task_is_drawn_only_with_enough_parents() -> None:
    for count, names in ((0, {FALLBACK_TASK}), (1, {FALLBACK_TASK, "tune"}), (2, set(TASKS))):
        assert {name for _, name in shares(parents=CROWD[:count])} == names
    alone = shares(tasks={"tune": Task("tune", 1)}, parents=())
    assert {name for _, name in alone} == {FALLBACK_TASK}


def test_improvements_increase_the_share_of_an_arm_and_no_share_becomes_zero() -> None:
    names = [arm_name("big", name) for name in TASKS]
    good, poor = (
        ProposerStats(evaluated=500, improved=400),
        ProposerStats(evaluated=500, improved=10),
    )
    stats = {names[0]: good, names[1]: poor, names[2]: poor, "crossover": good}
    found = shares({"big": 1.0}, stats=stats)
    assert found["big", "combine"] == pytest.approx(2 / 3, abs=0.04)
    assert found["big", "tune"] == pytest.approx(1 / 6, abs=0.04)
    assert found["big", FALLBACK_TASK] == pytest.approx(1 / 6, abs=0.04)


def test_a_choice_has_its_arm_its_parents_and_their_best_feasible_score() -> None:
    parents = [FIRST[1], one(0.1), one(0.4), FIRST[0]]
    choice = choose_arm({"tiny": 1.0}, {"tune": TASKS["tune"]}, parents, {}, Random(1))
    hashes = tuple(each.program.hash for each in parents)
    assert choice == ArmChoice("tiny", "tune", hashes, 0.4)
    assert choice.arm == arm_name("tiny", "tune") == "llm:tiny:tune"
    assert choose_arm(MODELS, TASKS, FIRST, {}, Random(1)).parent_score is None
    draws = [choose_arm(MODELS, TASKS, parents, {}, Random(seed)) for seed in range(20)]
    assert draws == [choose_arm(MODELS, TASKS, parents, {}, Random(s)) for s in range(20)]
    assert len({each.arm for each in draws}) > 3


def test_a_lineage_lists_the_proposers_of_an_individual_and_its_ancestors() -> None:
    seed = one(0.1, proposer="seed")
    other = one(0.2, proposer="random")
    child = one(0.3, proposer="llm:tiny:tune", parents=[other, seed])
    grandchild = one(0.4, proposer="crossover", parents=[other, child])
    progress = state()
    progress.index.add_new([seed, other, child, grandchild])
    lines = [trace_lineage(progress, each) for each in (seed, other, child, grandchild)]
    assert lines == [("seed",), ("random",), ("tune", "seed"), ("crossover", "tune", "seed")]
    lone = one(0.5, proposer="tune", parents=[one(0.6)])
    assert trace_lineage(progress, lone) == ("tune", "seed")


def test_a_long_or_circular_lineage_is_truncated() -> None:
    progress, line = state(), [one(0.0, 2, "seed")]
    for days in range(3, 13):
        line.append(one(0.0, days, f"p{days}", line[-1:]))
    progress.index.add_new(line)
    assert trace_lineage(progress, line[-1]) == ("p12", "p11", "p10", "p9", "p8")
    assert MAX_LINEAGE == 5
    circular = one(0.0, 50, "tune", [one(0.0, 50)])
    progress.index.add_new([circular])
    assert trace_lineage(progress, circular) == ("tune",) * MAX_LINEAGE


def rounds(
    evaluations: int, concurrency: int, calls: int, answers: bool = True, interval: int = 1
) -> list[int]:
    """Return the evaluation counts of the synchronizations if all calls are answered, or none.

    The calls without an answer are refused, so that they cost nothing. A migration follows after
    every `interval` evaluations.
    """
    schedule, left, evaluated = Schedule(evaluations, calls, concurrency, False), calls, 0
    synced_at: list[int] = []
    while evaluated < evaluations:
        schedule.record_progress(evaluated + interval)
        is_skipped = schedule.fits_round(evaluated) and schedule.skip_round()
        is_asked = schedule.fits_round(evaluated) and not is_skipped and left > 0
        asked = min(concurrency, left) if is_asked else 0
        left -= asked * answers
        schedule.record_asked(evaluated, 0, left + asked * answers, is_skipped or is_asked)
        sync = schedule.next_sync(evaluated)
        if sync is None:
            break
        assert sync > evaluated
        evaluated = sync
        synced_at += [evaluated] * bool(asked)
        schedule.record_collected(bool(asked), bool(asked) and answers, 0)
    return synced_at


def test_rounds_are_spread_evenly_over_the_evaluations() -> None:
    assert rounds(1000, 1, 4) == [200, 400, 600, 800]
    assert rounds(1000, 4, 12) == [250, 500, 750]
    assert rounds(1000, 4, 13) == [200, 400, 600, 800]
    assert rounds(100, 2, 1000) == list(range(1, 100))
    assert rounds(1000, 1, 0) == []


@given(st.integers(1, 10_000), st.integers(1, 8), st.integers(1, 200), st.integers(1, 900))
def test_rounds_without_an_answer_are_as_far_apart_as_the_plan(
    evaluations: int, concurrency: int, calls: int, interval: int
) -> None:
    planned = max(evaluations // (-(-calls // concurrency) + 1), 1)
    synced_at = rounds(evaluations, concurrency, calls, answers=False, interval=interval)
    gaps = [later - earlier for earlier, later in pairwise([0, *synced_at])]
    assert all(gap >= planned for gap in gaps)
    assert all(gap >= interval for gap in gaps[1:])
    assert all(each < evaluations for each in synced_at)


def test_models_alone_are_collected_at_once() -> None:
    schedule = Schedule(1000, 11, 1, syncs_at_once=True)
    schedule.record_asked(40, 1, 10, is_active=True)
    assert (schedule.is_due, schedule.next_sync(40)) == (False, 40)
    schedule.record_collected(had_calls=True, has_answered=True, in_flight=0)
    assert (schedule.is_due, schedule.is_silent) == (True, False)
    schedule.record_asked(50, 0, 0, is_active=False)
    assert schedule.next_sync(50) is None


def test_models_alone_end_the_search_if_they_are_silent() -> None:
    schedule = Schedule(1000, 11, 1, syncs_at_once=True)
    for _ in range(MAX_UNANSWERED_ROUNDS):
        assert schedule.fits_round(40)
        schedule.record_collected(had_calls=True, has_answered=False, in_flight=0)
    assert not schedule.fits_round(40)


def test_skipped_rounds_grow_exponentially_until_a_server_answers() -> None:
    schedule, skipped = Schedule(1000, 12, 1, False), []
    for _ in range(7):
        schedule.record_collected(had_calls=True, has_answered=False, in_flight=0)
        assert schedule.is_silent
        count = 0
        while schedule.skip_round():
            count += 1
            schedule.record_collected(had_calls=False, has_answered=False, in_flight=0)
        skipped.append(count)
    assert skipped == [0, 1, 3, 7, 15, 31, 63]
    assert skipped[-1] == MAX_SKIPPED_ROUNDS
    schedule.record_collected(
        had_calls=True, has_answered=False, in_flight=1
    )  # it may still answer
    assert not schedule.skip_round()
    schedule.record_collected(had_calls=True, has_answered=True, in_flight=0)
    assert (schedule.is_silent, schedule.skip_round()) == (False, False)
    assert len(rounds(1000, 1, 12, answers=False)) < len(rounds(1000, 1, 12)) == 12


MARKET = Profiler(random_bars(5, 300), market())
PROMPTS = PromptBuilder(build_space(None, ("long",), 40), FitnessSpec(folds=2), MARKET)
SETTINGS = LlmSettings(tasks=("combine", "tune", FALLBACK_TASK))
MODELS_ASKED = {"tiny": Model("tiny"), "big": Model("big")}
RECORDS = Learnings({}, tuple(Learning(f"b{n}", "tune", "sharpe", n / 10) for n in range(40)))


def composed(
    seed: int, settings: LlmSettings = SETTINGS, prompts: PromptBuilder = PROMPTS,
    has_failed: bool = False,
    failures: Sequence[Failure] = (), learnings: Learnings = RECORDS,
) -> list[tuple[str, ArmChoice]]:  # fmt: skip
    """Return the last message and the choice of three composed prompts."""
    composer = Composer(ModelSet(MODELS_ASKED, settings), prompts, seed)
    composer.state.has_failed_last = has_failed
    for each in failures:
        composer.record_failure(each)
    prompts_composed = [composer.compose(state(CROWD, CROWD[-3:]), learnings) for _ in range(3)]
    return [(each.messages[-1]["content"], each.choice) for each in prompts_composed]


def test_messages_depend_on_the_seed() -> None:
    assert composed(1) == composed(1)
    assert composed(1) != composed(2)
    assert len({text for text, _ in composed(1)}) == 3


def test_a_message_describes_the_chosen_task_and_parents() -> None:
    for text, choice in composed(3):
        assert choice.model in MODELS_ASKED
        assert len(choice.parents) == SETTINGS.parents
        assert choice.parent_score == 1.1
        asked = {
            "combine": "Combine p2 and p3",
            "tune": "the rules of p3",
            FALLBACK_TASK: "entirely different",
        }
        assert asked[choice.task] in text.split("\nTask: ")[1]
        assert text.count("strategy p") == 3


def test_models_alone_get_another_base_after_a_failure() -> None:
    only = replace(SETTINGS, mode="only", tasks=("tune",))
    for has_failed, bases in ((False, {"p3"}), (True, {"p1", "p2", "p3"})):
        texts = [
            text for seed in range(8) for text, _ in composed(seed, only, has_failed=has_failed)
        ]
        assert {text.split("the rules of ")[1][:2] for text in texts} == bases


def test_each_failure_is_shown_once_the_latest_last() -> None:
    failures = [Failure(f"text {n}", "why") for n in range(9)]
    text, _ = composed(1, failures=[*failures, failures[5]])[0]
    lines = [line for line in text.splitlines() if line.startswith("- text")]
    assert lines == [f"- text {n}: why" for n in (3, 4, 6, 7, 8, 5)]
    assert len(lines) == SETTINGS.failures


def test_learnings_are_shown_and_shortened_if_long() -> None:
    assert composed(1)[0][0].count("→ sharpe") == 40
    few = composed(1, replace(SETTINGS, learnings_tokens=100))[0][0]
    assert few.count("→ sharpe") == 8
    assert "Learnings so far" not in composed(1, learnings=Learnings())[0][0]


def test_an_error_in_the_learnings_template_is_reported(tmp_path: Path) -> None:
    (tmp_path / "learnings.md").write_text("{% if %}", "utf-8")
    with pytest.raises(EvolveError, match=r"learnings\.md, line 1"):
        composed(1, prompts=replace(PROMPTS, assets=PromptAssets(tmp_path)))
