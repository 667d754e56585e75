"""Fields that a server does not support are learned from its errors and omitted."""

from __future__ import annotations

import json
from typing import Any

import pytest

from evolve.llm.transport.refusals import find_unsupported_field, read_server_words
from evolve.llm.transport.request_body import OPTIONAL_FIELDS
from tests.llm.scripted import GOOD, Answer, say, serving
from tests.llm.sessions import OTHER_REFUSALS, Session, refuse, refuse_fields
from tests.llm.test_client import MESSAGES, enforcing

pytestmark = pytest.mark.usefixtures("own_home")

NO_LIMIT = (
    "Unsupported parameter: 'max_tokens' is not supported with this model. "
    "Use 'max_completion_tokens' instead."
)
NO_TEMPERATURE = (
    "Unsupported value: 'temperature' does not support 0.2 with this model. "
    "Only the default (1) value is supported."
)
NO_EFFORT = "Unrecognized request argument supplied: reasoning_effort"
FORBIDDEN = {
    "detail": [
        {"type": "extra_forbidden", "loc": ["body", "reasoning_effort"],
         "msg": "Extra inputs are not permitted", "input": "low"}
    ]
}  # fmt: skip


@pytest.mark.parametrize(
    ("field", "answer", "sent"),
    [
        ("max_tokens", refuse(NO_LIMIT, param="max_tokens", code="unsupported_parameter"),
         {"max_completion_tokens": 2000, "temperature": 0.2, "reasoning_effort": "low"}),
        ("max_tokens", refuse(NO_LIMIT),
         {"max_completion_tokens": 2000, "temperature": 0.2, "reasoning_effort": "low"}),
        ("temperature", refuse(NO_TEMPERATURE, param="temperature"),
         {"max_tokens": 2000, "reasoning_effort": "low"}),
        ("temperature", refuse(NO_TEMPERATURE), {"max_tokens": 2000, "reasoning_effort": "low"}),
        ("reasoning_effort", refuse(NO_EFFORT), {"max_tokens": 2000, "temperature": 0.2}),
        ("reasoning_effort", Answer(json.dumps(FORBIDDEN).encode(), 422),
         {"max_tokens": 2000, "temperature": 0.2}),
    ],
)  # fmt: skip
def test_an_unsupported_field_is_omitted_or_renamed(
    field: str, answer: Answer, sent: dict[str, Any]
) -> None:
    script = refuse_fields(lambda _: say(GOOD), **{field: answer})
    with serving(script) as server:
        session = Session(server.url, "text", temperature=0.2, reasoning_effort="low")
        for _ in range(2):
            (exchange,) = session.ask()
            assert (exchange.text, exchange.error) == (GOOD, "")
        session.close()
    bodies = [
        {name: value for name, value in body.items() if name not in ("model", "messages")}
        for body in server.bodies
    ]
    first = {"max_tokens": 2000, "temperature": 0.2, "reasoning_effort": "low"}
    assert bodies == [first, sent, sent]
    omitted = (
        [] if field == "max_tokens" else [f"tiny does not support `{field}`: requests omit it"]
    )
    assert session.log.texts == omitted


def test_several_unsupported_fields_are_omitted_together() -> None:
    refusals = {
        "max_tokens": refuse(NO_LIMIT), "temperature": refuse(NO_TEMPERATURE),
        "reasoning_effort": refuse(NO_EFFORT),
    }  # fmt: skip
    with serving(refuse_fields(enforcing("ebnf"), **refusals)) as server:
        session = Session(server.url, temperature=0.2, reasoning_effort="low")
        assert session.ask()[-1].text == GOOD
        assert session.format == "ebnf"  # no refusal of a field counts against a format
        session.close()
    assert set(server.bodies[-1]) >= {"max_completion_tokens", "ebnf"}
    assert not set(server.bodies[-1]) & set(refusals)


def test_a_run_that_goes_on_sends_no_refused_field_and_reports_nothing_again() -> None:
    script = refuse_fields(
        lambda _: say(GOOD, finish="length"),
        temperature=refuse(NO_TEMPERATURE), max_tokens=refuse(NO_LIMIT),
    )  # fmt: skip
    with serving(script) as server:
        first, second = (Session(server.url, "text", temperature=0.2) for _ in range(2))
        exchanges = first.ask()
        second.client.adopt(exchanges)
        sent = len(server.bodies)
        assert second.ask()[-1].text == GOOD
        first.close()
        second.close()
    assert len(first.log.texts) == 2  # the field and the cut answer
    assert second.log.texts == []
    (body,) = server.bodies[sent:]
    assert "temperature" not in body and "max_completion_tokens" in body


def test_a_field_is_not_given_up_if_the_request_without_it_fails_too() -> None:
    both = {
        "max_tokens": refuse(NO_LIMIT),
        "max_completion_tokens": refuse("Unknown parameter: 'max_completion_tokens'"),
    }
    with serving(refuse_fields(lambda _: say(GOOD), **both)) as server:
        session = Session(server.url, "text")
        (exchange,) = session.ask()
        assert "Unknown parameter: 'max_completion_tokens'" in exchange.error
        session.ask()
        session.close()
    limits = [sorted(set(body) & set(both)) for body in server.bodies]
    assert limits == [["max_tokens"], ["max_completion_tokens"]] * 2  # never without a limit


@pytest.mark.parametrize("message", OTHER_REFUSALS)
def test_an_error_about_a_value_does_not_omit_its_field(message: str) -> None:
    with serving(lambda _: refuse(message)) as server:
        session = Session(server.url, "text")
        session.ask()
        session.close()
    assert len(server.bodies) == 1


def test_a_null_in_extra_body_removes_a_field_and_the_fields_of_the_user_remain() -> None:
    extra = {"max_tokens": None, "max_completion_tokens": 99, "temperature": None, "top_k": 5}
    with serving(lambda _: say(GOOD)) as server:
        session = Session(server.url, "text", extra_body=extra)
        session.ask()
        server.script = lambda _: refuse("Unknown parameter: 'max_completion_tokens'")
        session.ask()
        session.close()
    expected = {"model": "tiny", "messages": MESSAGES, "max_completion_tokens": 99, "top_k": 5}
    assert server.bodies == [expected, expected]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ("", ""), ("boom", ""), ('{"error": 5}', ""), ("[" * 5000, ""),
        ("unknown field `temperature_scale`", ""), ("unsupported: my_max_tokens", ""),
        ("temperature is too high", ""), ("unsupported: temperature", "temperature"),
        ("x" * 5000 + "unsupported: temperature", ""),
        ("'reasoning.effort' is not supported", "reasoning"),
    ],
)  # fmt: skip
def test_the_unsupported_field_is_read_from_any_error(body: str, field: str) -> None:
    assert find_unsupported_field(body, OPTIONAL_FIELDS) == field


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('{"error": {"message": "boom"}}', "boom"), ('{"error": "boom"}', "boom"),
        ('{"detail": "boom"}', "boom"), ('{"message": "boom"}', "boom"),
        ('{"detail": [{"msg": "boom"}]}', '[{"msg": "boom"}]'), ("boom\n", "boom"), ("", ""),
        ("<html><body><h1>502</h1>\nBad gateway</body>", "502 Bad gateway"), ("null", "null"),
        ("{}", "{}"), ("[]", "[]"), ("<" * 100_000, "<" * 4000),
    ],
)  # fmt: skip
def test_the_words_of_a_server_are_read_from_any_error(body: str, words: str) -> None:
    assert read_server_words(body) == words
