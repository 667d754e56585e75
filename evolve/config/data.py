"""Sections of an experiment for its data and their split."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from evolve.config.percentage import Fraction
from evolve.config.section import Day, Section, measured_in
from evolve.data.split import SplitSizes


def _select_branch(value: object) -> str:
    return "list[str]" if isinstance(value, list) else "str"


Specs = Annotated[
    Annotated[str, Tag("str")] | Annotated[list[str], Field(min_length=1), Tag("list[str]")],
    Discriminator(_select_branch),
]


class Data(Section):
    """Source of the bars."""

    source: Specs = Field(
        alias="from", description="data spec, such as yahoo:SPY, or a list of data specs"
    )
    start: Day | None = Field(None, description="first day; earlier bars are dropped")
    end: Day | None = Field(None, description="last day; later bars are dropped")
    fallback: Specs | None = Field(
        None, description="data spec that is used if a source cannot be reached"
    )

    @model_validator(mode="after")
    def _check_range(self) -> Data:
        if self.start is not None and self.end is not None and self.start > self.end:
            raise ValueError(f"`start` {self.start} is after `end` {self.end}")
        return self


_SIZES = SplitSizes()


class Parts(Section):
    """Split of the bars: fractions, or the first days of validation and holdout."""

    train: Fraction | None = measured_in(
        "fraction of the bars",
        None,
        description="bars that the search scores on; null for the rest",
    )
    validation: Fraction | Day = measured_in(
        "fraction of the bars, or its first day", _SIZES.validation,
        description="bars that rank the shortlist beside the score; the search does not see them",
    )  # fmt: skip
    holdout: Fraction | Day | Literal["none"] = measured_in(
        "fraction of the bars, or its first day",
        round(1 - _SIZES.train - _SIZES.validation, 9),
        description="sealed bars, which the run does not use",
    )
    fallback: Parts | None = Field(
        None, description="split of the bars of `data.fallback`; null for the same split"
    )

    @model_validator(mode="after")
    def _check_parts(self) -> Parts:
        first, second = self.validation, self.holdout
        if second == "none":
            second = first if isinstance(first, date) else 0.0
        elif isinstance(first, date) != isinstance(second, date):
            raise ValueError("expected validation and holdout both as dates or both as fractions")
        if isinstance(first, date) and isinstance(second, date):
            if first >= second and self.holdout != "none":
                raise ValueError("validation must begin before holdout")
            if self.train is not None:
                raise ValueError("`train` cannot be set if validation is a date")
        elif isinstance(first, float) and isinstance(second, float):
            whole = (self.train or 1 - first - second) + (first + second)
            if abs(whole - 1) > 1e-9 or first + second >= 1:
                found = max(whole, first + second)
                raise ValueError(f"expected parts that add up to 100%, found {found:.0%}")
        return self

    @property
    def has_holdout(self) -> bool:
        """True if the split has a holdout."""
        return self.holdout != "none"

    def sizes(self) -> SplitSizes:
        """Return the sizes of the parts."""
        first, second = self.validation, self.holdout
        if isinstance(first, date):
            until = second if isinstance(second, date) else None
            return SplitSizes(
                validation_from=first, holdout_from=until, has_holdout=self.has_holdout
            )
        sealed = second if isinstance(second, float) else 0.0
        return SplitSizes(1 - first - sealed, first, has_holdout=self.has_holdout)
