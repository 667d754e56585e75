"""Command line: help, output, errors and exit codes, without a traceback."""

from __future__ import annotations

import io
import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evolve.cli import COMMANDS, evolve
from tests.cli.conftest import WriteStrategy
from tests.command_line import QUICK, ROOT, csv_rows, document, invoke, start

STRATEGIES = ROOT / "experiments" / "strategies"
CROSS = str(STRATEGIES / "sma_cross.evo")
SAMPLE = ("--data", "sample:sp500")
SLOW_IMPORTS = {
    "numpy", "pandas", "numba", "deap", "pydantic", "rich", "yfinance", "pyarrow", "openai",
    "jinja2",
}  # fmt: skip


# -- help


def read_help(columns: int, *args: str) -> str:
    """Return the help of a command on a terminal of some columns."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", str(columns))
        return invoke(*args, "--help").out


def read_wide_help(*names: str) -> str:
    """Return the help of a command with no line wrapped."""
    context = click.Context(evolve, info_name="evolve", terminal_width=10_000)
    command: click.Command = evolve
    for name in names:
        command = evolve.get_command(context, name) or command
        context = click.Context(
            command, context, info_name=name, terminal_width=10_000,
            help_option_names=["-h", "--help"],
        )  # fmt: skip
    return command.get_help(context)


@pytest.mark.parametrize("columns", [60, 80])
@pytest.mark.parametrize("names", [(), *[(name,) for name in COMMANDS]], ids=" ".join)
def test_help_is_neither_truncated_nor_wrapped_within_a_word(
    names: tuple[str, ...], columns: int
) -> None:
    text = read_help(columns, *names)
    assert "…" not in text
    assert "..." not in re.sub(r"[A-Z\]]\.\.\.", "", text)  # as in FILES... and [ARGS]...
    assert max(map(len, text.splitlines())) <= columns
    if names:
        assert text.split() == read_wide_help(*names).split()


@pytest.mark.parametrize("columns", [60, 80])
def test_each_command_has_one_line_in_the_list(columns: int) -> None:
    lines = [line.split() for line in read_help(columns).splitlines() if line.startswith("  ")]
    listed = [words[0] for words in lines if words[0] in COMMANDS]
    assert listed == list(COMMANDS)
    context = click.Context(evolve)
    for name in COMMANDS:
        command = evolve.get_command(context, name)
        assert command is not None and command.short_help is not None
        assert [name, *command.short_help.split()] in lines


def test_every_command_describes_itself_and_its_options() -> None:
    for name in COMMANDS:
        text = read_wide_help(name)
        assert len(text.splitlines()[2].split()) > 3
        options = [line.split("  ") for line in text.splitlines() if line.startswith("  -")]
        assert all(words[-1].endswith((".", "]")) for words in options), options


def test_help_and_check_import_nothing_slow() -> None:
    script = f"""
