"""The command line as a user meets it: output, errors, exit codes, never a traceback."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evolve.cli import VERBS, _run

ROOT = Path(__file__).parents[2]
STRATEGIES = ROOT / "experiments" / "strategies"
CROSS = str(STRATEGIES / "sma_cross.evo")
QUICK = str(ROOT / "experiments" / "quick.yaml")
EVOLVE = [sys.executable, "-c", "from evolve.cli import main; main()"]


def evolve(*args: str) -> int:
    return _run(list(args))


def test_every_verb_has_help_that_says_what_it_does(capsys: pytest.CaptureFixture[str]) -> None:
    for verb in VERBS:
        assert evolve(verb, "--help") == 0
        out = capsys.readouterr().out
        assert "Usage: evolve" in out
        assert len(out.split("\n")[2].strip()) > 10


def test_help_and_check_load_nothing_heavy() -> None:
    heavy = {
        "numpy",
        "pandas",
        "numba",
        "deap",
        "pydantic",
        "rich",
        "yfinance",
        "pyarrow",
        "openai",
        "jinja2",
    }
    script = (
        "import sys; from evolve.cli import _run;"
        "assert _run(['--help']) == 0;"
        f"loaded = {heavy!r} & set(sys.modules) | {{'lark'}} & set(sys.modules);"
        "assert not loaded, loaded;"
        f"assert _run(['check', {CROSS!r}]) == 0;"
        "assert _run(['ops']) == 0;"
        f"loaded = {heavy!r} & set(sys.modules);"
        "assert not loaded, loaded"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_check_shows_errors_and_exits_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = tmp_path / "bad.evo"
    bad.write_text("strategy s { buy when smaa(close, 3) > close sell when clos < 1 }")
    assert evolve("check", str(bad), CROSS) == 1
    out = capsys.readouterr().out
    assert "did you mean `sma`" in out
    assert "did you mean `close`" in out
    assert "sma_cross.evo: ok (sma_cross)" in out
    assert "2 errors, 0 warnings" in out
    assert evolve("check", "--json", str(bad)) == 1
    assert {each["code"] for each in json.loads(capsys.readouterr().out)} == {"E201", "E202"}


def test_fmt_changes_a_file_once_and_check_tells(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "s.evo"
    file.write_text("strategy s{buy when close>open # why\n}")
    assert evolve("fmt", "--check", str(file)) == 1
    assert evolve("fmt", str(file)) == 0
    assert file.read_text() == "strategy s {\n  buy when close > open  # why\n}\n"
    assert evolve("fmt", "--check", str(file)) == 0
    capsys.readouterr()


def test_what_ships_is_formatted(capsys: pytest.CaptureFixture[str]) -> None:
    files = [str(path) for path in STRATEGIES.glob("*.evo")]
    assert evolve("fmt", "--check", *files, str(ROOT / "dsl" / "operators" / "prelude.evo")) == 0
    capsys.readouterr()


def test_backtest_prints_tables_and_one_json_document(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert evolve("backtest", CROSS, "--data", "sample:sp500", "--end", "2010-12-31") == 0
    table = capsys.readouterr().out
    assert "buy and hold" in table
    assert "num trades" in table
    assert evolve("backtest", CROSS, "--data", "sample:sp500", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert set(document) == {
        "data", "metrics", "benchmark", "by_symbol", "by_year", "at_costs", "rules",
        "entry_signals", "trades",
    }  # fmt: skip
    assert len(document["trades"]) == document["metrics"]["num_trades"]


def test_backtest_costs_can_be_set(capsys: pytest.CaptureFixture[str]) -> None:
    finals = []
    for costs in ([], ["--commission-bps", "50"], ["--fill", "close"]):
        assert evolve("backtest", CROSS, "--data", "sample:sp500", "--json", *costs) == 0
        finals.append(json.loads(capsys.readouterr().out)["metrics"]["final_equity"])
    assert finals[0] > finals[1]
    assert finals[0] != finals[2]


def test_signals_and_eval_print_csv(capsys: pytest.CaptureFixture[str]) -> None:
    assert evolve("signals", CROSS, "--data", "sample:sp500") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "time,buy,sell,short,cover"
    assert len(lines) == 5032
    assert lines[1] == "1999-01-04,,,0,0"  # the averages are not known yet
    assert evolve("eval", "sma(close, 2)", "--data", "sample:sp500", "--end", "1999-01-06") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["time,SP500", "1999-01-04,"]
    assert float(lines[2].split(",")[1]) == pytest.approx((1228.099976 + 1244.780029) / 2)
    assert evolve("signals", CROSS, "--data", "sample:sp500", "--last") == 0
    assert capsys.readouterr().out.startswith("2018-12-31: ")


def test_data_is_shown_and_exported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "walk.csv"
    assert evolve("data", "synthetic:walk?bars=50", "-o", str(out)) == 0
    assert "50 bars" in capsys.readouterr().out
    assert evolve("eval", "close", "--data", str(out)) == 0
    assert len(capsys.readouterr().out.splitlines()) == 51


@pytest.mark.parametrize(
    ("args", "status", "said"),
    [
        (["chek"], 2, "did you mean `check`"),
        (["run"], 2, "Missing argument"),
        (["run", "no.yaml"], 1, "no such file: no.yaml"),
        (["backtest", "no.evo", "--data", "sample:sp500"], 1, "no such file: no.evo"),
        (["backtest", CROSS, "--data", "sampel:sp500"], 1, "did you mean `sample`"),
        (["backtest", CROSS, "--data", "no.csv"], 1, "no.csv does not exist"),
        (["backtest", CROSS, "--data", "sample:sp500", "--start", "2030-01-01"], 1, "has no bars"),
        (["backtest", CROSS, "--data", "sample:sp500", "--name", "x"], 1, "holds no strategy `x`"),
        (["eval", "sma(clos, 3)", "--data", "sample:sp500"], 1, "did you mean `close`"),
        (["eval", "close +", "--data", "sample:sp500"], 1, "E102"),
        (["ops", "smaa"], 1, "did you mean `sma`"),
        (["check", "no.evo"], 1, "no such file: no.evo"),
        (["check", str(ROOT)], 1, "Is a directory"),
        (["fmt", "no.evo"], 1, "no such file: no.evo"),
        (["data", "synthetic:walk?bars=0"], 1, "whole number from 2"),
        (["data", "sample:sp500", "-o", "x.xlsx"], 1, "neither .csv nor .parquet"),
    ],
)
def test_wrong_input_ends_in_plain_words(
    args: list[str], status: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evolve(*args) == status
    captured = capsys.readouterr()
    assert said in captured.err
    assert "Traceback" not in captured.err + captured.out


def test_ops_lists_and_explains(capsys: pytest.CaptureFixture[str]) -> None:
    assert evolve("ops") == 0
    assert "rsi(x: number, n: window = 14) -> oscillator" in capsys.readouterr().out
    assert evolve("ops", "ta.RSI") == 0
    assert "relative strength" in capsys.readouterr().out
    assert evolve("ops", "--json") == 0
    assert len(json.loads(capsys.readouterr().out)) >= 60
    assert evolve("ops", "--guide") == 0
    guide = capsys.readouterr().out
    assert "`sma(x: number, n: window = 20) -> like x`" in guide
    assert "{{" not in guide


def test_validate_and_schema_print_documents(capsys: pytest.CaptureFixture[str]) -> None:
    assert evolve("validate", str(ROOT / "experiments" / "spy.yaml")) == 0
    assert "evaluations: 20000" in capsys.readouterr().out
    assert evolve("schema") == 0
    assert json.loads(capsys.readouterr().out)["title"] == "Experiment"


@given(st.binary(max_size=300))
def test_check_says_something_clear_of_any_bytes(data: bytes) -> None:
    path = Path(tempfile.gettempdir()) / f"evolve-check-{os.getpid()}.evo"
    path.write_bytes(data)
    try:
        assert evolve("check", str(path)) in (0, 1)
    finally:
        path.unlink()


def test_run_prints_its_story_and_leaves_its_files(tmp_path: Path) -> None:
    done = run_quick(tmp_path / "run", "--set", "budget.evaluations=300")
    assert done.returncode == 0, done.stderr
    order = ["data", "split", "holdout from", "score appraisal ratio (Sharpe ratio of what is left",
             "its mean over 5 folds less 0.5 deviations, on train", "by ", "on train", "ended",
             "strategy ", "validation", "NOT TESTED: No null run", "300 trials", "files in",
             "to go on", "`evolve explain TERM` explains any term above"]  # fmt: skip
    place = 0
    for each in order:
        place = done.stdout.index(each, place)
    assert (tmp_path / "run" / "best.evo").exists()
    assert "Traceback" not in done.stderr


def test_run_json_prints_only_the_document(tmp_path: Path) -> None:
    done = run_quick(tmp_path / "run", "--set", "budget.evaluations=100", "--json")
    assert json.loads(done.stdout) == json.loads((tmp_path / "run" / "result.json").read_text())


def test_ctrl_c_stops_after_the_epoch_and_keeps_what_was_found(tmp_path: Path) -> None:
    endless = ["--set", "budget.evaluations=10000000", "--set", "budget.stale_epochs=null"]
    command = [*EVOLVE, "run", QUICK, "--out", str(tmp_path / "run"), *endless]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    journal = tmp_path / "run" / "journal.sqlite"
    deadline = time.monotonic() + 60
    while not journal.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(1.0)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=60)
    assert running.returncode == 130, err
    assert "interrupted" in out
    assert "Traceback" not in err
    assert (tmp_path / "run" / "result.json").exists()


def run_quick(out: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*EVOLVE, "run", QUICK, "--out", str(out), *more],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "COLUMNS": "200"},
    )


def test_check_explains_its_codes(capsys: pytest.CaptureFixture[str]) -> None:
    assert evolve("check", "--explain", "e304") == 0
    assert "the future cannot be written down" in capsys.readouterr().out
    assert evolve("check", "--explain") == 0
    assert capsys.readouterr().out.count("wrong:") >= 36
    assert evolve("check", "--explain", "E999") == 1
    assert evolve("check") == 2


def test_an_operator_has_a_page(capsys: pytest.CaptureFixture[str]) -> None:
    assert evolve("ops", "macd_hist") == 0
    page = capsys.readouterr().out
    for label in ("family", "form", "meaning", "gives", "warm-up", "formula", "example", "drawn"):
        assert re.search(rf"^{label} ", page, re.MULTILINE), label
    assert re.search("[▁▂▃▄▅▆▇█]{30,}", page)
    assert evolve("ops", "crossover") == 0
    assert "holds on" in capsys.readouterr().out


@pytest.mark.parametrize("form", ["lark", "gbnf", "json-schema"])
def test_the_constraint_grammar_is_printed(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert evolve("grammar", "--format", form) == 0
    whole = capsys.readouterr().out
    quick = str(ROOT / "experiments" / "quick.yaml")
    assert evolve("grammar", quick, "--format", form, "--set", "language.operators=[sma]") == 0
    restricted = capsys.readouterr().out
    assert "rsi" in whole
    assert "rsi" not in restricted
    assert "short when" not in restricted.replace('"short"', "short when")
    if form == "json-schema":
        assert json.loads(restricted)["type"] == "object"
