"""The comparison with golden files detects any difference, and writes only on request."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.golden import golden


@pytest.mark.parametrize("written", [None, "", "a\n", "a\nb", "a\nb\n\n", "a\nc\n"])
def test_a_different_or_missing_file_fails_with_the_command_that_writes_it(
    written: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("UPDATE_GOLDEN", raising=False)
    path = tmp_path / "golden" / "x.txt"
    if written is not None:
        path.parent.mkdir()
        path.write_text(written, "utf-8")
    with pytest.raises(pytest.fail.Exception, match=r"UPDATE_GOLDEN=1 .*tests/test_golden\.py"):
        golden(path, "a\nb\n")
    assert path.exists() == (written is not None)
    monkeypatch.setenv("UPDATE_GOLDEN", "1")
    golden(path, "a\nb\n")
    monkeypatch.delenv("UPDATE_GOLDEN")
    golden(path, "a\nb\n")
