"""Reader of the result document of a run, which refuses one with missing or invalid parts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from evolve.errors import EvolveError
from evolve.experiment.evidence import EvidenceDocument
from evolve.files import read_bytes
from evolve.store import RESULT
from evolve.validation.verdict import Verdict

MAX_RESULT_BYTES = 64_000_000
HINT = "restore the file, or run the experiment again"


class DataDocument(BaseModel):
    """Origin of the bars."""

    origin: Annotated[str | list[str], Field(alias="from", min_length=1)]
    fallback_used: bool
    hash: str


class PrunedDocument(BaseModel):
    """Strategy before pruning, which is a trial."""

    hash: str


class BestDocument(BaseModel):
    """Winner of the run."""

    hash: str
    metrics: dict[str, dict[str, float | None]] = {}
    pruned: PrunedDocument | None = None

    @property
    def trial(self) -> str:
        """Hash of the trial that won."""
        return self.pruned.hash if self.pruned is not None else self.hash


class TrialsDocument(BaseModel):
    """Counts of the trials."""

    evaluated: int


class ResultDocument(BaseModel):
    """Parts of a result document that commands use.

    Attributes:
        journal: `incomplete` if the journal is.
        unfinished: whether the run has no verdict yet.
    """

    model_config = ConfigDict(allow_inf_nan=False)

    name: str
    seed: int
    data: DataDocument
    trials: TrialsDocument
    journal: Literal["incomplete"] | None = None
    best: BestDocument | None = None
    validation: EvidenceDocument | None = None
    verdict: Verdict | None = None
    unfinished: bool = False


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
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        message = f"{path} is damaged: {f'`{where}`: ' if where else ''}{first['msg']}"
        raise EvolveError(message, HINT) from None
    return document, whole
