"""Reader of the result document of a run, which refuses one with missing or invalid parts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from evolve.errors import EvolveError, describe_invalid
from evolve.experiment.evidence import EvidenceDocument
from evolve.experiment.result_parts import (
    DataDocument,
    FinalistDocument,
    HoldoutDocument,
    ModelsDocument,
    PowerDocument,
    RobustnessDocument,
    TrialsDocument,
    WalkForwardDocument,
)
from evolve.files import read_bytes
from evolve.search.proposer_stats import ProposerStats
from evolve.store import RESULT
from evolve.store.files import MAX_RESULT_BYTES, format_command
from evolve.validation.verdict import Verdict

HINT = "restore the file, or run the experiment again"


class ResultDocument(BaseModel):
    """Parts of a result document that commands use.

    Attributes:
        unfinished: whether the run has no verdict yet.
    """

    model_config = ConfigDict(allow_inf_nan=False)

    name: str
    seed: int
    data: DataDocument
    trials: TrialsDocument
    verdict: Verdict
    proposers: dict[str, ProposerStats]
    proposer_seconds: dict[str, float] = {}
    finalists: list[FinalistDocument]
    versions: dict[str, str] = {}
    stop_reason: str = ""
    elapsed_seconds: float = 0.0
    evaluations_per_second: float = 0.0
    unfinished: bool = False
    best: FinalistDocument | None = None
    validation: EvidenceDocument | None = None
    holdout: HoldoutDocument | None = None
    llm: ModelsDocument | None = None
    robustness: RobustnessDocument | None = None
    power: PowerDocument | None = None
    walk_forward: WalkForwardDocument | None = None


_WHOLE = TypeAdapter(dict[str, Any])


def read_result(folder: Path) -> tuple[ResultDocument, dict[str, Any]]:
    """Read the result document of a run folder: the parts that commands use, and all of it.

    Raises:
        EvolveError: if the folder has no finished run, or if the document is damaged.
    """
    path = folder / RESULT
    hint = "expected the folder of a finished run, such as runs/spy-20261101-120000"
    if not folder.is_dir() or not path.exists():
        raise EvolveError(f"no finished run in {folder}", hint)
    content = read_bytes(path, MAX_RESULT_BYTES)
    try:
        document = ResultDocument.model_validate_json(content, strict=True)
        whole = _WHOLE.validate_json(content)
    except ValidationError as error:
        hint = f"restore the file, or rebuild it: {format_command('runs --repair', folder)}"
        raise EvolveError(f"{path} is damaged: {describe_invalid(error)}", hint) from None
    return document, whole
