"""Section of an experiment for the test of its result."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from evolve.config.section import Section, tightened_by

MIN_NULL_RUNS, THOROUGH_NULL_RUNS = 19, 99
MAX_NULL_RUNS = 9999


class Validate(Section):
    """Test of the result: is it better than luck?"""

    null_runs: int | Literal["thorough"] = tightened_by(
        "up", MIN_NULL_RUNS, unit="searches",
        description="maximum number of searches on shuffled prices; `thorough` for "
        f"{THOROUGH_NULL_RUNS}, 0 for no test",
    )  # fmt: skip
    null_llm: Literal["none", "ask"] = Field(
        "none", description="models in the searches on shuffled prices: `none`, or `ask` for new "
        "answers on each of them, within the limits of the run for each",
    )  # fmt: skip
    holdout: Literal["auto", "sealed"] = tightened_by(
        "up", "auto",
        description="opening of the holdout: `auto` if the null run passes, `sealed` for never",
    )  # fmt: skip

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
