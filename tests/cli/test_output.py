"""Text from outside in the output of commands: it is printed literally and controls no terminal."""

from __future__ import annotations

import ast
import os
import subprocess
from pathlib import Path

import pytest

from dsl.printable import make_lines_printable, make_printable
from evolve.cli.terminal import OutputConsole
from tests.command_line import EVOLVE, QUICK, ROOT, Output, invoke
from tests.llm.scripted import Answer, fail, say, serving
from tests.params import thin_out

pytestmark = pytest.mark.usefixtures("own_home")
ESCAPE, SHOWN = "\x1b]0;pwn\x07", "\\x1b]0;pwn\\x07"
BIDI = "a\u202eb\x9b31m\rc"
MARKUP = "[bold]x[/bold][link=http://evil.example]y[/link][/nope] :smile:"
HOSTILE = {"escape": ESCAPE, "order": BIDI, "markup": MARKUP, "bytes": os.fsdecode(b"caf\xff\xfe")}
STRATEGY = 'strategy mine {{ about "{}" buy when close > sma(close, 7) hold 3 }}\n'
CLI = ROOT / "evolve" / "cli"
WRITERS = {"output.py", "terminal.py"}
WRITING = {"click.echo", "click.secho", "click.echo_via_pager", "sys.stdout.write",
           "sys.stderr.write", "Console", "rich.print", "print", "csv.writer"}  # fmt: skip


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "400")
    monkeypatch.setattr("evolve.llm.transport.server.RETRIES", 0)


def printed(*args: str, status: int | None = None) -> str:
    """Run a command; return its output, which must be printable and encodable."""
    output = invoke(*args, status=status)
    assert_printable(output)
    return output.out + output.err


def assert_printable(output: Output) -> None:
    for text in output[1:]:
        assert isinstance(text, str)
        assert make_lines_printable(text, max_lines=None) == text
        text.encode()


def named(module: ast.AST) -> set[str]:
    return {ast.unparse(node.func) for node in ast.walk(module) if isinstance(node, ast.Call)}


def test_only_two_modules_of_the_command_line_write_to_the_terminal() -> None:
    writing = {
        path.name: found
        for path in CLI.glob("*.py")
        if (found := named(ast.parse(path.read_text("utf-8"))) & WRITING)
    }
    assert writing == {"output.py": {"click.echo", "click.secho", "csv.writer", "sys.stderr.write"}}
    assert (CLI / "terminal.py").is_file()


def test_only_the_terminal_module_imports_the_console_of_rich() -> None:
    for path in (ROOT / "evolve").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module == "rich.console":
                names = {each.name for each in node.names}
                assert path.name == "terminal.py" or "Console" not in names, path


def write_csv(path: Path, symbol: str) -> None:
    days = [f"2020-01-{day:02d}" for day in range(1, 29)]
    rows = [f'{day},"{name}",10,11,9,{10 + index % 3},100'
            for index, day in enumerate(days) for name in (symbol, "B")]  # fmt: skip
    text = "date,symbol,open,high,low,close,volume\n" + "\n".join(rows) + "\n"
    path.write_text(text, "utf-8", errors="surrogateescape")


