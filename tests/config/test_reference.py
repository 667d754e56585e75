"""The reference of settings: each has a meaning, a range, a default, and a unit if a quantity."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from evolve.config.load import parse_experiment, to_yaml
from evolve.config.reference import REQUIRED, Setting, settings, settings_table
from evolve.config.schema import Backtest, Experiment

ALL = {each.name: each for each in settings()}
PURE = {"seed", "llm.models[].weight", "llm.models[].temperature"}  # numbers without a unit
LEAST = {"name": "x", "data": {"from": "sample:sp500"}, "llm": {"models": [{"name": "m"}]}}


@pytest.mark.parametrize("name", ALL)
def test_a_setting_is_described(name: str) -> None:
    each = ALL[name]
    assert len(each.about) > 5
    assert each.about[0].islower()
    assert not each.about.endswith(".")
    assert each.allowed
    assert "|" not in each.about + each.allowed + each.unit
    is_number = each.allowed.startswith(("at least", "above", "a number"))
    assert bool(each.unit) == (is_number and name not in PURE)


def leaves(data: Any, prefix: str = "") -> dict[str, Any]:
    """Return the settings of an experiment that is written in full; a mapping by name is one."""
    found: dict[str, Any] = {}
    for key, value in data.items():
        name = prefix + key
        if isinstance(value, dict) and name not in ALL:
            found |= leaves(value, f"{name}.")
            continue
        found[name] = value
        if isinstance(value, list) and value and isinstance(value[0], dict):
            found |= leaves(value[0], f"{name}[].")
    return found


def test_all_settings_are_there_with_the_default_that_counts() -> None:
    whole = leaves(Experiment.model_validate(LEAST).model_dump(mode="json", by_alias=True))
    assert set(whole) == set(ALL)
    for name, each in ALL.items():
        given = name in ("name", "data.from", "llm.models", "llm.models[].name")
        if not given:
            assert json.loads(each.default) == whole[name]
    required = [name for name, each in ALL.items() if each.default == REQUIRED]
    assert required == ["name", "data.from", "llm.models[].name"]
    assert to_yaml(parse_experiment("name: x\ndata: {from: sample:sp500}\n", "x")).count(":") > 50


def test_the_json_schema_has_every_setting_with_its_meaning_and_default() -> None:
    schema = Experiment.model_json_schema()

    def section(node: dict[str, Any]) -> dict[str, Any]:
        """Follow references, lists and optional sections to a section."""
        while "properties" not in node:
            inner = [each for each in node.get("anyOf", []) if "$ref" in each] or [node]
            reference = inner[0].get("$ref") or node["items"]["$ref"]
            node = schema["$defs"][reference.removeprefix("#/$defs/")]
        assert node["additionalProperties"] is False
        return node

    for name, each in ALL.items():
        node = schema
        for part in name.replace("[]", "").split("."):
            node = section(node)["properties"][part]
        assert node["description"] in each.about
        if each.default != REQUIRED and not isinstance(json.loads(each.default), list | dict):
            assert node["default"] == json.loads(each.default)


def test_limits_are_those_that_are_held() -> None:
    section: type[BaseModel] = Backtest
    for name in section.model_fields:
        words = ALL[f"backtest.{name}"].allowed
        for value in (-1.0, 0.0, 1.0, 1.1, 100.0, 101.0, 1000.0, 1001.0, 1e4, 10_001.0):
            if name == "fill":
                continue
            try:
                section.model_validate({name: value})
                taken = True
            except ValidationError:
                taken = False
            assert taken == allows(words, value), (name, value)


def allows(words: str, value: float) -> bool:
    for limit in words.split(", "):
        word, _, number = limit.rpartition(" ")
        least = float(number.replace(",", ""))
        holds = {"at least": value >= least, "above": value > least,
                 "at most": value <= least, "below": value < least}  # fmt: skip
        if not holds[word]:
            return False
    return True


def test_the_table_has_a_row_a_setting() -> None:
    rows = settings_table().splitlines()
    assert len(rows) == len(ALL) + 2
    assert all(row.count("|") == 6 for row in rows)
    assert ALL["budget.stale_epochs"] == Setting(
        "budget.stale_epochs", "stop after that many without a better best score", "epochs",
        "at least 1", "5",
    )  # fmt: skip
    assert ALL["split.validation"].allowed == "above 0, below 1 or a day"
