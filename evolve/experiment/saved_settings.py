"""Settings and inputs of a run as its journal has them, which show what was changed by hand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from hashlib import blake2b
from pathlib import Path
from typing import Any

import yaml

from evolve.config import Experiment
from evolve.config.load import parse_experiment
from evolve.errors import EvolveError
from evolve.experiment.result_reader import HINT
from evolve.experiment.run_events import SettingsEvent
from evolve.store.files import EXPERIMENT, INPUTS


def describe_settings(settings: Experiment, folder: Path) -> dict[str, Any]:
    """Describe the settings of a run folder and the files in its inputs, for an event."""
    return {"settings": settings.to_dict(), "inputs": dict(_list_inputs(folder))}


def restore_settings(
    event: SettingsEvent, changes: Sequence[Mapping[str, Any]], folder: Path
) -> Experiment:
    """Restore the settings of a run.

    Args:
        event: the settings with which it began.
        changes: the changes of each time that it went on: values before and after, by name.
        folder: its folder.

    Raises:
        ConfigError: if they are damaged.
    """
    settings = deepcopy(event.settings)
    for name, (_, value) in (pair for each in changes for pair in each.items()):
        *sections, last = name.split(".")
        section = settings
        for each in sections:
            section = section.setdefault(each, {})
        section[last] = value
    text = yaml.safe_dump(settings, sort_keys=False)
    return parse_experiment(text, f"{folder / EXPERIMENT}, as the journal has it")


def check_inputs(event: SettingsEvent, folder: Path) -> None:
    """Check that the inputs of a run folder are those with which the run began.

    Raises:
        EvolveError: if one was changed, added or deleted.
    """
    found = dict(_list_inputs(folder))
    for name in dict.fromkeys([*event.inputs, *found]):
        if event.inputs.get(name) != found.get(name):
            raise EvolveError(f"{folder / name} is not that of the run", HINT)


def _list_inputs(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield the path and the hash of each file in the inputs of a run folder."""
    for path in sorted((folder / INPUTS).rglob("*")):
        if path.is_file() and not path.name.startswith("."):
            digest = blake2b(path.read_bytes(), digest_size=16).hexdigest()
            yield path.relative_to(folder).as_posix(), digest
