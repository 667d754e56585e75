"""Parts of a result document: a wrong type at any place names that place."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from evolve.errors import EvolveError
from evolve.experiment.result_reader import read_result
from tests.report.page.pages import MINIMAL

EDGE = {"edge_bps": 20.0, "found": 3, "searches": 5, "share": 0.6, "ratio": 1.5}
FIGURES = {"sharpe": 1.0, "calmar": None}
WINDOW = {"traded": ["2001-01-01", "2002-01-01"], "in_sample": FIGURES, "out_of_sample": FIGURES}
MODELS = {
    "calls": 3, "tokens_in": 5, "tokens_out": 6, "usd": 0.5,
    "arms": {"llm:a:propose": {"calls": 3, "seconds": 1.0, "usd": 0.5}},
}  # fmt: skip
DOCUMENT: dict[str, Any] = {
    **MINIMAL,
    "power": {"is_complete": True, "edges": [EDGE]},
    "walk_forward": {
        "metric": "sharpe", "windows": 3, "is_complete": True, "trials": 100, "start_from": 0,
        "efficiency": 0.5, "metrics": FIGURES, "benchmark": FIGURES, "results": [WINDOW],
    },
    "holdout": {"sealed": False, "bars": 5, "test": {"opening": 1}, "metrics": FIGURES},
    "llm": MODELS,
}  # fmt: skip


def write(folder: Path, document: dict[str, Any]) -> None:
    (folder / "result.json").write_text(json.dumps(document), "utf-8")


def iterate_places(document: Any, place: tuple[str | int, ...] = ()) -> Iterator[Any]:
    """Yield the place of each value of a document that may not be null."""
    items = enumerate(document) if isinstance(document, list) else document.items()
    for key, value in items:
        if value is not None:
            yield (*place, key)
        if isinstance(value, dict | list):
            yield from iterate_places(value, (*place, key))


def replace_value(document: dict[str, Any], place: tuple[Any, ...], value: Any) -> dict[str, Any]:
    changed: Any = json.loads(json.dumps(document))
    parent = changed
    for key in place[:-1]:
        parent = parent[key]
    parent[place[-1]] = value
    result: dict[str, Any] = changed
    return result


def test_a_whole_document_is_read(tmp_path: Path) -> None:
    write(tmp_path, DOCUMENT)
    document, whole = read_result(tmp_path)
    assert whole == DOCUMENT
    assert document.power is not None
    assert document.power.edges[0].share == EDGE["share"]


def test_a_wrong_type_at_any_place_names_it(tmp_path: Path) -> None:
    places = list(iterate_places(DOCUMENT))
    assert len(places) > 60
    for place in places:
        write(tmp_path, replace_value(DOCUMENT, place, {"a": [1, {}]}))
        with pytest.raises(EvolveError, match=rf"damaged: `{place[0]}"):
            read_result(tmp_path)


@pytest.mark.parametrize("part", ["walk_forward", "robustness"])
def test_an_unknown_metric_is_refused(tmp_path: Path, part: str) -> None:
    write(tmp_path, {**DOCUMENT, part: {**DOCUMENT.get(part, {}), "metric": "beauty"}})
    with pytest.raises(EvolveError, match=rf"{part}.metric"):
        read_result(tmp_path)
