"""Table of a sweep: medians and ranges over seeds, failures, and what is not comparable."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from statistics import median

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from evolve.experiment.sweep.folder import PointRow
from evolve.experiment.sweep.summary import summarize_sweep
from evolve.report.terminal.sweep import format_row, list_sweep
from tests.golden import golden

GOLDEN = Path(__file__).parent / "golden" / "sweep.txt"
LUCK = "NOT DISTINGUISHED FROM LUCK"


def build_row(number: int, population: int, seed: int) -> PointRow:
    settings = {"search.population": str(population), "seed": str(seed)}
    folder = f"{number}-population={population}-seed={seed}"
    return PointRow(
        number, folder, settings, "finished", objective="appraisal_ratio",
        score=0.5 + number / 10, validation=None if number == 2 else -0.25 * seed,
        trials=population * 15, seconds=11.4 * number, verdict="PASS" if number == 6 else LUCK,
        data="a",
    )  # fmt: skip


def build_rows() -> list[PointRow]:
    points = [(population, seed) for population in (100, 200) for seed in (1, 2, 3)]
    rows = [build_row(number, *point) for number, point in enumerate(points, start=1)]
    error = "cannot write journal.sqlite\n  = free some space"
    rows[3] = replace(rows[3], status="failed", error=error, score=None, verdict="")
    rows[4] = replace(rows[4], status="stopped", data="b")
    return rows


def render(rows: list[PointRow]) -> str:
    console = Console(file=io.StringIO(), width=110, color_system=None)
    for part in list_sweep(summarize_sweep(rows)):
        console.print(part)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    return "\n".join(line.rstrip() for line in str(text).splitlines()) + "\n"


def test_the_table_equals_the_golden_file() -> None:
    rows = build_rows()
    lines = [format_row(row, row.number, len(rows)) for row in rows]
    alone = [replace(each, settings={"search.population": "100"}) for each in rows[:1]]
    golden(GOLDEN, "\n".join([*lines, "", render(rows), render(alone)]))


figures = st.lists(st.none() | st.floats(-9, 9), min_size=1, max_size=6)


@given(figures)
def test_the_spread_is_that_of_the_finished_runs_that_have_the_figure(
    scores: list[float | None],
) -> None:
    rows = [
        PointRow(number, str(number), {"seed": str(number)}, "finished", score=score, verdict=LUCK)
        for number, score in enumerate(scores, start=1)
    ]
    unfinished = replace(rows[0], number=99, status="stopped", score=100.0)
    (group,) = summarize_sweep([*rows, unfinished]).groups
    known = [each for each in scores if each is not None]
    assert group.runs == len(rows) + 1
    assert group.verdicts == {LUCK: len(rows)}
    if not known:
        assert group.score is None
        return
    assert group.score is not None
    assert (group.score.least, group.score.largest) == (min(known), max(known))
    assert (group.score.median, group.score.count) == (median(known), len(known))


def test_without_a_seed_axis_each_run_has_a_row() -> None:
    rows = [replace(each, settings={"x": str(each.number)}) for each in build_rows()]
    summary = summarize_sweep(rows)
    assert not summary.has_seeds
    assert [each.settings for each in summary.groups] == [each.settings for each in rows]
