"""Colours of roles on a light and on a dark ground.

The hues are those of Okabe and Ito, "Color Universal Design" (2008), which people with a colour
vision deficiency tell apart. Their lightness is adjusted to each ground.
"""

from __future__ import annotations

from typing import NamedTuple

from evolve.report.page.charts import Role


class Shade(NamedTuple):
    """Colour of a role on each ground, as `#rrggbb`."""

    light: str
    dark: str


PALETTE: dict[Role, Shade] = {
    "strategy": Shade("#0072b2", "#56b4e9"),
    "benchmark": Shade("#6b6b6b", "#a8a8a8"),
    "luck": Shade("#a35200", "#e69f00"),
    "train": Shade("#56b4e9", "#0072b2"),
    "validation": Shade("#009e73", "#009e73"),
    "holdout": Shade("#cc79a7", "#cc79a7"),
    "good": Shade("#00704f", "#2fc79a"),
    "bad": Shade("#b34700", "#ff8a4c"),
    "neutral": Shade("#6b6b6b", "#a8a8a8"),
    "long": Shade("#00704f", "#2fc79a"),
    "short": Shade("#b34700", "#ff8a4c"),
    "genetic": Shade("#0072b2", "#56b4e9"),
    "model": Shade("#a35200", "#e69f00"),
    "seed": Shade("#6b6b6b", "#a8a8a8"),
}