@pytest.mark.parametrize("kind", thin_out(["escape", "order", "markup"], 3))
def test_a_hostile_symbol_is_printed_literally(kind: str, tmp_path: Path) -> None:
    symbol = HOSTILE[kind].replace("\r", "")
    write_csv(tmp_path / "two.csv", symbol)
    (tmp_path / "mine.evo").write_text(STRATEGY.format("x"))
    commands = (
        ("data", "two.csv"), ("data", "two.csv", "--plot"),
        ("backtest", "mine.evo", "--data", "two.csv", "--plot"),
        ("backtest", "mine.evo", "--data", "two.csv", "--json"),
        ("signals", "mine.evo", "--data", "two.csv"),
        ("signals", "mine.evo", "--data", "two.csv", "--last"),
        ("eval", "close", "--data", "two.csv"), ("eval", "close", "--data", "two.csv", "--plot"),
        ("check", "mine.evo", "--lookahead", "--data", "two.csv"),
    )  # fmt: skip
    for args in commands:
        text = printed(*args)
        if "error:" not in text and "--json" not in args and args[0] != "check":
            assert make_printable(symbol)[:12] in text, args


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_file_name_is_printed_literally(kind: str, tmp_path: Path) -> None:
    name = HOSTILE[kind].replace("/", "|")
    folder = tmp_path / name
    folder.mkdir()
    write_csv(folder / "a.csv", "A")
    (folder / "mine.evo").write_text(STRATEGY.format("x"))
    (folder / "wrong.evo").write_text("strategy {")
    (folder / "x.yaml").write_text("name: [")
    shown = make_printable(name)
    commands = (
        ("data", f"csv:{name}/a.csv"), ("data", f"csv:{name}/no.csv"),
        ("data", f"csv:{name}/a.csv", "-o", f"{name}/b.csv"),
        ("data", f"csv:{name}/a.csv", "-o", f"{name}/no/b.csv"),
        ("check", f"{name}/mine.evo"), ("check", f"{name}/wrong.evo"), ("check", f"{name}/no.evo"),
        ("fmt", f"{name}/mine.evo"), ("fmt", f"{name}/wrong.evo"), ("fmt", name),
        ("backtest", f"{name}/no.evo", "--data", f"csv:{name}/a.csv"),
        ("signals", f"{name}/wrong.evo", "--data", f"csv:{name}/a.csv"),
        ("validate", f"{name}/x.yaml"), ("validate", f"{name}/no.yaml"), ("run", f"{name}/x.yaml"),
        ("prompt", f"{name}/x.yaml"), ("holdout", "open", name), ("harden", name),
        ("ask", "x", "-o", f"{name}/mine.evo"), ("doctor", f"{name}/no.yaml"),
        (name,), ("check", f"--{name}"), ("ops", name),
        ("explain", name), ("eval", name, "--data", name), ("check", "--explain", name),
        ("grammar", "--format", name), ("data", f"{name}/x"), ("validate", QUICK, "--set", name),
        ("data", "sample:sp500", "--start", name), ("backtest", "a", "--data", "b", "--fill", name),
    )  # fmt: skip
    without = [args for args in commands if shown[:8] not in printed(*args).replace("\\\\", "\\")]
    assert without == []


@pytest.mark.parametrize("kind", thin_out(["escape", "order", "markup"], 3))
def test_hostile_text_in_a_strategy_is_printed_literally(kind: str, tmp_path: Path) -> None:
    text = HOSTILE[kind].replace('"', "").replace("\r", "")
    files = {
        "about": STRATEGY.format(text), "comment": f"# {text}\n{STRATEGY.format('x')}",
        "name": STRATEGY.format("x").replace("mine", text),
        "operator": f"strategy x {{ buy {text} }}",
        "unknown": f"strategy x {{ buy when `{text}`(close) }}",
    }  # fmt: skip
    for name, content in files.items():
        (tmp_path / f"{name}.evo").write_text(content, "utf-8")
        data = ("--data", "synthetic:walk?bars=300")
        for verb, *more in (("check",), ("fmt", "--check"), ("check", "--json"),
                            ("backtest", *data), ("signals", *data)):  # fmt: skip
            printed(verb, f"{name}.evo", *more)


