"""`budget.stop: luck`: what it replaces, and what it is refused with."""

from __future__ import annotations

import pytest

from evolve.config.load import parse_experiment, to_yaml
from tests.config.experiments import MINIMAL, parse_errors

WRONG = {
    "budget: {stop: luck, stale_epochs: 5}": "expected `stop` or `stale_epochs`, found both",
    "budget: {stop: luck, minutes: 5}": "expected `stop` or `minutes`, found both",
    "budget: {stop: luck}\nvalidate: {null_runs: 0}": "`validate.null_runs` above 0",
    "budget: {stop: luck}\nvalidate: {null_llm: ask}": "`validate.null_llm: none`",
    "budget: {stop: luck}\nvalidate: {power: true}": "`validate.power: false`",
    "budget: {stop: luck}\nvalidate: {walk_forward: {}}": "`validate.walk_forward: off`",
    "budget: {stop: luck}\nllm: {mode: only}": "a genetic search, not `llm.mode: only`",
    "budget: {stop: luck}\nllm: {mode: only}\nfitness: {scored_on: validation}": (
        "`fitness.scored_on: train` and a genetic search"
    ),
    "budget: {stop: lucky}": "expected",
}


def test_a_search_has_no_such_end_by_default() -> None:
    experiment = parse_experiment(f"{MINIMAL}budget: {{stop: null}}\n", "x.yaml")
    assert experiment == parse_experiment(MINIMAL, "x.yaml")
    assert not experiment.budget.stops_at_luck
    assert "stop:" not in to_yaml(experiment)


def test_it_replaces_the_limit_on_stale_epochs_and_survives_a_round_trip() -> None:
    experiment = parse_experiment(f"{MINIMAL}budget: {{stop: luck}}\n", "x.yaml")
    assert experiment.budget.stops_at_luck
    assert experiment.budget.stale_epochs is None
    assert parse_experiment(to_yaml(experiment), "x.yaml") == experiment


@pytest.mark.parametrize("text", WRONG)
def test_it_is_refused_where_no_null_search_can_precede_the_search(text: str) -> None:
    message = parse_errors(f"{MINIMAL}{text}\n")
    assert WRONG[text] in message
    assert message.count("error[") == 1
