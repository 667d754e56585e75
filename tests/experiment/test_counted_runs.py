"""Several runs on the same prices: what is counted, and what is reused."""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evolve.config.effort import Workers
from evolve.experiment.null_test import NullTester
from evolve.experiment.plan import read_plan
from evolve.experiment.recipe import build_recipe, is_current
from evolve.experiment.repeated_search import JobRunner
from evolve.notices import NoticeList
from evolve.stop import Stop
from evolve.validation.family import ScoreRow, compute_family_test
from evolve.validation.ledger import Ledger, ledger_path
from evolve.validation.prices import PriceId
from evolve.validation.run_ledger import RunLedger, RunRecord
from evolve.validation.verdict import LUCK, PASS
from tests.experiment.small_runs import (
    EDGE,
    NOISE,
    Stopper,
    find_train_hash,
    run_small,
    write_experiment,
)
from tests.params import thin_out

pytestmark = pytest.mark.usefixtures("own_home")


@pytest.mark.slow
def test_a_second_identical_run_computes_nothing_and_has_the_same_opening(
    tmp_path: Path, searches: list[int]
) -> None:
    first = run_small(tmp_path, EDGE)
    assert searches == list(range(1, 20))
    second = run_small(tmp_path, EDGE)
    assert len(searches) == 19
    assert second.evidence == replace(first.evidence, holdout_result=second.evidence.holdout_result)
    assert second.evidence.holdout is not None and second.evidence.holdout.opening == 1
    assert second.verdict == first.verdict
    assert len(Ledger(ledger_path()).read("opening")) == 1


@pytest.mark.slow
def test_the_winner_of_another_seed_opens_the_holdout_for_the_second_time(tmp_path: Path) -> None:
    run_small(tmp_path, EDGE)
    finished = run_small(tmp_path, EDGE, "seed=3")
    assert finished.evidence.family is not None and finished.evidence.family.runs == 2
    if finished.evidence.holdout is None:
        assert "these prices were opened once before" in finished.evidence.sealed or (
            finished.verdict.label == LUCK
        )
    else:
        assert "REUSED: opened 2 times" in finished.verdict.sentence
        assert finished.evidence.family.pivot is not None
        assert finished.evidence.family.pivot <= 0.05 / 3


@pytest.mark.parametrize(
    "override",
    thin_out([
        "seed=2", "fitness.folds=3", "budget.evaluations=150", "search.population=25",
        "language.operators=[roc, rsi]", "backtest.slippage_bps=6",
        "backtest.fill=close",
    ], 3),
)  # fmt: skip
def test_each_other_run_on_the_same_bars_is_counted(tmp_path: Path, override: str) -> None:
    run_small(tmp_path, NOISE, override)
    finished = run_small(tmp_path, NOISE)
    assert finished.evidence.family is not None
    assert finished.evidence.family.runs == 2
    assert "over 2 runs on these data" in finished.verdict.gates[1].text


@pytest.mark.slow
def test_a_run_that_is_killed_during_its_search_is_counted_until_it_is_repeated(
    tmp_path: Path,
) -> None:
    alone = run_small(tmp_path, EDGE).evidence.family
    with pytest.raises(KeyboardInterrupt):
        run_small(tmp_path, EDGE, "seed=2", observer=Stopper("progress", interrupt=True))
    counted = run_small(tmp_path, EDGE).evidence.family
    assert alone is not None and counted is not None and alone.pivot is not None
    assert (alone.runs, counted.runs) == (1, 2)
    assert counted.p_value == pytest.approx(max(alone.p_value, 2 * alone.pivot))
    run_small(tmp_path, EDGE, "seed=2")
    repeated = run_small(tmp_path, EDGE).evidence.family
    assert repeated is not None and repeated.runs == 2


@pytest.mark.slow
def test_a_search_without_a_feasible_strategy_is_not_counted(tmp_path: Path) -> None:
    run_small(tmp_path, EDGE, "fitness.require={trades_per_fold: 100000}")
    family = run_small(tmp_path, EDGE).evidence.family
    assert family is not None and family.runs == 1


@pytest.mark.slow
def test_the_family_test_has_the_null_scores_of_all_runs(tmp_path: Path) -> None:
    first = run_small(tmp_path, EDGE, "seed=2")
    second = run_small(tmp_path, EDGE)
    third = run_small(tmp_path, EDGE, "seed=2")
    ledger = RunLedger(Ledger(ledger_path()))
    rows = []
    for record in ledger.list_runs(find_train_hash(tmp_path, EDGE)):
        nulls = ledger.read_nulls(record)
        assert sorted(nulls) == list(range(1, 20))
        assert not any(each.reached for each in nulls.values())
        rows.append(ScoreRow(record.score, tuple(nulls[n].best or -math.inf for n in range(1, 20))))
    assert second.evidence.family == compute_family_test(rows[1], rows[:1])
    assert first.evidence.null is not None and third.evidence.null is not None
    assert third.evidence.null.p_value == first.evidence.null.p_value
    assert third.evidence.family is not None and third.evidence.family.runs == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("source", "overrides"),
    [
        (EDGE, ["data.end=2009-07-01"]), (EDGE, ["data.start=2000-01-05"]),
        (EDGE, ["split={validation: 20%, holdout: 21%}"]),
    ],
)  # fmt: skip
def test_a_run_on_nearly_the_same_bars_is_counted_by_the_pivot(
    tmp_path: Path, source: str, overrides: list[str]
) -> None:
    first = run_small(tmp_path, EDGE)
    alone = first.evidence.family
    run_small(tmp_path, NOISE, "seed=5")
    run_small(tmp_path, source, *overrides, "seed=9", "validate.null_runs=0")
    third = run_small(tmp_path, EDGE)
    family = third.evidence.family
    assert alone is not None and family is not None
    assert alone.pivot is not None and family.pivot is not None
    assert (alone.runs, family.runs) == (1, 2)
    assert family.pivot == pytest.approx(2 * alone.pivot)
    assert family.p_value == max(0.05, family.pivot)
    assert third.verdict.label == PASS


