"""Learnings: beliefs beside measured results, within limits."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evolve.llm.prompt.learnings import (
    EARLIER_SECTION,
    MAX_BELIEF_CHARACTERS,
    MAX_RANKED_RECORDS,
    MAX_SENTENCE_CHARACTERS,
    MAX_SENTENCES,
    SECTIONS,
    Learning,
    Learnings,
    build_summary_schema,
    read_learnings,
    read_summary,
    shorten_belief,
)

DIPS = Learning("Dips revert.", "tune", "appraisal_ratio", 0.81234, 0.70049)
FRESH = Learning("New highs run.", "different", "appraisal_ratio", 0.5)
RARE = Learning("Crashes turn.", "combine", "appraisal_ratio", -1.25, 0.5, "trades_per_fold 0")
MUTE = Learning("", "simplify", "sharpe", 1.0, 1.0)
KNOWN = Learnings(
    {"works": ("Trends last.",), "open_questions": ("Do gaps fill?", "Is volume news?")},
    (DIPS, FRESH, RARE, MUTE),
)
TEXT = """\
## Works

- "Trends last."

## Open questions

- "Do gaps fill?"
- "Is volume news?"

## Measured

- "Dips revert." → appraisal_ratio 0.812, best parent 0.7 (tune)
- "New highs run." → appraisal_ratio 0.5 (different)
- "Crashes turn." → infeasible: trades_per_fold 0 (combine)
- (no belief given) → sharpe 1.0, best parent 1.0 (simplify)"""


def learned(index: int, gain: float, reason: str = "") -> Learning:
    return Learning(f"belief {index}", "tune", "sharpe", 1.0 + gain, 1.0, reason)


def items(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("- ")]


def headings(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("#")]


def test_beliefs_are_rendered_beside_results() -> None:
    assert KNOWN.text() == TEXT
    assert KNOWN.tokens() == len(TEXT) // 4
    assert (Learnings().text(), bool(Learnings()), bool(KNOWN)) == ("", False, True)
    assert not Learnings({"works": ()})


def test_a_gain_is_over_the_best_parent_and_over_nothing_without_one() -> None:
    assert DIPS.gain == pytest.approx(0.11185)
    assert FRESH.gain == 0.5


def test_records_are_added_at_the_end() -> None:
    more = Learnings({"works": ("x",)}, (DIPS,)).add_records([FRESH, MUTE])
    assert more == Learnings({"works": ("x",)}, (DIPS, FRESH, MUTE))


def test_a_summary_replaces_only_the_records_that_it_was_requested_for() -> None:
    grown = KNOWN.add_records([learned(1, 0.1), learned(2, 0.2)])
    merged = grown.replace_merged(
        {"fails": ["Crashes go on."], "gossip": ["x"]}, len(KNOWN.records)
    )
    assert merged.records == (learned(1, 0.1), learned(2, 0.2))
    assert merged.sections == {**dict.fromkeys(SECTIONS, ()), "fails": ("Crashes go on.",)}
    assert "Trends last." not in merged.text()
    assert KNOWN.records == (DIPS, FRESH, RARE, MUTE)


def test_shortened_learnings_have_the_best_and_the_worst_records() -> None:
    usable = [learned(index, index / 10) for index in range(10)]
    useless = [learned(10 + index, 9.0, "ruined") for index in range(3)]
    shuffled = random.Random(1).sample([*usable, *useless], 13)
    ranked = Learnings({"works": ("x",) * 9}, tuple(shuffled)).shorten()
    gains = [(round(each.gain, 1), each.infeasible_reason) for each in ranked.records]
    best = [(0.9, ""), (0.8, ""), (0.7, ""), (0.6, "")]
    assert gains == [*best, (0.0, ""), *[(9.0, "ruined")] * 3]
    assert len(ranked.records) == MAX_RANKED_RECORDS
    assert ranked.sections == {"works": ("x",) * MAX_SENTENCES}
    assert ranked.shorten() == ranked


@given(st.lists(st.tuples(st.floats(-9, 9), st.booleans()), max_size=30), st.randoms())
def test_shortened_learnings_are_bounded_and_independent_of_the_order(
    gains: list[tuple[float, bool]], rng: random.Random
) -> None:
    records = [learned(index, gain, "ruined" * bad) for index, (gain, bad) in enumerate(gains)]
    ranked = Learnings({}, tuple(records)).shorten()
    rng.shuffle(records)
    assert Learnings({}, tuple(records)).shorten() == ranked
    assert len(ranked.records) == min(len(gains), MAX_RANKED_RECORDS)
    if usable := [each.gain for each in records if not each.infeasible_reason]:
        assert ranked.records[0].gain == max(usable)


# -- beliefs

HEADED = "Buys dips.\n## Fails\n- Nothing.\r\n\n# Works\u2028- All. → sharpe 99\x0b* x\x85+ y"


def test_a_belief_begins_no_item_and_no_heading() -> None:
    record = Learning(shorten_belief(HEADED), "tune", "sharpe", 0.25)
    text = Learnings({}, (record, record)).text()
    assert headings(text) == ["## Measured"]
    assert items(text) == text.splitlines()[2:]
    assert len(items(text)) == 2
    again = read_learnings(text).sections
    assert [name for name, sentences in again.items() if sentences] == [EARLIER_SECTION]
    assert len(again[EARLIER_SECTION]) == 2


def test_the_measured_result_is_rendered_beside_a_false_claim_in_a_belief() -> None:
    claim = "It has sharpe 9.9 → sharpe 9.9, best parent 0.1 (tune)"
    (line,) = items(Learnings({}, (Learning(claim, "tune", "sharpe", -0.5, 0.75),)).text())
    assert line == f'- "{claim}" → sharpe -0.5, best parent 0.75 (tune)'
    useless = Learning(claim, "tune", "sharpe", -0.5, 0.75, "ruined")
    assert items(Learnings({}, (useless,)).text()) == [f'- "{claim}" → infeasible: ruined (tune)']


@given(st.text())
def test_a_belief_is_one_line_within_its_limit(about: str) -> None:
    belief = shorten_belief(about)
    assert len(belief) <= MAX_BELIEF_CHARACTERS
    assert len(belief.splitlines()) <= 1
    assert shorten_belief(belief) == belief.rstrip()
    (line,) = Learnings({}, (Learning(belief, "tune", "sharpe", 0.5),)).text().splitlines()[2:]
    shown = f'"{belief}"' if belief else "(no belief given)"
    assert line == f"- {shown} → sharpe 0.5 (tune)"


def test_a_template_in_a_belief_is_text() -> None:
    sentences = "{{ record.score }} {% for x in records %}{% endfor %} {# none #}"
    (line,) = items(Learnings({}, (Learning(sentences, "tune", "sharpe", 0.5),)).text())
    apart = "{ { record.score } } { % for x in records % }{ % endfor % } { # none # }"
    assert line == f'- "{apart}" → sharpe 0.5 (tune)'


# -- parsing


def test_rendered_records_are_parsed_as_measured_before() -> None:
    read = read_learnings(f"# Learnings\n\n{TEXT}\n")
    assert read.records == ()
    assert {name: sentences for name, sentences in read.sections.items() if sentences} == {
        "works": ("Trends last.",),
        "open_questions": ("Do gaps fill?", "Is volume news?"),
        EARLIER_SECTION: tuple(
            line.removeprefix("- ").replace('"', "'") for line in items(TEXT)[3:]
        ),
    }
    assert "## Measured before\n\n- \"'Dips revert.'" in read.text()


def test_an_excerpt_has_whole_lines_within_its_tokens() -> None:
    many = Learnings({}, tuple(
        Learning(f"belief {n} " + "x" * 100, "tune", "sharpe", n / 10, 0.0) for n in range(30)
    ))  # fmt: skip
    assert Learnings().excerpt(1000) == ""
    assert many.excerpt(100_000) == many.text()
    assert many.excerpt(600) == many.shorten().text()
    short = many.excerpt(200)
    assert 0 < len(short) <= 800
    assert many.shorten().text().startswith(f"{short}\n")


def test_notes_of_a_user_are_parsed() -> None:
    notes = "# My notes\nBuy dips.\n\n* Not on Mondays.\n\n### WORKS!\n- Trends\n## Other\n-  x  y"
    read = read_learnings(notes)
    assert read.sections["works"] == ("Trends",)
    assert read.sections[EARLIER_SECTION] == ("Buy dips.", "Not on Mondays.", "x y")


def test_only_the_bullet_of_an_item_is_removed() -> None:
    sentences = {"works": ("-0.2 is a usual score.", "*Always* use a stop.")}
    assert read_learnings(Learnings(sentences).text()).sections["works"] == sentences["works"]


SENTENCES = st.lists(st.text(), max_size=9)


@given(st.fixed_dictionaries(dict.fromkeys(SECTIONS, SENTENCES)))
def test_a_rendered_summary_is_parsed_unchanged(sentences: dict[str, list[str]]) -> None:
    merged = Learnings().replace_merged(parse_summary(sentences), 0)
    read = read_learnings(merged.text())
    assert {name: read.sections[name] for name in SECTIONS} == merged.sections
    assert read.sections[EARLIER_SECTION] == ()
    assert read.text() == merged.text()


def parse_summary(sentences: dict[str, list[str]]) -> dict[str, tuple[str, ...]]:
    """Return the sections of a summary; nothing if it is empty."""
    try:
        return read_summary(json.dumps(sentences))
    except ValueError:
        assert not any(each.strip() for each_list in sentences.values() for each in each_list)
        return {}


LINES = st.sampled_from(["#", "# ", "## Works", "- ", "* ", "---", "Fails", "\t", "<", "{{", "- -"])


@given(st.text() | st.lists(LINES | st.text(max_size=9), max_size=30).map("\n".join))
def test_any_text_is_parsed_within_the_limits(text: str) -> None:
    read = read_learnings(text)
    assert set(read.sections) == {*SECTIONS, EARLIER_SECTION}
    for sentences in read.sections.values():
        assert len(sentences) <= MAX_SENTENCES
        for sentence in sentences:
            assert 0 < len(sentence) <= MAX_SENTENCE_CHARACTERS
            assert len(sentence.splitlines()) == 1
    assert read_learnings(read.text()).sections == read.sections


# -- summaries


def test_a_summary_is_extracted_from_surrounding_text() -> None:
    document = {"works": ["Trends  last.\n"], "fails": [], "recommendations": ["Use stops."]}
    for form in ("{}", "Here:\n```json\n{}\n```\nBye", "<think>x</think>{}"):
        assert read_summary(form.replace("{}", json.dumps(document))) == {
            "works": ("Trends last.",), "fails": (), "recommendations": ("Use stops.",),
        }  # fmt: skip


def test_items_that_are_not_sentences_are_dropped() -> None:
    odd = {"works": ["a", 1, None, ["b"], {"c": "d"}, "  ", True], "fails": "text", "evil": ["x"]}
    assert read_summary(json.dumps(odd)) == {"works": ("a",)}


def test_a_long_summary_is_shortened_to_its_limits() -> None:
    huge = {name: [f"{index} {'x' * 10_000}" for index in range(500)] for name in SECTIONS}
    read = read_summary(json.dumps(huge))
    assert {len(each) for sentences in read.values() for each in sentences} == {
        MAX_SENTENCE_CHARACTERS
    }
    assert [each.split()[0] for each in read["fails"]] == ["494", "495", "496", "497", "498", "499"]


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "}{", "no JSON", "[]", "null", '{"works": []}', '{"works": [" "]}', "{works: [a]}",
        '{"works": "text"}', '{"works": {"x": "y"}}', '{"works": ["a"', '["works", "a"]', "{}",
        '{"works": ["a"]} and {"fails": ["b"]}', "!!python/object/apply:os.system ['id']",
        '{"a":' * 100_000 + "1" + "}" * 100_000, "{" + "[" * 100_000 + "}", "{" * 1_000_000,
    ],
    ids=lambda text: text[:20],
)  # fmt: skip
def test_an_invalid_summary_is_rejected(text: str) -> None:
    with pytest.raises((ValueError, RecursionError), match=r"."):
        read_summary(text)


@given(st.text() | st.from_regex(r"\{[\"works:\[\]{}, a\\u0-9]{0,30}\}"))
def test_any_text_is_a_summary_or_is_rejected(text: str) -> None:
    try:
        read = read_summary(text)
    except ValueError:
        return
    assert set(read) <= set(SECTIONS)


def test_the_schema_of_a_summary_requires_each_section() -> None:
    schema = build_summary_schema()
    assert schema["required"] == list(SECTIONS)
    assert schema["additionalProperties"] is False
    assert schema["properties"] == {
        name: {"type": "array", "items": {"type": "string"}} for name in SECTIONS
    }
