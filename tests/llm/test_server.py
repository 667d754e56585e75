"""Requests, the parsing of responses, and the messages of failures."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest

from evolve.llm.transport.model import OPENAI, Model
from evolve.llm.transport.reply import ERROR_IN_ANSWER, MAX_TEXT_CHARACTERS, ModelError, Reply
from evolve.llm.transport.request_body import build_chat_body
from evolve.llm.transport.server import Server
from tests.llm.scripted import Answer, Scripted, cut, fail, say, serving, stream

Result = TypeVar("Result")
KEY = "sk-very-secret"
MESSAGES = [{"role": "user", "content": "x" * 40}]
TOOL_ITEM = {"type": "custom_tool_call", "name": "strategy", "input": "buy"}
MESSAGE_ITEM = {"type": "message", "content": [{"type": "output_text", "text": "Here it is."}]}
REASONING_ITEM = {"type": "reasoning", "content": [{"type": "reasoning_text", "text": "hm"}]}
REFUSAL_ITEM = {"type": "message", "content": [{"type": "refusal", "refusal": "I will not"}]}
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")


@pytest.fixture
def fast_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the delay before a retry."""
    monkeypatch.setattr("openai._base_client.INITIAL_RETRY_DELAY", 0.01)


async def ended(server: Server, work: Coroutine[Any, Any, Result]) -> Result:
    try:
        return await work
    finally:
        await server.close()


def asked(
    url: str,
    key: str | None = KEY,
    seconds: float = 5.0,
    limit: int | None = None,
    **of_model: Any,
) -> Reply:
    server = Server(Model("tiny", url, **of_model), key, seconds)
    return asyncio.run(ended(server, server.ask(MESSAGES, max_tokens=limit)))


def reply_to(answer: Answer) -> Reply:
    with serving([answer]) as server:
        return asked(server.url)


def failed(answer: Answer, seconds: float = 5.0, **of_model: Any) -> tuple[ModelError, Scripted]:
    with serving([answer]) as server, pytest.raises(ModelError) as caught:
        asked(server.url, seconds=seconds, **of_model)
    return caught.value, server


def body(document: object) -> Answer:
    return Answer((document if isinstance(document, str) else json.dumps(document)).encode())


def completion(message: object, **more: object) -> Answer:
    return body({"choices": [{"message": message, "finish_reason": "stop"}], **more})


def test_an_answer_is_parsed_and_the_request_has_no_optional_fields() -> None:
    with serving([say("buy", "hm", "length", (7, 3))]) as server:
        reply = asked(server.url)
    assert (reply.text, reply.reasoning, reply.finish) == ("buy", "hm", "length")
    assert (reply.tokens_in, reply.tokens_out) == (7, 3)
    assert 0 < reply.seconds < 5
    assert server.paths == ["/v1/chat/completions"]
    assert server.bodies == [
        {"model": "tiny", "messages": MESSAGES, "max_tokens": 2000, "temperature": 1.0}
    ]


