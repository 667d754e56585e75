"""What the documents say is true: their examples run, their commands are the ones CI calls."""

from __future__ import annotations

import doctest
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

import evolve.api
from dsl.analysis.check import inspect
from dsl.printing.reference import operators_table
from evolve.config.load import parse_experiment
from evolve.config.reference import settings_table

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


@pytest.mark.parametrize(
    ("origin", "table"),
    [
        ("operators: made by the catalog", operators_table),
        ("settings: derived from the schema", settings_table),
    ],
)
def test_the_readme_lists_what_is_declared(origin: str, table: Callable[[], str]) -> None:
    marker = f"<!-- {origin}, held current by a test -->\n"
    end = f"<!-- end of {origin.partition(':')[0]} -->"
    readme = (ROOT / "README.md").read_text("utf-8")
    before, rest = readme.split(marker)
    shown, after = rest.split(end)
    current = f"\n{table()}\n"
    if os.environ.get("UPDATE_GOLDEN"):
        (ROOT / "README.md").write_text(f"{before}{marker}{current}{end}{after}", "utf-8")
    else:
        assert shown == current


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
