"""The house rules that a machine can check: tools, lengths of files, docstrings and words."""

from __future__ import annotations

import ast
import importlib.util
import io
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]
MAX_LINES = 300
SOURCES = sorted(path for package in ("dsl", "evolve") for path in (ROOT / package).rglob("*.py"))
TEXTS = sorted(
    [
        *(path for package in ("dsl", "evolve") for path in (ROOT / package).rglob("*.evo")),
        *(path for path in (ROOT / "prompts").rglob("*") if path.is_file()),
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "GLOSSARY.md")),
    ]
)
SCRIPTS = [
    str(each)
    for name in ("benchmarks", "docs/images", "examples")
    for each in (ROOT / name).glob("*.py")
]
CHECKS = {
    "format": [sys.executable, "-m", "ruff", "format", "--check", "."],
    "lint": [sys.executable, "-m", "ruff", "check", "."],
    "types": [sys.executable, "-m", "mypy"],
    "types of scripts": [sys.executable, "-m", "mypy", *SCRIPTS],
    "layers": [str(Path(sys.executable).parent / "lint-imports"), "--no-logo"],
}
NOUN_DECORATORS = {"property", "cached_property", "metric"}  # their docstring is a definition
PROSE_TOKENS = {tokenize.COMMENT, tokenize.STRING, tokenize.NAME}
if sys.version_info >= (3, 12):
    PROSE_TOKENS |= {tokenize.FSTRING_MIDDLE}


@cache
def load_house() -> ModuleType:
    """Import `benchmarks/house.py`, which has the rules about words."""
    folder = str(ROOT / "benchmarks")
    spec = importlib.util.spec_from_file_location("house", f"{folder}/house.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        patch.setitem(sys.modules, "house", module)  # for its dataclass
        spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    "name",
    [pytest.param(each, marks=pytest.mark.slow if "types" in each else ()) for each in CHECKS],
)
def test_the_tools_report_nothing(name: str) -> None:
    done = subprocess.run(CHECKS[name], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_files_are_short() -> None:
    lengths = {relative(path): len(path.read_text("utf-8").splitlines()) for path in SOURCES}
    assert {name: lines for name, lines in lengths.items() if lines > MAX_LINES} == {}


def test_docstrings_of_functions_begin_with_a_verb() -> None:
    begins_with_verb = load_house().begins_with_verb
    wrong = [
        f"{relative(path)}:{line}: {docstring.splitlines()[0]}"
        for path in SOURCES
        for line, docstring in list_docstrings(ast.parse(path.read_text("utf-8")))
        if not begins_with_verb(docstring)
    ]
    advice = "begin with an imperative verb; if it is one, add it to benchmarks/verbs.txt"
    assert not wrong, "\n".join([advice, *wrong])


def test_code_and_documents_contain_no_banned_word() -> None:
    banned = re.compile(
        rf"\b({'|'.join(map(re.escape, load_house().BANNED))})\b".replace(r"\ ", r"\s+"), re.I
    )
    wrong = [
        f"{relative(path)}:{line}: {match.group()}: {' '.join(text.split())[:80]}"
        for path in (*SOURCES, *TEXTS)
        for line, text in read_prose(path)
        for match in banned.finditer(text)
    ]
    assert not wrong, "\n".join(["rewrite: see the prose rules in CONTRIBUTING.md", *wrong])


def test_the_checks_detect_wrong_prose(tmp_path: Path) -> None:
    source = '''
def kept_names() -> None:
    """What is left.  # whatever"""


class Row:
    @property
    def name(self) -> str:
        """Name of the row."""

    @metric("ratio")
    def beta(self) -> float:
        """sensitivity to the benchmark"""
'''
    path = tmp_path / "wrong.py"
    path.write_text(source)
    docstrings = [docstring for _, docstring in list_docstrings(ast.parse(source))]
    assert docstrings == ["What is left.  # whatever"]
    assert not load_house().begins_with_verb(docstrings[0])
    text = " ".join(text for _, text in read_prose(path))
    assert "kept names" in text
    assert "whatever" in text


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def list_docstrings(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield the line and docstring of each function that must begin with a verb."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name != "__init__":
            docstring = ast.get_docstring(node)
            if docstring and not NOUN_DECORATORS & set(map(decorator_name, node.decorator_list)):
                yield node.lineno, docstring


def decorator_name(node: ast.expr) -> str:
    """Return the last part of a decorator's name: `metric` of `@metrics.metric("ratio")`."""
    if isinstance(node, ast.Call):
        node = node.func
    return node.attr if isinstance(node, ast.Attribute) else ast.unparse(node)


def read_prose(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the lines of a document, or the names, comments and strings of a module."""
    text = path.read_text("utf-8")
    if path.suffix != ".py":
        yield from enumerate(text.splitlines(), 1)
        return
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type in PROSE_TOKENS:
            yield token.start[0], token.string.replace("_", " ")


@pytest.mark.parametrize("name", ["browser", "llm", "parity"])
def test_tests_that_run_by_folder_are_in_their_folder(name: str) -> None:
    for path in (ROOT / "tests").rglob("*.py"):
        if f"pytest.mark.{name}" in path.read_text("utf-8") and path.name != "test_house.py":
            assert path.parent.name == name
