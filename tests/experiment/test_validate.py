"""Verdicts of whole runs: what reaches the holdout, what is not tested, and interruptions."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

import evolve.experiment.execute as execute_module
from evolve.experiment.observer import Observer
from evolve.experiment.recorder import RunRecorder
from evolve.experiment.searched_run import SearchedRun
from evolve.experiment.validate import validate
from evolve.stop import Stop
from evolve.store import RunFolder
from evolve.validation.ledger import Ledger, ledger_path
from evolve.validation.run_ledger import RunLedger
from evolve.validation.verdict import LUCK, NOT_TESTED, PASS, UNCONFIRMED, decide
from tests.experiment.small_runs import (
    EDGE,
    NOISE,
    WEAK_EDGE,
    Stopper,
    assert_unused,
    find_train_hash,
    read_result,
    run_small,
)

pytestmark = pytest.mark.usefixtures("own_home")
FREE = "backtest={commission_bps: 0, slippage_bps: 0}"


@pytest.fixture
def searched(monkeypatch: pytest.MonkeyPatch) -> list[SearchedRun]:
    """Return the finished searches that were validated."""
    runs: list[SearchedRun] = []

    def record(searched: SearchedRun, recorder: RunRecorder, stop: Stop) -> object:
        runs.append(searched)
        return validate(searched, recorder, stop)

    monkeypatch.setattr(execute_module, "validate", record)
    return runs


# -- labels


def test_a_strong_edge_passes_every_gate(tmp_path: Path) -> None:
    finished = run_small(tmp_path, EDGE)
    evidence, verdict = finished.evidence, finished.verdict
    assert verdict.label == PASS
    assert [each.passed for each in verdict.gates] == [True, True, True]
    assert evidence.null is not None and evidence.family is not None
    assert evidence.holdout is not None and finished.best is not None
    assert evidence.null.p_value == evidence.family.p_value == 1 / 20
    assert evidence.null.score > max(evidence.null.bests)
    assert evidence.holdout.opening == 1
    document = read_result(finished)
    assert document["verdict"]["label"] == PASS
    assert document["holdout"]["test"]["t"] == evidence.holdout.t > 1.645
    assert document["holdout"]["metrics"]["appraisal_ratio"] == evidence.holdout.ratio
    (opening,) = Ledger(ledger_path()).read("opening")
    assert opening["strategy"] == finished.best.program.hash
    assert opening["trials"] == 200
    assert opening["protocol"] == evidence.protocol


@pytest.mark.slow
def test_an_edge_that_the_holdout_does_not_show_is_unconfirmed(tmp_path: Path) -> None:
    finished = run_small(tmp_path, WEAK_EDGE, "seed=2")
    assert finished.verdict.label == UNCONFIRMED
    assert finished.evidence.holdout is not None
    assert finished.evidence.holdout.t < 1.645


@pytest.mark.parametrize("seed", [1, 2, 4])
def test_noise_is_not_distinguished_from_luck(tmp_path: Path, seed: int) -> None:
    finished = run_small(tmp_path, NOISE, f"seed={seed}")
    assert finished.verdict.label == LUCK
    assert finished.verdict.gates[2].passed is None
    assert_unused(finished)


@pytest.mark.slow
def test_a_run_that_may_not_open_the_holdout_leaves_it_sealed(tmp_path: Path) -> None:
    finished = run_small(tmp_path, EDGE, "validate.holdout=sealed")
    assert finished.verdict.label == UNCONFIRMED
    assert "`validate.holdout` is sealed" in finished.verdict.sentence
    assert_unused(finished)


@pytest.mark.slow
def test_a_short_holdout_is_not_opened(tmp_path: Path) -> None:
    finished = run_small(tmp_path, EDGE, "split={validation: 38%, holdout: 2%}")
    assert finished.evidence.power is not None and finished.evidence.power < 0.5
    assert finished.verdict.label == "TOO SHORT TO TELL"
    assert_unused(finished)


@pytest.mark.parametrize(
    ("override", "reason"),
    [
        ("validate.null_runs=0", "There was no search on shuffled prices"),
        ("backtest.fill=close", "Orders fill at the close of their own signal"),
        (FREE, "Orders have no costs"),
        ("fitness.require={exposure_per_fold: 0}", "`fitness.require.exposure_per_fold`"),
        ("fitness.require={trades_per_fold: 10000}", "No strategy met `fitness.require`"),
    ],
)
def test_a_run_that_cannot_be_tested_names_the_reason(
    tmp_path: Path, searches: list[int], override: str, reason: str
) -> None:
    finished = run_small(tmp_path, EDGE, override)
    assert finished.verdict.label == NOT_TESTED
    assert finished.verdict.sentence.startswith(reason)
    assert searches == []
    assert_unused(finished)


def validate_again(searched: SearchedRun, folder: Path) -> str:
    """Return the sentence of a search that is validated with other settings."""
    with RunRecorder(Observer()) as recorder:
        folder.mkdir()
        recorder.open(RunFolder(folder))
        verdict = decide(validate(searched, recorder, Stop()))
    assert verdict.label == NOT_TESTED
    return verdict.sentence


def test_searches_that_no_shuffled_prices_can_repeat_are_not_tested(
    tmp_path: Path, searched: list[SearchedRun]
) -> None:
    finished = run_small(tmp_path, NOISE)
    assert finished.best is not None
    (one,) = searched
    settings = one.plan.experiment
    fitness = settings.fitness.model_copy(update={"scored_on": "validation"})
    on_validation = replace(one.plan, experiment=settings.model_copy(update={"fitness": fitness}))
    extra = replace(one.plan, extra=(finished.best.program,))
    sentence = validate_again(replace(one, plan=on_validation), tmp_path / "a")
    assert sentence.startswith("The search was scored on validation")
    sentence = validate_again(replace(one, plan=extra), tmp_path / "b")
    assert sentence.startswith("The search started from strategies that a search found")


@pytest.mark.slow
def test_the_winner_of_an_earlier_run_is_no_start(tmp_path: Path) -> None:
    earlier = run_small(tmp_path, NOISE, "fitness.minimize=[]")
    files = [earlier.folder / "best.evo", *sorted((earlier.folder / "finalists").iterdir())]
    assert len(files) > 2
    for each in (files[0], files[-1]):
        finished = run_small(tmp_path, NOISE, "seed=2", start_from=each)
        assert finished.verdict.label == NOT_TESTED
        assert "which an earlier run found on these prices" in finished.verdict.sentence
        assert_unused(finished)


@pytest.mark.slow
def test_the_winner_of_a_run_on_earlier_bars_is_no_start(tmp_path: Path) -> None:
    earlier = run_small(tmp_path, NOISE, "data.end=2003-09-01")
    finished = run_small(tmp_path, NOISE, start_from=earlier.folder / "best.evo")
    assert "which an earlier run found on these prices" in finished.verdict.sentence


@pytest.mark.slow
def test_a_start_that_wins_is_no_winner_of_the_search(tmp_path: Path) -> None:
    start = tmp_path / "start.evo"
    start.write_text("strategy start { buy when roc(close, 1) < 0 hold 1 }")
    first = run_small(tmp_path, EDGE, start_from=start)
    second = run_small(tmp_path, EDGE, "seed=2", start_from=start)
    assert first.verdict.label != NOT_TESTED
    assert second.verdict.label != NOT_TESTED


# -- interruptions


@pytest.mark.parametrize("event", ["progress", "null_search"])
def test_an_interrupted_run_is_complete_but_not_tested(tmp_path: Path, event: str) -> None:
    stopper = Stopper(event)
    finished = run_small(tmp_path, EDGE, observer=stopper, stop=stopper.stop)
    assert finished.verdict.label == NOT_TESTED
    assert finished.verdict.sentence.startswith("The run was interrupted before the comp")
    assert (finished.folder / "best.evo").exists()
    assert_unused(finished)


@pytest.mark.slow
def test_an_interrupted_run_goes_on_from_its_null_searches(
    tmp_path: Path, searches: list[int]
) -> None:
    stopper = Stopper("null_search")
    run_small(tmp_path, EDGE, observer=stopper, stop=stopper.stop)
    done = list(searches)
    finished = run_small(tmp_path, EDGE)
    assert finished.verdict.label == PASS
    assert len(searches) < len(done) + 20
    assert finished.evidence.family is not None and finished.evidence.family.runs == 1


@pytest.mark.slow
def test_an_interrupted_comparison_with_earlier_runs_is_not_tested(tmp_path: Path) -> None:
    run_small(tmp_path, EDGE, "seed=2", "budget.evaluations=20", "validate.null_runs=0")
    stopper = Stopper("family")
    finished = run_small(tmp_path, EDGE, observer=stopper, stop=stopper.stop)
    assert finished.verdict.label == NOT_TESTED
    assert_unused(finished)


def test_a_kill_during_the_null_run_leaves_a_complete_folder(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run_small(tmp_path, EDGE, observer=Stopper("null_search", interrupt=True))
    document = json.loads((tmp_path / "1" / "result.json").read_text("utf-8"))
    assert document["verdict"]["label"] == NOT_TESTED
    assert document["best"]["hash"]
    assert (tmp_path / "1" / "best.evo").exists()
    assert len(RunLedger(Ledger(ledger_path())).list_runs(find_train_hash(tmp_path, EDGE))) == 1
