"""Opening of the holdout of a finished run, at the request of its user."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict, replace

from dsl.analysis.check import check_file
from evolve.backtest.backtest import backtest
from evolve.errors import EvolveError
from evolve.experiment.evidence import read_document
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
        EvolveError: if the run has no best strategy or no holdout, or the ledger cannot be used.
    """
    folder = RunFolder(finished.folder)
    if "best" not in finished.result:
        raise EvolveError(f"{finished.folder} has no best strategy to test")
    (program,) = check_file(read_text(folder.best), str(folder.best), finished.plan.operators)
    origin = finished.result["data"]["from"]
    used = (origin,) if isinstance(origin, str) else tuple(origin)
    data = replace(finished.data, dataset=replace(finished.data.dataset, used=used))
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
            "holdout": describe_holdout(evidence, data.split.holdout),
        }
    )
    with closing(Journal(folder.journal)) as journal:
        journal.event("holdout", **asdict(evidence.holdout))
    return evidence, verdict
