"""Performance of a run: the figures of its result, and none of bars that may not be seen."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from evolve.backtest.backtest import backtest
from evolve.backtest.metrics import METRICS
from evolve.errors import EvolveError
from evolve.experiment.run_view import RunView, read_view
from evolve.report.formats import format_value
from evolve.report.page import performance
from evolve.report.page.blocks import Block
from evolve.store import RESULT
from tests.experiment.small_runs import EDGE, run_small
from tests.report.page.pages import change_prices, change_result
from tests.report.page.records import by_name, column


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a run whose holdout is sealed."""
    base = tmp_path_factory.mktemp("performance")
    return run_small(base, EDGE, "validate.null_runs=0").folder


@pytest.fixture
def copy(folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(folder, tmp_path / "run"))


def build(view: RunView) -> list[Block]:
    return list(performance.iterate_blocks(view))


def open_holdout(view: RunView) -> RunView:
    return change_result(view, holdout={**view.result["holdout"], "sealed": False})


def parts_of(blocks: list[Block]) -> list[str]:
    return [region.name for region in by_name(blocks)["equity"].regions]


def test_metrics_by_part_are_those_of_the_result(folder: Path) -> None:
    table = by_name(build(read_view(folder)))["metrics"]
    best = json.loads((folder / RESULT).read_text("utf-8"))["best"]
    for part in ("train", "validation"):
        for heading, metrics in (
            (part, best["metrics"]), (f"buy and hold on {part}", best["benchmark"]),
        ):  # fmt: skip
            values = {
                name: np.nan if each is None else each for name, each in metrics[part].items()
            }
            assert column(table, heading) == [
                format_value(values[name], METRICS[name].unit) for name in METRICS
            ]


def test_costs_and_last_equity_on_train_are_those_of_the_result(folder: Path) -> None:
    found = by_name(build(read_view(folder)))
    result = json.loads((folder / RESULT).read_text("utf-8"))
    rows = result["robustness"]["costs"]
    assert column(found["costs"], "appraisal ratio")[:3] == [each["metric"] for each in rows]
    assert column(found["costs"], "total return")[:3] == [each["total_return"] for each in rows]
    (own,) = [each for each in found["equity"].traces if each.name == "strategy"]
    gap = own.y.index(None)
    for value, part in ((own.y[gap - 1], "train"), (own.y[-1], "validation")):
        assert value == pytest.approx(result["best"]["metrics"][part]["final_equity"], rel=1e-7)


def test_no_figure_depends_on_a_sealed_holdout(folder: Path, copy: Path) -> None:
    sealed = read_view(folder)
    change_prices(copy, len(sealed.data.split.seen))
    other = read_view(copy)
    assert sealed.data.dataset.bars.hash != other.data.dataset.bars.hash
    assert parts_of(build(sealed)) == ["train", "validation"]
    assert build(sealed) == build(other)
    assert build(open_holdout(sealed)) != build(open_holdout(other))


def test_an_opened_holdout_is_a_part_like_the_others(folder: Path) -> None:
    view = open_holdout(read_view(folder))
    found = by_name(build(view))
    assert parts_of(build(view)) == ["train", "validation", "holdout"]
    assert view.best is not None
    data = view.data
    expected = backtest(view.best, data.dataset.bars, data.market, len(data.split.seen))
    assert column(found["metrics"], "holdout") == [
        format_value(expected.metrics[name], METRICS[name].unit) for name in METRICS
    ]
    assert column(found["trades"], "part").count("holdout") == len(expected.trades)
    assert set(column(found["costs"], "part")) == {"train", "validation", "holdout"}


def test_before_the_result_only_train_is_shown(folder: Path, copy: Path) -> None:
    (copy / RESULT).unlink()
    blocks = build(read_view(copy))
    assert parts_of(blocks) == ["train"]
    assert "validation" not in repr(blocks)
    assert by_name(blocks)["metrics"].rows == tuple(
        (*row[:3], row[-1]) for row in by_name(build(read_view(folder)))["metrics"].rows
    )


def test_a_run_without_a_strategy_has_no_performance(copy: Path) -> None:
    (copy / RESULT).unlink()
    (copy / "best.evo").unlink()
    assert build(read_view(copy)) == []


def test_a_strategy_that_its_user_changed_replaces_no_result_of_the_run(
    folder: Path, copy: Path
) -> None:
    (copy / "best.evo").write_text("strategy other { buy when close > open }", "utf-8")
    assert build(read_view(copy)) == build(read_view(folder))
    result = json.loads((copy / RESULT).read_text("utf-8"))
    result["best"]["source"] = "strategy other { buy when close > open }"
    (copy / RESULT).write_text(json.dumps(result), "utf-8")
    with pytest.raises(EvolveError, match="expected the source of the winner"):
        build(read_view(copy))
