"""Fixed rules: every strategy of a search has them as given, and the others evolve."""

from __future__ import annotations

import pickle
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from random import Random

import pytest

from dsl.analysis.check import check
from dsl.analysis.program import Program, Rules
from dsl.printing.decompile import compact_text
from evolve.search.edit import adopt_parameters
from evolve.search.fixed_rules import fix_program, remove_fixed
from evolve.search.grow import grow_rules
from evolve.search.individual import Individual
from evolve.search.progress import Budget
from evolve.search.proposers import PROPOSERS
from evolve.search.space import Space, build_space
from tests.search.toy import ToyScores, solve, toy_problem

START = check(
    "strategy start { param n = 3 in 2..20 buy when rsi(close, n) < 30 and close > sma(close, 50) "
    "sell when rsi(close, n) > 70 stop 3 * atr(14) hold 9 }"
)
OTHER = check(
    "strategy other { param n = 40 in 10..90 buy when close < sma(close, n) sell when "
    "close > sma(close, n) target 5% }"
)
CHILDREN = 2000
FIXED = [("buy",), ("sell", "hold"), ("buy", "sell", "stop")]
INAPPLICABLE = {
    FIXED[0]: {"tie"},
    FIXED[1]: {"tie"},
    FIXED[2]: {"hoist", "point", "subtree", "tie"},  # no condition is left
}


def take(*names: str) -> Rules:
    return Rules(**{name: getattr(START.rules, name) for name in names})


@cache
def space_with(*names: str) -> Space:
    return build_space(["sma", "rsi", "roc", "atr", "*"], ("long",), 40, fixed=take(*names))


def score_by_key(programs: Sequence[Program]) -> list[ToyScores]:
    """Score programs at random, so that no population converges."""
    return [ToyScores((float(int.from_bytes(each.key[:4])),)) for each in programs]


@cache
def search_trials(*names: str) -> tuple[Individual, ...]:
    """Return the trials of a search with fixed rules."""
    space = space_with(*names)
    problem = replace(
        toy_problem(), space=space, evaluate=score_by_key, weights=(1.0,),
        proposers=dict.fromkeys(PROPOSERS, 1.0),
    )  # fmt: skip
    starts = [fix_program(each, space.fixed) for each in (START, OTHER)]
    states = solve(problem, Budget(CHILDREN), islands=2, start_from=starts)
    trials = tuple(trial for each in states for trial in each.trials)
    assert len(trials) == CHILDREN
    return trials


@pytest.mark.parametrize("names", FIXED)
def test_no_proposer_changes_a_fixed_rule(names: tuple[str, ...]) -> None:
    fixed = take(*names)
    counts = Counter(each.proposer for each in search_trials(*names))
    assert set(PROPOSERS) - set(counts) == INAPPLICABLE[names]
    for each in search_trials(*names):
        assert all(getattr(each.program.rules, name) is term for name, term in fixed.named())
    free = {remove_fixed(each.program.rules, fixed) for each in search_trials(*names)}
    assert len(free) == CHILDREN


@pytest.mark.parametrize("names", FIXED)
def test_each_child_can_be_written_and_read(names: tuple[str, ...]) -> None:
    for each in search_trials(*names)[::40]:
        assert check(compact_text(each.program)).rules == each.program.rules


def test_a_search_without_fixed_rules_changes_all_of_them() -> None:
    for name in ("buy", "sell", "stop"):
        assert len({getattr(each.program.rules, name) for each in search_trials()}) > 20


def test_no_operator_sees_a_fixed_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Rules] = []

    def spy(parents: Sequence[Rules], space: Space, rng: Random) -> Rules | None:
        seen.extend(parents)
        return tune.propose(parents, space, rng)

    tune = PROPOSERS["tune"]
    monkeypatch.setitem(PROPOSERS, "tune", replace(tune, propose=spy))
    problem = replace(toy_problem(), space=space_with("buy", "hold"))
    solve(problem, Budget(300), start_from=[START])
    assert len(seen) > 20
    assert {(each.buy, each.hold) for each in seen} == {(None, None)}
    assert any(each.sell is not None for each in seen)


@pytest.mark.parametrize("name", PROPOSERS)
def test_a_proposer_accepts_a_strategy_of_which_all_rules_are_fixed(name: str) -> None:
    proposer, rng = PROPOSERS[name], Random(1)
    settings = Rules(hold=START.rules.hold)
    for rules in (Rules(), settings):
        for _ in range(50):
            proposer.propose([rules] * proposer.parents, space_with("buy", "sell"), rng)


@pytest.mark.parametrize("names", [("buy",), ("sell",), ("buy", "sell", "stop", "hold")])
def test_grown_rules_leave_out_the_fixed_ones(names: tuple[str, ...]) -> None:
    rng, space = Random(1), space_with(*names)
    grown = [grow_rules(space, rng) for _ in range(200)]
    for each in grown:
        assert not set(names) & {name for name, _ in each.named()}
    assert all(any(getattr(each, name) for each in grown) for name in {"target", "size"})


@pytest.mark.parametrize("limits", ["2..20", "2..30"])
def test_a_param_of_a_fixed_rule_is_a_number_in_the_others(limits: str) -> None:
    other = check(
        f"strategy s {{ param n = 7 in {limits} param m = 5 in 2..9 buy when close > open "
        "sell when sma(close, n) > sma(close, m) hold n }"
    )
    found = fix_program(other, take("buy"))
    assert [(each.name, each.value) for each in found.parameters] == [("n", 3), ("m", 5)]
    assert found.rules.buy is START.rules.buy
    expected = "strategy s { param m = 5 in 2..9 buy when close > open sell when "
    expected += "sma(close, 7) > sma(close, m) hold 7 }"
    assert found.rules[1:] == check(expected).rules[1:]


def test_a_renamed_param_never_gets_the_name_of_another_one() -> None:
    donor = check(
        "strategy s { param n = 40 in 10..90 param n_2 = 5 in 2..9 "
        "buy when sma(close, n) > sma(close, n_2) }"
    )
    assert donor.rules.buy is not None
    adopted = Program("s", Rules(buy=adopt_parameters(donor.rules.buy, START.rules)))
    assert {each.name: each.value for each in adopted.parameters} == {"n_3": 40, "n_2": 5}


def test_fixed_rules_survive_a_copy_to_another_process() -> None:
    space = space_with("buy", "stop")
    for copied in (pickle.loads(pickle.dumps(space)), space.without_series("volume")):  # noqa: S301
        assert copied.fixed == space.fixed
        assert copied.fixed.buy is START.rules.buy


def test_a_program_outside_of_the_space_is_rejected_with_its_reason() -> None:
    space = build_space(["sma"], ("long",), 40, fixed=take("buy", "stop"))
    assert space.rejection_reason(check("strategy s { buy when close > open }")) == (
        "its `buy` differs from the fixed one: `rsi(close, n) < 30 and close > sma(close, 50)`"
    )
    lacking = START.change(rules=START.rules._replace(sell=None, stop=None))
    assert space.rejection_reason(lacking) == ""  # its operators are those of the fixed rules
    assert "it uses `rsi`" in space.rejection_reason(START)  # in `sell`, which is free
