"""Strategy files for the commands under test."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

WriteStrategy = Callable[[str], str]


@pytest.fixture
def evo(tmp_path: Path) -> WriteStrategy:
    """Return a function that writes a strategy to `NAME.evo` and returns the path."""

    def write(text: str) -> str:
        match = re.search(r"strategy (\w+)", text)
        assert match is not None
        path = tmp_path / f"{match.group(1)}.evo"
        path.write_text(text)
        return str(path)

    return write
