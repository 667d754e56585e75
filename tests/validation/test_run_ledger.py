"""Runs and null searches in the ledger, by their data and by the prices that they share."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from evolve.search.best_curve import CurvePoint
from evolve.validation.ledger import FILE, Ledger
from evolve.validation.null_search import NullResult
from evolve.validation.prices import PriceId
from evolve.validation.run_ledger import RunLedger, RunRecord

PRICES = PriceId((), 86400, "2000-01-03", "2003-01-03", (1, 2, 3))


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / FILE)


def record(seed: int, data: str = "d", score: float = 1.0) -> RunRecord:
    return RunRecord(data, {"search": {"islands": 2}}, seed, 100, score, ("w",))


def test_a_run_is_recorded_once_and_read_as_it_was(ledger: Ledger) -> None:
    runs = RunLedger(ledger)
    for each in (record(1), record(2), record(1)):
        runs.record_run(each, PRICES)
    assert runs.list_runs("e") == []
    assert runs.list_runs("d") == [record(1), record(2)]
    assert runs.list_runs("d")[0].key == record(1).key != record(2).key


def test_only_a_run_that_could_end_by_its_lead_has_a_curve(ledger: Ledger) -> None:
    runs, curve = RunLedger(ledger), (CurvePoint(100, None), CurvePoint(130, 0.5))
    plain, other = record(1), replace(record(1), curve=curve)
    for each in (plain, other, other):
        runs.record_run(each, PRICES)
    assert runs.list_runs("d") == [plain, other]
    assert plain.key == other.key  # both have the same null searches
    assert ["curve" in each for each in ledger.read("run")] == [False, True]


def test_runs_on_other_bars_of_the_same_prices_are_related(ledger: Ledger) -> None:
    runs = RunLedger(ledger)
    other = PriceId((), 86400, "1999-01-04", "2002-01-03", (3, 4))
    unrelated = PriceId((), 86400, "1999-01-04", "2002-01-03", (5, 6))
    runs.record_run(record(1, "d"), PRICES)
    runs.record_run(record(2, "e"), other)
    runs.record_run(record(3, "e"), other)
    runs.record_run(record(4, "f"), unrelated)
    assert runs.list_related("d", PRICES) == [record(2, "e"), record(3, "e")]
    assert runs.list_related("e", other) == [record(1, "d")]
    assert runs.list_related("f", unrelated) == []


def test_the_first_result_of_a_null_search_that_serves_the_test_is_read(ledger: Ledger) -> None:
    runs, run = RunLedger(ledger), record(1)
    cut = NullResult(1, 0.5, 40, True, ())
    complete = NullResult(1, 0.8, 100, False, ())
    for each in (cut, cut, complete, cut, complete):
        runs.record_null(run, each)
        runs.record_null(record(2), NullResult(1, None, 100, False, ()))
    assert runs.read_nulls(run) == runs.read_nulls(run, target=0.6) == {1: complete}
    assert runs.read_nulls(run, target=0.5) == {1: cut}  # as the run that goes on had it
    assert len(ledger.read("null", run.key)) == 2
