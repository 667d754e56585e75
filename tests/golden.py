"""Comparison of a text with a golden file; `UPDATE_GOLDEN=1` writes the file instead."""

from __future__ import annotations

import os
from difflib import unified_diff
from pathlib import Path

import pytest


def golden(path: Path, text: str) -> None:
    """Fail unless a file has exactly this text; if `UPDATE_GOLDEN` is set, write the file."""
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        return
    expected = path.read_text("utf-8") if path.exists() else None
    if text == expected:
        return
    lines = (expected.split("\n") if expected is not None else [], text.split("\n"))
    diff = "\n".join(unified_diff(*lines, str(path), "actual text", lineterm=""))
    test = os.environ.get("PYTEST_CURRENT_TEST", "").split("::")[0]
    pytest.fail(
        f"{path.name} {'does not exist' if expected is None else 'differs from the actual text'}:\n"
        f"{diff}\n\nIf the actual text is right, write it: UPDATE_GOLDEN=1 python -m pytest {test}",
        pytrace=False,
    )
