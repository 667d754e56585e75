"""Documents are true: their examples run, their tables and commands are current."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

import evolve.api
from dsl.analysis.check import inspect
from dsl.printing.reference import operators_table
from evolve.config.load import parse_experiment
from evolve.config.reference import settings_table
from tests.golden import golden

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")


def test_the_readme_examples_run() -> None:
    results = doctest.testfile(str(ROOT / "README.md"), module_relative=False)
    assert results.attempted > 5
    assert results.failed == 0


def test_the_examples_of_the_python_interface_run() -> None:
    results = doctest.testmod(evolve.api)
    assert results.attempted > 3
    assert results.failed == 0


def test_the_readme_strategy_is_sound() -> None:
    found = re.search(r"```\n(strategy .*?)```", README, re.DOTALL)
    assert found is not None
    assert inspect(found.group(1)).diagnostics == ()


def test_the_readme_lists_what_is_declared() -> None:
    """Write the tables with `UPDATE_GOLDEN`, both in one test: they share the file."""
    text = README
    for origin, table in (
        ("operators: made by the catalog", operators_table),
        ("settings: derived from the schema", settings_table),
    ):
        marker = f"<!-- {origin}, held current by a test -->\n"
        end = f"<!-- end of {origin.partition(':')[0]} -->"
        before, rest = text.split(marker)
        text = f"{before}{marker}\n{table()}\n{end}{rest.split(end)[1]}"
    golden(ROOT / "README.md", text)


@pytest.mark.parametrize("block", re.findall(r"```yaml\n(.*?)```", README, re.DOTALL))
def test_the_yaml_of_the_readme_is_an_experiment(block: str) -> None:
    whole = (
        block if block.startswith("name:") else f"name: x\ndata: {{from: sample:sp500}}\n{block}"
    )
    parse_experiment(whole, "README.md")


def test_the_two_commands_are_one_line_each() -> None:
    commands = re.findall(r"```sh\n(python3 -m venv [^\n]*)\n```", README)
    assert len(commands) == 2
    assert commands[0].endswith("evolve run experiments/spy.yaml")
    assert commands[1].endswith(".venv/bin/pytest")