def test_many_runs_on_nearly_the_same_bars_do_not_pass() -> None:
    row = ScoreRow(2.0, tuple(0.5 + 0.05 * index for index in range(19)))
    p_values = [compute_family_test(row, (), unknown).p_value for unknown in (0, 1, 10, 10_000)]
    assert p_values[0] == 0.05
    assert p_values == sorted(p_values)
    assert p_values[-1] == 1.0
    few = ScoreRow(2.0, (0.1, 0.2, 0.3))
    assert compute_family_test(few, (), 1).p_value == 1.0


@pytest.mark.slow
def test_prices_of_another_market_are_not_counted(tmp_path: Path) -> None:
    run_small(tmp_path, NOISE)
    finished = run_small(tmp_path, EDGE)
    assert finished.evidence.family is not None
    assert finished.evidence.family.runs == 1


@pytest.mark.slow
def test_an_earlier_run_that_cannot_be_repeated_bounds_the_p_value(tmp_path: Path) -> None:
    """Its settings are invalid today, or its null searches asked models."""
    first = run_small(tmp_path, EDGE)
    ledger = RunLedger(Ledger(ledger_path()))
    (record,) = ledger.list_runs(find_train_hash(tmp_path, EDGE))
    recipe: dict[str, Any] = json.loads(json.dumps(record.recipe))
    recipe["settings"]["fitness"]["scored_on"] = "validation"
    prices = PriceId((), 86400, "2000-01-03", "2000-02-01", ())
    broken = json.loads(json.dumps(record.recipe))
    broken["files"] = {"inputs/x.evo": "strategy x { buy when nothing }"}
    broken["settings"]["start_from"] = ["inputs/x.evo"]
    asked = {**record.recipe, "models": ["local"], "asked": {"llm": {}}}
    old = {**record.recipe, "versions": ["0.0.1", "1"]}
    for seed, each in enumerate((recipe, broken, asked, old), start=10):
        ledger.record_run(replace(record, recipe=each, seed=seed), prices)
    again = run_small(tmp_path, EDGE)
    assert first.evidence.family is not None and first.evidence.family.pivot is not None
    assert again.evidence.family is not None
    assert again.evidence.family.runs == 5
    assert again.evidence.family.pivot == pytest.approx(5 * first.evidence.family.pivot)


def test_null_searches_that_ask_models_are_not_those_of_genetic_operators_alone(
    tmp_path: Path,
) -> None:
    plan = read_plan(write_experiment(tmp_path))
    data = plan.load(NoticeList())
    alone, asked = build_recipe(plan, data), build_recipe(plan, data, ["local"])
    more = plan.experiment.budget.model_copy(update={"llm_calls": 9})
    other = replace(plan, experiment=plan.experiment.model_copy(update={"budget": more}))
    recipes = [alone, asked, build_recipe(other, data, ["local"])]
    keys = {RunRecord("d", each, 1, 100, 1.0, ()).key for each in recipes}
    assert len(keys) == 3
    assert build_recipe(other, data) == alone
    assert [is_current(each) for each in recipes] == [True, False, False]


def test_a_recipe_is_the_same_after_json(tmp_path: Path) -> None:
    """Otherwise a repeated run would count as another one."""
    start = tmp_path / "start.evo"
    start.write_text("strategy start { buy when roc(close, 1) < 0 hold 1 }")
    plan = read_plan(write_experiment(tmp_path), [f'start_from=["{start}"]'])
    recipe = build_recipe(plan, plan.load(NoticeList()))
    assert json.loads(json.dumps(recipe)) == recipe


def test_deleted_run_folders_are_counted(tmp_path: Path) -> None:
    shutil.rmtree(run_small(tmp_path, NOISE, "seed=2").folder)
    finished = run_small(tmp_path, NOISE)
    assert finished.evidence.family is not None
    assert finished.evidence.family.runs == 2


@pytest.mark.slow
def test_scores_of_searches_that_ended_early_are_completed_for_the_family(
    tmp_path: Path,
) -> None:
    plan = read_plan(write_experiment(tmp_path))
    data = plan.load(NoticeList())
    train = data.split.train
    recipe = build_recipe(plan, data)
    ledger = RunLedger(Ledger(ledger_path()))
    runner = JobRunner(Workers(processes=1), NoticeList(), Stop())
    source = runner.build_source(plan, data)

    def build(score: float, folder: str) -> NullTester:
        run_ledger = RunLedger(Ledger(tmp_path / folder / "ledger.sqlite"))
        record = RunRecord(train.hash, recipe, 1, 60, score, ())
        return NullTester(record, source, data, run_ledger, runner)

    luck = list(build(math.inf, "luck").iterate_luck(39))[-1]
    score = sorted(luck.bests)[-2] + 1e-9
    tester = build(score, "real")
    null = list(tester.iterate(39))[-1]
    assert null.exceedances == 1
    assert null.p_value == 0.05
    assert sum(each.reached for each in null.results) == 1
    cut = [replace(each, best=score) if each.reached else each for each in null.results]
    null = replace(null, results=tuple(cut))  # the lowest score at which a search can end
    family = tester.test_family(null, lambda index, count: None)
    assert family == compute_family_test(ScoreRow(score, luck.bests))
    assert ledger.list_runs(train.hash) == []
