"""Documents of a run that its result has at the end, and its journal before."""

from __future__ import annotations

from typing import Any

from evolve.experiment.run_view import RunView


def read_data_document(view: RunView) -> dict[str, Any]:
    """Return the description of the data; empty if it is unknown."""
    events = [each.detail for each in view.rows.list_events("data")]
    found = view.result.get("data") or next(iter(events), {})
    return dict(found)
