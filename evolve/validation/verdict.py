"""Verdict on a run: a label, a text for a layman, and the gates that decide."""

from __future__ import annotations

from dataclasses import dataclass, field

from evolve.backtest.backtest import Backtest
from evolve.search.best_curve import CurvePoint
from evolve.validation.family import FamilyTest
from evolve.validation.gates import Criterion, Gate, require_maximum
from evolve.validation.holdout import MIN_POWER, HoldoutTest
from evolve.validation.null_run import LEVEL, NullRun
from evolve.validation.openings import required_p_value
from evolve.validation.sharpe import CRITICAL_T

PASS = "PASS"
UNCONFIRMED = "UNCONFIRMED"
TOO_SHORT = "TOO SHORT TO TELL"
LUCK = "NOT DISTINGUISHED FROM LUCK"
NOT_TESTED = "NOT TESTED"
LABELS = (PASS, UNCONFIRMED, TOO_SHORT, LUCK, NOT_TESTED)

ADVICE = "try more symbols, more years, or fewer operators"


@dataclass(frozen=True)
class Verdict:
    """Label of a run.

    Attributes:
        label: PASS, UNCONFIRMED, TOO SHORT TO TELL, NOT DISTINGUISHED FROM LUCK or NOT TESTED.
        sentence: what was found, what this much data could show, and what to do next.
        gates: the gates in order; `passed` is None for a gate that was not reached.
    """

    label: str
    sentence: str
    gates: tuple[Gate, ...] = ()


@dataclass(frozen=True)
class Evidence:
    """Evidence of a verdict; None for what was not reached.

    Attributes:
        executable: the first gate.
        objective: name of the score, for the text.
        years: calendar years of train.
        trials: number of trials of the search.
        protocol: hash of data, settings, seed and trials; empty if there is no ledger.
        untested: reason why there is no complete null run; empty if there is one.
        null: the null run.
        family: its test among all runs on the same data.
        power: probability that the holdout confirms the ratio of the winner on train.
        sealed: reason why the holdout is sealed after a passed null gate; empty if it is open.
        holdout: the test on the holdout.
        holdout_result: backtest on the holdout.
        curve: best score so far of the real search.
        caveats: what the null run does not cover, as sentences.
    """

    executable: Gate
    objective: str
    years: float
    trials: int
    protocol: str = ""
    untested: str = ""
    null: NullRun | None = None
    family: FamilyTest | None = None
    power: float | None = None
    sealed: str = ""
    holdout: HoldoutTest | None = None
    holdout_result: Backtest | None = field(default=None, repr=False)
    curve: tuple[CurvePoint, ...] = ()
    caveats: tuple[str, ...] = ()


def decide(evidence: Evidence) -> Verdict:
    """Decide the label of a run and explain it."""
    null, family = evidence.null, evidence.family
    executable = evidence.executable
    if not executable.passed or evidence.untested or null is None or family is None:
        reason = "; ".join(filter(None, [executable.text, evidence.untested]))
        text = f"{_capitalize(reason)}. So the result is not tested, and it may be luck."
        null_gate = Gate("null", None, evidence.untested if executable.passed else "")
        return _build(NOT_TESTED, text, evidence, (executable, null_gate))
    gates = (executable, _null_gate(null, family))
    if not gates[1].passed:
        return _build(LUCK, _explain_luck(evidence, null, family), evidence, gates)
    lead, holdout = f"{_capitalize(_compare(null))}{_compare_scores(null)}", evidence.holdout
    is_short = evidence.power is not None and evidence.power < MIN_POWER
    failure = TOO_SHORT if is_short else UNCONFIRMED
    if holdout is None:
        text = f"{lead}, but {_explain_seal(evidence, is_short)}."
        return _build(failure, text, evidence, gates)
    reason = _find_failure(holdout, family)
    if reason:
        text = (
            f"{lead}, but {reason}. {_describe_power(evidence)}Do not trade it; test the same "
            "experiment on other symbols."
        )
        return _build(failure, text, evidence, gates)
    text = (
        f"{lead}, and the holdout shows the edge again. Luck is an unlikely explanation of the "
        "past; the future may differ, so trade it on paper before you trust it with money."
    )
    return _build(PASS, text, evidence, gates)


def describe_frequency(p_value: float) -> str:
    """Return a p-value as `1 in 20`, as `4 in 5` if it is 0.4 or more, or as `1 in 1`."""
    if p_value > 0.9:
        return "1 in 1"
    if p_value < 0.4:
        return f"1 in {1 / p_value:.0f}"
    return f"{round(p_value * 5)} in 5"


def _build(label: str, text: str, evidence: Evidence, gates: tuple[Gate, ...]) -> Verdict:
    """Build a verdict with what is known of the holdout, and the caveats of a passed null gate."""
    caveats = evidence.caveats if gates[-1].passed else ()
    sentence = " ".join([text, _describe_holdout(evidence), *caveats])
    return Verdict(label, sentence, (*gates, _holdout_gate(evidence)))


