"""Opening of the holdout, counted in the ledger."""

from __future__ import annotations

from dataclasses import replace

from evolve.backtest.backtest import backtest
from evolve.experiment.assessed import Assessed
from evolve.experiment.plan import LoadedData
from evolve.validation.family import FamilyTest
from evolve.validation.holdout import MIN_POWER, assess_holdout, holdout_power
from evolve.validation.ledger import Ledger
from evolve.validation.openings import open_prices, required_p_value
from evolve.validation.prices import identify_prices
from evolve.validation.verdict import Evidence


def open_holdout(
    evidence: Evidence, best: Assessed, data: LoadedData, ledger: Ledger, forced: bool = False
) -> Evidence:
    """Open the holdout; return the evidence with its test, or with the reason why it is sealed.

    The opening is written to the ledger before the bars are read. A strategy that the same run
    tested before is tested again under the same number.

    Args:
        evidence: the evidence so far.
        best: the winner.
        data: the data of the run.
        ledger: the ledger, which counts earlier openings.
        forced: whether to open a holdout that cannot confirm the winner.

    Raises:
        EvolveError: if the ledger cannot be read or written, or was changed.
    """
    holdout = data.split.holdout
    if not holdout.bars:
        return replace(evidence, sealed="the split has no holdout")
    power = holdout_power(best.train, holdout.bars)
    evidence = replace(evidence, power=power)
    if power < MIN_POWER and not forced:
        return replace(evidence, sealed=f"it would confirm the winner in {power:.0%} of cases")
    ledger.verify()
    start = len(data.split.seen)
    identity = identify_prices(data.dataset.bars, data.dataset.has_market_symbols, start)
    detail: dict[str, object] = {
        "strategy": best.program.hash, "protocol": evidence.protocol, "trials": evidence.trials,
    }  # fmt: skip
    number = open_prices(
        ledger, identity, detail, lambda n: forced or not _find_refusal(n, evidence.family)
    )
    reason = _find_refusal(number, evidence.family)
    if reason and not forced:
        return replace(evidence, sealed=reason)
    result = backtest(best.program, data.dataset.bars, data.market, start)
    test = assess_holdout(result, number)
    return replace(evidence, sealed="", holdout=test, holdout_result=result)


def _find_refusal(number: int, family: FamilyTest | None) -> str:
    """Return the reason why the n-th opening is refused; empty if it is allowed."""
    required = required_p_value(number)
    pivot = family.pivot if family is not None else None
    if number == 1 or (pivot is not None and pivot <= required):
        return ""
    found = "unknown" if pivot is None else f"{pivot:.2g}"
    times = "once" if number == 2 else f"{number - 1} times"
    return (
        f"these prices were opened {times} before, and another opening needs a p-value of at "
        f"most {required:.2g}, found {found}; use prices that no run has opened"
    )
