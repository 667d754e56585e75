"""Section of an experiment for the test of its result."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, field_validator

from evolve.config.section import Section, measured_in

MIN_NULL_RUNS, THOROUGH_NULL_RUNS = 19, 99
MAX_NULL_RUNS = 9999
MIN_WINDOWS, MAX_WINDOWS = 2, 100
OFF = "off"


class WalkForward(Section):
    """Walk-forward: the search repeated on earlier bars, its winner traded on later ones."""

    windows: int = measured_in(
        "windows", 5, ge=MIN_WINDOWS, le=MAX_WINDOWS,
        description="number of equal parts of the second half of train and validation; each is "
        "traded by the winner of a search on the bars before",
    )  # fmt: skip
    anchored: bool = Field(
        True,
        description="search on all bars before a window; false for as many as before the first",
    )


def _parse_walk_forward(value: object) -> object:
    return None if value == OFF else value


class Validate(Section):
    """Test of the result: is it better than luck?"""

    null_runs: int | Literal["thorough"] = measured_in(
        "searches", MIN_NULL_RUNS,
        description="maximum number of searches on shuffled prices; `thorough` for "
        f"{THOROUGH_NULL_RUNS}, 0 for no test",
    )  # fmt: skip
    null_llm: Literal["none", "ask"] = Field(
        "none", description="models in the searches on shuffled prices: `none`, or `ask` for new "
        "answers on each of them, within the limits of the run for each",
    )  # fmt: skip
    holdout: Literal["auto", "sealed"] = Field(
        "auto",
        description="opening of the holdout: `auto` if the null run passes, `sealed` for never",
    )  # fmt: skip
    power: bool = Field(
        False,
        description="measure how often the search finds planted edges of growing size; it takes "
        "about 40 searches, and the null searches in full",
    )
    walk_forward: Annotated[
        WalkForward | None,
        BeforeValidator(
            _parse_walk_forward, json_schema_input_type=WalkForward | Literal["off"] | None
        ),
    ] = Field(
        None, description="repetition of the search in windows, a view of stability and no test"
    )

    @field_validator("null_runs", mode="before")
    @classmethod
    def _check_null_runs(cls, value: object) -> object:
        is_count = type(value) is int and (value == 0 or MIN_NULL_RUNS <= value <= MAX_NULL_RUNS)
        if value != "thorough" and not is_count:
            raise ValueError(
                f"expected 0, `thorough`, or a whole number from {MIN_NULL_RUNS} to "
                f"{MAX_NULL_RUNS}; fewer than {MIN_NULL_RUNS} cannot show p = 0.05"
            )
        return value

    @property
    def max_null_runs(self) -> int:
        """Maximum number of null searches."""
        return THOROUGH_NULL_RUNS if self.null_runs == "thorough" else int(self.null_runs)