@pytest.mark.parametrize(
    ("usage", "counted"),
    [
        ({"prompt_tokens": 7, "completion_tokens": 3}, (7, 3)),
        ({"input_tokens": 11, "output_tokens": 0}, (11, 12 // 4)),
        ({"prompt_tokens": -1, "completion_tokens": "5"}, (40 // 4, 12 // 4)),
        ({"prompt_tokens": 0, "completion_tokens": 0}, (40 // 4, 12 // 4)),
        ({"prompt_tokens": 2**63, "completion_tokens": 1e300}, (40 // 4, 12 // 4)),
        ({"prompt_tokens": 7.0, "completion_tokens": 3.5}, (7, 12 // 4)),
        ({"prompt_tokens": True, "completion_tokens": [5]}, (40 // 4, 12 // 4)),
        (None, (40 // 4, 12 // 4)),
    ],
)
def test_tokens_are_read_or_estimated(usage: object, counted: tuple[int, int]) -> None:
    reply = reply_to(completion({"content": "12345678", "reasoning": "1234"}, usage=usage))
    assert (reply.tokens_in, reply.tokens_out) == counted


@pytest.mark.parametrize("status", [408, 409, 429, 500, 503])
def test_a_transient_failure_is_retried(status: int) -> None:
    with serving([fail(status, retry_after_ms="5"), say("ok")]) as server:
        assert asked(server.url).text == "ok"
    assert len(server.bodies) == 2
    assert server.bodies[0] == server.bodies[1]


def test_a_server_sets_the_delay_before_a_retry(monkeypatch: pytest.MonkeyPatch) -> None:
    delays: list[float] = []

    async def record(seconds: float) -> None:
        delays.append(seconds)

    monkeypatch.setattr("openai._base_client.anyio.sleep", record)
    with serving([fail(429, retry_after="0.6"), say("ok")]) as server:
        assert asked(server.url).text == "ok"
    assert delays == [0.6]


@pytest.mark.parametrize(
    ("status", "requests", "hint"),
    [
        (400, 1, ""),
        (401, 1, "set OTHER_KEY"),
        (403, 1, "check that the key in OTHER_KEY may use this model"),
        (404, 1, "check that the server has the model `tiny`; set OPENAI_MODEL or `llm.models`"),
        (429, 3, "the rate limit is exceeded, or the credit is used up"),
        (503, 3, ""),
    ],
)
def test_only_transient_failures_are_retried(status: int, requests: int, hint: str) -> None:
    answer = fail(status, "no such\n  thing", retry_after_ms="5")
    error, server = failed(answer, api_key_env="OTHER_KEY")
    assert len(server.bodies) == requests
    assert (error.status, error.hint, error.may_be_billed) == (status, hint, False)
    assert error.message.startswith(f"{server.url} answered {status}: ")
    assert error.message.endswith("no such thing")


@pytest.mark.usefixtures("fast_retries")
def test_an_unreachable_server_is_reported_with_its_address() -> None:
    with serving([say("ok")]) as server:
        url = server.url
    with pytest.raises(ModelError) as caught:
        asked(url)
    assert caught.value.message.startswith(f"cannot reach {url}: ")
    assert caught.value.hint == "check that the server runs and that OPENAI_BASE_URL is its address"
    assert (caught.value.status, caught.value.may_be_billed) == (None, False)


def test_a_timeout_may_be_billed() -> None:
    error, server = failed(say("late", seconds=0.6), seconds=0.3)
    assert error.message == f"{server.url} did not answer within 0.3 seconds"
    assert error.hint == "raise `llm.timeout_seconds`, or lower the model's `max_tokens`"
    assert (error.status, error.may_be_billed) == (None, True)


def test_the_timeout_includes_retries() -> None:
    error, server = failed(fail(503, retry_after="30"), seconds=0.3)
    assert (len(server.bodies), error.status) == (1, None)
    assert "did not answer within 0.3 seconds" in error.message


@pytest.mark.usefixtures("fast_retries")
def test_a_connection_that_closes_during_a_response_may_be_billed() -> None:
    error, server = failed(cut(say("a long answer"), 40))
    assert len(server.bodies) == 3
    assert server.url in error.message
    assert (error.status, error.may_be_billed) == (None, True)


@pytest.mark.parametrize(
    ("answer", "message", "is_billed"),
    [
        (say(""), "the answer is empty", True),
        (completion({"content": None}), "the answer is empty", True),
        (completion("text"), "the answer is empty", True),
        (body({}), "the answer is empty", True),
        (body({"choices": ["a"]}), "the answer is empty", True),
        (completion({"refusal": "I will not"}), "the model refused: I will not", True),
        (body({"output": [REFUSAL_ITEM]}), "the model refused: I will not", True),
        (body({"error": {"message": "boom"}}), "the server reported an error: boom", False),
        (body({"error": "boom"}), "the server reported an error: boom", False),
        (body("<html>sorry</html>"), "expected JSON, found: <html>sorry</html>", True),
        (body(""), "expected JSON, found: nothing", True),
        (body('{"choices": ["a'), 'expected JSON, found: {"choices": ["a', True),
        (body("[" * 100_000), f"expected JSON, found: {'[' * 300}", True),
        (body([1]), "expected a JSON object", True),
        (stream([]), "the answer is empty", True),
    ],
)  # fmt: skip
def test_a_body_without_an_answer_is_reported_with_a_reason(
    answer: Answer, message: str, is_billed: bool
) -> None:
    error, server = failed(answer)
    status = ERROR_IN_ANSWER if "boom" in message else None
    assert (str(error), error.status, error.may_be_billed) == (message, status, is_billed)
    assert len(server.bodies) == 1


def test_an_unrequested_stream_is_one_answer_even_without_an_end() -> None:
    for ends in (True, False):
        assert reply_to(stream(["buy ", "when ", "x"], ends)).text == "buy when x"


def test_a_stream_has_reasoning_finish_reason_and_usage() -> None:
    events: list[object] = [
        {"choices": [{"delta": {"role": "assistant", "content": None}}]},
        {"choices": [{"delta": {"reasoning_content": "hm"}, "finish_reason": None}]},
        {"choices": [{"delta": {"content": "x"}, "finish_reason": "length"}]},
        {"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 6}},
    ]
    reply = reply_to(body("".join(f"data: {json.dumps(each)}\n\n" for each in events) + "data: {"))
    assert (reply.text, reply.reasoning, reply.finish) == ("x", "hm", "length")
    assert (reply.tokens_in, reply.tokens_out) == (5, 6)


def test_a_line_separator_does_not_split_an_event_of_a_stream() -> None:
    event = {"choices": [{"delta": {"content": "a\u2028b\x85c"}}]}
    reply = reply_to(body(f"data: {json.dumps(event, ensure_ascii=False)}\n\n"))
    assert reply.text == "a\u2028b\x85c"


def test_a_stream_in_another_format_is_an_empty_answer() -> None:
    error, _ = failed(body('data: {"choices": [{"delta": "text"}]}\n\n'))
    assert str(error) == "the answer is empty"


@pytest.mark.parametrize(
    ("message", "text", "reasoning"),
    [
        ({"content": [{"type": "text", "text": "a "}, {"text": "b"}, {"x": 1}, 2]}, "a b", ""),
        ({"content": "a", "reasoning_content": "r"}, "a", "r"),
        ({"content": "a", "reasoning": "r"}, "a", "r"),
        ({"content": None, "reasoning": "r"}, "", "r"),
        ({"content": "a", "refusal": "no"}, "a", ""),
    ],
)
def test_every_dialect_of_a_message_is_parsed(message: object, text: str, reasoning: str) -> None:
    reply = reply_to(completion(message))
    assert (reply.text, reply.reasoning, reply.finish) == (text, reasoning, "stop")


def test_a_long_answer_keeps_its_beginning_and_its_end() -> None:
    reply = reply_to(say("a" * 1_000_000 + "z" * 1_000_000, "b" * MAX_TEXT_CHARACTERS))
    half = MAX_TEXT_CHARACTERS // 2
    assert reply.text == "a" * half + "\n" + "z" * (half - 1)
    assert reply.reasoning == "b" * MAX_TEXT_CHARACTERS


@pytest.mark.parametrize(
    ("output", "status", "expected"),
    [
        ([REASONING_ITEM, MESSAGE_ITEM, TOOL_ITEM], "completed", ("buy", "hm", "stop")),
        ([MESSAGE_ITEM], "incomplete", ("Here it is.", "", "length")),
        ([REASONING_ITEM], "incomplete", ("", "hm", "length")),
    ],
)
def test_a_body_of_the_responses_api_is_parsed(
    output: object, status: str, expected: tuple[str, str, str]
) -> None:
    usage = {"input_tokens": 9, "output_tokens": 4}
    reply = reply_to(body({"output": output, "status": status, "error": None, "usage": usage}))
    assert (reply.text, reply.reasoning, reply.finish) == expected
    assert (reply.tokens_in, reply.tokens_out) == (9, 4)


def test_only_the_parameters_of_the_model_are_sent() -> None:
    extra = {"top_k": 5, "max_tokens": 77}
    with serving([say("x")]) as server:
        asked(server.url, limit=64)
        asked(server.url, limit=64, max_tokens=50, temperature=None, reasoning_effort="low")
        asked(server.url, extra_body=extra, temperature=0.0)
    asks = {"model": "tiny", "messages": MESSAGES}
    assert server.bodies == [
        asks | {"max_tokens": 64, "temperature": 1.0},
        asks | {"max_tokens": 50, "reasoning_effort": "low"},
        asks | {"max_tokens": 77, "temperature": 0.0, "top_k": 5},
    ]


def test_openai_gets_the_token_limit_under_its_new_name() -> None:
    sent = build_chat_body(Model("gpt", OPENAI, temperature=None), MESSAGES, {}, 64)
    assert sent == {"model": "gpt", "messages": MESSAGES, "max_completion_tokens": 64}


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_requests_to_loopback_ignore_proxies(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "")
    for name in PROXIES:
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with serving([say("ok")]) as server:
        assert asked(server.url.replace("127.0.0.1", host)).text == "ok"


def test_the_key_is_sent_only_in_the_header() -> None:
    with serving([say("ok")]) as server:
        asked(server.url)
        asked(server.url, key=None)
    assert server.keys == [f"Bearer {KEY}", "Bearer none"]
    assert KEY not in json.dumps(server.bodies)


@pytest.mark.usefixtures("fast_retries")
@pytest.mark.parametrize("key", [KEY, f"{KEY}\n", f"{KEY}\r", f"{KEY}é"])
def test_no_error_reveals_the_key(key: str) -> None:
    answer = fail(401, f"Incorrect API key provided: {KEY}")
    with serving([answer]) as server, pytest.raises(ModelError) as caught:
        asked(server.url, key)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("url", ["http://localhost:port/v1", "http://[::1", "localhost:1/v1"])
@pytest.mark.usefixtures("fast_retries")
def test_an_invalid_address_is_reported(url: str) -> None:
    with pytest.raises(ModelError) as caught:
        asked(url)
    assert url in caught.value.message
    assert not caught.value.may_be_billed


@pytest.mark.usefixtures("fast_retries")
@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:9", "socks9://127.0.0.1:9"])
def test_an_unusable_proxy_is_reported(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy)
    with pytest.raises(ModelError, match=r"(?si)model\.invalid.*proxy"):
        asked("http://model.invalid/v1")


def test_a_server_lists_its_models() -> None:
    with serving([say("ok")]) as server:
        client = Server(Model("default", server.url), None, 5.0)
        assert asyncio.run(ended(client, client.models())) == ["tiny"]


@pytest.mark.parametrize(
    "message",
    [
        "max_tokens is too large: 2000. This model supports at most 512 completion tokens.",
        "`max_tokens` must be less than or equal to `512`",
        "max_tokens: 2000 > 512, which is the maximum allowed number of output tokens",
        "Invalid max_tokens value, the valid range of max_tokens is [1, 512]",
    ],
)
def test_a_refused_limit_on_tokens_names_the_setting(message: str) -> None:
    error, _ = failed(fail(400, message))
    assert message in error.message
    assert error.hint == "lower `max_tokens` of the model in `llm.models`"