def _holdout_gate(evidence: Evidence) -> Gate:
    holdout, family = evidence.holdout, evidence.family
    if holdout is None:
        return Gate("holdout", None, evidence.sealed)
    if family is None:
        text = f"t = {holdout.t:.2f}, without a null run"
        return Gate("holdout", None, text, holdout.criteria)
    reason = _find_failure(holdout, family)
    text = reason or f"t = {holdout.t:.2f}, needed {CRITICAL_T}"
    return Gate("holdout", not reason, text, (*_check_reuse(holdout, family), *holdout.criteria))


def _describe_holdout(evidence: Evidence) -> str:
    holdout = evidence.holdout
    if holdout is None:
        return "The holdout stays sealed."
    times = f"REUSED: opened {holdout.opening} times; " if holdout.opening > 1 else ""
    return (
        f"On the holdout ({times}{holdout.bars:,} bars, {holdout.trades} trades) it earned an "
        f"appraisal ratio of {holdout.ratio:.2f}, t = {holdout.t:.2f} ({CRITICAL_T} is needed)."
    )


def _describe_power(evidence: Evidence) -> str:
    if evidence.power is None:
        return ""
    return f"It would confirm an edge as large as on train in {evidence.power:.0%} of cases. "


def _find_failure(holdout: HoldoutTest, family: FamilyTest) -> str:
    """Return the reason why the holdout does not confirm; empty if it does."""
    for each in _check_reuse(holdout, family):
        if not each.passed:
            found = "unknown" if each.value is None else f"{each.value:.2g}"
            return (
                f"this is opening {holdout.opening} of the same unseen prices, which needs a "
                f"p-value of at most {each.limit:.2g}, found {found}"
            )
    if holdout.shortage:
        return f"the holdout cannot tell: {holdout.shortage}"
    if holdout.t < CRITICAL_T:
        return f"the holdout does not show the edge again (t below {CRITICAL_T})"
    return ""


def _check_reuse(holdout: HoldoutTest, family: FamilyTest) -> tuple[Criterion, ...]:
    """Return the criterion of a further opening of the same prices; empty for the first one."""
    if holdout.opening == 1:
        return ()
    required, pivot = required_p_value(holdout.opening), family.pivot
    is_low = pivot is not None and pivot <= required
    name = f"p-value for opening {holdout.opening} of these prices"
    return (Criterion(name, pivot, "at most", required, "ratio", is_low),)


def _null_gate(null: NullRun, family: FamilyTest) -> Gate:
    runs = f"{family.runs} run" + ("s" if family.runs > 1 else "")
    name = "p-value over all runs on these data"
    criterion = require_maximum(name, family.p_value, LEVEL, "ratio")
    return Gate(
        "null", criterion.passed,
        f"p = {null.p_value:.2g} ({null.exceedances} of {len(null.results)} did as well); over "
        f"{runs} on these data p = {family.p_value:.2g}",
        (criterion,),
    )  # fmt: skip


def _explain_luck(evidence: Evidence, null: NullRun, family: FamilyTest) -> str:
    if null.p_value <= LEVEL:
        return (
            f"{_capitalize(_compare(null))}, but this is one of {family.runs} runs on these "
            "prices, and the best of that many is as good by luck in about "
            f"{describe_frequency(family.p_value)} cases. More runs on these prices make it worse; "
            "use prices that no run has used, and decide on the settings before."
        )
    return (
        f"{null.exceedances} of {len(null.results)} searches on shuffled prices did as well: this "
        f"is what luck looks like here (p ≈ {describe_frequency(null.p_value)}). "
        f"{_describe_threshold(evidence, null)}"
    )


def _compare(null: NullRun) -> str:
    count = len(null.results)
    if null.exceedances:
        return f"only {null.exceedances} of {count} searches on shuffled prices did as well"
    return f"none of {count} searches on shuffled prices did as well"


def _compare_scores(null: NullRun) -> str:
    if null.leads:
        real, *others = null.leads
        return (
            f" (its lead over luck reaches {real.largest:.1f} standard deviations at "
            f"{real.trials:,} trials, the largest of theirs {max(others).largest:.1f})"
        )
    if not null.bests:
        return ""
    return f" (this one scores {null.score:.2f}, the best of them {max(null.bests):.2f})"


def _describe_threshold(evidence: Evidence, null: NullRun) -> str:
    """Return the score that this much data could show, and the advice that follows."""
    if null.threshold is None:
        return f"{_capitalize(ADVICE)}."
    years = f"{evidence.years:.0f}" if evidence.years >= 2 else f"{evidence.years:.1f}"
    least = "" if len(null.results) >= null.planned else "at least "
    name = evidence.objective.replace("_", " ")
    return (
        f"At {null.trials:,} evaluations on {years} years of these prices, an edge differs "
        f"from luck only above a score ({name}) of {least}{null.threshold:.2f}; {ADVICE}."
    )


def _explain_seal(evidence: Evidence, is_short: bool) -> str:
    if is_short and evidence.power is not None:
        return (
            "the holdout would confirm an edge of this size in only "
            f"{evidence.power:.0%} of cases, so it stays unused; use more years or more symbols"
        )
    return f"it was not tested on unseen prices: {evidence.sealed}"


def _capitalize(text: str) -> str:
    return text[:1].upper() + text[1:]
