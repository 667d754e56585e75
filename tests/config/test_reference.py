"""Reference of settings: each has a meaning, values, a default, and a unit if it is measured."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from evolve.config.load import parse_experiment, to_yaml
from evolve.config.reference import REQUIRED, Setting, settings, settings_table
from evolve.config.schema import Backtest, Experiment

ALL = {each.name: each for each in settings()}
UNITLESS = {"seed", "llm.models[].weight", "llm.models[].temperature"}
MINIMAL = {
    "name": "x",
    "data": {"from": "sample:sp500"},
    "start_from": [{"file": "a.evo", "fixed": ["buy"]}],
    "llm": {"models": [{"name": "m"}]},
    "validate": {"walk_forward": {}},
}


@pytest.mark.parametrize("name", ALL)
def test_every_setting_is_described(name: str) -> None:
    each = ALL[name]
    assert len(each.about) > 5
    assert each.about[0].islower()
    assert not each.about.endswith(".")
    assert each.allowed
    assert "|" not in each.about + each.allowed + each.unit
    is_number = each.allowed.startswith(("at least", "above", "a number"))
    assert bool(each.unit) == (is_number and name not in UNITLESS)


def flatten(data: Any, prefix: str = "") -> dict[str, Any]:
    """Return the settings of a serialized experiment by path."""
    values: dict[str, Any] = {}
    for key, value in data.items():
        name = prefix + key
        if isinstance(value, dict) and name not in ALL:
            values |= flatten(value, f"{name}.")
            continue
        values[name] = value
        if isinstance(value, list) and value and isinstance(value[0], dict):
            values |= flatten(value[0], f"{name}[].")
        if isinstance(value, dict) and any(each.startswith(f"{name}.") for each in ALL):
            values |= flatten(value, f"{name}.")
    return values


def test_the_reference_has_all_settings_with_their_defaults() -> None:
    values = flatten(Experiment.model_validate(MINIMAL).model_dump(mode="json", by_alias=True))
    assert set(values) == set(ALL)
    for name, each in ALL.items():
        given = ("name", "data.from", "start_from", "llm.models", "validate.walk_forward")
        if name not in given and each.default != REQUIRED:
            assert json.loads(each.default) == values[name]
    required = [name for name, each in ALL.items() if each.default == REQUIRED]
    assert required == [
        "data.from", "start_from[].file", "start_from[].fixed", "llm.models[].name",
    ]  # fmt: skip
    assert to_yaml(parse_experiment("name: x\ndata: {from: sample:sp500}\n", "x")).count(":") > 50


def test_the_json_schema_has_every_setting_with_its_meaning_and_default() -> None:
    schema = Experiment.model_json_schema()

    def section(node: dict[str, Any]) -> dict[str, Any]:
        """Follow references, lists and optional sections to a section."""
        while "properties" not in node:
            inner = [node.get("items", {}), *node.get("anyOf", []), *node.get("oneOf", [])]
            if "$ref" in node:
                inner = [schema["$defs"][node["$ref"].removeprefix("#/$defs/")]]
            node = next(each for each in inner if {"$ref", "properties", "oneOf"} & set(each))
        assert node["additionalProperties"] is False
        return node

    for name, each in ALL.items():
        node = schema
        for part in name.replace("[]", "").split("."):
            node = section(node)["properties"][part]
        assert node["description"] in each.about
        if each.default != REQUIRED and not isinstance(json.loads(each.default), list | dict):
            assert node["default"] == json.loads(each.default)


def test_described_limits_are_enforced() -> None:
    section: type[BaseModel] = Backtest
    for name in section.model_fields:
        allowed = ALL[f"backtest.{name}"].allowed
        for value in (-1.0, 0.0, 1.0, 1.1, 100.0, 101.0, 1000.0, 1001.0, 1e4, 10_001.0):
            if name == "fill":
                continue
            try:
                section.model_validate({name: value})
                is_valid = True
            except ValidationError:
                is_valid = False
            assert is_valid == allows(allowed, value), (name, value)


def allows(allowed: str, value: float) -> bool:
    """Return whether a value meets the limits of a description."""
    for limit in allowed.split(", "):
        word, _, number = limit.rpartition(" ")
        bound = float(number.replace(",", ""))
        holds = {"at least": value >= bound, "above": value > bound,
                 "at most": value <= bound, "below": value < bound}  # fmt: skip
        if not holds[word]:
            return False
    return True


def test_the_table_has_one_row_per_setting() -> None:
    rows = settings_table().splitlines()
    assert len(rows) == len(ALL) + 2
    assert all(row.count("|") == 6 for row in rows)
    assert ALL["budget.stale_epochs"] == Setting(
        "budget.stale_epochs", "stop after this number of epochs without a better score", "epochs",
        "at least 1", "5",
    )  # fmt: skip
    assert ALL["split.validation"].allowed == "above 0, below 1 or a date"
