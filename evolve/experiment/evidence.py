"""Document of the evidence of a verdict, in the result of a run."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from evolve.search.best_curve import CurvePoint
from evolve.validation.family import FamilyTest
from evolve.validation.gates import Gate
from evolve.validation.null_run import NullRun
from evolve.validation.null_search import NullResult
from evolve.validation.verdict import Evidence


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
        "searches": [_describe_search(each) for each in null.results],
        "exceedances": None if is_alone else null.exceedances,
        "p_value": None if is_alone else null.p_value,
        "mean": null.mean,
        "deviation": null.deviation,
        "largest": max(null.bests, default=None),
        "threshold": null.threshold,
    }


def read_document(document: Mapping[str, Any]) -> Evidence:
    """Read the evidence of a document."""
    null, family = document.get("null"), document.get("family")
    results = () if null is None else tuple(_read_search(each) for each in null["searches"])
    return Evidence(
        Gate(**document["executable"]),
        document["objective"],
        document["years"],
        document["trials"],
        document["protocol"],
        untested=document["untested"],
        null=NullRun(null["score"], document["trials"], null["planned"], results) if null else None,
        family=FamilyTest(**family) if family else None,
        power=document["power"],
        sealed=document["sealed"],
        curve=tuple(CurvePoint(*each) for each in document["curve"]),
        caveats=tuple(document["caveats"]),
    )


def _describe_search(result: NullResult) -> dict[str, Any]:
    return {**asdict(result), "curve": [list(each) for each in result.curve]}


def _read_search(document: Mapping[str, Any]) -> NullResult:
    return NullResult(
        **{**document, "curve": tuple(CurvePoint(*each) for each in document["curve"])}
    )
