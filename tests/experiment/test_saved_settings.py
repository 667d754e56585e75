"""Settings that changed when a run went on: they are restored from the changes in its journal."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest

from evolve.config import Experiment
from evolve.config.load import parse_experiment
from evolve.experiment.changes import list_setting_changes
from evolve.experiment.run_events import SettingsEvent
from evolve.experiment.saved_settings import describe_settings, restore_settings

SETTINGS = (
    "validate: {walk_forward: off}",
    "validate: {walk_forward: {windows: 3}, power: true}",
    "validate: {walk_forward: {windows: 4, anchored: false}}",
    "budget: {minutes: 5, stale_epochs: null}",
    "workers: {cluster: 'tcp://127.0.0.1:8786'}",
    "search: {proposers: {crossover: 9}}",
    "fitness: {require: {trades_per_fold: 8}}",
    "llm: {models: [{name: a, extra_body: {x.y: {z: 1}}}], replay: other}",
)


def parse(text: str) -> Experiment:
    return parse_experiment(f"data: {{from: a.csv}}\n{text}\n", "test")


@pytest.mark.parametrize(("before", "after"), list(pairwise(SETTINGS)))
def test_any_change_of_settings_is_restored(before: str, after: str, tmp_path: Path) -> None:
    first, second = parse(before), parse(after)
    event = SettingsEvent.model_validate(describe_settings(first, tmp_path))
    changes = {each.name: each[1:] for each in list_setting_changes(first, second)}
    recorded = json.loads(json.dumps(changes))
    assert restore_settings(event, [recorded], tmp_path) == second
    back = {each.name: each[1:] for each in list_setting_changes(second, first)}
    assert restore_settings(event, [recorded, back], tmp_path) == first


def test_a_section_that_begins_or_ends_is_one_change() -> None:
    without, with_windows = map(parse, SETTINGS[:2])
    texts = [each.text for each in list_setting_changes(without, with_windows)]
    assert texts == [
        "validate.power from false to true",
        "validate.walk_forward from none to {windows: 3, anchored: true}",
    ]