@pytest.mark.parametrize("kind", thin_out(["escape", "order", "markup"], 3))
def test_hostile_text_in_an_experiment_is_printed_literally(kind: str, tmp_path: Path) -> None:
    text = HOSTILE[kind].replace("\r", "")
    quoted = '"' + "".join(f"\\U{ord(each):08x}" for each in text) + '"'
    models = f"llm: {{models: [{{name: {quoted}, base_url: 'http://127.0.0.1:9/v1'}}]}}"
    contents = (
        f"name: {quoted}\n", f"name: x\nseed: {quoted}\n", f"name: x\n{quoted}: 3\n",
        f"name: x # {text}\nseed: x\n", f"name: x\ndata: {{from: {quoted}}}\n",
        f"name: x\ndata: {{from: 'csv:x'}}\nstart_from: [{quoted}]\n",
        f"name: x\ndata: {{from: 'csv:x'}}\nllm: {{tasks: [{quoted}]}}\n",
        f"name: x\ndata: {{from: 'csv:x'}}\nllm: {{prompts: {quoted}}}\n",
        f"name: x\ndata: {{from: 'synthetic:walk?bars=700'}}\n{models}\n",
    )  # fmt: skip
    for content in contents:
        (tmp_path / "x.yaml").write_text(content, "utf-8")
        for args in (("validate",), ("prompt",), ("doctor",)):
            printed(*args, "x.yaml")


@pytest.mark.slow
@pytest.mark.parametrize("kind", thin_out(["escape", "order", "markup"], 3))
def test_hostile_answers_of_a_server_are_printed_literally(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = HOSTILE[kind].replace('"', "").replace("\r", "")
    idea = STRATEGY.format(text)
    answers = [say(idea, reasoning=text, finish=text), fail(401, text), say(f"{text} strategy {{"),
               Answer(text.encode()), say(text)]  # fmt: skip
    (tmp_path / "x.yaml").write_text(
        "name: x\ndata: {from: 'synthetic:walk?bars=700'}\nsearch: {population: 10, islands: 1}\n"
        "budget: {evaluations: 60, llm_calls: 6}\nvalidate: {null_runs: 0}\n"
        "llm: {constraint: text}\n"
    )
    for first in range(len(answers)):
        with serving(answers[first:] + answers[:first]) as server:
            monkeypatch.setenv("OPENAI_BASE_URL", server.url)
            monkeypatch.setenv("OPENAI_MODEL", text)
            printed("ask", "buy the dips", "--data", "synthetic:walk?bars=300")
            if first == 0:
                printed("doctor", "x.yaml")
                printed("run", "x.yaml", "--out", "run")


def test_a_document_is_exact(tmp_path: Path) -> None:
    source = f"# {MARKUP} \u200b\nstrategy x {{\n  buy when close > open\n}}\n"
    done = subprocess.run(
        [*EVOLVE, "fmt", "-"], input=source.encode(), capture_output=True, check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.stdout == source.encode()


def test_a_name_that_is_not_utf_8_is_printed_by_a_process(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xff.evo")
    (tmp_path / name).write_text("strategy {")
    for variables in ({}, {"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C"}):
        done = subprocess.run(
            [*EVOLVE, "check", name], capture_output=True, check=False,
            env={**os.environ, "PYTHONPATH": str(ROOT), **variables},
        )  # fmt: skip
        assert done.returncode == 1
        assert b"caf\\udcff.evo:1:" in done.stdout
        assert b"internal error" not in done.stderr
        assert done.stdout.isascii()


def test_a_console_escapes_cells_headings_and_titles(capsys: pytest.CaptureFixture[str]) -> None:
    from rich.table import Table
    from rich.text import Text

    text = ESCAPE + MARKUP
    table = Table(text, title=text, caption=text)
    table.add_row(text)
    table.add_row(Text(text))
    console = OutputConsole(width=200)
    console.print(table)
    console.print(text, style="bold")
    console.print(Text.assemble((text, "bold"), " x"))
    out = capsys.readouterr().out
    assert out.count(SHOWN + MARKUP) == 5
    assert out.count("\\x1b]0;pwn" + MARKUP) == 2  # rich removes the bell from its own texts
    assert make_lines_printable(out) == out


def test_long_text_is_cut() -> None:
    text = printed("ops", "x" * 100_000)
    assert len(text) < 5000
    assert make_lines_printable("a\n" * 5000).count("\n") == 1000
