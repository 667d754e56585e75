"""Tests that common mistakes get messages with the cause and a fix."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dsl.analysis.check import inspect
from tests.dsl.mistakes import MISTAKES, Mistake
from tests.golden import golden
from tests.work import limited_calls

GOLDEN = Path(__file__).parent / "golden" / "mistakes.txt"
MAX_CALLS = 100_000
NUMBERED = re.compile(r"\d+ \|")  # the source line in a rendered message


@pytest.fixture(scope="module", autouse=True)
def _warm_up() -> None:
    """Build the catalog before the calls of a check are counted."""
    inspect("")


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.title)
def test_a_mistake_gets_a_message_with_its_cause_and_a_fix(mistake: Mistake) -> None:
    with limited_calls(MAX_CALLS):
        diagnostics = inspect(mistake.text).diagnostics
    rendered = [each.render() for each in diagnostics]
    output = "\n".join([mistake.title, *rendered])
    assert diagnostics, output
    assert mistake.code in {each.code for each in diagnostics}, output
    assert all(re.search(r"^ *\| +\^+$", text, re.MULTILINE) for text in rendered), output
    messages = "\n".join(map(_strip_source_line, rendered)).lower()
    assert not [words for words in mistake.words if words not in messages], output


def test_every_message_equals_the_golden_file() -> None:
    parts = []
    for mistake in MISTAKES:
        parts.append(f">>> {mistake.title}")
        parts.extend(each.render() for each in inspect(mistake.text, "s.evo").diagnostics)
        parts.append("")
    golden(GOLDEN, "\n".join(parts))


def test_the_table_has_many_distinct_mistakes() -> None:
    assert len(MISTAKES) >= 80
    for column in ("title", "text"):
        values = [getattr(each, column) for each in MISTAKES]
        assert len(set(values)) == len(values)
    for each in MISTAKES:
        assert 1 <= len(each.words) <= 3
        assert all(words == words.lower() for words in each.words)
        assert re.fullmatch(r"[EW]\d{3}", each.code)


def _strip_source_line(text: str) -> str:
    """Remove the source line from a rendered message."""
    return "\n".join(line for line in text.splitlines() if not NUMBERED.match(line))
