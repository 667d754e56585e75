"""Test of a run among all runs on the same data."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dsl.evaluate.jit import kernel_cache_dir
from evolve.experiment.null_test import NullTester
from evolve.experiment.plan import LoadedData, read_plan
from evolve.experiment.repeated_search import JobRunner
from evolve.experiment.run import run
from evolve.notices import NoticeList
from evolve.stop import Stop
from evolve.validation.family import ScoreRow, compute_family_test
from evolve.validation.ledger import Ledger, ledger_path
from evolve.validation.null_search import NullResult
from evolve.validation.prices import identify_prices
from evolve.validation.run_ledger import RunLedger

NULLS = 39  # of which one may exceed the score
EXPERIMENT = """
name: family
seed: {seed}
data: {{from: "synthetic:walk?bars=1500"}}
search: {{islands: 1, population: 20}}
budget: {{evaluations: 40, stale_epochs: null}}
validate: {{null_runs: {nulls}}}
workers: 1
"""


def build_tester(folder: Path, seed: int) -> NullTester:
    """Return the tester of a run, which the ledger has afterwards."""
    path = folder / f"{seed}.yaml"
    path.write_text(EXPERIMENT.format(seed=seed, nulls=NULLS), "utf-8")
    plan = read_plan(path)
    finished = run(plan, out=folder / f"run{seed}")
    ledger = RunLedger(Ledger(ledger_path()))
    (record,) = [each for each in ledger.list_runs(finished.split.train.hash) if each.seed == seed]
    data = LoadedData(finished.dataset, finished.split, plan.experiment.backtest.market())
    runner = JobRunner(plan.experiment.workers, NoticeList(), Stop())
    return NullTester(record, runner.build_source(plan, data), data, ledger, runner)


@pytest.mark.slow
def test_searches_that_ended_at_the_score_are_completed_for_the_family(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(kernel_cache_dir()))
    monkeypatch.setenv("EVOLVE_HOME", str(tmp_path))
    other, tested = (build_tester(tmp_path, seed) for seed in (1, 2))
    (*_, luck), (*_, luck_of_other) = tested.iterate_luck(NULLS), other.iterate_luck(NULLS)
    score = sum(sorted(luck.bests)[-2:]) / 2
    null = replace(
        luck, score=score, results=tuple(end_early(each, score) for each in luck.results)
    )
    assert null.exceedances == null.allowed == 1

    fresh = RunLedger(Ledger(tmp_path / "fresh.sqlite"))
    record = replace(tested.record, score=score)
    for each in (other.record, record):
        fresh.record_run(each, identify_prices(tested.data.split.train, False))
    for result in null.results:
        fresh.record_null(record, result)
    tester = replace(tested, record=record, ledger=fresh)
    family = tester.test_family(null, lambda index, count: None)
    others = [ScoreRow(other.record.score, luck_of_other.bests)]
    assert family == compute_family_test(ScoreRow(score, luck.bests), others)


def end_early(result: NullResult, target: float) -> NullResult:
    """Return the result of a null search that ended at the first score of its target."""
    return replace(result, best=target, reached=True) if result.is_at_least(target) else result
