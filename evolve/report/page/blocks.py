"""Blocks of a page: what a report shows, as frozen data without markup.

A block has a name that is unique in its page.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from evolve.report.page.charts import Cell, CellUnit, Chart, Heatmap, Role


@dataclass(frozen=True)
class Column:
    """Column of a table.

    Attributes:
        heading: its heading.
        unit: unit of its cells.
        about: its meaning in one sentence; empty if the heading is enough.
    """

    heading: str
    unit: CellUnit = "text"
    about: str = ""


@dataclass(frozen=True)
class Table:
    """Table.

    Attributes:
        name: its unique name.
        title: its title.
        columns: its columns.
        rows: one cell per column.
        about: how to read it, in one sentence; empty if its title is enough.
        is_long: whether readers sort, filter and download it.
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    about: str = ""
    is_long: bool = False


@dataclass(frozen=True)
class Text:
    """Paragraph.

    Attributes:
        text: the sentences.
        tone: whether it is plain, a warning, or a label with its sentence.
        label: the label; empty for none.
        role: meaning of the colour of the label.
    """

    text: str
    tone: Literal["plain", "warning", "label"] = "plain"
    label: str = ""
    role: Role = "neutral"


@dataclass(frozen=True)
class Code:
    """Source text with syntax colours.

    Attributes:
        name: its unique name.
        title: its title.
        tokens: pairs of a class (`keyword`, `name`, `operator`, `number`, `string`, `comment`,
            or empty) and a text; the texts joined are the source.
    """

    name: str
    title: str
    tokens: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class DiffLine:
    """Line of two versions of a text side by side; None where a version has no such line."""

    before: str | None
    after: str | None


@dataclass(frozen=True)
class Step:
    """Node of a line of descent.

    Attributes:
        key: short hash of the trial.
        author: who proposed it.
        role: meaning of the colour of the author.
        parents: keys of the parents in the tree.
        text: what is known of it, in lines.
        diff: its source beside that of its first parent; empty for none.
    """

    key: str
    author: str
    role: Role
    parents: tuple[str, ...]
    text: str
    diff: tuple[DiffLine, ...] = ()


@dataclass(frozen=True)
class Tree:
    """Line of descent, from the oldest ancestors to the last step.

    Attributes:
        name: its unique name.
        title: its title.
        about: how to read it, in words.
        steps: the nodes; parents come before their children.
    """

    name: str
    title: str
    about: str
    steps: tuple[Step, ...]


Block = Table | Chart | Heatmap | Text | Code | Tree


@dataclass(frozen=True)
class Section:
    """Section of a page.

    Attributes:
        name: its unique name, which links to it.
        title: its heading.
        blocks: its contents.
    """

    name: str
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Page:
    """Page of a report.

    Attributes:
        title: its title.
        subtitle: what it is about, in one line.
        state: `running`, `stopped`, `finished`, or empty for a page without a run.
        sections: its sections, in reading order.
    """

    title: str
    subtitle: str
    state: Literal["", "running", "stopped", "finished"] = ""
    sections: tuple[Section, ...] = field(default=())
