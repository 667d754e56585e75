"""Lines of the live display: each figure, at each width."""

from __future__ import annotations

import io
import math
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from evolve.llm.transport.usage import CallLimits, Cost
from evolve.report.terminal.progress import (
    LATELY_EPOCHS,
    RunProgress,
    SearchState,
    format_duration,
    list_progress,
)
from evolve.search.best_curve import CurvePoint
from evolve.search.proposer_stats import ProposerStats
from evolve.validation.null_run import NullRun
from evolve.validation.null_search import NullResult
from tests.golden import golden

GOLDEN = Path(__file__).parent / "golden"
ARM = "a-model-with-a-rather-long-name-of-a-vendor/simplify"


def stats(crossover: tuple[int, int], tune: tuple[int, int]) -> dict[str, ProposerStats]:
    counts = {"crossover": crossover, "tune": tune, ARM: (10, 10)}
    return {
        name: ProposerStats(proposed=proposed, accepted=accepted)
        for name, (proposed, accepted) in counts.items()
    }


SEARCH = SearchState(
    epoch=12, evaluated=2_500, budget=10_000, bests=(math.nan, 0.1, 0.3, 0.3, 0.84),
    stats=(stats((400, 100), (400, 10)), stats((460, 110), (440, 40))), seconds=5.0,
)  # fmt: skip
MODEL = RunProgress(
    SEARCH, spent=Cost(7, 31_200, 2_100, 0.01234), limits=CallLimits(20, 100_000, 1.0),
    planned_nulls=19,
)  # fmt: skip


def null_run(*bests: float | None) -> NullRun:
    results = tuple(
        NullResult(number, best, 2_500, False, (CurvePoint(2_500, best),))
        for number, best in enumerate(bests, start=1)
    )
    return NullRun(0.84, 2_500, 19, results)


NULLS = replace(MODEL, is_searched=True, null=null_run(0.9, None, 0.2), null_seconds=30.0)
STATES = {
    "begin": RunProgress(SearchState(0, 0, 10_000)),
    "search": MODEL,
    "waiting": replace(MODEL, step="waiting for the model, at most `llm.wait_seconds`"),
    "finalists": replace(NULLS, null=None, null_seconds=0.0, step="testing the finalists"),
    "nulls": NULLS,
}


def render(state: RunProgress, width: int, is_ascii: bool = False) -> list[str]:
    out = io.StringIO()
    console = Console(file=out, width=width, color_system=None)
    for each in list_progress(state, width, is_ascii):
        console.print(each)
    return [line.rstrip() for line in out.getvalue().splitlines()]


def test_the_lines_are_those_of_the_golden_file() -> None:
    pages = [
        "\n".join([f"== {name}, {width} columns", *render(state, width)])
        for width in (80, 40)
        for name, state in STATES.items()
    ]
    golden(GOLDEN / "progress.txt", "\n".join(pages) + "\n")


@pytest.mark.parametrize("width", [12, 25, 40, 80, 200])
def test_no_line_is_longer_than_the_terminal(width: int) -> None:
    for state in STATES.values():
        assert all(len(line) <= width for line in render(state, width))


def test_a_search_shows_its_speed_its_cost_and_its_proposers() -> None:
    text = " ".join(render(MODEL, 200))
    assert "2,500 of 10,000 trials, 500/s" in text
    assert "0.84" in text
    assert "7 of 20 calls, 33,300 of 100,000 tokens, $0.0123 of $1.00" in text
    assert "proposed: crossover 60%, tune 40%" in text  # 60 and 40 since the first counts
    assert "accepted: tune 75%, crossover 25%" in text  # 30 and 10
    assert "model: simplify" not in text  # no proposal lately


def test_a_share_that_is_rounded_to_zero_is_not_zero() -> None:
    few = replace(SEARCH, stats=(stats((0, 1), (0, 0)), stats((1, 1), (999, 1))))
    text = " ".join(render(replace(MODEL, search=few), 200))
    assert "proposed: tune 100%, crossover <1%" in text


def test_without_limits_only_the_cost_is_shown() -> None:
    text = " ".join(render(replace(MODEL, limits=CallLimits()), 200))
    assert "7 calls, 33,300 tokens, $0.0123" in text
    assert "model" not in " ".join(render(replace(MODEL, spent=None), 200))


def test_the_time_left_covers_the_search_and_the_shuffled_searches() -> None:
    assert render(MODEL, 200)[-1] == (
        "left  15 s for the search, at most about 6:35 with the shuffled searches"
    )  # 7,500 trials at 500 a second; 19 searches of 20 s
    assert render(replace(MODEL, since_change=5.0), 200)[-1].startswith("left  10 s for the search")
    assert render(replace(MODEL, planned_nulls=0), 200)[-1] == "left  15 s for the search"
    assert render(NULLS, 200)[-1] == "left  at most about 2:40"  # 16 searches of 10 s
    alone = replace(MODEL, search=replace(SEARCH, has_rate=False))
    assert not any(line.startswith("left") for line in render(alone, 200))
    assert "/s" not in " ".join(render(alone, 200))


def test_null_searches_are_counted_as_done_and_beaten() -> None:
    assert "3 of 19 searches on shuffled prices, beaten 2; the last reached 0.20" in " ".join(
        render(NULLS, 200)
    )
    assert "0 of 19 searches on shuffled prices" in " ".join(render(STATES["finalists"], 200))
    assert "luck" not in " ".join(render(MODEL, 200))


def test_a_terminal_without_blocks_has_ascii_only() -> None:
    assert all(line.isascii() for state in STATES.values() for line in render(state, 80, True))


def test_a_search_counts_its_first_epochs_in_full() -> None:
    first = replace(SEARCH, stats=SEARCH.stats[:1])
    assert first.lately["crossover"].proposed == 400
    assert replace(SEARCH, stats=()).lately == {}
    assert LATELY_EPOCHS > 1


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-3, "0 s"), (0.4, "0 s"), (59.4, "59 s"), (59.6, "1:00"), (3599, "59:59"), (3661, "1:01:01")],
)
def test_durations_have_one_form(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text
