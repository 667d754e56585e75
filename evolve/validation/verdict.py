"""Verdict on a run: a label, a text for a layman, and the gates that decide."""

from __future__ import annotations

from dataclasses import dataclass, field

from evolve.backtest.backtest import Backtest
from evolve.search.best_curve import CurvePoint
from evolve.validation.family import FamilyTest
from evolve.validation.gates import Gate
from evolve.validation.holdout import MIN_POWER, HoldoutTest
from evolve.validation.null_run import LEVEL, NullRun
from evolve.validation.sharpe import CRITICAL_T

PASS = "PASS"
UNCONFIRMED = "UNCONFIRMED"
TOO_SHORT = "TOO SHORT TO TELL"
LUCK = "NOT DISTINGUISHED FROM LUCK"
NOT_TESTED = "NOT TESTED"
LABELS = (PASS, UNCONFIRMED, TOO_SHORT, LUCK, NOT_TESTED)

SEALED = "The holdout stays sealed."


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
    if not evidence.executable.passed:
        return _not_tested(evidence, evidence.executable.text)
    if null is None or family is None or evidence.untested:
        return _not_tested(evidence, evidence.untested)
    gates = (evidence.executable, _null_gate(null, family))
    if not gates[1].passed:
        sentence = " ".join([_explain_luck(null, family), _what_data_show(evidence, null), SEALED])
        return Verdict(LUCK, sentence, (*gates, Gate("holdout", None, "")))
    if evidence.holdout is None:
        return _decide_sealed(evidence, null, family, gates)
    return _decide_holdout(evidence, evidence.holdout, null, family, gates)


def describe_frequency(p_value: float) -> str:
    """Return a p-value as `1 in 20`, or as `4 in 5` if it is above 0.4."""
    if p_value <= 0.4:
        return f"1 in {1 / p_value:.0f}"
    denominator = 5
    return f"{max(1, round(p_value * denominator))} in {denominator}"


def _not_tested(evidence: Evidence, reason: str) -> Verdict:
    reached = bool(evidence.executable.passed)
    gates = (
        evidence.executable,
        Gate("null", None, evidence.untested if reached else ""),
        Gate("holdout", None, ""),
    )
    text = f"{reason[0].upper()}{reason[1:]}, so this may be luck. {SEALED}"
    return Verdict(NOT_TESTED, text, gates)


def _null_gate(null: NullRun, family: FamilyTest) -> Gate:
    figures = f"p = {null.p_value:.3g} ({null.exceedances} of {len(null.results)})"
    runs = f"{family.runs} run" + ("s" if family.runs > 1 else "")
    text = f"{figures}; over {runs} on these data, p = {family.p_value:.3g}"
    return Gate("null", family.p_value <= LEVEL, text)


def _explain_luck(null: NullRun, family: FamilyTest) -> str:
    count = len(null.results)
    if null.p_value <= LEVEL:
        return (
            f"{_lead(null)}, but this is one of {family.runs} runs on these data, and the best of "
            f"that many is as good by luck in about {describe_frequency(family.p_value)} cases."
        )
    if null.exceedances:
        return (
            f"{null.exceedances} of {count} searches on shuffled prices did as well: this is what "
            f"luck looks like here (p ≈ {describe_frequency(null.p_value)})."
        )
    return f"{count} searches on shuffled prices are too few to exclude luck."


def _explain_pass(null: NullRun) -> str:
    count = len(null.results)
    if null.exceedances:
        return f"only {null.exceedances} of {count} searches on shuffled prices did as well"
    return f"none of {count} searches on shuffled prices did as well"


def _what_data_show(evidence: Evidence, null: NullRun) -> str:
    """Return the score that this much data could show, and the advice that follows."""
    threshold = null.threshold
    advice = "try fewer evaluations, fewer operators, or more symbols."
    if threshold is None:
        return f"Next, {advice}"
    name = evidence.objective.replace("_", " ")
    article = "an" if name[0] in "aeiou" else "a"
    return (
        f"At {null.trials:,} evaluations, {evidence.years:.0f} years could show only {article} "
        f"{name} above {threshold:.2f}; {advice}"
    )


def _decide_sealed(
    evidence: Evidence, null: NullRun, family: FamilyTest, gates: tuple[Gate, ...]
) -> Verdict:
    is_short = evidence.power is not None and evidence.power < MIN_POWER
    label = TOO_SHORT if is_short else UNCONFIRMED
    reason = evidence.sealed
    if is_short:
        reason = (
            f"the holdout is too short: it would confirm an edge of this size in only "
            f"{evidence.power:.0%} of cases. Add data, or more symbols"
        )
    text = f"{_lead(null)}, but {reason}. {SEALED}"
    gate = Gate("holdout", None, reason)
    return Verdict(label, " ".join([text, *evidence.caveats]), (*gates, gate))


def _decide_holdout(
    evidence: Evidence, holdout: HoldoutTest, null: NullRun, family: FamilyTest,
    gates: tuple[Gate, ...],
) -> Verdict:  # fmt: skip
    ratio = f"an appraisal ratio of {holdout.ratio:.2f} (t = {holdout.t:.2f})"
    reused = f" REUSED: opening {holdout.opening} of these prices." if holdout.opening > 1 else ""
    gate = Gate(
        "holdout", holdout.passed, holdout.shortage or f"t = {holdout.t:.2f}, needed {CRITICAL_T}"
    )
    lead = _lead(null)
    if holdout.passed:
        text = (
            f"{lead}, and on the sealed holdout it earned {ratio}. Luck is an unlikely "
            "explanation of the past; trade it on paper before you trust it with money."
        )
        return Verdict(PASS, " ".join([text + reused, *evidence.caveats]), (*gates, gate))
    if holdout.shortage:
        found = f"the holdout cannot tell: {holdout.shortage}"
    else:
        found = f"on the holdout it earned {ratio}, and t of at least {CRITICAL_T} is needed"
    is_short = evidence.power is not None and evidence.power < MIN_POWER
    text = f"{lead}, but {found}. Treat it as unproven, and test it on data of other symbols."
    label = TOO_SHORT if is_short else UNCONFIRMED
    return Verdict(label, " ".join([text + reused, *evidence.caveats]), (*gates, gate))


def _lead(null: NullRun) -> str:
    text = _explain_pass(null)
    return text[0].upper() + text[1:]
