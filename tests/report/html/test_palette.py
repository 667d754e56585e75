"""Colours of roles: contrast to their grounds, and distance for people who see fewer colours."""

from __future__ import annotations

from itertools import chain, combinations, product
from typing import Literal, get_args

import numpy as np
import pytest

from evolve.report.html.figure import CELL_OPACITY
from evolve.report.html.palette import PALETTE, PARTS, list_variables
from evolve.report.page.charts import Role
from tests.report.html.colors import VISIONS, blend, contrast, see

Ground = Literal["light", "dark"]
GROUNDS: tuple[Ground, ...] = get_args(Ground)
MIN_TEXT_CONTRAST, MIN_SHAPE_CONTRAST = 4.5, 3.0
MIN_DISTANCE = 15.0  # of CIELAB (1976); about 2.3 is just noticeable

# Roles that appear in one chart; `train` and `strategy`, and aliases of a meaning, share a colour.
TOGETHER: tuple[tuple[Role, ...], ...] = (
    ("strategy", "benchmark", "luck", "bad"),
    ("strategy", "good", "bad", "neutral"),
    ("train", "validation", "holdout"),
    ("validation", "luck"),
    ("long", "short", "benchmark"),
    ("long", "strategy"),
    ("genetic", "model", "seed"),
)

PAIRS = sorted(set(chain.from_iterable(combinations(each, 2) for each in TOGETHER)))


@pytest.mark.parametrize("ground", GROUNDS)
def test_every_role_is_legible_as_text_on_both_surfaces(ground: Ground) -> None:
    colors = list_variables(ground)
    names = [*PALETTE, "text", "muted"]
    low = {
        (name, under): round(contrast(colors[f"--{name}"], colors[f"--{under}"]), 2)
        for name, under in product(names, ("ground", "surface"))
        if contrast(colors[f"--{name}"], colors[f"--{under}"]) < MIN_TEXT_CONTRAST
    }
    assert low == {}


@pytest.mark.parametrize("ground", GROUNDS)
def test_values_are_legible_in_the_strongest_cells_of_a_heatmap(ground: Ground) -> None:
    colors = list_variables(ground)
    for role in ("--good", "--bad"):
        cell = blend(colors[role], colors["--ground"], CELL_OPACITY)
        assert contrast(colors["--text"], cell) >= MIN_TEXT_CONTRAST, (role, cell)


@pytest.mark.parametrize("ground", GROUNDS)
def test_lines_of_axes_and_borders_of_controls_are_visible(ground: Ground) -> None:
    colors = list_variables(ground)
    assert contrast(colors["--line"], colors["--ground"]) >= MIN_SHAPE_CONTRAST
    assert contrast(colors["--line"], colors["--surface"]) >= MIN_SHAPE_CONTRAST


@pytest.mark.parametrize("vision", VISIONS)
@pytest.mark.parametrize("ground", GROUNDS)
def test_roles_of_one_chart_are_told_apart(ground: Ground, vision: str) -> None:
    colors = list_variables(ground)
    distances = {
        pair: float(
            np.linalg.norm(np.subtract(*[see(colors[f"--{role}"], vision) for role in pair]))
        )
        for pair in PAIRS
    }
    assert {pair: value for pair, value in distances.items() if value < MIN_DISTANCE} == {}


def test_every_role_and_part_has_a_property() -> None:
    assert set(PALETTE) == set(get_args(Role))
    assert list(list_variables("dark")) == [f"--{name}" for name in (*PARTS, *PALETTE)]


def test_the_formulas_agree_with_published_values() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)  # WebAIM
    # Lindbloom: sRGB red, green and blue in CIELAB under D65.
    for color, lab in (
        ("#ff0000", (53.24, 80.09, 67.20)),
        ("#00ff00", (87.73, -86.18, 83.18)),
        ("#0000ff", (32.30, 79.19, -107.86)),
    ):
        assert see(color, "normal") == pytest.approx(lab, abs=0.02)
