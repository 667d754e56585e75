"""Opening of the holdout of a finished run, at the request of its user."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace

from dsl.analysis.check import check_file
from dsl.analysis.program import Program
from evolve.backtest.backtest import backtest
from evolve.errors import EvolveError
from evolve.experiment.assessed import Assessed
from evolve.experiment.evidence import build_document
from evolve.experiment.finished_run import FinishedRun
from evolve.experiment.holdout import open_holdout
from evolve.experiment.recorder import extend_journal
from evolve.experiment.result import describe_holdout
from evolve.files import read_text
from evolve.store import RunFolder
from evolve.validation.ledger import Ledger, ledger_path
from evolve.validation.verdict import Evidence, Verdict, decide


def open_finished_run(
    finished: FinishedRun, log: Callable[[str], None]
) -> tuple[Evidence, Verdict]:
    """Open the holdout of a finished run; update its result and its journal.

    Args:
        finished: the run.
        log: receives a notice if the journal cannot be written.

    Returns:
        The evidence with the test on the holdout, and the new verdict.

    Raises:
        EvolveError: if the run has no best strategy or no holdout, if its files were changed, or if
            the ledger cannot be used.
    """
    folder = RunFolder(finished.folder)
    finished.verify()
    program = _read_winner(finished, folder)
    origin = finished.document.data.origin
    used = (origin,) if isinstance(origin, str) else tuple(origin)
    data = replace(finished.data, dataset=replace(finished.data.dataset, used=used))
    best = Assessed(program, None, backtest(program, data.split.train, data.market), None)
    assert finished.document.validation is not None
    evidence = finished.document.validation.read()
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
    detail = asdict(evidence.holdout)
    extend_journal(folder, log, lambda journal: journal.event("holdout", **detail))
    return evidence, verdict


def _read_winner(finished: FinishedRun, folder: RunFolder) -> Program:
    """Read the best strategy of a run, which must be the one that the run tested."""
    best = finished.document.best
    if best is None:
        raise EvolveError(
            f"{finished.folder} has no best strategy to test", "no strategy was feasible"
        )
    if finished.document.validation is None:
        raise EvolveError(
            f"{finished.folder} is a run of an earlier version", "run the experiment again"
        )
    programs = check_file(read_text(folder.best), str(folder.best), finished.plan.operators)
    if [each.hash for each in programs] != [best.hash]:
        raise EvolveError(
            f"{folder.best} is not the strategy that the run selected",
            "restore the file; the source is in result.json",
        )
    return programs[0]
