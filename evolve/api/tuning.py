"""Tuning of the constants of a strategy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dsl.analysis.program import Program
from evolve.api.backtesting import read_market
from evolve.api.data import Log, describe_type
from evolve.api.strategy import check, read_source
from evolve.errors import EvolveError

EVALUATIONS = 2000


@dataclass(frozen=True)
class TuneResult:
    """Result of the search over the constants of a strategy.

    Attributes:
        source: text of the strategy with the chosen values.
        strategy: its program.
        trials: number of variants that were scored.
        exceeds_luck: whether the gain exceeds what as many variants give by luck.
        conclusion: what the search found, in plain sentences.
        document: all figures, as `evolve tune --json` prints them.
    """

    source: str
    strategy: Program
    trials: int
    exceeds_luck: bool
    conclusion: str
    document: dict[str, Any]


def tune(
    strategy: str | Path, data: str | Path | Sequence[str | Path], *,
    evaluations: int = EVALUATIONS, seed: int = 1, **costs: Any,
) -> TuneResult:  # fmt: skip
    """Search for better numbers of a strategy on train, and count the trials in the ledger.

    Args:
        strategy: its text, or the path of its file.
        data: a path, a data spec, or several of them.
        evaluations: maximum number of variants, at least 2.
        seed: seed of all random draws, at least 0.
        costs: settings of the section `backtest` of an experiment; see `backtest`.

    Raises:
        LanguageError: with all errors of the strategy.
        EvolveError: if an argument, the strategy or the data are not valid.

    >>> from evolve.api import tune
    >>> text = "strategy s { buy when rsi(close, 2) < 10 sell when rsi(close, 2) > 60 }"
    >>> tune(text, "sample:sp500", evaluations=40).trials
    40
    """
    from evolve.analysis.tunable import find_tunables
    from evolve.data import load
    from evolve.experiment.tune import describe_tuned, split_data, tune_strategy
    from evolve.report.terminal.tuning import conclude
    from evolve.stop import Stop

    for name, value, minimum in (("evaluations", evaluations, 2), ("seed", seed, 0)):
        if not isinstance(value, int) or isinstance(value, bool) or value < minimum:
            expected = f"`{name}`: expected a whole number of at least {minimum}"
            raise EvolveError(f"{expected}, found {value!r}")
    if isinstance(strategy, Program):
        raise EvolveError("expected the text of a strategy, found a program", "give its text")
    program, (text, file) = check(strategy), read_source(strategy)
    specs = [data] if isinstance(data, str | Path) else data
    if not isinstance(specs, list | tuple) or not all(isinstance(e, str | Path) for e in specs):
        hint = 'give a path or a data spec, such as "sample:sp500"'
        raise EvolveError(f"expected a data spec, found {describe_type(data)}", hint)
    log = Log()
    dataset = load([str(each) for each in specs], log)
    loaded = split_data(dataset, read_market(costs))
    tuned = tune_strategy(
        find_tunables(text, file, program.name), loaded, evaluations, seed, Stop(),
        lambda trials, best: None,
    )  # fmt: skip
    return TuneResult(
        tuned.text, check(tuned.text), tuned.tuning.trials, tuned.exceeds_luck, conclude(tuned),
        describe_tuned(tuned),
    )  # fmt: skip
