"""Document of the evidence of a verdict, in the result of a run."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Annotated, Any

from pydantic import BaseModel, Field, field_validator

from evolve.config.section import check_name
from evolve.fitness.objectives import OBJECTIVES
from evolve.search.best_curve import CurvePoint
from evolve.validation.family import FamilyTest
from evolve.validation.gates import Gate
from evolve.validation.leads import Lead
from evolve.validation.null_run import NullRun
from evolve.validation.null_search import NullResult
from evolve.validation.verdict import Evidence

INTERRUPTED = (
    "the run was interrupted before the comparison with shuffled prices was complete "
    "(`evolve resume RUN` goes on)"
)
NO_LEDGER = (
    "the ledger, which counts runs and openings, cannot be used (see the note; then "
    "`evolve resume RUN` goes on)"
)
NO_ANSWER = (
    "a model did not answer in a search on shuffled prices, so that the comparison would not be "
    "fair (when it answers, `evolve resume RUN` goes on)"
)
UNTESTED_SO_FAR = (INTERRUPTED, NO_LEDGER, NO_ANSWER)
"""Reasons after which the test of a run that goes on may be complete."""

MAX_YEARS = 10_000
Finite = Annotated[float, Field(allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0, lt=2**63)]


def build_document(evidence: Evidence) -> dict[str, Any]:
    """Build the document of the evidence, without the test on the holdout."""
    document: dict[str, Any] = {
        "executable": asdict(evidence.executable),
        "objective": evidence.objective,
        "years": evidence.years,
        "trials": evidence.trials,
        "protocol": evidence.protocol,
        "untested": evidence.untested,
        "curve": [list(each) for each in evidence.curve],
        "caveats": list(evidence.caveats),
        "power": evidence.power,
        "sealed": evidence.sealed,
    }
    null, family = evidence.null, evidence.family
    if null is not None:
        document["null"] = describe_null(null)
    if family is not None:
        document["family"] = asdict(family)
    return document


def describe_null(null: NullRun) -> dict[str, Any]:
    """Describe a null run; `score` is null without a real search."""
    is_alone = math.isinf(null.score)
    return {
        "score": None if is_alone else null.score,
        "trials": null.trials,
        "planned": null.planned,
        "searches": [describe_search(each) for each in null.results],
        "exceedances": None if is_alone else null.exceedances,
        "p_value": None if is_alone else null.p_value,
        "mean": null.mean,
        "deviation": null.deviation,
        "largest": max(null.bests, default=None),
        "threshold": null.threshold,
        **({"leads": [_describe_lead(each) for each in null.leads]} if null.leads else {}),
    }


def _describe_lead(lead: Lead) -> dict[str, Any]:
    """Describe a lead; null for one that was never measured."""
    return {name: value if math.isfinite(value) else None for name, value in lead._asdict().items()}


def describe_search(result: NullResult) -> dict[str, Any]:
    """Describe a null search."""
    return {**asdict(result), "curve": [list(each) for each in result.curve]}


class LeadDocument(BaseModel):
    """Lead of a search of a document; the first one is that of the real search."""

    largest: Finite | None
    trials: Count
    last: Finite | None
    lost_at: Count


class NullDocument(BaseModel):
    """Null run of a document."""

    score: Finite
    planned: Count
    searches: tuple[NullResult, ...]
    leads: tuple[LeadDocument, ...] = ()

    def read(self, trials: int, curve: tuple[CurvePoint, ...]) -> NullRun:
        """Return the null run.

        Args:
            trials: number of trials of the real search.
            curve: its best score so far.
        """
        decides = curve if self.leads else ()
        return NullRun(self.score, trials, self.planned, self.searches, decides)


class EvidenceDocument(BaseModel):
    """Evidence of a document, with the types that it must have."""

    executable: Gate
    objective: str
    years: Annotated[Finite, Field(gt=0, le=MAX_YEARS)]
    trials: Count
    protocol: str
    untested: str
    null: NullDocument | None = None
    family: FamilyTest | None = None
    power: Annotated[Finite, Field(ge=0, le=1)] | None
    sealed: str
    curve: tuple[CurvePoint, ...]
    caveats: tuple[str, ...]

    @field_validator("objective")
    @classmethod
    def _check_objective(cls, name: str) -> str:
        return check_name(name, OBJECTIVES, "objective")

    def read(self) -> Evidence:
        """Return the evidence."""
        null = None if self.null is None else self.null.read(self.trials, self.curve)
        return Evidence(
            self.executable, self.objective, self.years, self.trials, self.protocol,
            untested=self.untested, null=null, family=self.family, power=self.power,
            sealed=self.sealed, curve=self.curve, caveats=self.caveats,
        )  # fmt: skip
