"""`evolve tune`: a mis-set strategy on a planted market, files, the ledger and errors."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from evolve.backtest.market import market
from evolve.data import load
from evolve.experiment.tune import split_data
from evolve.validation.ledger import Ledger, ledger_path
from evolve.validation.run_ledger import RunLedger
from tests.cli.conftest import WriteStrategy
from tests.command_line import EVOLVE, document, invoke, refuse

TEXT = """# my dips
strategy dip {
  param n = 9 in 2..20
  buy when rsi(close, n) < 50   # cheap
  sell when rsi(close, n) > 80
}
"""
PLANTED = "synthetic:planted?rule=rsi(close, 3) < 20&edge_bps=80&seed=2&bars=4000"
ZERO_COSTS = ("--slippage-bps", "0", "--commission-bps", "0")
WALK = "synthetic:walk?seed=2&bars=900"
DATA = ("--data", WALK)
SHORT = (*DATA, "--evaluations", "30")


@pytest.fixture
def dip(evo: WriteStrategy) -> str:
    return evo(TEXT)


@pytest.mark.usefixtures("own_home")
def test_a_strategy_with_wrong_numbers_improves_on_a_planted_market(dip: str) -> None:
    found = document("tune", dip, "--data", PLANTED, *ZERO_COSTS)
    assert found["is_changed"] and found["exceeds_luck"] and found["is_complete"]
    assert found["after"]["score"] > (found["before"]["score"] or 0) + 0.5
    before, after = (found[key]["validation"]["appraisal_ratio"] for key in ("before", "after"))
    assert after > before
    assert found["luck"]["p_value"] <= 0.05
    assert found["plateau"]["share"] > 0.5
    assert 10 < found["trials"] <= 2000


def test_the_tuned_copy_differs_in_numbers_only(dip: str, tmp_path: Path) -> None:
    copy = tmp_path / "copy.evo"
    invoke("tune", dip, *SHORT, "--write", str(copy))
    assert Path(dip).read_text() == TEXT
    assert copy.read_text() != TEXT
    assert re.sub(r"\d", "", copy.read_text()) == re.sub(r"\d", "", TEXT)
    assert document("tune", dip, *SHORT)["source"] == copy.read_text()


def test_the_file_changes_only_on_request(dip: str) -> None:
    source = document("tune", dip, *SHORT)["source"]
    assert "it is an input" in refuse("tune", dip, *SHORT, "--write", dip)
    assert Path(dip).read_text() == TEXT
    invoke("tune", dip, *SHORT, "--in-place")
    assert Path(dip).read_text() == source != TEXT


def test_equal_searches_give_equal_documents_in_any_process(dip: str) -> None:
    found = document("tune", dip, *SHORT)
    assert document("tune", dip, *SHORT) == found
    done = subprocess.run(
        [*EVOLVE, "tune", "-", *SHORT, "--json"], input=TEXT.encode(), capture_output=True,
        check=True, env={**os.environ, "PYTHONHASHSEED": "7"},
    )  # fmt: skip
    assert json.loads(done.stdout) == found


def test_another_seed_draws_other_restarts_and_the_first_climb_is_equal(dip: str) -> None:
    one, other = (
        invoke("tune", dip, *DATA, "--seed", seed).err.splitlines() for seed in ("1", "2")
    )
    climbs = [[each for each in lines if "variants:" in each] for lines in (one, other)]
    assert climbs[0][0] == climbs[1][0] and climbs[0] != climbs[1]


@pytest.mark.usefixtures("own_home")
def test_each_search_is_counted_in_the_ledger_once(dip: str) -> None:
    first = document("tune", dip, *SHORT)
    assert first["earlier"] == {"searches": 0, "trials": 0}
    assert document("tune", dip, *SHORT)["earlier"] == first["earlier"]
    second = document("tune", dip, *SHORT, "--seed", "4", "--evaluations", "60")
    assert second["earlier"] == {"searches": 1, "trials": first["trials"]}
    assert second["independent_level"] > first["independent_level"]
    train = split_data(load(WALK), market()).split.train
    ledger = RunLedger(Ledger(ledger_path()))
    runs = ledger.list_runs(train.hash)
    assert [each.trials for each in runs] == [30, 60]
    assert runs[0].winners == (first["after"]["hash"],)
    assert ledger.count_abandoned(train.hash) == 0


def test_the_page_has_the_constants_the_luck_and_the_sealed_holdout(dip: str) -> None:
    found, page = document("tune", dip, *SHORT), invoke("tune", dip, *SHORT).out
    assert "holdout sealed, 180 bars" in page
    assert f"{found['trials']} variants counted as trials" in page
    verb = "exceeds" if found["exceeds_luck"] else "does not exceed"
    assert f"{verb} what trying {found['trials']} variants" in " ".join(page.split())
    for each in found["constants"]:
        assert re.search(rf"^ +{each['line']} .*{re.escape(each['name'])}", page, re.M)
    assert "holdout" not in found["before"] and "holdout" not in found["after"]


def test_noise_gives_no_gain_beyond_luck(dip: str) -> None:
    found = [
        document("tune", dip, "--data", f"synthetic:walk?seed={seed}&bars=900", *ZERO_COSTS)
        for seed in range(4)
    ]
    assert sum(each["exceeds_luck"] for each in found) <= 1
    assert any(each["is_changed"] for each in found)


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("strategy dip { buy when close > open }", DATA, "has no constant to tune"),
        ("strategy dip { buy when rsi(close, }", DATA, "error["),
        ("", DATA, "no strategy"),
        (TEXT, ("--data", "synthetic:nothing"), "nothing"),
        (TEXT, ("--data", "synthetic:walk?bars=60"), "bars for"),
        (TEXT, (*DATA, "--name", "dop"), "did you mean `dip`"),
    ],
)
def test_errors_name_the_place_and_the_fix(
    text: str, options: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    path = tmp_path / "dip.evo"
    path.write_text(text)
    assert message in refuse("tune", str(path), *options)


def test_a_missing_file_and_wrong_options_are_refused(dip: str, tmp_path: Path) -> None:
    assert "no such file" in refuse("tune", str(tmp_path / "none.evo"), *DATA)
    assert "--data" in refuse("tune", dip, status=2)
    assert "--in-place" in refuse("tune", "-", *DATA, "--in-place", status=2)
    assert "2" in refuse("tune", dip, *DATA, "--evaluations", "1", status=2)
