"""Every mistake of the table ends in a message that says what is wrong and how to mend it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dsl.analysis.check import inspect
from tests.dsl.mistakes import MISTAKES, Mistake
from tests.golden import golden
from tests.work import limited_calls

GOLDEN = Path(__file__).parent / "golden" / "mistakes.txt"
MOST_CALLS = 100_000
NUMBERED = re.compile(r"\d+ \|")  # the line of a rendered message that quotes the text


@pytest.fixture(scope="module", autouse=True)
def _operators_are_read() -> None:
    """Reading the prelude, once a process, is not part of the work of an answer."""
    inspect("")


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.title)
def test_a_mistake_is_answered_with_its_cause_and_its_fix(mistake: Mistake) -> None:
    with limited_calls(MOST_CALLS):
        found = inspect(mistake.text).diagnostics
    rendered = [each.render() for each in found]
    shown = "\n".join([f"{mistake.title}, which was answered with", *rendered])
    assert found, shown
    assert mistake.code in {each.code for each in found}, shown
    assert all(re.search(r"^ *\| +\^+$", text, re.MULTILINE) for text in rendered), shown
    answer = "\n".join(_without_the_quoted_line(text) for text in rendered).lower()
    assert not [words for words in mistake.words if words not in answer], shown


def test_every_answer_reads_as_in_the_golden_file() -> None:
    parts = []
    for mistake in MISTAKES:
        parts.append(f">>> {mistake.title}")
        parts.extend(each.render() for each in inspect(mistake.text, "s.evo").diagnostics)
        parts.append("")
    golden(GOLDEN, "\n".join(parts))


def test_the_table_is_broad_and_repeats_nothing() -> None:
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
