"""Fixed rules of an experiment: each trial of its searches has them, also after an interrupt."""

from __future__ import annotations

from pathlib import Path

import pytest

from dsl.analysis.check import check, check_file
from dsl.analysis.program import Rules
from evolve.analysis.prune import prune
from evolve.backtest.backtest import Backtester
from evolve.errors import EvolveError
from evolve.experiment.observer import Observer
from evolve.experiment.plan import Plan, build_problem, read_plan
from evolve.experiment.power import PowerTest
from evolve.experiment.recipe import build_recipe, open_recipe
from evolve.experiment.remove_run import list_files
from evolve.experiment.repeated_search import JobRunner
from evolve.experiment.resume import resume
from evolve.experiment.run import run
from evolve.experiment.run_inputs import build_run_inputs, open_inputs
from evolve.notices import NoticeList
from evolve.search.progress import Progress
from evolve.stop import Stop
from evolve.validation.null_search import NullSearcher
from tests.experiment.compare_runs import assert_equal_runs, read_rows
from tests.experiment.small_runs import EDGE, write_experiment

MINE = """
strategy mine {
  param n = 3 in 2..20
  buy when roc(close, 1) < 0 and close > 0
  sell when rsi(close, n) > 70
  stop 4%
}
"""
OTHER = "strategy other { param n = 9 in 2..20 buy when rsi(close, n) < 40 hold n }"
FIXED = "start_from=[{file: mine.evo, fixed: [buy, stop]}, other.evo]"
QUICK = ("budget.evaluations=80", "search.population=10", "validate.null_runs=0")
BUY, STOP = "buy when roc(close, 1) < 0 and close > 0", "stop 4%"

pytestmark = pytest.mark.usefixtures("own_home")


def read(folder: Path, *settings: str, **files: str) -> Plan:
    path = write_experiment(folder, EDGE)
    for name, text in {"mine": MINE, "other": OTHER, **files}.items():
        (folder / f"{name}.evo").write_text(text)
    return read_plan(path, (*QUICK, *(settings or (FIXED,))))


def refuse(folder: Path, *settings: str, **files: str) -> EvolveError:
    with pytest.raises(EvolveError) as caught:
        read(folder, *settings, **files)
    return caught.value


def assert_fixed(folder: Path) -> None:
    """Check that all trials of a run, and its finalists, have the fixed rules."""
    rows = read_rows(folder)["trials"]
    assert len(rows) == 80
    fixed = check(f"strategy s {{ {BUY} {STOP} }}").rules
    texts = [row["source"] for row in rows]
    texts += [each.read_text("utf-8") for each in folder.glob("finalists/*.evo")]
    assert len(texts) > 80
    for text in texts:
        (program,) = check_file(text)
        assert (
            program.rules._replace(sell=None, hold=None, size=None, trail=None, target=None)
            == fixed
        )


class StopAtOnce(Observer):
    """Observer that requests a stop after the first epoch."""

    def __init__(self) -> None:
        self.stop = Stop()

    def progress(self, progress: Progress, seconds: float) -> None:
        self.stop.set()


def test_each_trial_of_a_run_has_the_fixed_rules_also_if_the_run_goes_on(tmp_path: Path) -> None:
    plan = read(tmp_path)
    whole = run(plan, out=tmp_path / "whole")
    assert_fixed(whole.folder)
    observer = StopAtOnce()
    stopped = run(plan, out=tmp_path / "stopped", observer=observer, stop=observer.stop)
    assert 0 < stopped.progress.evaluated < 80
    resume(stopped.folder)
    assert_fixed(stopped.folder)
    assert_equal_runs(stopped.folder, whole.folder)
    listed = list_files(whole.folder)
    assert listed.others == ()
    assert {f"{name}.evo" for name in ("mine", "other")} <= {each.name for each in listed.files}


def test_the_problem_of_null_searches_and_of_other_machines_has_the_fixed_rules(
    tmp_path: Path,
) -> None:
    plan = read(tmp_path)
    data = plan.load(NoticeList())
    rebuilt, _ = open_inputs(build_run_inputs(plan, data))
    assert rebuilt.space.fixed == plan.space.fixed
    assert [each.rules for each in rebuilt.start_from] == [each.rules for each in plan.start_from]
    with open_recipe(build_recipe(plan, data), 1) as earlier:
        assert earlier.space.fixed == plan.space.fixed
    problem = build_problem(plan, data)
    searcher = NullSearcher(problem)
    result = searcher.run(1, 80, None)
    assert result is not None
    assert result.evaluated == 80
    programs = searcher._programs
    assert len(programs) == 80
    assert {(each.rules.buy, each.rules.stop) for each in programs} == {plan.start.fixed[0:6:5]}


def test_a_recipe_depends_on_the_fixed_rules(tmp_path: Path) -> None:
    plans = [
        read(tmp_path, f"start_from={value}")
        for value in ("mine.evo", "{file: mine.evo, fixed: buy}", "{file: mine.evo, fixed: stop}")
    ]
    recipes = [build_recipe(each, each.load(NoticeList()))["settings"] for each in plans]
    assert all(one != other for one in recipes for other in recipes if one is not other)


def test_other_strategies_get_the_fixed_rules(tmp_path: Path) -> None:
    plan = read(tmp_path)
    mine, other = plan.start_from
    assert mine.rules == check(MINE).rules
    expected = f"strategy other {{ param n = 9 in 2..20 {BUY} hold n {STOP} }}"
    assert other.rules == check(expected).rules
    assert [each.rules for each in plan.start.written] == [check(MINE).rules, check(OTHER).rules]


