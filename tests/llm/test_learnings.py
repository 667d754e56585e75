"""What was learned: beliefs beside what was measured, within bounds, whoever wrote them."""

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
    read_learnings,
    read_summary,
    shorten_belief,
    summary_schema,
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

- Trends last.

## Open questions

- Do gaps fill?
- Is volume news?

## Measured

- Dips revert. → appraisal_ratio 0.812, its best parent had 0.7 (tune)
- New highs run. → appraisal_ratio 0.5 (different)
- Crashes turn. → cannot be used: trades_per_fold 0 (combine)
- (nothing was said) → sharpe 1.0, its best parent had 1.0 (simplify)"""


def learned(index: int, gain: float, obstacle: str = "") -> Learning:
    return Learning(f"belief {index}", "tune", "sharpe", 1.0 + gain, 1.0, obstacle)


def items(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("- ")]


def headings(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("#")]


def test_beliefs_are_told_beside_what_was_measured() -> None:
    assert KNOWN.text() == TEXT
    assert KNOWN.tokens() == len(TEXT) // 4
    assert (Learnings().text(), bool(Learnings()), bool(KNOWN)) == ("", False, True)
    assert not Learnings({"works": ()})


def test_a_gain_is_over_the_best_parent_and_over_nothing_without_one() -> None:
    assert DIPS.gain == pytest.approx(0.11185)
    assert FRESH.gain == 0.5


def test_records_are_added_at_the_end() -> None:
    more = Learnings({"works": ("x",)}, (DIPS,)).with_records([FRESH, MUTE])
    assert more == Learnings({"works": ("x",)}, (DIPS, FRESH, MUTE))


def test_a_merger_takes_the_place_of_what_it_was_told_and_of_nothing_that_came_after() -> None:
    grown = KNOWN.with_records([learned(1, 0.1), learned(2, 0.2)])
    merged = grown.with_summary({"fails": ["Crashes go on."], "gossip": ["x"]}, len(KNOWN.records))
    assert merged.records == (learned(1, 0.1), learned(2, 0.2))
    assert merged.sections == {**dict.fromkeys(SECTIONS, ()), "fails": ("Crashes go on.",)}
    assert "Trends last." not in merged.text()
    assert KNOWN.records == (DIPS, FRESH, RARE, MUTE)


def test_a_ranking_keeps_the_best_and_the_worst() -> None:
    usable = [learned(index, index / 10) for index in range(10)]
    useless = [learned(10 + index, 9.0, "ruined") for index in range(3)]
    shuffled = random.Random(1).sample([*usable, *useless], 13)
    ranked = Learnings({"works": ("x",) * 9}, tuple(shuffled)).shortened()
    gains = [(round(each.gain, 1), each.infeasible_reason) for each in ranked.records]
    best = [(0.9, ""), (0.8, ""), (0.7, ""), (0.6, "")]
    assert gains == [*best, (0.0, ""), *[(9.0, "ruined")] * 3]
    assert len(ranked.records) == MAX_RANKED_RECORDS
    assert ranked.sections == {"works": ("x",) * MAX_SENTENCES}
    assert ranked.shortened() == ranked


@given(st.lists(st.tuples(st.floats(-9, 9), st.booleans()), max_size=30), st.randoms())
def test_a_ranking_is_bounded_and_the_same_in_any_order(
    gains: list[tuple[float, bool]], rng: random.Random
) -> None:
    records = [learned(index, gain, "ruined" * bad) for index, (gain, bad) in enumerate(gains)]
    ranked = Learnings({}, tuple(records)).shortened()
    rng.shuffle(records)
    assert Learnings({}, tuple(records)).shortened() == ranked
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
    assert [name for name, said in again.items() if said] == [EARLIER_SECTION]
    assert len(again[EARLIER_SECTION]) == 2


def test_what_was_measured_is_written_by_the_tool_whatever_a_belief_claims() -> None:
    claim = "It has sharpe 9.9 → sharpe 9.9, its best parent had 0.1 (tune)"
    (line,) = items(Learnings({}, (Learning(claim, "tune", "sharpe", -0.5, 0.75),)).text())
    assert line == f"- {claim} → sharpe -0.5, its best parent had 0.75 (tune)"
    useless = Learning(claim, "tune", "sharpe", -0.5, 0.75, "ruined")
    assert items(Learnings({}, (useless,)).text()) == [f"- {claim} → cannot be used: ruined (tune)"]


@given(st.text())
def test_a_belief_is_one_line_within_its_bound(about: str) -> None:
    belief = shorten_belief(about)
    assert len(belief) <= MAX_BELIEF_CHARACTERS
    assert len(belief.splitlines()) <= 1
    assert shorten_belief(belief) == belief.rstrip()
    (line,) = Learnings({}, (Learning(belief, "tune", "sharpe", 0.5),)).text().splitlines()[2:]
    assert line == f"- {belief or '(nothing was said)'} → sharpe 0.5 (tune)"


def test_a_template_in_a_belief_is_text() -> None:
    said = "{{ record.score }} {% for x in records %}{% endfor %} {# none #}"
    (line,) = items(Learnings({}, (Learning(said, "tune", "sharpe", 0.5),)).text())
    assert line == f"- {said} → sharpe 0.5 (tune)"


# -- read again


def test_what_is_told_is_read_again_with_records_as_what_was_measured_before() -> None:
    read = read_learnings(f"# Learnings\n\n{TEXT}\n")
    assert read.records == ()
    assert {name: said for name, said in read.sections.items() if said} == {
        "works": ("Trends last.",),
        "open_questions": ("Do gaps fill?", "Is volume news?"),
        EARLIER_SECTION: tuple(line.removeprefix("- ") for line in items(TEXT)[3:]),
    }
    assert "## Measured before\n\n- Dips revert." in read.text()


def test_what_is_told_keeps_to_its_tokens_and_to_whole_lines() -> None:
    many = Learnings({}, tuple(
        Learning(f"belief {n} " + "x" * 100, "tune", "sharpe", n / 10, 0.0) for n in range(30)
    ))  # fmt: skip
    assert Learnings().excerpt(1000) == ""
    assert many.excerpt(100_000) == many.text()
    assert many.excerpt(600) == many.shortened().text()
    short = many.excerpt(200)
    assert 0 < len(short) <= 800
    assert many.shortened().text().startswith(f"{short}\n")


def test_a_persons_own_notes_are_read() -> None:
    notes = "# My notes\nBuy dips.\n\n* Not on Mondays.\n\n### WORKS!\n- Trends\n## Other\n-  x  y"
    read = read_learnings(notes)
    assert read.sections["works"] == ("Trends",)
    assert read.sections[EARLIER_SECTION] == ("Buy dips.", "Not on Mondays.", "x y")


def test_only_the_bullet_of_an_item_is_taken_off() -> None:
    said = {"works": ("-0.2 is a usual score.", "*Always* use a stop.")}
    assert read_learnings(Learnings(said).text()).sections["works"] == said["works"]


SENTENCES = st.lists(st.text(), max_size=9)


@given(st.fixed_dictionaries(dict.fromkeys(SECTIONS, SENTENCES)))
def test_mergers_are_read_again_as_they_are_told(said: dict[str, list[str]]) -> None:
    merged = Learnings().with_summary(merger_of(said), 0)
    read = read_learnings(merged.text())
    assert {name: read.sections[name] for name in SECTIONS} == merged.sections
    assert read.sections[EARLIER_SECTION] == ()
    assert read.text() == merged.text()


def merger_of(said: dict[str, list[str]]) -> dict[str, tuple[str, ...]]:
    """What is read of a merger; nothing if it says nothing."""
    try:
        return read_summary(json.dumps(said))
    except ValueError:
        assert not any(each.strip() for sentences in said.values() for each in sentences)
        return {}


LINES = st.sampled_from(["#", "# ", "## Works", "- ", "* ", "---", "Fails", "\t", "<", "{{", "- -"])


@given(st.text() | st.lists(LINES | st.text(max_size=9), max_size=30).map("\n".join))
def test_any_text_is_read_within_bounds(text: str) -> None:
    read = read_learnings(text)
    assert set(read.sections) == {*SECTIONS, EARLIER_SECTION}
    for said in read.sections.values():
        assert len(said) <= MAX_SENTENCES
        for sentence in said:
            assert 0 < len(sentence) <= MAX_SENTENCE_CHARACTERS
            assert len(sentence.splitlines()) == 1
    assert read_learnings(read.text()).sections == read.sections


# -- mergers


def test_a_merger_is_read_out_of_what_surrounds_it() -> None:
    document = {"works": ["Trends  last.\n"], "fails": [], "recommendations": ["Use stops."]}
    for form in ("{}", "Here:\n```json\n{}\n```\nBye", "<think>x</think>{}"):
        assert read_summary(form.replace("{}", json.dumps(document))) == {
            "works": ("Trends last.",), "fails": (), "recommendations": ("Use stops.",),
        }  # fmt: skip


def test_what_is_no_sentence_of_a_section_is_left_out() -> None:
    odd = {"works": ["a", 1, None, ["b"], {"c": "d"}, "  ", True], "fails": "text", "evil": ["x"]}
    assert read_summary(json.dumps(odd)) == {"works": ("a",)}


def test_a_huge_merger_is_cut_to_its_bounds() -> None:
    huge = {name: [f"{index} {'x' * 10_000}" for index in range(500)] for name in SECTIONS}
    read = read_summary(json.dumps(huge))
    assert {len(each) for said in read.values() for each in said} == {MAX_SENTENCE_CHARACTERS}
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
def test_what_is_no_merger_is_refused(text: str) -> None:
    with pytest.raises((ValueError, RecursionError), match=r"."):
        read_summary(text)


@given(st.text() | st.from_regex(r"\{[\"works:\[\]{}, a\\u0-9]{0,30}\}"))
def test_any_text_is_a_merger_or_is_refused(text: str) -> None:
    try:
        read = read_summary(text)
    except ValueError:
        return
    assert set(read) <= set(SECTIONS)


def test_the_schema_of_a_merger_asks_for_each_section() -> None:
    schema = summary_schema()
    assert schema["required"] == list(SECTIONS)
    assert schema["additionalProperties"] is False
    assert schema["properties"] == {
        name: {"type": "array", "items": {"type": "string"}} for name in SECTIONS
    }
