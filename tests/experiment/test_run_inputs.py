"""Inputs of a run: the problem that is built from them equals that of the run, bit for bit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import evolve.data.sources.yahoo
from evolve.config.load import to_yaml
from evolve.data.generators import random_walk
from evolve.data.source import UnreachableError
from evolve.data.tables.frames import bars_to_frame
from evolve.errors import EvolveError
from evolve.experiment.input_copies import copy_inputs
from evolve.experiment.plan import LoadedData, Plan, build_problem, read_plan
from evolve.experiment.result import data_document, describe_parts
from evolve.experiment.result_parts import DataDocument
from evolve.experiment.run_inputs import (
    RunInputs,
    build_run_inputs,
    open_inputs,
    parse_run_inputs,
    read_run_inputs,
)
from evolve.notices import NoticeList
from evolve.search.prior import PRIORS, PriorName
from evolve.search.problem import SearchProblem
from evolve.search.progress import Budget
from evolve.search.search import search
from evolve.store import RunFolder

EXPERIMENT = """
name: case
seed: 3
data: {from: %s}
fitness: {folds: 2, require: {trades_per_fold: 2}}
language: {max_nodes: 25}
search: {islands: 2, population: 12, generations_per_epoch: 2}
budget: {evaluations: 60}
workers: 1
"""
OPERATORS = "define dip(x: number, n: window = 20) -> change = x / highest(x, n) - 1"
SEEDS = """
strategy first {
  param n = 5 in 2..30
  buy when dip(close, n) < -0.02
  sell when dip(close) > -0.01
}
strategy second { buy when close > sma(close, 50)  sell when close < sma(close, 50)  stop 3% }
"""


def write_prices(path: Path, has_volume: bool = True) -> None:
    bars = random_walk(600, seed=5)
    bars = bars if has_volume else replace(bars, volume=np.zeros((1, 600)))
    bars_to_frame(bars).to_csv(path, index=False)


def prepare_panel(folder: Path) -> str:
    write_prices(folder / "B.csv")
    return (
        EXPERIMENT
        % '["synthetic:regime?seed=1&bars=900", "synthetic:garch?seed=2&bars=700", B.csv]'
    )


def prepare_fallback(folder: Path) -> str:
    data = "yahoo:SPY, fallback: 'synthetic:walk?bars=500&seed=3'"
    return EXPERIMENT % data + "split: {validation: 20%, fallback: {train: 50%, validation: 30%}}"


def prepare_closes(folder: Path) -> str:
    return EXPERIMENT % '["sample:sp500", "synthetic:garch?seed=2&bars=700"]'


def prepare_operators(folder: Path) -> str:
    (folder / "own.evo").write_text(OPERATORS)
    (folder / "seeds.evo").write_text(SEEDS)
    text = EXPERIMENT % "'synthetic:walk?bars=600&seed=3'"
    text = text.replace("{max_nodes: 25}", "{max_nodes: 25, include: [own.evo]}")
    return text + "start_from: [seeds.evo]"


def prepare_volume(folder: Path) -> str:
    write_prices(folder / "V.csv", has_volume=False)
    return EXPERIMENT % "V.csv"


Case = tuple[Callable[[Path], str], Callable[[Plan, LoadedData], bool]]
CASES: dict[str, Case] = {
    "panel": (prepare_panel, lambda plan, data: len(data.split.train.symbols) == 3),
    "fallback": (prepare_fallback, lambda plan, data: data.dataset.fallback_used),
    "closes only": (prepare_closes, lambda plan, data: bool(data.split.train.closes_only)),
    "operators": (prepare_operators, lambda plan, data: len(plan.start_from) == 2),
    "no volume": (
        prepare_volume, lambda plan, data: build_problem(plan, data).space != plan.space,
    ),
}  # fmt: skip


@pytest.fixture(scope="module", params=CASES)
def case(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Plan, LoadedData]:
    """Return the plan and the data of a case."""
    folder = tmp_path_factory.mktemp("case")
    prepare, is_the_case = CASES[request.param]
    (folder / "case.yaml").write_text(prepare(folder))
    plan = read_plan(folder / "case.yaml")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evolve.data.sources.yahoo, "download", refuse)
        data = plan.load(NoticeList())
    assert is_the_case(plan, data)
    return plan, data


def refuse(symbol: str, interval: str) -> None:
    raise UnreachableError(f"yahoo:{symbol}: Yahoo could not be reached")


def describe(problem: SearchProblem) -> list[tuple[str, object]]:
    """Return all trials of a search with their scores."""
    states = search(problem, Budget(60))
    return [(trial.program.hash, trial.scores) for each in states for trial in each.trials]


def test_the_search_from_inputs_equals_that_of_the_run(case: tuple[Plan, LoadedData]) -> None:
    plan, data = case
    inputs = parse_run_inputs(build_run_inputs(plan, data).content)
    opened = inputs.open()
    assert opened.seen.hash == data.split.seen.hash
    assert opened.fitness.bars.hash == data.split.train.hash
    assert opened.fitness.bars.closes_only == data.split.train.closes_only
    trials = describe(build_problem(plan, data))
    assert len(trials) >= 60
    assert describe(opened.problem) == trials


def test_the_inputs_of_a_run_folder_are_those_of_its_plan(
    case: tuple[Plan, LoadedData], tmp_path: Path
) -> None:
    plan, data = case
    folder = RunFolder.create("case", tmp_path / "run")
    folder.write_text("experiment.yaml", to_yaml(copy_inputs(plan, folder)))
    folder.write_bars(data.dataset.bars)
    document = data_document(data.dataset) | {"parts": describe_parts(data.split)}
    inputs = read_run_inputs(folder.path, DataDocument.model_validate(document))
    built = build_run_inputs(plan, data)
    assert inputs == built
    assert inputs.content == built.content
    assert parse_run_inputs(inputs.content) == inputs


def small_inputs(folder: Path) -> RunInputs:
    (folder / "case.yaml").write_text(prepare_operators(folder))
    plan = read_plan(folder / "case.yaml")
    return build_run_inputs(plan, plan.load(NoticeList()))


def test_a_changed_file_is_another_content_and_other_bars_are_refused(tmp_path: Path) -> None:
    inputs = small_inputs(tmp_path)
    assert sorted(inputs.files) == [
        "bars.parquet", "experiment.yaml", "inputs/own.evo", "inputs/seeds.evo",
    ]  # fmt: skip
    for name, content in inputs.files.items():
        changed = replace(inputs, files={**inputs.files, name: content + b" "})
        assert changed.content != inputs.content
    other = inputs.origin.model_copy(update={"hash": "0" * 32})
    with pytest.raises(EvolveError, match="not the snapshot of the run"):
        open_inputs(replace(inputs, origin=other))


@pytest.mark.parametrize("name", ["../x.evo", "/x.evo", "inputs/../../x", "C:x", "a\\..\\b"])
def test_paths_outside_of_the_folder_are_refused(name: str, tmp_path: Path) -> None:
    inputs = small_inputs(tmp_path)
    harmful = replace(inputs, files={**inputs.files, name: b""})
    with pytest.raises(EvolveError, match="expected a path in its folder"):
        parse_run_inputs(harmful.content)


@pytest.mark.parametrize("cut", [0, 10, -10])
def test_damaged_content_is_refused(cut: int, tmp_path: Path) -> None:
    with pytest.raises(EvolveError, match="damaged inputs"):
        parse_run_inputs(small_inputs(tmp_path).content[:cut])


@pytest.mark.parametrize("name", PRIORS)
def test_the_prior_of_the_settings_is_that_of_the_search(name: PriorName, tmp_path: Path) -> None:
    path = tmp_path / "case.yaml"
    path.write_text(EXPERIMENT % "'synthetic:walk?bars=500&seed=3'")
    plan = read_plan(path, (f"language.prior={name}",))
    problem = build_problem(plan, plan.load(NoticeList()))
    assert problem.space.prior == PRIORS[name]
    assert (read_plan(path).space.prior == PRIORS[name]) == (name == "usual")
