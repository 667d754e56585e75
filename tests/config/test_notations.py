"""Short notations: parts of maps, one text for a list, names of files, and overrides."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from evolve.config import ConfigError, Experiment, load_experiment
from evolve.config.effort import MODEL
from evolve.config.load import parse_experiment, to_yaml
from evolve.config.naming import DEFAULT_NAME, build_experiment_name
from evolve.config.notation import accepts_text_as_list
from evolve.errors import EvolveError
from evolve.search.proposers import PROPOSERS
from tests.config.experiments import MINIMAL, parse_errors

DEFAULTS = {**{name: each.weight for name, each in PROPOSERS.items()}, MODEL: "auto"}
SCHEMA = jsonschema.Draft202012Validator(Experiment.model_json_schema())
WORDS = {"language.directions": "short", "fitness.maximize": "sharpe", "fitness.minimize": "nodes"}

weights = st.dictionaries(st.sampled_from(sorted(PROPOSERS)), st.floats(0.125, 9))


def list_text_lists(section: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Yield the settings that are lists of texts, by path."""
    for name, info in section.model_fields.items():
        path = f"{prefix}{info.alias or name}"
        if accepts_text_as_list(info.annotation):
            yield path
        elif isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
            yield from list_text_lists(info.annotation, f"{path}.")


TEXT_LISTS = list(list_text_lists(Experiment))


def read_setting(experiment: Experiment, path: str) -> Any:
    data: Any = experiment.to_dict()
    for part in path.split("."):
        data = data[part]
    return data


@settings(max_examples=30)
@given(weights, weights)
def test_a_map_changes_the_weights_that_it_names_in_any_order(
    in_file: dict[str, float], override: dict[str, float]
) -> None:
    text = MINIMAL + yaml.safe_dump({"search": {"proposers": dict(reversed(in_file.items()))}})
    one_by_one = [f"search.proposers.{name}={weight}" for name, weight in override.items()]
    at_once = [f"search.proposers={override}"], [f"search={{proposers: {override}}}"]
    expected = DEFAULTS | in_file | override
    for overrides in (*at_once, one_by_one):
        found = parse_experiment(text, "x.yaml", overrides)
        assert list(found.search.proposers.items()) == list(expected.items())
        assert parse_experiment(to_yaml(found), "y.yaml") == found


def test_weight_0_drops_a_proposer() -> None:
    text = MINIMAL + "search: {proposers: {random: 0, llm: 0}}\n"
    found = parse_experiment(text, "x.yaml").search
    assert found.weights == {
        name: each.weight for name, each in PROPOSERS.items() if name != "random"
    }
    assert not found.asks_models
    assert parse_experiment(to_yaml(parse_experiment(text, "x.yaml")), "y.yaml").search == found


@pytest.mark.parametrize("value", ["null", "off", "none", "false"])
def test_a_word_for_none_is_answered_with_weight_0(value: str) -> None:
    hint = "write 0 for none, or leave it out for its default"
    for setting in (
        "search: {proposers: {random: %s}}",
        "fitness: {require: {trades_per_fold: %s}}",
    ):
        errors = parse_errors(MINIMAL + setting % value + "\n")
        assert hint in errors or value == "false"  # which has a message of its own
        assert "error[E503]" in errors


def test_a_requirement_that_is_omitted_has_its_default() -> None:
    found = parse_experiment(MINIMAL, "x.yaml", ["fitness.require.trades_per_fold=8"])
    assert found.fitness.require == {"trades_per_fold": 8, "exposure_per_fold": 0.05}


def test_lists_of_texts_are_those_of_the_reference() -> None:
    assert TEXT_LISTS == [
        "language.operators", "language.include", "language.directions", "start_from",
        "fitness.maximize", "fitness.minimize", "llm.tasks",
    ]  # fmt: skip


@pytest.mark.parametrize("setting", TEXT_LISTS)
def test_a_text_serves_where_a_list_of_one_does(setting: str) -> None:
    word = WORDS.get(setting, "sma")
    one, listed = (
        parse_experiment(MINIMAL, "x.yaml", [f"{setting}={value}"]) for value in (word, f"[{word}]")
    )
    assert one == listed
    assert read_setting(one, setting) == [word]
    document: dict[str, Any] = {"data": {"from": "sample:sp500"}}
    here = document
    *sections, last = setting.split(".")
    for each in sections:
        here = here.setdefault(each, {})
    here[last] = word
    assert SCHEMA.is_valid(document)
    here[last] = 5
    assert not SCHEMA.is_valid(document)