def test_an_entry_with_while_fixes_its_exit_as_well(tmp_path: Path) -> None:
    text = "strategy held { buy while close > sma(close, 20) stop 4% }"
    rules = check(text).rules
    for name, expected in (("buy", rules._replace(stop=None)), ("stop", Rules(stop=rules.stop))):
        plan = read(tmp_path, f"start_from={{file: held.evo, fixed: {name}}}", held=text)
        assert plan.start.fixed == expected
        assert plan.start_from[0].rules == rules


def test_a_fixed_rule_is_not_pruned(tmp_path: Path) -> None:
    plan = read(tmp_path)
    data = plan.load(NoticeList())
    backtester = Backtester(data.split.train, data.market)
    program = check(
        f"strategy s {{ {BUY} sell when rsi(close, 3) > 70 and close > 0 stop 99% trail 99% }}"
    )
    whole = prune(program, backtester)
    assert len(whole.dropped) == 4
    fixed = program.rules._replace(sell=None, trail=None)  # with a stop that is never reached
    partly = prune(program, backtester, fixed)
    assert partly.dropped == (
        "`close > 0` in `sell` is always true",
        "`trail 99%` is never reached",
    )
    assert partly.program.rules._replace(sell=None) == fixed


REFUSED = {
    "no such rule": (
        ["start_from={file: mine.evo, fixed: [buy, hold]}"],
        "cannot fix `hold`, which `mine` of mine.evo does not have",
        "expected rules that it has: buy, sell, stop",
    ),
    "one of two strategies lacks it": (
        ["start_from={file: both.evo, fixed: sell}"],
        "cannot fix `sell`, which `other` of both.evo does not have",
        "expected rules that it has: buy, hold",
    ),
    "two strategies differ": (
        ["start_from={file: both.evo, fixed: buy}"],
        "`buy` is fixed twice, and the two differ: `roc(close, 1) < 0 and close > 0` in `mine` of "
        "both.evo, `rsi(close, n) < 40` in `other` of both.evo",
        "fix it in one entry, or write the same rule in both",
    ),
    "two files differ": (
        ["start_from=[{file: mine.evo, fixed: buy}, {file: other.evo, fixed: buy}]"],
        "`buy` is fixed twice, and the two differ: `roc(close, 1) < 0 and close > 0` in `mine` of "
        "mine.evo, `rsi(close, n) < 40` in `other` of other.evo",
        "fix it in one entry, or write the same rule in both",
    ),
    "one param with two values": (
        ["start_from=[{file: mine.evo, fixed: sell}, {file: other.evo, fixed: buy}]"],
        "two fixed rules use `n` with different meanings", "rename one of them in its file",
    ),
    "a direction that is not allowed": (
        ["start_from={file: short.evo, fixed: cover}"],
        "`cover` is fixed, but `language.directions` lacks `short`",
        "add `short` to `language.directions`, or remove `cover` from `fixed`",
    ),
    "nothing to evolve": (
        ["start_from={file: all.evo, fixed: [buy, sell, size, stop, trail, target, hold]}"],
        "all rules are fixed, so that none is left to evolve", "remove a rule from `fixed`",
    ),
    "no nodes left": (
        ["start_from={file: mine.evo, fixed: buy}", "language.max_nodes=9"],
        "the fixed rules have 9 nodes, which leaves none of `language.max_nodes`, 9, to evolve",
        "raise `language.max_nodes`, or fix fewer rules",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_rules_that_cannot_be_fixed_are_refused(name: str, tmp_path: Path) -> None:
    settings, message, hint = REFUSED[name]
    whole = MINE.replace("}", " size 50% trail 5% target 9% hold 9 }")
    short = "strategy s { short when close < open cover when close > open }"
    files = {"both": MINE + OTHER, "short": short, "all": whole}
    error = refuse(tmp_path, *settings, **files)
    assert error.message == f"{tmp_path / 'small.yaml'}: start_from: {message}"
    assert error.hint == hint
    assert read(tmp_path, **files).start.fixed.buy is not None


def test_the_hint_for_a_file_outside_of_the_folder_has_its_fixed_rules(tmp_path: Path) -> None:
    plan = read(tmp_path)
    path = tmp_path / "inside" / "x.yaml"
    path.parent.mkdir()
    (path.parent / ".env").touch()
    text = (tmp_path / "small.yaml").read_text("utf-8")
    path.write_text(text + "start_from: {file: ../mine.evo, fixed: [buy]}\n")
    with pytest.raises(EvolveError) as caught:
        read_plan(path)
    value = "[{file: ../mine.evo, fixed: [buy]}]"
    assert caught.value.hint.endswith(f"--set 'start_from={value}'")
    assert read_plan(path, [f"start_from={value}"]).space.fixed.buy is plan.space.fixed.buy


def test_power_is_measured_with_hidden_rules_that_the_search_can_write(tmp_path: Path) -> None:
    settings = ("language.operators=all", "validate.null_runs=19", "language.max_nodes=40")
    plans = [
        read(tmp_path, f"start_from={{file: mine.evo, fixed: {name}}}", *settings)
        for name in ("stop", "buy")
    ]
    data = plans[0].load(NoticeList())
    runner = JobRunner(plans[0].experiment.workers, NoticeList(), Stop())
    rules, none = (PowerTest(each, data, runner) for each in plans)
    assert len(rules._choose_rules()) == 5
    with pytest.raises(EvolveError, match="can write none of the hidden rules") as caught:
        none._choose_rules()
    assert "fix no entry and exit in `start_from`" in caught.value.hint
