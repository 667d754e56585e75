"""Entry of `start_from` whose strategies have rules that the search does not change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from dsl.syntax.vocabulary import OrderName, SettingName
from evolve.config.section import Section


class StartFile(Section):
    """Strategy file that the search starts from, with fixed rules."""

    file: str = Field(description="strategy file")
    fixed: list[Literal[OrderName, SettingName]] = Field(
        min_length=1, description="rules that every strategy of the search has as in this file"
    )

    def __str__(self) -> str:
        """Return the entry as YAML."""
        return f"{{file: {self.file}, fixed: [{', '.join(self.fixed)}]}}"


def _select_branch(entry: object) -> str:
    return "dict" if isinstance(entry, StartFile | Mapping) else "str"


StartEntry = Annotated[
    Annotated[str, Tag("str")] | Annotated[StartFile, Tag("dict")], Discriminator(_select_branch)
]
