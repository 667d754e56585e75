"""Verdicts: the label, the gates and the sentence of each kind of evidence."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import product
from pathlib import Path
from textwrap import fill
from typing import Any

import pytest

from evolve.experiment.evidence import INTERRUPTED, NO_ANSWER, NO_LEDGER
from evolve.validation.family import FamilyTest
from evolve.validation.gates import Gate
from evolve.validation.holdout import HoldoutTest
from evolve.validation.null_run import NullRun
from evolve.validation.null_search import NullResult
from evolve.validation.verdict import (
    LABELS,
    LUCK,
    NOT_TESTED,
    PASS,
    TOO_SHORT,
    UNCONFIRMED,
    Evidence,
    decide,
    describe_frequency,
)
from tests.golden import golden

SENTENCES = Path(__file__).parent / "golden" / "verdicts.txt"
FORBIDDEN = re.compile(r"\b(works|working|prove[sdn]*|guarantee\w*|certain\w*|safe)\b", re.I)
OK = Gate("executable", True, "")


def null_run(score: float, *bests: float | None, planned: int = 19) -> NullRun:
    """Return a null run with the given best scores."""
    results = tuple(
        NullResult(number, best, 5000, best is not None and best >= score, ())
        for number, best in enumerate(bests, start=1)
    )
    return NullRun(score, 5000, planned, results)


LOW = [0.70 + 0.01 * index for index in range(19)]
CLEAR = null_run(1.9, *LOW)
NOISE = null_run(0.8, 0.9, 0.7, 0.85, 0.95)
HOLDOUT = HoldoutTest(t=2.1, ratio=0.95, trades=42, bars_held=310, bars=1000, opening=1)
BASE = Evidence(OK, "appraisal_ratio", 11.2, 5000, protocol="p")
NULL_PASSED = replace(BASE, null=CLEAR, family=FamilyTest(1, 0.05, 0.0004))
READY = replace(NULL_PASSED, power=0.8)
OPEN = replace(READY, holdout=HOLDOUT)
CAVEATS = (
    "It descends from answers of local, which the null run did not ask.",
    "The model local may know this period.",
)

CASES = {
    "passes": (OPEN, PASS),
    "passes at the second opening": (
        replace(OPEN, holdout=replace(HOLDOUT, opening=2)), PASS,
    ),
    "passes among three runs, with what the null run does not cover": (
        replace(OPEN, family=FamilyTest(3, 0.05, 0.01), caveats=CAVEATS), PASS,
    ),
    "the holdout shows no edge": (
        replace(OPEN, holdout=replace(HOLDOUT, t=0.4, ratio=0.2)), UNCONFIRMED,
    ),
    "the holdout loses": (
        replace(OPEN, holdout=replace(HOLDOUT, t=-1.4, ratio=-0.7)), UNCONFIRMED,
    ),
    "the holdout has too few trades": (
        replace(OPEN, holdout=replace(HOLDOUT, trades=4)), UNCONFIRMED,
    ),
    "the holdout has too few bars with a position": (
        replace(OPEN, holdout=replace(HOLDOUT, bars_held=20)), UNCONFIRMED,
    ),
    "the third opening needs a smaller p-value": (
        replace(OPEN, family=FamilyTest(1, 0.05, 0.009), holdout=replace(HOLDOUT, opening=3)),
        UNCONFIRMED,
    ),
    "the holdout is sealed by the settings": (
        replace(NULL_PASSED, sealed="`validate.holdout` is sealed (to open it: `evolve holdout "
                "open RUN`)"), UNCONFIRMED,
    ),
    "the holdout was opened too often": (
        replace(READY, sealed="these prices were opened once before, and another opening "
                "needs a p-value of at most 0.017, found 0.02; use prices that no run has opened"),
        UNCONFIRMED,
    ),
    "the holdout is too short": (
        replace(NULL_PASSED, power=0.31, sealed="it would confirm the winner in 31% of cases"),
        TOO_SHORT,
    ),
    "the holdout is too short and was opened by request": (
        replace(OPEN, power=0.31, holdout=replace(HOLDOUT, t=1.0)), TOO_SHORT,
    ),
    "one of 99 null searches did as well": (
        replace(OPEN, null=null_run(1.9, *(LOW * 5), 2.0, 0.5, 0.6, 0.7, planned=99),
                family=FamilyTest(1, 0.02, 0.01)), PASS,
    ),
    "luck": (
        replace(BASE, null=NOISE, family=FamilyTest(1, 0.8, 0.6), caveats=CAVEATS), LUCK,
    ),
    "luck in every search": (
        replace(BASE, null=null_run(0.5, 0.9, 0.7, 0.8, 0.6), family=FamilyTest(1, 1.0, 0.9)),
        LUCK,
    ),
    "luck that nearly passes": (
        replace(BASE, null=null_run(1.9, *LOW[:18], 2.0), family=FamilyTest(1, 0.1, 0.06)), LUCK,
    ),
    "luck among many runs": (
        replace(BASE, null=CLEAR, family=FamilyTest(6, 0.25, 0.2), caveats=CAVEATS), LUCK,
    ),
    "luck beside runs on other bars of these prices": (
        replace(BASE, null=CLEAR, family=FamilyTest(31, 0.62, 0.62)), LUCK,
    ),
    "luck on less than two years": (
        replace(BASE, years=1.44, null=NOISE, family=FamilyTest(1, 0.8, 0.6)), LUCK,
    ),
    "luck, and the holdout was opened by request": (
        replace(BASE, null=NOISE, family=FamilyTest(1, 0.8, 0.6), power=0.8, holdout=HOLDOUT),
        LUCK,
    ),
    "no costs": (
        replace(BASE, executable=Gate("executable", False, "orders have no costs (set "
                "`backtest.commission_bps` and `backtest.slippage_bps`)"), caveats=CAVEATS),
        NOT_TESTED,
    ),
    "no null run": (
        replace(BASE, untested="there was no search on shuffled prices (set `validate.null_runs` "
                "to 19 or more)", caveats=CAVEATS), NOT_TESTED,
    ),
    "an interrupted null run": (
        replace(BASE, null=null_run(1.9, 0.8, 0.7), untested=INTERRUPTED), NOT_TESTED,
    ),
    "no ledger": (replace(BASE, untested=NO_LEDGER), NOT_TESTED),
    "a model that did not answer": (replace(BASE, untested=NO_ANSWER), NOT_TESTED),
    "not tested, and the holdout was opened by request": (
        replace(BASE, executable=Gate("executable", False, "orders fill at the close of their own "
                "signal, which cannot be traded (set `backtest.fill` to next_open)"),
                power=0.8, holdout=replace(HOLDOUT, opening=2)), NOT_TESTED,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("evidence", "label"), CASES.values(), ids=CASES)
def test_each_evidence_has_its_label(evidence: Evidence, label: str) -> None:
    verdict = decide(evidence)
    assert verdict.label == label
    assert [each.name for each in verdict.gates] == ["executable", "null", "holdout"]


def test_every_label_has_a_case() -> None:
    assert {label for _, label in CASES.values()} == set(LABELS)


def test_all_sentences_are_as_expected() -> None:
    """Compare with a file that a person can read; its sentences must be clear to a layman."""
    parts = []
    for name, (evidence, _) in CASES.items():
        verdict = decide(evidence)
        states = {True: "passed", False: "failed", None: "not reached"}
        gates = [f"  {each.name}: {states[each.passed]} | {each.text}" for each in verdict.gates]
        parts.append("\n".join([f"## {name}: {verdict.label}", fill(verdict.sentence, 98), *gates]))
    golden(SENTENCES, "\n\n".join(parts) + "\n")


@pytest.mark.parametrize(("evidence", "label"), CASES.values(), ids=CASES)
def test_no_sentence_promises_anything(evidence: Evidence, label: str) -> None:
    sentence = decide(evidence).sentence
    assert not FORBIDDEN.search(sentence)
    assert not re.search(r"None(?! of)|nan|inf\b|  |\.\.|, \.|but \.", sentence), sentence
    assert not sentence[0].islower()
    assert sentence.endswith(".")


# -- every combination of the gates


def combine(executable: bool, null: str, opening: int, holdout: str) -> Evidence:
    nulls: dict[str, dict[str, Any]] = {
        "untested": {"untested": "no null run was made"},
        "luck": {"null": NOISE, "family": FamilyTest(1, 0.8, 0.6)},
        "family": {"null": CLEAR, "family": FamilyTest(5, 0.06, 0.04)},
        "weak": {"null": CLEAR, "family": FamilyTest(1, 0.05, 0.04)},
        "strong": {"null": CLEAR, "family": FamilyTest(1, 0.05, 1e-5)},
        "no pivot": {"null": CLEAR, "family": FamilyTest(1, 0.05, None)},
    }
    tests = {
        "sealed": None,
        "good": replace(HOLDOUT, opening=opening),
        "bad": replace(HOLDOUT, opening=opening, t=1.6),
        "few": replace(HOLDOUT, opening=opening, trades=9),
    }
    return replace(
        BASE, executable=Gate("executable", executable, "" if executable else "no costs"),
        power=0.8, holdout=tests[holdout], sealed="it is sealed" if holdout == "sealed" else "",
        caveats=CAVEATS, **nulls[null],
    )  # fmt: skip


@pytest.mark.parametrize("executable", [True, False])
@pytest.mark.parametrize("null", ["untested", "luck", "family", "weak", "strong", "no pivot"])
@pytest.mark.parametrize("opening", [1, 2, 3])
def test_a_pass_needs_every_gate(executable: bool, null: str, opening: int) -> None:
    for holdout in ("sealed", "good", "bad", "few"):
        verdict = decide(combine(executable, null, opening, holdout))
        is_tested = executable and null != "untested"
        is_null_passed = is_tested and null not in ("luck", "family")
        is_p_enough = opening == 1 or null == "strong"
        expected = {
            (True, True): PASS if holdout == "good" and is_p_enough else UNCONFIRMED,
            (True, False): LUCK,
        }
        assert verdict.label == expected.get((is_tested, is_null_passed), NOT_TESTED)
        assert (CAVEATS[0] in verdict.sentence) is is_null_passed
        assert ("REUSED" in verdict.sentence) is (opening > 1 and holdout != "sealed")
        assert ("stays sealed" in verdict.sentence) is (holdout == "sealed")
        states = [each.passed for each in verdict.gates]
        assert states[0] is executable
        assert states[1] is (is_null_passed if is_tested else None)


def test_each_pass_has_passed_gates_only() -> None:
    for arguments in product(
        [True, False], ["luck", "weak", "strong"], [1, 2], ["sealed", "good", "bad"]
    ):
        verdict = decide(combine(*arguments))
        are_passed = all(each.passed for each in verdict.gates)
        assert (verdict.label == PASS) is are_passed, arguments


def test_a_gate_passes_if_and_only_if_all_of_its_figures_are_within_their_limits() -> None:
    for arguments in product(
        [True], ["luck", "family", "weak", "strong", "no pivot"], [1, 2, 3],
        ["sealed", "good", "bad", "few"],
    ):  # fmt: skip
        _, *gates = decide(combine(*arguments)).gates
        for gate in gates:
            if gate.passed is not None:
                assert gate.criteria
                assert gate.passed is all(each.passed for each in gate.criteria), arguments
            else:
                assert gate.criteria == ()


@pytest.mark.parametrize(
    "name", [name for name, (_, label) in CASES.items() if label == NOT_TESTED]
)
def test_a_result_that_is_not_tested_names_the_reason_first(name: str) -> None:
    evidence = CASES[name][0]
    reason = evidence.executable.text or evidence.untested
    assert decide(evidence).sentence.lower().startswith(reason.lower())


@pytest.mark.parametrize(("power", "label"), [(0.499, TOO_SHORT), (0.5, UNCONFIRMED)])
def test_a_holdout_that_confirms_in_less_than_half_of_cases_is_too_short(
    power: float, label: str
) -> None:
    assert decide(replace(NULL_PASSED, power=power, sealed="x")).label == label


@pytest.mark.parametrize(("p_value", "label"), [(0.05, PASS), (0.0501, LUCK)])
def test_the_gate_is_the_family_wise_p_value(p_value: float, label: str) -> None:
    assert decide(replace(OPEN, family=FamilyTest(9, p_value, 0.001))).label == label


@pytest.mark.parametrize(
    ("p_value", "text"),
    [
        (0.01, "1 in 100"), (0.05, "1 in 20"), (0.2, "1 in 5"), (0.25, "1 in 4"),
        (1 / 3, "1 in 3"), (0.4, "2 in 5"), (0.6, "3 in 5"), (0.8, "4 in 5"),
        (0.95, "1 in 1"), (1.0, "1 in 1"),
    ],
)  # fmt: skip
def test_a_p_value_is_a_frequency(p_value: float, text: str) -> None:
    assert describe_frequency(p_value) == text
