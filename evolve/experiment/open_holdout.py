"""Opening of the holdout, at most once for each strategy, counted in the ledger."""

from __future__ import annotations

from dataclasses import replace

from evolve.backtest.backtest import backtest
from evolve.experiment.plan import LoadedData
from evolve.experiment.recorder import RunRecorder
from evolve.experiment.result import Assessed
from evolve.validation.holdout import MIN_POWER, assess_holdout, holdout_power
from evolve.validation.ledger import Ledger
from evolve.validation.openings import (
    identify_holdout,
    list_openings,
    record_opening,
    required_p_value,
)
from evolve.validation.run_ledger import RunRecord
from evolve.validation.verdict import Evidence

DETAIL = ("strategy", "protocol", "trials")


def open_holdout(
    evidence: Evidence, best: Assessed, data: LoadedData, record: RunRecord, ledger: Ledger,
    recorder: RunRecorder,
) -> Evidence:  # fmt: skip
    """Open the holdout; return the evidence with its test.

    The opening is written to the ledger before the bars are read.

    Args:
        evidence: the evidence of a passed null run.
        best: the winner.
        data: the data of the run.
        record: the run in the ledger.
        ledger: the ledger, which counts earlier openings.
        recorder: receives the event.
    """
    holdout = data.split.holdout
    if not holdout.bars:
        return replace(evidence, sealed="the split has no holdout")
    evidence = replace(evidence, power=holdout_power(best.train, holdout.bars))
    if evidence.power is not None and evidence.power < MIN_POWER:
        return replace(evidence, sealed="the holdout is too short")
    broken = ledger.find_break()
    if broken is not None:
        reason = f"entry {broken} of {ledger.path} was changed, so openings cannot be counted"
        return replace(evidence, sealed=reason)
    start = len(data.split.seen)
    identity = identify_holdout(data.dataset.bars, start, data.dataset.has_market_symbols)
    detail: dict[str, object] = {
        "strategy": best.program.hash, "protocol": record.key, "trials": record.trials,
    }  # fmt: skip
    earlier = list_openings(ledger, identity)
    same = [all(each[name] == detail[name] for name in DETAIL) for each in earlier]
    number = same.index(True) + 1 if True in same else len(earlier) + 1
    reason = _find_refusal(number, evidence)
    if reason:
        return replace(evidence, sealed=reason)
    if True not in same:
        record_opening(ledger, identity, detail)
    recorder.event("holdout", opening=number, **detail)
    result = backtest(best.program, data.dataset.bars, data.market, start)
    return replace(evidence, holdout=assess_holdout(result, number), holdout_result=result)


def _find_refusal(number: int, evidence: Evidence) -> str:
    """Return the reason why the n-th opening is refused; empty if it is allowed."""
    if number == 1 or evidence.family is None:
        return ""
    required, pivot = required_p_value(number), evidence.family.pivot
    if pivot is not None and pivot <= required:
        return ""
    found = "unknown" if pivot is None else f"{pivot:.3g}"
    return (
        f"these prices were opened {number - 1} times before, and opening {number} needs a p-value "
        f"of at most {required:.3g}, found {found}"
    )
