"""Opening of the holdout of a finished run, at the request of its user."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict, replace

from dsl.analysis.check import check_file
from dsl.analysis.program import Program
from evolve.backtest.backtest import backtest
from evolve.errors import EvolveError
from evolve.experiment.evidence import build_document, read_document
from evolve.experiment.finished_run import FinishedRun
from evolve.experiment.holdout import open_holdout
from evolve.experiment.result import Assessed, describe_holdout
from evolve.files import read_text
from evolve.store import Journal, RunFolder
from evolve.validation.ledger import Ledger, ledger_path
from evolve.validation.verdict import Evidence, Verdict, decide


def open_finished_run(finished: FinishedRun) -> tuple[Evidence, Verdict]:
    """Open the holdout of a finished run; update its result and its journal.

    Args:
        finished: the run.

    Returns:
        The evidence with the test on the holdout, and the new verdict.

    Raises:
        EvolveError: if the run has no best strategy or no holdout, if its files were changed, or if
            the ledger cannot be used.
    """
    folder = RunFolder(finished.folder)
    program = _read_winner(finished, folder)
    origin = finished.result["data"]["from"]
    used = (origin,) if isinstance(origin, str) else tuple(origin)
    data = replace(finished.data, dataset=replace(finished.data.dataset, used=used))
    if data.dataset.bars.hash != finished.result["data"]["hash"]:
        raise EvolveError(
            f"{finished.folder}: bars.parquet is not the snapshot of the run",
            "restore it, or run the experiment again",
        )
    best = Assessed(program, None, backtest(program, data.split.train, data.market), None)
    evidence = read_document(finished.result["validation"])
    evidence = open_holdout(evidence, best, data, Ledger(ledger_path()), forced=True)
    if evidence.holdout is None:
        raise EvolveError(f"the holdout of {finished.folder} stays sealed: {evidence.sealed}")
    verdict = decide(evidence)
    folder.write_result(
        {
            **finished.result,
            "verdict": asdict(verdict),
            "validation": build_document(evidence),
            "holdout": describe_holdout(evidence, data.split.holdout),
        }
    )
    with closing(Journal(folder.journal)) as journal:
        journal.event("holdout", **asdict(evidence.holdout))
    return evidence, verdict


def _read_winner(finished: FinishedRun, folder: RunFolder) -> Program:
    """Read the best strategy of a run, which must be the one that the run tested."""
    if "best" not in finished.result:
        raise EvolveError(
            f"{finished.folder} has no best strategy to test", "no strategy was feasible"
        )
    if "validation" not in finished.result:
        raise EvolveError(
            f"{finished.folder} is a run of an earlier version", "run the experiment again"
        )
    programs = check_file(read_text(folder.best), str(folder.best), finished.plan.operators)
    if [each.hash for each in programs] != [finished.result["best"]["hash"]]:
        raise EvolveError(
            f"{folder.best} is not the strategy that the run selected",
            "restore the file; the source is in result.json",
        )
    return programs[0]