def test_the_word_of_a_setting_is_no_list() -> None:
    found = parse_experiment(MINIMAL, "x.yaml", ["language.operators=all", "llm.tasks=all"])
    assert (found.language.operators, found.llm.tasks) == ("all", "all")


def test_an_error_in_one_text_names_the_setting_and_not_an_index() -> None:
    assert "`language.directions`: expected `long` or `short`, found `lng`" in parse_errors(
        MINIMAL + "language: {directions: lng}\n"
    )


@given(st.text(max_size=80))
def test_any_stem_is_a_name_or_none(stem: str) -> None:
    name = build_experiment_name(stem)
    if name is None:
        return
    assert parse_experiment("data: {from: sample:sp500}\n", "x.yaml", stem=stem or "x").name
    assert build_experiment_name(name) == name


@pytest.mark.parametrize(
    ("stem", "name"),
    [("spy", "spy"), ("a_b-3", "a_b-3"), ("2024-spy", "spy"), ("Café 2.1", "Cafe-2-1"),
     ("x" * 99, "x" * 64), ("2024", None), ("--", None), ("价格", None)],
)  # fmt: skip
def test_a_stem_becomes_a_valid_name(stem: str, name: str | None) -> None:
    assert build_experiment_name(stem) == name


def test_an_experiment_without_a_name_has_that_of_its_file(tmp_path: Path) -> None:
    text = "data: {from: sample:sp500}\n"
    assert parse_experiment(text, "a text").name == DEFAULT_NAME
    for stem, overrides, name in (("my spy", [], "my-spy"), ("my spy", ["name=b"], "b")):
        (tmp_path / f"{stem}.yaml").write_text(text)
        assert load_experiment(tmp_path / f"{stem}.yaml", overrides).name == name
    (tmp_path / "12.yaml").write_text(text)
    with pytest.raises(
        ConfigError, match=r"name of the file has no letter a-z: 12(.|\n)*add `name:`"
    ):
        load_experiment(tmp_path / "12.yaml")
    assert load_experiment(tmp_path / "12.yaml", ["name=b"]).name == "b"


def test_an_override_reaches_into_a_short_or_empty_section() -> None:
    text = MINIMAL + "workers: 2\nsearch:\n"
    found = parse_experiment(text, "x.yaml", ["workers.processes=1", "search.population=20"])
    assert (found.workers.processes, found.search.population) == (1, 20)
    found = parse_experiment(MINIMAL, "x.yaml", ["workers=3", "workers.memory_mb=64"])
    assert (found.workers.processes, found.workers.memory_mb) == (3, 64)
    assert "`search`: expected a mapping" in parse_errors(MINIMAL + "search:\n")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("seed=", "write a value after `=`"),
        ("seed=[1,2]", "expected a whole number, found a list"),
        ("name='a b'", "found `a b`"),
        ("start_from=[a", "invalid YAML"),
        ("llm.models.0.weight=2", "expected a section `llm.models`, found a list"),
        ("data.from.x=2", "expected a section `data.from`, found `sample:sp500`"),
        ("a..b=1", "expected NAME=VALUE"),
    ],
)
def test_the_error_of_an_override_names_what_is_wrong(override: str, message: str) -> None:
    text = MINIMAL + "llm: {models: [{name: a}]}\n"
    with pytest.raises(EvolveError) as caught:
        parse_experiment(text, "x.yaml", [override])
    assert message in f"{caught.value}"
    assert override.partition("=")[0] in f"{caught.value}"


def test_quoted_values_and_lists_are_those_of_yaml() -> None:
    overrides = ["start_from=[a.evo, 'b, c.evo']", 'data.from="synthetic:walk?seed=1&bars=9"']
    found = parse_experiment(MINIMAL, "x.yaml", overrides)
    assert found.start_from == ["a.evo", "b, c.evo"]
    assert found.data.source == "synthetic:walk?seed=1&bars=9"
