"""The examples of the documents run, and their tables and commands are current."""

from __future__ import annotations

import doctest
import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import pytest

import evolve.api
from dsl.analysis.check import inspect
from dsl.printing.reference import operators_table
from evolve.cli import COMMANDS
from evolve.config.load import parse_experiment
from evolve.config.reference import settings_table
from evolve.data.sources import SOURCES
from evolve.report.reference import metrics_reference, objectives_reference, proposers_reference
from tests.golden import golden

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
README = (ROOT / "README.md").read_text("utf-8")
TABLES: dict[str, dict[str, Callable[[], str]]] = {
    "language.md": {"operators: generated from the catalog": operators_table},
    "experiments.md": {
        "proposers: generated from the declarations": proposers_reference,
        "settings: generated from the schema": settings_table,
    },
    "results.md": {
        "metrics: generated from the declarations": metrics_reference,
        "objectives: generated from the declarations": objectives_reference,
    },
}


def read_blocks(page: Path, language: str) -> list[str]:
    """Return the fenced blocks of a page in a language; `""` for blocks without one."""
    text = page.read_text("utf-8")
    return [
        body for name, body in re.findall(r"```(\w*)\n(.*?)```", text, re.S) if name == language
    ]


def list_blocks(language: str) -> list[tuple[Path, str]]:
    return [(page, block) for page in PAGES for block in read_blocks(page, language)]


@pytest.mark.parametrize("page", [page for page in PAGES if read_blocks(page, "python")])
def test_the_python_examples_run(page: Path) -> None:
    text = "\n".join(read_blocks(page, "python"))
    examples = doctest.DocTestParser().get_doctest(text, {}, page.name, str(page), 0)
    results = doctest.DocTestRunner().run(examples)
    assert results.attempted == text.count(">>> ") > 0
    assert results.failed == 0


def test_the_page_on_python_has_examples() -> None:
    assert len(read_blocks(ROOT / "docs" / "python.md", "python")) > 1


MODULES = [evolve.api] + [
    import_module(f"evolve.api.{each.name}") for each in iter_modules(evolve.api.__path__)
]


def test_the_docstring_examples_of_the_python_interface_run() -> None:
    results = [doctest.testmod(each) for each in MODULES]
    assert sum(each.attempted for each in results) > 10
    assert sum(each.failed for each in results) == 0


@pytest.mark.parametrize("name", TABLES)
def test_the_generated_tables_are_current(name: str) -> None:
    page = ROOT / "docs" / name
    text = page.read_text("utf-8")
    for origin, table in TABLES[name].items():
        start, end = f"<!-- {origin} -->\n", f"<!-- end of {origin.partition(':')[0]} -->"
        before, rest = text.split(start)
        text = f"{before}{start}\n{table()}\n{end}{rest.split(end)[1]}"
    golden(page, text)


STRATEGIES = [
    block for page, block in list_blocks("") if re.match(r"strategy \w+ \{|define \w+\(", block)
]


@pytest.mark.parametrize("text", STRATEGIES)
def test_the_strategies_of_the_pages_have_no_errors_or_warnings(text: str) -> None:
    assert inspect(text).diagnostics == ()


@pytest.mark.parametrize(("page", "block"), list_blocks("yaml"))
def test_the_yaml_of_the_pages_is_an_experiment(page: Path, block: str) -> None:
    head = "" if block.startswith("name:") else "name: x\ndata: {from: sample:sp500}\n"
    parse_experiment(head + block, page.name)


def test_the_commands_of_the_pages_exist() -> None:
    used = {name for page in PAGES for name in re.findall(r"^evolve (\w+)", page.read_text(), re.M)}
    assert used <= set(COMMANDS)
    assert {"run", "check", "backtest", "doctor"} <= used


def test_the_page_on_data_lists_each_source() -> None:
    data = (ROOT / "docs" / "data.md").read_text("utf-8")
    assert [name for name in SOURCES if f"`{name}:" not in data] == []


def test_links_lead_to_existing_files() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text("utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_two_commands_of_the_readme_are_one_line_each() -> None:
    commands = re.findall(r"```sh\n(python3 -m venv [^\n]*)\n```", README)
    assert len(commands) == 2
    assert commands[0].endswith("evolve run experiments/spy.yaml")
    assert commands[1].endswith(".venv/bin/pytest")


def test_the_glossary_is_short_and_defines_each_term_once() -> None:
    lines = (ROOT / "GLOSSARY.md").read_text("utf-8").splitlines()
    assert len(lines) <= 60
    terms = [
        term.strip()
        for line in lines
        if line.startswith("| ") and "**" not in line and line != "| term | meaning |"
        for term in line.split("|")[1].split(",")
    ]
    assert len(terms) == len(set(terms))
