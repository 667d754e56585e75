"""Charts of a page, as frozen data without colours: a colour is a role, which a renderer knows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Role = Literal[
    "strategy", "benchmark", "luck", "train", "validation", "holdout", "good", "bad", "neutral",
    "long", "short", "genetic", "model", "seed",
]  # fmt: skip
"""Meaning of a colour."""

CellUnit = Literal[
    "text", "code", "ratio", "percent", "money", "count", "price", "seconds", "usd", "time",
    "duration", "link",
]  # fmt: skip
"""Unit of the cells of a column: `time` is text in ISO 8601, `percent` a fraction, a
`duration` is in seconds and shown in its largest unit, and a `link` is the name of a run folder,
which links to the page of the run."""

Cell = str | float | int | None
"""Cell of a table; None, or a number that is not finite, for a figure without a value."""


@dataclass(frozen=True)
class Axis:
    """Axis of a chart.

    Attributes:
        title: what it shows, with its unit.
        kind: its scale; the values of a `time` axis are text in ISO 8601.
        unit: unit of its values.
    """

    title: str
    kind: Literal["linear", "log", "time", "category"] = "linear"
    unit: CellUnit = "ratio"


@dataclass(frozen=True)
class Trace:
    """Points of a chart.

    Attributes:
        name: its name in the legend; empty to leave it out of the legend.
        x: horizontal values.
        y: vertical values, one per horizontal value; None interrupts a line.
        kind: how it is drawn.
        role: meaning of its colour.
        hover: text of each point, in lines; empty to show the values. A point with an empty text
            shows nothing.
        symbol: shape of its points, in the names of Plotly.
        is_dashed: whether its line is dashed.
    """

    name: str
    x: tuple[Cell, ...]
    y: tuple[Cell, ...]
    kind: Literal["line", "step", "points", "bars", "area"] = "line"
    role: Role = "strategy"
    hover: tuple[str, ...] = ()
    symbol: str = "circle"
    is_dashed: bool = False


@dataclass(frozen=True)
class Band:
    """Area between two curves.

    Attributes:
        name: its name in the legend.
        x: horizontal values.
        low: its lower edge.
        high: its upper edge.
        role: meaning of its colour.
        is_step: whether its edges change only at the horizontal values.
    """

    name: str
    x: tuple[Cell, ...]
    low: tuple[Cell, ...]
    high: tuple[Cell, ...]
    role: Role = "luck"
    is_step: bool = False


@dataclass(frozen=True)
class Region:
    """Shaded interval of the horizontal axis, over the whole height of a chart.

    Attributes:
        name: its label.
        start, end: its limits.
        role: meaning of its colour.
    """

    name: str
    start: Cell
    end: Cell
    role: Role


@dataclass(frozen=True)
class Mark:
    """Straight line across a chart at one value.

    Attributes:
        name: its label.
        value: the value.
        axis: the axis that has the value.
        role: meaning of its colour.
    """

    name: str
    value: Cell
    axis: Literal["x", "y"] = "x"
    role: Role = "strategy"


@dataclass(frozen=True)
class Chart:
    """Chart with two axes.

    Attributes:
        name: its unique name.
        title: its title.
        about: how to read it and what it shows here, in words: the text beside the picture.
        x: horizontal axis.
        y: vertical axis.
        traces: points, lines and bars.
        bands: areas between two curves.
        regions: shaded intervals.
        marks: straight lines.
        is_tall: whether it needs more height than others.
        is_small: whether it may share a row with other small charts.
    """

    name: str
    title: str
    about: str
    x: Axis
    y: Axis
    traces: tuple[Trace, ...] = ()
    bands: tuple[Band, ...] = ()
    regions: tuple[Region, ...] = ()
    marks: tuple[Mark, ...] = ()
    is_tall: bool = False
    is_small: bool = False


@dataclass(frozen=True)
class Heatmap:
    """Values by two categories, as colours from bad over zero to good.

    Attributes:
        name: its unique name.
        title: its title.
        about: how to read it and what it shows here, in words.
        x: labels of the columns.
        y: labels of the rows.
        values: one value per column, by row; None for no value.
        unit: unit of the values.
    """

    name: str
    title: str
    about: str
    x: tuple[str, ...]
    y: tuple[str, ...]
    values: tuple[tuple[float | None, ...], ...]
    unit: CellUnit = "percent"
