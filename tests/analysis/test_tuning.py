"""Search over the constants of a strategy: what may change, the trials, and the choice."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from random import Random

import pytest

from dsl.analysis.check import check
from dsl.analysis.program import Program
from evolve.analysis.tunable import TunableText, find_tunables
from evolve.analysis.tuning import Tuning, tune
from evolve.stop import Stop

TEXT = """# mine
strategy dip {
  param n = 8 in 2..30   # lookback
  param held = 5
  let heat = rsi(close, 14)
  buy when heat < 10 and close > 1.02 * sma(close, 100) and roc(close, 3) > -2%
  sell when heat > 60 or close > highest(high, n)[1]
  stop 2.5 * atr(held)
  size 0.5
  hold 2 * held
}
"""
TWO = "strategy a { buy when rsi(close, 2) < %s }  strategy b { buy when rsi(close, 7) < 15 }"


def tunables(text: str, name: str = "dip") -> TunableText:
    return find_tunables(text, "a.evo", name)


def search(
    text: TunableText, judge: Callable[[Program], float], evaluations: int = 500, seed: int = 1
) -> Tuning:
    def score(programs: Sequence[Program]) -> list[float]:
        return [judge(each) for each in programs]

    return tune(text, score, evaluations, Random(seed), Stop(), lambda trials, best: None)


def read_windows(program: Program) -> list[float]:
    """Return the numbers of a program, in order."""
    return [
        part.value
        for _, term in program.rules.named()
        for part in term.walk()
        if part.value is not None and not part.args
    ]


# -- what may change


def test_parameters_with_a_range_and_literals_may_change_and_all_else_is_held() -> None:
    found = [(each.line, each.format_value(each.present)) for each in tunables(TEXT).tunables]
    assert found == [
        (3, "8"), (5, "14"), (6, "10"), (6, "1.02"), (6, "100"), (6, "3"), (6, "2%"), (7, "60"),
        (7, "1"), (8, "2.5"),
    ]  # fmt: skip


def test_a_parameter_stays_in_its_range_on_its_step() -> None:
    text = "strategy dip { param n = 8 in 2..20 step 3 buy when close > sma(close, n) }"
    assert tunables(text).tunables[0].values == (2, 5, 8, 11, 14, 17, 20)
    whole = tunables(TEXT).tunables[0].values
    assert (min(whole), max(whole)) == (2, 30) and all(each.is_integer() for each in whole)


def test_windows_take_preferred_numbers() -> None:
    text = "strategy dip { buy when close > sma(close, 100) }"
    values = tunables(text).tunables[0].values
    ratios = [high / low for low, high in pairwise(values) if low >= 10]
    assert values[0] == 2 and values[-1] == 200 and max(ratios) < 1.2


def test_a_literal_keeps_its_sign_and_its_minus() -> None:
    text = tunables(TEXT)
    index = next(i for i, each in enumerate(text.tunables) if each.is_percent)
    assert min(text.tunables[index].values) == 0
    point = list(text.start)
    point[index] = len(text.tunables[index].values) - 1
    assert "roc(close, 3) > -8%" in text.render(point)


def test_only_numbers_change_in_the_text() -> None:
    text, rng = tunables(TEXT), Random(3)
    for _ in range(50):
        point = [rng.randrange(len(each.values)) for each in text.tunables]
        lines = zip(TEXT.splitlines(), text.render(point).splitlines(), strict=True)
        for old, new in lines:
            assert _blank(old) == _blank(new)
        assert text.build(point) is not None
    assert text.render(text.start) == TEXT


def _blank(line: str) -> list[str]:
    return [each for each in line if not each.isdigit() and each != "."]


def test_a_literal_that_a_let_shares_changes_everywhere() -> None:
    text = tunables("strategy dip { let n = 14 buy when rsi(close, n) < 30 sell when adx(n) > 20 }")
    point = (0, *text.start[1:])
    program = text.build(point)
    assert program is not None
    value = text.tunables[0].values[0]
    assert read_windows(program).count(value) == 2


def test_the_exit_that_a_while_implies_follows_its_entry() -> None:
    text = tunables("strategy dip { buy while close > sma(close, 20) }")
    program = text.build([0])
    assert program is not None and program.rules.sell is not None
    assert read_windows(program) == [2, 2]
    assert len(text.tunables) == 1


def test_literals_of_other_strategies_and_of_defines_are_held() -> None:
    assert len(tunables(TWO % "10", "b").tunables) == 2
    define = "define mean_gap(x: number) -> like x = x - sma(x, 9)\n"
    text = define + "strategy dip { buy when rsi(close, 2) < 10 and mean_gap(close) < 0 * close }"
    assert all(each.line == 2 for each in tunables(text).tunables)


@pytest.mark.parametrize(
    "body",
    ["buy when close > open", "param n = 5 buy when close > sma(close, n)", "buy when true"],
)
def test_a_strategy_may_have_nothing_to_tune(body: str) -> None:
    assert tunables(f"strategy dip {{ {body} }}").tunables == ()


# -- the search

PEAK = "strategy dip { buy when rsi(close, 40) < 80 and close > sma(close, 9) }"


def judge_distance(program: Program) -> float:
    """Return a smooth score with its peak at rsi(close, 7) < 26 and sma(close, 90)."""
    window, threshold, average = read_windows(program)
    gap = math.log(window / 7) ** 2 + math.log(threshold / 26) ** 2 + math.log(average / 90) ** 2
    return 2 - gap


def test_the_search_finds_the_peak_of_a_smooth_score() -> None:
    tuning = search(tunables(PEAK), judge_distance)
    assert tuning.after.program is not None
    window, threshold, average = read_windows(tuning.after.program)
    assert abs(window - 7) <= 1 and abs(threshold - 26) <= 3 and abs(average - 90) <= 10
    assert tuning.plateau.share == 1.0 and len(tuning.plateau.neighbors) == 6
    assert tuning.is_complete


def test_a_plateau_is_preferred_to_an_isolated_peak() -> None:
    def judge(program: Program) -> float:
        (window,) = read_windows(program)
        return 3.0 if window == 63 else 2.0 - abs(math.log(window / 20))

    tuning = search(tunables("strategy dip { buy when close > sma(close, 56) }"), judge)
    assert max(each.score for each in tuning.variants) == 3.0
    assert tuning.after.program is not None
    assert read_windows(tuning.after.program) == [20]


def test_a_strategy_at_the_best_values_stays_as_it_is() -> None:
    text = tunables("strategy dip { buy when close > sma(close, 20) }")
    tuning = search(text, lambda each: -abs(read_windows(each)[0] - 20))
    assert tuning.after is tuning.before
    assert text.render(tuning.after.point) == text.text


@pytest.mark.parametrize("budget", [2, 7, 40, 100])
def test_the_budget_counts_each_distinct_program_once(budget: int) -> None:
    scored: list[bytes] = []

    def judge(program: Program) -> float:
        scored.append(program.key)
        return judge_distance(program)

    tuning = search(tunables(PEAK), judge, budget)
    assert tuning.trials == len(scored) == len(set(scored)) == budget
    assert [each.program.key for each in tuning.variants if each.program] == scored


def test_equal_seeds_give_equal_searches() -> None:
    one, other = (search(tunables(PEAK), judge_distance, 400, seed=5) for _ in range(2))
    assert [each.point for each in one.variants] == [each.point for each in other.variants]
    assert one.after == other.after


def test_a_stop_ends_the_search_with_the_best_so_far() -> None:
    stop = Stop()

    def score(programs: Sequence[Program]) -> list[float]:
        return [judge_distance(each) for each in programs]

    def progress(trials: int, best: float) -> None:
        stop.set()

    tuning = tune(tunables(PEAK), score, 10_000, Random(1), stop, progress)
    assert not tuning.is_complete
    assert tuning.after.score > tuning.before.score


def test_an_infeasible_strategy_may_become_feasible() -> None:
    def judge(program: Program) -> float:
        (window,) = read_windows(program)
        return 1.0 if window < 40 else -math.inf

    tuning = search(tunables("strategy dip { buy when close > sma(close, 56) }"), judge)
    assert tuning.before.score == -math.inf and tuning.after.score == 1.0


def test_values_that_are_not_valid_are_no_trial() -> None:
    text = tunables("strategy dip { param n = 5 in 2..900 buy when close > sma(close, 9 * n) }")
    assert text.build([len(text.tunables[0].values) - 1]) is None
    tuning = search(text, lambda program: float(program.warmup_bars))
    assert all(each.program is not None for each in tuning.variants)
    assert 4000 < tuning.after.score < 5000


def test_the_program_is_that_of_the_rendered_text() -> None:
    text = tunables(TEXT)
    point = [0] * len(text.tunables)
    program = text.build(point)
    assert program is not None and check(text.render(point)).key == program.key
