"""Recipe of a search: what determines its result on given data, besides seed and trials."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from dsl.analysis.program import LANGUAGE_VERSION
from evolve.config.effort import MODEL
from evolve.experiment.input_copies import copy_strategies
from evolve.experiment.plan import LoadedData, Plan, read_plan
from evolve.search.proposers import PROPOSERS
from evolve.store import RunFolder
from evolve.store.files import EXPERIMENT

ASKED_SECTIONS = ("llm", "budget")  # they determine the answers of models
SECTIONS = ("backtest", "language", "start_from", "fitness", "search")
PACKAGE = "evolve-trading"


def build_recipe(plan: Plan, data: LoadedData, models: Sequence[str] = ()) -> dict[str, Any]:
    """Build the recipe of an experiment's search.

    Args:
        plan: the experiment.
        data: its data.
        models: names of the models that propose in the null searches, too.
    """
    files: dict[str, str] = {}
    settings = copy_strategies(plan, files.__setitem__).to_dict()
    recipe = {name: settings[name] for name in SECTIONS}
    proposers = recipe["search"]["proposers"]
    recipe["search"]["proposers"] = {
        name: weight for name, weight in proposers.items() if name != MODEL
    }
    return {
        "versions": _list_versions(),
        "settings": recipe,
        "files": dict(sorted(files.items())),
        "closes_only": sorted(data.split.train.closes_only),
        "models": list(models),
        "asked": {name: settings[name] for name in ASKED_SECTIONS} if models else {},
    }


def is_current(recipe: Mapping[str, Any]) -> bool:
    """Return whether the genetic search of this version gives the results of a recipe."""
    return list(recipe["versions"]) == _list_versions() and not recipe["models"]


@contextmanager
def open_recipe(recipe: Mapping[str, Any], seed: int) -> Iterator[Plan]:
    """Yield the plan of a recipe.

    Raises:
        EvolveError, LanguageError: if its settings or strategies are no longer valid.
    """
    settings = {"name": "earlier", "seed": seed, "data": {"from": "sample:sp500"}}
    settings |= {**recipe["settings"], "search": _complete_search(recipe["settings"]["search"])}
    with TemporaryDirectory(prefix="evolve-") as name:
        folder = RunFolder(Path(name))
        for path, text in recipe["files"].items():
            folder.write_text(path, text)
        folder.write_text(EXPERIMENT, yaml.safe_dump(settings))
        yield read_plan(folder.path / EXPERIMENT)


def _complete_search(search: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a search with weight 0 for each proposer that its recipe lacks."""
    return {**search, "proposers": {**dict.fromkeys(PROPOSERS, 0), **search["proposers"]}}


def _list_versions() -> list[str]:
    return [version(PACKAGE), LANGUAGE_VERSION]
