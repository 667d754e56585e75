"""Walk-forward and power in the section `validate`."""

from __future__ import annotations

import pytest
import yaml

from evolve.config import Experiment
from evolve.config.load import parse_experiment, to_yaml
from evolve.config.validate import WalkForward
from tests.config.experiments import MINIMAL, parse_errors


def parse(validate: str) -> Experiment:
    return parse_experiment(f"{MINIMAL}validate: {validate}\n", "x.yaml")


@pytest.mark.parametrize("text", ["{}", "{walk_forward: off}", "{walk_forward: null}"])
def test_walk_forward_is_off_by_default(text: str) -> None:
    experiment = parse(text)
    assert experiment.validation.walk_forward is None
    assert not experiment.validation.power
    assert "walk_forward" not in yaml.safe_load(to_yaml(experiment))["validate"]


def test_walk_forward_has_defaults_and_survives_a_round_trip() -> None:
    assert parse("{walk_forward: {}}").validation.walk_forward == WalkForward()
    experiment = parse("{power: true, walk_forward: {windows: 8, anchored: false}}")
    found = WalkForward(windows=8, anchored=False)
    assert experiment.validation.walk_forward == found
    again = parse_experiment(to_yaml(experiment), "x.yaml")
    assert again == experiment


WRONG = {
    "{walk_forward: {windows: 1}}": "expected a value of at least 2, found `1`",
    "{walk_forward: {window: 3}}": "did you mean `windows`",
    "{walk_forward: 5}": "expected a mapping, found `5`",
    "{walk_forward: on}": "expected a mapping, found `on`",
    "{power: maybe}": "expected `true` or `false`, found `maybe`",
}


@pytest.mark.parametrize("text", WRONG)
def test_a_wrong_value_is_an_error(text: str) -> None:
    message = parse_errors(f"{MINIMAL}validate: {text}\n")
    assert WRONG[text] in message
    assert message.count("error[") == 1
