"""Colours of roles on a light and on a dark ground, declared once for charts and style sheets.

The hues follow those of Okabe and Ito, "Color Universal Design" (2008), which people with a colour
vision deficiency tell apart. Each colour has a contrast of at least 4.5 to its ground (WCAG 2.2,
success criterion 1.4.3), and roles of one chart differ for people who see no red or no green.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from evolve.report.page.charts import Role

Part = Literal["ground", "surface", "text", "muted", "line", "grid"]
"""Colour of the page that is not a role."""


class Shade(NamedTuple):
    """Colour on each ground, as `#rrggbb`."""

    light: str
    dark: str


PARTS: dict[Part, Shade] = {
    "ground": Shade("#ffffff", "#14171c"),
    "surface": Shade("#f3f5f8", "#1e232a"),
    "text": Shade("#1b1f24", "#e6e9ee"),
    "muted": Shade("#565d66", "#a3acb8"),
    "line": Shade("#858c96", "#6d7682"),
    "grid": Shade("#dfe3e8", "#2e353e"),
}
PALETTE: dict[Role, Shade] = {
    "strategy": Shade("#0072b2", "#56b4e9"),
    "benchmark": Shade("#6b6b6b", "#c2c2c2"),
    "luck": Shade("#8a5a00", "#e69f00"),
    "train": Shade("#0072b2", "#56b4e9"),
    "validation": Shade("#007a59", "#12a67f"),
    "holdout": Shade("#a83279", "#e39ac4"),
    "good": Shade("#005a3c", "#00b98a"),
    "bad": Shade("#a8003a", "#ff8a4c"),
    "neutral": Shade("#6b6b6b", "#c2c2c2"),
    "long": Shade("#005a3c", "#00b98a"),
    "short": Shade("#a8003a", "#ff8a4c"),
    "genetic": Shade("#0072b2", "#56b4e9"),
    "model": Shade("#8a5a00", "#e69f00"),
    "seed": Shade("#6b6b6b", "#c2c2c2"),
}


def list_variables(ground: Literal["light", "dark"]) -> dict[str, str]:
    """List the custom properties of CSS for a ground: `--strategy` and its colour."""
    shades = [*PARTS.items(), *PALETTE.items()]
    return {f"--{name}": getattr(shade, ground) for name, shade in shades}
