"""Contexts of models: what each kind of server reports, and the numbers in its errors."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import closing
from functools import partial
from typing import Any

import pytest

from evolve.experiment.models import open_models
from evolve.llm.model_set import LlmSettings, ModelSet
from evolve.llm.transport.context import (
    CONTEXT_SOURCES,
    DEFAULT_PROMPT_TOKENS,
    MARGIN_TOKENS,
    OF_EXPERIMENT,
    find_context,
    find_setting,
    limit_answer,
    read_context_error,
)
from evolve.llm.transport.event_loop import LoopThread
from evolve.llm.transport.model import OPENAI, Model
from evolve.llm.transport.reply import ModelError
from evolve.llm.transport.request_formats import Constraint
from evolve.llm.transport.server import Server
from evolve.notices import NoticeList
from tests.llm.scripted import Answer, fail, keeping_to, say, serving

LISTED = {"object": "list", "data": [{"id": "tiny", "object": "model"}]}
UNKNOWN_PATH = {"error": "Unexpected endpoint or method. (GET /props)"}  # of LM Studio, as 200
TRAINED = {"general.architecture": "llama", "llama.context_length": 131072}
LM_STUDIO = {"id": "tiny", "state": "not-loaded", "max_context_length": 131072}


def listed(**fields: Any) -> dict[str, Any]:
    other = {"id": "other", "max_model_len": 999}
    return {"/v1/models": {"data": [other, {"id": "tiny"} | fields]}}


def with_slots(tokens: object) -> dict[str, Any]:
    settings = {"n_ctx": tokens, "params": {"seed": 1}}
    return {"/props": {"default_generation_settings": settings, "total_slots": 1}}


def loaded(name: str, tokens: int = 8192) -> dict[str, Any]:
    return {"/api/ps": {"models": [{"name": name, "model": name, "context_length": tokens}]}}


def shown(parameters: str = "", info: Mapping[str, Any] = TRAINED) -> dict[str, Any]:
    show = {"model_info": info, "parameters": parameters}
    return {"/api/ps": {"models": []}, "/api/show": show}


def studio(**fields: Any) -> dict[str, Any]:
    return {"/props": UNKNOWN_PATH, "/api/v0/models": {"data": [LM_STUDIO | fields]}}


@pytest.mark.parametrize(
    ("documents", "context"),
    [
        (listed(max_model_len=4096), (4096, "list of models (/v1/models)")),
        (listed(context_length=200_000, top_provider={"context_length": 8192}),
         (8192, "list of models (/v1/models)")),
        (listed(context_length=32768, top_provider=None), (32768, "list of models (/v1/models)")),
        (with_slots(2048), (2048, "llama.cpp (/props)")),
        (loaded("tiny"), (8192, "Ollama (/api/ps)")),
        (loaded("tiny:latest"), (8192, "Ollama (/api/ps)")),
        (shown(), (4096, "Ollama (/api/show)")),
        (shown("temperature 0.7\nnum_ctx                        16384"),
         (16384, "Ollama (/api/show)")),
        (shown("num_ctx 16384", {"qwen2.context_length": 8192}), (8192, "Ollama (/api/show)")),
        (shown("", {"gpt2.context_length": 1024}), (1024, "Ollama (/api/show)")),
        (loaded("another") | {"/api/show": {}}, (None, "")),
        (studio(state="loaded", loaded_context_length=6000), (6000, "LM Studio (/api/v0/models)")),
        (studio(), (4096, "LM Studio (/api/v0/models)")),
        (studio(max_context_length=2048), (2048, "LM Studio (/api/v0/models)")),
        ({}, (None, "")),
    ],
)  # fmt: skip
def test_the_context_is_read_from_each_kind_of_server(
    documents: dict[str, Any], context: tuple[int | None, str]
) -> None:
    assert ask_server(documents) == context


def ask_server(documents: Mapping[str, Any]) -> tuple[int | None, str]:
    with serving([say("x")]) as scripted:
        scripted.documents |= documents
        with closing(LoopThread(1)) as loop:
            server = Server(Model("tiny", scripted.url), None, 5.0)
            loop.close_later(server.close)
            return loop.submit(lambda: find_context(server)).result()


@pytest.mark.parametrize("tokens", [0, -1, 255, 10**9, True, 4096.5, "4096", None, [4096], {}])
def test_an_implausible_context_is_ignored(tokens: object) -> None:
    assert ask_server(with_slots(tokens)) == (None, "")


@pytest.mark.slow
@pytest.mark.parametrize("path", [each.path for each in CONTEXT_SOURCES])
@pytest.mark.parametrize(
    "document",
    [[], "text", 3, None, {"data": 3}, {"data": [3, None, {}]}, {"models": {"name": "tiny"}},
     {"default_generation_settings": [4096]}, {"model_info": [], "parameters": 7},
     {"model_info": {"x.context_length": "many"}, "parameters": "num_ctx many"}],
)  # fmt: skip
def test_a_document_of_another_shape_is_ignored(path: str, document: object) -> None:
    assert ask_server({path: document}) == (None, "")


def test_the_hosted_server_of_openai_is_not_asked() -> None:
    assert asyncio.run(find_context(Server(Model("gpt", OPENAI), None, 0.1))) == (None, "")


@pytest.mark.slow
def test_a_server_that_is_down_is_asked_once() -> None:
    with serving([say("x")]) as scripted:
        url = scripted.url
    server = Server(Model("tiny", url), None, 5.0)
    paths: list[str] = []
    read = server.read_document

    async def record(path: str, body: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
        paths.append(path)
        return await read(path, body)

    server.read_document = record  # type: ignore[method-assign]
    assert asyncio.run(find_context(server)) == (None, "")
    assert paths == ["/v1/models"]


def test_each_source_has_the_setting_that_changes_it() -> None:
    assert {find_setting(each.name) for each in CONTEXT_SOURCES} == {
        "`--max-model-len`", "`-c`", "`OLLAMA_CONTEXT_LENGTH`", "the loaded context",
    }  # fmt: skip
    assert "`OLLAMA_CONTEXT_LENGTH`" in find_setting(OF_EXPERIMENT)


def open_with(model: Model, documents: Mapping[str, Any]) -> tuple[Model, list[str]]:
    notices = NoticeList()
    with serving([Answer(b"{}", 404)]) as scripted:
        scripted.documents |= documents
        local = Model(**{**vars(model), "base_url": scripted.url})
        with open_models(ModelSet({"tiny": local}, LlmSettings()), notices) as opened:
            return opened.first.model, notices.texts


def test_the_context_of_the_experiment_replaces_that_of_the_server() -> None:
    set_by_user = Model("tiny", context_tokens=16384, context_source=OF_EXPERIMENT)
    model, notices = open_with(set_by_user, with_slots(2048))
    assert (model.context_tokens, model.max_tokens, notices) == (16384, 2000, [])


def test_an_answer_that_leaves_no_room_for_the_prompt_is_limited_with_a_notice() -> None:
    model, notices = open_with(Model("tiny"), with_slots(2048))
    assert (model.context_tokens, model.max_tokens) == (2048, 341)
    assert notices == [
        "answers of tiny are limited to 341 tokens, not 2,000: its context has 2,048 tokens "
        "(llama.cpp (/props))"
    ]
    assert open_with(Model("tiny"), with_slots(16384))[1] == []
    assert open_with(Model("tiny"), {})[0].max_tokens == 2000


@pytest.mark.parametrize("wanted", [16, 300, 2000, 30_000])
def test_an_answer_gets_what_a_default_prompt_leaves_at_least_a_sixth(wanted: int) -> None:
    for context in [*range(256, 20_000, 97), 131_072]:
        answer = limit_answer(Model("m", max_tokens=wanted, context_tokens=context)).max_tokens
        sixth, left = context // 6, context - DEFAULT_PROMPT_TOKENS - MARGIN_TOKENS
        assert answer == min(wanted, max(sixth, left))


@pytest.mark.parametrize(
    ("text", "context"),
    [
        ("This model's maximum context length is 4096 tokens. However, your messages resulted in "
         "5123 tokens.", 4096),
        ("This model's maximum context length is 6048 tokens. However, you requested 6616 tokens "
         "(568 in the messages, 6048 in the completion).", 6048),
        ("This endpoint's maximum context length is 131,072 tokens. However, you requested about "
         "140,000 tokens", 131072),
        ("request (4848 tokens) exceeds the available context size (2048 tokens), try increasing "
         "it", 2048),
        ("the request exceeds the available context size. try increasing the context size or "
         "enable context shift (n_ctx 8192)", 8192),
        ("Trying to keep the first 14538 tokens when context the overflows. However, the model is "
         "loaded with context length of only 2048 tokens, which is not enough.", 2048),
        ("The input (61709 tokens) is longer than the model's context length (40960 tokens).",
         40960),
        ("Requested token count exceeds the model's maximum context length of 8192 tokens. You "
         "requested a total of 9000 tokens", 8192),
        ("Requested tokens (2285) exceed context window of 2048", 2048),
        ("Request length 71599 + 2048 is greater than max_seq_len 65536", 65536),
        ("Prompt contains 40000 tokens, too large for model with 32768 maximum context length",
         32768),
        ("prompt is too long: 208310 tokens > 200000 maximum", 200000),
        ("The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
         1048576),
        ("`inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000 `inputs` tokens", 4096),
        ("Prompt is 11543 tokens but the model context window is 4096 tokens.", 4096),
        ("Please reduce the length. Current length is 9000 while limit is 8192", 8192),
        ("failed to parse grammar", None),
        ("max_tokens must be at least 1, got -344", None),
        ("maximum context length is 3 tokens", None),
        ("", None),
    ],
)  # fmt: skip
def test_the_context_is_read_from_errors(text: str, context: int | None) -> None:
    assert read_context_error(f"http://x/v1 answered 400: {text}") == context


def test_a_prompt_that_is_too_long_is_not_a_rejected_format(own_home: None) -> None:
    error = "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens"
    enforced = keeping_to("grammar", lambda body: fail(400, error))
    log, constraint = NoticeList(), Constraint("start: /strategy.+/", "root ::= .+", {})
    messages = [{"role": "user", "content": "Write one."}]
    with serving(lambda body: enforced(body) if "messages" in body else fail(404)) as scripted:
        models = ModelSet({"tiny": Model("tiny", scripted.url)}, LlmSettings())
        with open_models(models, log) as opened:
            client = opened.first
            work = partial(client.exchange, "propose", messages, constraint, 50)
            exchanges = opened.loop.submit(work).result()
            detected = client.request_format
    assert [each.error for each in exchanges[:-1]] == [""] * (len(exchanges) - 1)
    assert read_context_error(exchanges[-1].error) == 4096
    assert (detected and detected.strictness, log.texts) == ("grammar", [])
    assert scripted.bodies[-1]["max_tokens"] == 50


def test_the_numbers_of_llama_cpp_are_part_of_the_error() -> None:
    error = {"message": "the request exceeds the available context size", "n_ctx": 512}
    body = json.dumps({"error": error | {"type": "exceed_context_size_error"}}).encode()
    with serving([Answer(body, 400)]) as scripted:
        server = Server(Model("tiny", scripted.url), None, 5.0)
        with pytest.raises(ModelError) as caught:
            asyncio.run(server.ask([{"role": "user", "content": "x"}]))
    assert read_context_error(caught.value.message) == 512
