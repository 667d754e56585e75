"""Presets of the search."""

from __future__ import annotations

from typing import Any

import pytest

from evolve.config.load import parse_experiment, to_yaml
from evolve.config.presets import PRESETS
from evolve.config.schema import Experiment
from evolve.errors import EvolveError

TEXT = """
name: x
data: {from: sample:sp500}
search: {preset: %s}
"""


def read(text: str, *overrides: str) -> Experiment:
    return parse_experiment(text, "x.yaml", overrides)


def find(experiment: Experiment, section: str, setting: str) -> Any:
    return getattr(getattr(experiment, section), setting)


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_replaces_defaults(name: str) -> None:
    experiment = read(TEXT % name)
    for section, values in PRESETS[name].items():  # type: ignore[index]
        for setting, value in values.items():
            assert find(experiment, section, setting) == value
    assert read(to_yaml(experiment)) == experiment


def test_presets_grow() -> None:
    quick, standard, thorough = [read(TEXT % name) for name in PRESETS]
    assert quick.budget.evaluations < standard.budget.evaluations < thorough.budget.evaluations
    assert quick.search.population < standard.search.population < thorough.search.population


def test_an_explicit_value_overrides_a_preset() -> None:
    text = TEXT.replace("{preset: %s}", "{preset: quick, population: 33}")
    assert read(text).search.population == 33
    assert read(text, "budget.evaluations=77").budget.evaluations == 77
    assert read(TEXT % "quick", "search.preset=thorough").search.population == 1_000


def test_the_standard_preset_has_the_defaults() -> None:
    assert read(TEXT % "standard") == read(TEXT.replace("search: {preset: %s}", ""))


@pytest.mark.parametrize("value", ["fast", "3", "[quick]", "null", "{quick: 1}"])
def test_an_unknown_preset_is_an_error(value: str) -> None:
    with pytest.raises(EvolveError) as raised:
        read(TEXT % value)
    assert "search.preset" in str(raised.value)
    assert "thorough" in str(raised.value)


@pytest.mark.parametrize("text", ["search: 3", "budget: []\nsearch: {preset: quick}"])
def test_a_section_of_another_type_is_reported(text: str) -> None:
    with pytest.raises(EvolveError, match=r"search|budget"):
        read(f"name: x\ndata: {{from: sample:sp500}}\n{text}\n")
