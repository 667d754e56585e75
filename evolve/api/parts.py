"""Parts of the data on which a backtest may run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

from evolve.api.data import describe_type
from evolve.errors import EvolveError

if TYPE_CHECKING:
    from dsl.bars import Bars
    from evolve.data import DataSplit

Part = Literal["train", "validation"]


def check_part(part: object) -> None:
    """Raise EvolveError if a value is not the name of a part."""
    if isinstance(part, str) and part == "holdout":
        message = "a backtest of a part does not open the holdout"
        raise EvolveError(message, "open that of a run with `evolve holdout open RUN`")
    if not isinstance(part, str) or part not in get_args(Part):
        found = f"`{part}`" if isinstance(part, str) else describe_type(part)
        raise EvolveError(f"`part`: expected `train` or `validation`, found {found}")


def select_part(split: DataSplit, part: Part) -> tuple[Bars, int]:
    """Return the bars up to the end of a part, and the index of its first bar."""
    return (split.train, 0) if part == "train" else (split.seen, split.validation_start)
