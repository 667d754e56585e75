"""Every mistake of the table ends in a message that says what is wrong and how to mend it."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

import pytest

from dsl.analysis.check import inspect
from tests.dsl.mistakes import MISTAKES, Mistake

GOLDEN = Path(__file__).parent / "golden" / "mistakes.txt"
SECONDS = 2.0
NUMBERED = re.compile(r"\d+ \|")  # the line of a rendered message that quotes the text


@pytest.fixture(scope="module", autouse=True)
def _operators_are_read() -> None:
    """Reading the prelude, once a process, is not part of an answer's time."""
    inspect("")


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.title)
def test_a_mistake_is_answered_with_its_cause_and_its_fix(mistake: Mistake) -> None:
    begun = time.perf_counter()
    found = inspect(mistake.text).diagnostics
    taken = time.perf_counter() - begun
    rendered = [each.render() for each in found]
    shown = "\n".join([f"{mistake.title}, which was answered with", *rendered])
    assert found, shown
    assert taken < SECONDS, shown
    assert mistake.code in {each.code for each in found}, shown
    assert all(re.search(r"^ *\| +\^+$", text, re.MULTILINE) for text in rendered), shown
    said = "\n".join(_without_the_quoted_line(text) for text in rendered).lower()
    assert not [words for words in mistake.words if words not in said], shown


def test_every_answer_reads_as_the_golden_file_says() -> None:
    parts = []
    for mistake in MISTAKES:
        parts.append(f">>> {mistake.title}")
        parts.extend(each.render() for each in inspect(mistake.text, "s.evo").diagnostics)
        parts.append("")
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text("\n".join(parts), "utf-8")
    assert "\n".join(parts) == GOLDEN.read_text("utf-8")


def test_the_table_is_broad_and_says_nothing_twice() -> None:
    assert len(MISTAKES) >= 80
    for column in ("title", "text"):
        values = [getattr(each, column) for each in MISTAKES]
        assert len(set(values)) == len(values)
    for each in MISTAKES:
        assert 1 <= len(each.words) <= 3
        assert all(words == words.lower() for words in each.words)
        assert re.fullmatch(r"[EW]\d{3}", each.code)


def _without_the_quoted_line(text: str) -> str:
    """A message without the line of the text that it quotes, whose words are the author's."""
    return "\n".join(line for line in text.splitlines() if not NUMBERED.match(line))
