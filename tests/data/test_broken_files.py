"""Broken gzip files and folders: one error with location, value, expectation and fix."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from tests.command_line import refuse
from tests.data.tables import ROWS
from tests.data.test_broken_csv import GOOD, lines

GZIP_FILES = {
    "cut in its first bytes": gzip.compress(lines(*ROWS).encode())[:2],
    "cut in its header": gzip.compress(lines(*ROWS).encode())[:12],
    "cut": gzip.compress(lines(*ROWS).encode())[:-9],
    "not compressed": lines(*ROWS).encode(),
    "of nothing": gzip.compress(b""),
    "with a wrong sum": gzip.compress(lines(*ROWS).encode())[:-8] + b"\0" * 8,
    "with rubbish within": gzip.compress(lines(*ROWS).encode())[:20] + b"\xff" * 40,
    "of a header": gzip.compress(lines().encode()),
}


@pytest.mark.parametrize("kind", GZIP_FILES)
def test_a_broken_gzip_file_is_one_error(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "acme.csv.gz"
    path.write_bytes(GZIP_FILES[kind])
    text = refuse("data", str(path), "-o", str(tmp_path / "out.csv"))
    assert "acme.csv.gz" in text
    assert [each.name for each in tmp_path.iterdir()] == ["acme.csv.gz"]


FOLDERS: dict[str, tuple[dict[str, str], list[str]]] = {
    "a duplicate symbol": ({"A.csv": lines(*ROWS), "A.txt": lines(*ROWS)}, ["A", "duplicate"]),
    "an empty file": ({"A.csv": lines(*ROWS), "B.csv": ""}, ["B.csv", "empty"]),
    "a text file without prices": ({"A.csv": lines(*ROWS), "README.txt": "Hi\n"}, ["README.txt"]),
    "a bad file among good ones": (
        {
            "A.csv": lines(*ROWS),
            "B.csv": lines(*ROWS),
            "C.csv": lines(GOOD, "2024-01-03,1,2,3,4,5"),
        },
        ["C.csv, line 3"],
    ),
    "days and hours": (
        {
            "A.csv": lines(*ROWS),
            "B.csv": lines(*[f"2024-01-02 1{hour}:00,10,12,9,11,1" for hour in (0, 1, 2, 3)]),
        },
        ["bars of one length", "A", "B"],
    ),
}


@pytest.mark.parametrize("kind", FOLDERS)
def test_a_broken_folder_is_one_error(kind: str, tmp_path: Path) -> None:
    files, words = FOLDERS[kind]
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    text = refuse("data", f"csv:{tmp_path}", "-o", str(tmp_path / "out.csv"))
    assert [part for part in words if part not in text] == []
    assert sorted(each.name for each in tmp_path.iterdir()) == sorted(files)


def test_a_folder_with_the_name_of_a_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "A.csv").mkdir()
    assert "A.csv" in refuse("data", f"csv:{tmp_path}")
