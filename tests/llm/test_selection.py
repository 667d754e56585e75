"""What is shown, who is asked, for what and when: from the state of the search and a seed alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
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
from evolve.llm.prompt.builder import Failure, PromptBuilder
from evolve.llm.prompt.composer import Composer
from evolve.llm.prompt.learnings import Learning, Learnings
from evolve.llm.prompt.profile import Profiler
from evolve.llm.prompt.selection import (
    FALLBACK_TASK,
    MAX_LINEAGE,
    ArmChoice,
    Lineage,
    arm_name,
    choose_arm,
    choose_parents,
)
from evolve.llm.prompt.templates import Task
from evolve.llm.schedule import MAX_SKIPPED_ROUNDS, Schedule
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
    parents: Sequence[Individual] = (), obstacle: str = "",
) -> Individual:  # fmt: skip
    """An individual of a score, and of a program of its own for every score or number of days."""
    rule = f"close > sma(close, {2 + int(100 * abs(score)) if days is None else days})"
    program = check(f"strategy s {{ buy when {rule} hold {5 + (score < 0)} }}")
    scores = Scores((score, 6.0), (score, score), 9, obstacle)
    hashes = tuple(each.program.hash for each in parents)
    return Individual(program, scores, Fitness(WEIGHTS, scores.values), proposer, hashes, 0, 1)


def state(
    population: Sequence[Individual] = (), fame: Sequence[Individual] = (), epoch: int = 1,
    trials: Sequence[Individual] = (), ledger: Mapping[str, ProposerStats] | None = None,
) -> Progress:  # fmt: skip
    islands = (Island(0, tuple(population), ()), Island(1, tuple(population[:1]), ()))
    best = max(fame, key=lambda each: each.score, default=None)
    return Progress(epoch, tuple(trials), 100, best, tuple(fame), ledger or {}, islands)


CROWD = [one(index / 10) for index in range(12)]
FIRST = [one(0.9, obstacle="few trades"), one(-0.4, obstacle="ruined"), one(0.3, obstacle="few")]


def scores_of(individuals: Sequence[Individual]) -> list[float]:
    return [each.score for each in individuals]


@given(st.integers(0, 99), st.integers(1, 8))
def test_the_best_is_shown_beside_others_the_worst_first(seed: int, count: int) -> None:
    chosen = choose_parents(state(CROWD), count, "mix", FIRST, Random(seed))
    assert len(set(scores_of(chosen))) == len(chosen) == count
    assert chosen[-1] == CROWD[-1]
    assert scores_of(chosen) == sorted(scores_of(chosen))
    assert choose_parents(state(CROWD), count, "mix", FIRST, Random(seed)) == chosen


@pytest.mark.parametrize("mode", ["mix", "only"])
def test_who_wants_to_show_nothing_shows_nothing(mode: str) -> None:
    for shown in (state(CROWD), state()):
        assert choose_parents(shown, 0, mode, FIRST, Random(1)) == []


def test_others_are_drawn_by_tournaments_of_three() -> None:
    drawn = Counter(
        choose_parents(state(CROWD), 2, "mix", (), Random(seed))[0].score for seed in range(600)
    )
    assert drawn[1.0] / 600 == pytest.approx(1 - (10 / 11) ** 3, abs=0.03)
    assert drawn[0.9] / 600 == pytest.approx((10**3 - 9**3) / 11**3, abs=0.03)
    assert min(drawn) <= 0.1


def test_alone_the_model_sees_the_best_there_are() -> None:
    for seed in range(5):
        chosen = choose_parents(state(CROWD[:7], CROWD[9:]), 4, "only", FIRST, Random(seed))
        assert scores_of(chosen) == [0.6, 0.9, 1.0, 1.1]


@pytest.mark.parametrize("mode", ["mix", "only"])
def test_of_twins_the_better_by_what_else_counts_is_shown(mode: str) -> None:
    small, other = one(0.5, 10), one(0.2)
    large = replace(one(0.5, 20), fitness=Fitness(WEIGHTS, (0.5, 30.0)))
    for population in ([small, large, other], [other, large, small]):
        assert choose_parents(state(population, [large]), 5, mode, (), Random(1)) == [other, small]


def test_where_nothing_can_be_used_what_the_search_began_with_is_shown_the_worst_first() -> None:
    for mode in ("mix", "only"):
        assert choose_parents(state(), 5, mode, (), Random(1)) == []
        assert len(choose_parents(state(), 2, mode, FIRST, Random(1))) == 2
        assert scores_of(choose_parents(state(), 5, mode, FIRST, Random(1))) == [-0.4, 0.3, 0.9]


DIRECTIONS = {each.name: each for each in (Task("combine", 2), Task("tune", 1),
                                           Task(FALLBACK_TASK, 0))}  # fmt: skip
MODELS = {"big": 1.0, "tiny": 3.0}


def shares(
    models: Mapping[str, float] = MODELS, directions: Mapping[str, Task] = DIRECTIONS,
    parents: Sequence[Individual] = CROWD[:3], ledger: Mapping[str, ProposerStats] | None = None,
) -> dict[tuple[str, str], float]:  # fmt: skip
    rng, count = Random(1), 2000
    drawn = [choose_arm(models, directions, parents, ledger or {}, rng) for _ in range(count)]
    found = Counter((each.model, each.task) for each in drawn)
    return {arm: found[arm] / count for arm in found}


def test_arms_are_drawn_by_the_weights_of_their_models() -> None:
    found = shares()
    assert set(found) == {(model, name) for model in MODELS for name in DIRECTIONS}
    for (model, _), share in found.items():
        assert share == pytest.approx(MODELS[model] / 12, abs=0.03)


def test_a_direction_is_asked_for_only_with_the_parents_it_needs() -> None:
    for count, names in ((0, {FALLBACK_TASK}), (1, {FALLBACK_TASK, "tune"}), (2, set(DIRECTIONS))):
        assert {name for _, name in shares(parents=CROWD[:count])} == names
    alone = shares(directions={"tune": Task("tune", 1)}, parents=())
    assert {name for _, name in alone} == {FALLBACK_TASK}


def test_credit_shifts_shares_to_what_was_accepted_and_never_to_nothing() -> None:
    names = [arm_name("big", name) for name in DIRECTIONS]
    good, poor = (
        ProposerStats(evaluated=500, accepted=400),
        ProposerStats(evaluated=500, accepted=10),
    )
    ledger = {names[0]: good, names[1]: poor, names[2]: poor, "crossover": good}
    found = shares({"big": 1.0}, ledger=ledger)
    assert found["big", "combine"] == pytest.approx(2 / 3, abs=0.04)
    assert found["big", "tune"] == pytest.approx(1 / 6, abs=0.04)
    assert found["big", FALLBACK_TASK] == pytest.approx(1 / 6, abs=0.04)


def test_a_choice_tells_its_arm_its_parents_and_the_best_that_can_be_used() -> None:
    parents = [FIRST[1], one(0.1), one(0.4), FIRST[0]]
    choice = choose_arm({"tiny": 1.0}, {"tune": DIRECTIONS["tune"]}, parents, {}, Random(1))
    hashes = tuple(each.program.hash for each in parents)
    assert choice == ArmChoice("tiny", "tune", hashes, 0.4)
    assert choice.arm == arm_name("tiny", "tune") == "llm:tiny:tune"
    assert choose_arm(MODELS, DIRECTIONS, FIRST, {}, Random(1)).parent_score is None
    draws = [choose_arm(MODELS, DIRECTIONS, parents, {}, Random(seed)) for seed in range(20)]
    assert draws == [choose_arm(MODELS, DIRECTIONS, parents, {}, Random(s)) for s in range(20)]
    assert len({each.arm for each in draws}) > 3


def test_a_line_tells_who_made_an_individual_and_its_best_parents_the_newest_first() -> None:
    seed = one(0.1, proposer="seed")
    other = one(0.2, proposer="random")
    child = one(0.3, proposer="llm:tiny:tune", parents=[other, seed])
    grandchild = one(0.4, proposer="crossover", parents=[other, child])
    ancestry = Lineage()
    ancestry.record(state(epoch=0, trials=[seed]))
    ancestry.record(state(epoch=1, trials=[other, child]))
    ancestry.record(state(epoch=2, trials=[grandchild]))
    assert ancestry.first == (seed,)
    lines = [ancestry.trace(each) for each in (seed, other, child, grandchild)]
    assert lines == [("seed",), ("random",), ("tune", "seed"), ("crossover", "tune", "seed")]
    assert ancestry.trace(one(0.5, proposer="tune", parents=[one(0.6)])) == ("tune", "seed")


def test_a_long_line_is_cut_and_a_circle_ends() -> None:
    ancestry, line = Lineage(), [one(0.0, 2, "seed")]
    for days in range(3, 13):
        line.append(one(0.0, days, f"p{days}", line[-1:]))
    ancestry.record(state(trials=line))
    assert ancestry.trace(line[-1]) == ("p12", "p11", "p10", "p9", "p8")
    assert MAX_LINEAGE == 5
    own = one(0.0, 50, "tune", [one(0.0, 50)])
    ancestry.record(state(trials=[own]))
    assert ancestry.trace(own) == ("tune",) * MAX_LINEAGE


def rounds(evaluations: int, concurrency: int, calls: int, answers: bool = True) -> list[int]:
    """At how many evaluations a run whose every call is answered, or none is, is heard."""
    schedule, left, evaluated = Schedule(evaluations, concurrency, False), calls, 0
    heard: list[int] = []
    while evaluated < evaluations:
        asked = 0 if schedule.skip_round() else min(concurrency, left)
        left -= asked
        schedule.record_asked(evaluated, asked, left, bool(asked) or bool(left))
        hearing = schedule.next_sync(evaluated)
        if hearing is None:
            break
        assert hearing > evaluated
        evaluated = hearing
        heard += [evaluated] * bool(asked)
        schedule.record_collected(bool(asked), bool(asked) and answers, 0)
    return heard


def test_rounds_are_spread_evenly_over_the_evaluations() -> None:
    assert rounds(1000, 1, 4) == [200, 400, 600, 800]
    assert rounds(1000, 4, 12) == [250, 500, 750]
    assert rounds(1000, 4, 13) == [200, 400, 600, 800]
    assert rounds(100, 2, 1000) == list(range(1, 101))
    assert rounds(1000, 1, 0) == []


def test_the_model_alone_is_heard_at_once() -> None:
    schedule = Schedule(1000, 1, waits_for_nothing=True)
    schedule.record_asked(40, 1, 10, goes_on=True)
    assert (schedule.is_due, schedule.next_sync(40)) == (False, 40)
    schedule.record_collected(had_calls=True, has_answered=True, under_way=0)
    assert (schedule.is_due, schedule.is_unanswered) == (True, False)
    schedule.record_asked(50, 0, 0, goes_on=False)
    assert schedule.next_sync(50) is None


def test_the_longer_no_server_answers_the_longer_is_the_rest_until_one_does() -> None:
    schedule, rests = Schedule(1000, 1, False), []
    for _ in range(7):
        schedule.record_collected(had_calls=True, has_answered=False, under_way=0)
        assert schedule.is_unanswered
        taken = 0
        while schedule.skip_round():
            taken += 1
            schedule.record_collected(had_calls=False, has_answered=False, under_way=0)
        rests.append(taken)
    assert rests == [0, 1, 3, 7, 15, 31, 63]
    assert rests[-1] == MAX_SKIPPED_ROUNDS
    schedule.record_collected(had_calls=True, has_answered=False, under_way=1)  # it may answer yet
    assert not schedule.skip_round()
    schedule.record_collected(had_calls=True, has_answered=True, under_way=0)
    assert (schedule.is_unanswered, schedule.skip_round()) == (False, False)
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
    """What is composed in three rounds of a search: the last message, and what it is about."""
    composer = Composer(ModelSet(MODELS_ASKED, settings), prompts, seed)
    composer.record_progress(state(epoch=0, trials=CROWD[:2]))
    composer.has_failed_last = has_failed
    for each in failures:
        composer.record_failure(each)
    made = [composer.compose(state(CROWD, CROWD[-3:]), learnings) for _ in range(3)]
    return [(messages[-1]["content"], choice) for messages, choice in made]


def test_the_same_seed_and_state_give_the_same_messages_and_another_seed_others() -> None:
    assert composed(1) == composed(1)
    assert composed(1) != composed(2)
    assert len({text for text, _ in composed(1)}) == 3


def test_a_message_is_about_what_was_chosen() -> None:
    for text, choice in composed(3):
        assert choice.model in MODELS_ASKED
        assert len(choice.parents) == SETTINGS.parents
        assert choice.parent_score == 1.1
        asked = {
            "combine": "Combine p2 and p3",
            "tune": "the rules of p3",
            FALLBACK_TASK: "wholly different",
        }
        assert asked[choice.task] in text.split("\nNow: ")[1]
        assert text.count("strategy p") == 3


def test_alone_and_without_success_it_goes_back_to_one_of_the_best() -> None:
    only = replace(SETTINGS, mode="only", tasks=("tune",))
    for has_failed, bases in ((False, {"p3"}), (True, {"p1", "p2", "p3"})):
        made = [
            text for seed in range(8) for text, _ in composed(seed, only, has_failed=has_failed)
        ]
        assert {text.split("the rules of ")[1][:2] for text in made} == bases


def test_failures_are_told_the_latest_last_and_each_once() -> None:
    failures = [Failure(f"text {n}", "why") for n in range(9)]
    text, _ = composed(1, failures=[*failures, failures[5]])[0]
    told = [line for line in text.splitlines() if line.startswith("- `text")]
    assert told == [f"- `text {n}`: why" for n in (3, 4, 6, 7, 8, 5)]
    assert len(told) == SETTINGS.failures


def test_what_was_learned_is_told_and_ranked_where_it_is_long() -> None:
    assert composed(1)[0][0].count("→ sharpe") == 40
    few = composed(1, replace(SETTINGS, learnings_tokens=100))[0][0]
    assert few.count("→ sharpe") == 8
    assert "What was learned" not in composed(1, learnings=Learnings())[0][0]


def test_an_error_in_a_template_of_what_was_learned_is_the_persons_to_mend(tmp_path: Path) -> None:
    (tmp_path / "learnings.md").write_text("{% if %}", "utf-8")
    with pytest.raises(EvolveError, match=r"learnings\.md, line 1"):
        composed(1, prompts=replace(PROMPTS, assets=PromptAssets(tmp_path)))
