"""Entries of `start_from` with fixed rules: their notations, and the messages of wrong ones."""

from __future__ import annotations

import pytest

from evolve.config.load import parse_experiment, to_yaml
from evolve.config.schema import Experiment
from tests.config.experiments import MINIMAL, parse_errors

NAMES = "`buy`, `sell`, `short`, `cover`, `size`, `stop`, `trail`, `target` or `hold`"


def parse(value: str, *overrides: str) -> Experiment:
    return parse_experiment(f"{MINIMAL}start_from: {value}\n", "x.yaml", overrides)


@pytest.mark.parametrize(("value", "shown"), [
    ("{file: a.evo, fixed: buy}", ["{file: a.evo, fixed: [buy]}"]),
    ("[{file: a.evo, fixed: [buy, stop]}]", ["{file: a.evo, fixed: [buy, stop]}"]),
    ("[b.evo, {file: a.evo, fixed: buy}]", ["b.evo", "{file: a.evo, fixed: [buy]}"]),
    ("b.evo", ["b.evo"]),
])  # fmt: skip
def test_an_entry_is_text_or_a_map_and_one_entry_is_a_list(value: str, shown: list[str]) -> None:
    experiment = parse(value)
    assert [str(each) for each in experiment.start_from] == shown
    assert parse_experiment(to_yaml(experiment), "again") == experiment
    assert parse("other.evo", f"start_from={value}") == experiment


@pytest.mark.parametrize(("value", "message", "marked", "hint"), [
    ("{file: a.evo, fixed: [byu]}", f"`start_from.fixed.0`: expected {NAMES}, found `byu`", "byu",
     ""),
    ("[{file: a.evo, fixed: byu}]", f"`start_from.0.fixed`: expected {NAMES}, found `byu`", "byu",
     ""),
    ("[{file: a.evo}]", "missing setting `start_from.0.fixed`", "{file: a.evo}", "add `fixed:`"),
    ("[{file: a.evo, fixed: []}]", "`start_from.0.fixed`: expected a non-empty list, found a list",
     "[]", ""),
    ("[{file: 3, fixed: buy}]", "`start_from.0.file`: expected text, found `3`", "3", ""),
    ("[{file: a.evo, fixed: buy, fixd: sell}]", "unknown setting `start_from.0.fixd`", "fixd",
     "did you mean `fixed`?"),
    ("[3]", "`start_from.0`: expected text, found `3`", "3", ""),
    ("3", "`start_from`: expected a list, found `3`", "3", ""),
])  # fmt: skip
def test_a_wrong_entry_has_its_place_and_a_fix(
    value: str, message: str, marked: str, hint: str
) -> None:
    errors = parse_errors(f"{MINIMAL}start_from: {value}\n")
    assert errors.count("error[") == 1
    assert message in errors
    *_, carets = [line for line in errors.splitlines() if "^" in line]
    assert carets.count("^") == len(marked)
    assert hint in errors


def test_the_json_schema_admits_both_notations() -> None:
    schema = Experiment.model_json_schema()["properties"]["start_from"]
    one, several = schema["anyOf"]
    assert one == several["items"]
    assert [each.get("type", each.get("$ref")) for each in one["oneOf"]] == [
        "string", "#/$defs/StartFile"
    ]  # fmt: skip