import sys
from evolve.cli import _run
assert _run(["--help"]) == 0
loaded = {{*{SLOW_IMPORTS!r}, "lark"}} & set(sys.modules)
assert not loaded, loaded
assert _run(["check", {CROSS!r}]) == 0
assert _run(["ops"]) == 0
loaded = {SLOW_IMPORTS!r} & set(sys.modules)
assert not loaded, loaded
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_modules_in_the_current_folder_are_not_imported(tmp_path: Path) -> None:
    for name in ("dsl", "grammar", "prompts", "lark", "strategies"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('a user module was imported')\n")
    (tmp_path / "s.evo").write_text("strategy s { buy when close > open hold 5 }\n")
    script = str(Path(sys.executable).with_name("evolve"))
    for command in ([sys.executable, "-m", "evolve"], [script]):
        for arguments, found in (
            (["check", "s.evo"], "ok (s)"),
            (["ops", "--guide"], "# The indicator language"),
        ):
            done = subprocess.run(
                [*command, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stdout + done.stderr
            assert found in done.stdout


# -- check, fmt, ops, grammar


def test_check_prints_all_errors_and_exits_with_1(evo: WriteStrategy) -> None:
    bad = evo("strategy s { buy when smaa(close, 3) > close sell when clos < 1 }")
    out = invoke("check", bad, CROSS, status=1).out
    assert "did you mean `sma`" in out
    assert "did you mean `close`" in out
    assert "sma_cross.evo: ok (sma_cross)" in out
    assert "2 errors, 0 warnings" in out
    found = json.loads(invoke("check", "--json", bad, status=1).out)
    assert {each["code"] for each in found} == {"E201", "E202"}


def test_check_explains_its_codes() -> None:
    assert "it cannot reach into the future" in invoke("check", "--explain", "e304").out
    assert invoke("check", "--explain").out.count("wrong:") >= 36
    invoke("check", "--explain", "E999", status=1)
    invoke("check", status=2)


@given(st.binary(max_size=300))
def test_check_reports_on_any_bytes(data: bytes) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
        status, out, _ = invoke("check", "-", status=None)
    assert status in (0, 1)
    assert out


def test_fmt_changes_a_file_once(evo: WriteStrategy) -> None:
    path = evo("strategy s{buy when close>open # why\n}")
    invoke("fmt", "--check", path, status=1)
    invoke("fmt", path)
    assert Path(path).read_text() == "strategy s {\n  buy when close > open  # why\n}\n"
    invoke("fmt", "--check", path)


def test_shipped_strategies_are_formatted() -> None:
    files = [str(path) for path in STRATEGIES.glob("*.evo")]
    assert len(files) > 3
    invoke("fmt", "--check", *files, str(ROOT / "dsl" / "operators" / "prelude.evo"))


def test_ops_lists_and_describes_operators() -> None:
    assert "rsi(x: number, n: window = 14) -> oscillator" in invoke("ops").out
    assert "relative strength" in invoke("ops", "ta.RSI").out
    assert len(document("ops")) >= 60
    guide = invoke("ops", "--guide").out
    assert "`sma(x: number, n: window = 20) -> like x`" in guide
    assert "{{" not in guide


def test_an_operator_is_described_in_full() -> None:
    page = invoke("ops", "macd_hist").out
    for label in ("family", "form", "meaning", "gives", "warm-up", "formula", "example", "drawn"):
        assert re.search(rf"^{label} ", page, re.MULTILINE), label
    assert re.search("[▁▂▃▄▅▆▇█]{30,}", page)
    assert "true on" in invoke("ops", "crossover").out


@pytest.mark.slow
@pytest.mark.parametrize("form", ["lark", "gbnf", "json-schema"])
def test_the_constraint_grammar_is_printed(form: str) -> None:
    whole = invoke("grammar", "--format", form).out
    only = ("--set", "language.operators=[sma]")
    restricted = invoke("grammar", QUICK, "--format", form, *only).out
    assert "rsi" in whole
    assert "rsi" not in restricted
    assert "short when" not in restricted.replace('"short"', "short when")
    if form == "json-schema":
        assert json.loads(restricted)["type"] == "object"


def test_validate_and_schema_print_documents() -> None:
    assert "evaluations: 10000" in invoke("validate", str(ROOT / "experiments" / "spy.yaml")).out
    assert json.loads(invoke("schema").out)["title"] == "Experiment"


# -- data


def test_signals_and_values_of_the_sample_are_correct() -> None:
    header, first, *rest = csv_rows("signals", CROSS, *SAMPLE)
    assert header == ["time", "buy", "sell", "short", "cover"]
    assert first == ["1999-01-04", "", "", "0", "0"]  # in the warm-up
    assert len(rest) == 5030
    rows = csv_rows("eval", "sma(close, 2)", *SAMPLE, "--end", "1999-01-06")
    assert rows[:2] == [["time", "SP500"], ["1999-01-04", ""]]
    assert float(rows[2][1]) == pytest.approx((1228.099976 + 1244.780029) / 2)
    assert invoke("signals", CROSS, *SAMPLE, "--last").out.startswith("2018-12-31: ")


def test_data_is_described_and_exported(tmp_path: Path) -> None:
    out = str(tmp_path / "walk.csv")
    assert "50 bars" in invoke("data", "synthetic:walk?bars=50", "-o", out).out
    assert len(csv_rows("eval", "close", "--data", out)) == 51


@pytest.mark.parametrize(
    ("args", "status", "message"),
    [
        (["chek"], 2, "unknown command `chek`; did you mean `check`"),
        (["run"], 2, "Missing argument"),
        (["run", "no.yaml"], 1, "no such file: no.yaml"),
        (["backtest", "no.evo", *SAMPLE], 1, "no such file: no.evo"),
        (["backtest", CROSS, "--data", "sampel:sp500"], 1, "did you mean `sample`"),
        (["backtest", CROSS, "--data", "no.csv"], 1, "no such file: no.csv"),
        (["backtest", CROSS, *SAMPLE, "--start", "2030-01-01"], 1, "has no bars"),
        (["backtest", CROSS, *SAMPLE, "--name", "x"], 1, "has no strategy `x`"),
        (["eval", "sma(clos, 3)", *SAMPLE], 1, "did you mean `close`"),
        (["eval", "close +", *SAMPLE], 1, "E102"),
        (["ops", "smaa"], 1, "did you mean `sma`"),
        (["check", "no.evo"], 1, "no such file: no.evo"),
        (["check", str(ROOT)], 1, "Is a directory"),
        (["fmt", "no.evo"], 1, "no such file: no.evo"),
        (["data", "synthetic:walk?bars=0"], 1, "whole number from 2"),
        (["data", "sample:sp500", "-o", "x.xlsx"], 1, "ends in .csv or .parquet"),
    ],
)
def test_an_error_has_a_message_and_an_exit_code(
    args: list[str], status: int, message: str
) -> None:
    assert message in invoke(*args, status=status).err


# -- run


def test_run_prints_its_stages_and_writes_its_files(tmp_path: Path) -> None:
    args = ("run", QUICK, "--out", str(tmp_path / "run"), "--set", "budget.evaluations=300")
    with start(*args, COLUMNS="200") as running:
        out, err = running.communicate(timeout=120)
    assert running.returncode == 0, err
    assert "Traceback" not in err
    order = ["data", "split", "holdout from", "score appraisal ratio (annualized ratio of alpha",
             "mean over 5 folds less 0.5 deviations, on train", "by ", "on train", "ended",
             "strategy ", "validation", "NOT DISTINGUISHED FROM LUCK: ", "300 trials", "files in",
             "next steps", "`evolve explain TERM` explains any term above"]  # fmt: skip
    index = 0
    for each in order:
        index = out.index(each, index)
    assert (tmp_path / "run" / "best.evo").exists()


def test_run_json_prints_only_the_document(tmp_path: Path) -> None:
    found = document(
        "run",
        QUICK,
        "--out",
        str(tmp_path / "run"),
        "--set",
        "budget.evaluations=100",
        "--set",
        "validate.null_runs=0",
        "--set",
        "workers=1",
    )
    assert found == json.loads((tmp_path / "run" / "result.json").read_text())


@pytest.mark.slow
def test_an_interrupt_stops_after_the_epoch_and_saves_the_results(tmp_path: Path) -> None:
    """Interrupt the search at the first epoch that it reports."""
    endless = ("--set", "budget.evaluations=10000000", "--set", "budget.stale_epochs=null")
    with start("run", QUICK, "--out", str(tmp_path / "run"), *endless) as running:
        assert running.stderr is not None
        assert any(line.startswith("epoch 1") for line in running.stderr)
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=60)
    assert running.returncode == 130, err
    assert "interrupted" in out
    assert "Traceback" not in err
    assert (tmp_path / "run" / "result.json").exists()
