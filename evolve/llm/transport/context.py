"""Contexts of models: how many tokens of prompt and answer together their servers process.

Each kind of server is one row of `CONTEXT_SOURCES`. Fields are as in the documents of llama.cpp
(`/props`), Ollama (`/api/ps`, `/api/show`), LM Studio (`/api/v0/models`) and vLLM (`/v1/models`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from evolve.llm.transport.model import OPENAI, Model
from evolve.llm.transport.reply import ModelError
from evolve.llm.transport.server import Server

DEFAULT_PROMPT_TOKENS = 3000  # a prompt of a run fits them
MARGIN_TOKENS = 100  # for the chat template, which the server adds
MIN_ANSWER_DIVISOR = 6  # an answer gets at least a sixth of the context
UNLOADED_TOKENS = 4096  # default of Ollama and LM Studio for a model that is not loaded
MIN_CONTEXT_TOKENS, MAX_CONTEXT_TOKENS = 256, 100_000_000  # other numbers are errors
OF_EXPERIMENT = "llm.models"  # the source of `context_tokens` of an experiment
SETTINGS = "the context length (`-c`, `OLLAMA_CONTEXT_LENGTH` or `--max-model-len`)"


@dataclass(frozen=True)
class ContextSource:
    """One place where a kind of server reports the context of a model.

    Attributes:
        server: the kind of server.
        path: from the address of the server without `/v1`.
        read: returns the context in a document for the name of a model; None if it has none.
        setting: the setting of the server that determines the context.
        is_posted: whether the name of the model is posted.
    """

    server: str
    path: str
    read: Callable[[Mapping[str, Any], str], int | None]
    setting: str
    is_posted: bool = False

    @property
    def name(self) -> str:
        """Name for reports."""
        return f"{self.server} ({self.path})"


async def find_context(server: Server) -> tuple[int | None, str]:
    """Ask a server for the context of its model.

    Args:
        server: the server of the model.

    Returns:
        The context in tokens and the name of its source; None and empty if it reports none.
    """
    model = server.model
    if model.base_url == OPENAI:  # which reports none
        return None, ""
    for source in CONTEXT_SOURCES:
        body = {"model": model.name} if source.is_posted else None
        try:
            document = await server.read_document(source.path, body)
        except ModelError as error:
            if error.is_unreachable:
                return None, ""
            continue
        tokens = _read_count(source.read(document, model.name))
        if tokens is not None:
            return tokens, source.name
    return None, ""


def find_setting(source: str) -> str:
    """Return the setting of a server that determines the context, by the name of the source."""
    return next((each.setting for each in CONTEXT_SOURCES if each.name == source), SETTINGS)


def limit_answer(model: Model) -> Model:
    """Return a model of which an answer leaves room for a prompt in its context."""
    context = model.context_tokens
    if context is None:
        return model
    most = max(context // MIN_ANSWER_DIVISOR, context - MARGIN_TOKENS - DEFAULT_PROMPT_TOKENS)
    return replace(model, max_tokens=min(model.max_tokens, most))


def read_context_error(text: str) -> int | None:
    """Return the context that the error of a server mentions, in tokens; None if there is none."""
    for pattern in ERROR_PATTERNS:
        if match := pattern.search(text):
            return _read_count(int(match.group(1).replace(",", "")))
    return None


def is_too_long(text: str) -> bool:
    """Return whether the error of a server refuses a prompt because of its length."""
    return TOO_LONG_PATTERN.search(text) is not None or read_context_error(text) is not None


def _read_models(document: Mapping[str, Any], name: str) -> int | None:
    """Read `/v1/models` of vLLM and SGLang, OpenRouter, or Groq."""
    entry = _find_entry(document, "data", name)
    provider = entry.get("top_provider")
    limit = provider.get("context_length") if isinstance(provider, Mapping) else None
    fields = [entry.get(key) for key in ("max_model_len", "context_length", "context_window")]
    return min(filter(None, map(_read_count, (*fields, limit))), default=None)


def _read_props(document: Mapping[str, Any], name: str) -> int | None:
    settings = document.get("default_generation_settings")
    return _read_count(settings.get("n_ctx")) if isinstance(settings, Mapping) else None


def _read_loaded(document: Mapping[str, Any], name: str) -> int | None:
    return _read_count(_find_entry(document, "models", name).get("context_length"))


def _read_modelfile(document: Mapping[str, Any], name: str) -> int | None:
    """Read `num_ctx` of a model; otherwise Ollama loads it with its default, if it has as much."""
    info, parameters = document.get("model_info"), document.get("parameters")
    trained = [
        count
        for key, value in (info.items() if isinstance(info, Mapping) else ())
        if str(key).endswith(".context_length") and (count := _read_count(value)) is not None
    ]
    match = re.search(r"^num_ctx\s+(\d+)", str(parameters or ""), re.M)
    loaded = int(match.group(1)) if match else UNLOADED_TOKENS
    return min([*trained, loaded]) if trained or match else None


def _read_lm_studio(document: Mapping[str, Any], name: str) -> int | None:
    entry = _find_entry(document, "data", name)
    longest = _read_count(entry.get("max_context_length"))
    unloaded = None if longest is None else min(longest, UNLOADED_TOKENS)
    return _read_count(entry.get("loaded_context_length")) or unloaded


def _find_entry(document: Mapping[str, Any], key: str, name: str) -> Mapping[str, Any]:
    """Return the entry of a model in a list; empty if it is not listed."""
    names = (name, f"{name}:latest")  # Ollama adds a tag
    for each in _list_entries(document.get(key)):
        if any(each.get(field) in names for field in ("id", "name", "model")):
            return each
    return {}


def _list_entries(value: object) -> Iterator[Mapping[str, Any]]:
    yield from (each for each in (value if isinstance(value, list) else ()) if
                isinstance(each, Mapping))  # fmt: skip


def _read_count(value: object) -> int | None:
    is_number = isinstance(value, int) and not isinstance(value, bool)
    if is_number and MIN_CONTEXT_TOKENS <= value <= MAX_CONTEXT_TOKENS:  # type: ignore[operator]
        return value  # type: ignore[return-value]
    return None


# In the order in which they are asked. That of OpenRouter and vLLM is first, because hosted
# servers have no other.
CONTEXT_SOURCES = (
    ContextSource("list of models", "/v1/models", _read_models, "`--max-model-len`"),
    ContextSource("llama.cpp", "/props", _read_props, "`-c`"),
    ContextSource("Ollama", "/api/ps", _read_loaded, "`OLLAMA_CONTEXT_LENGTH`"),
    ContextSource("Ollama", "/api/show", _read_modelfile, "`OLLAMA_CONTEXT_LENGTH`", True),
    ContextSource("LM Studio", "/api/v0/models", _read_lm_studio, "the loaded context"),
)

# Of a context in the errors of servers; the number is the only group.
ERROR_PATTERNS = tuple(
    re.compile(each, re.I)
    for each in (
        r"maximum context length (?:is|of) ([\d,]+)",  # OpenAI, vLLM, OpenRouter, SGLang
        r"available context size \(([\d,]+) tokens\)",  # llama.cpp
        r"\bn_ctx\W+([\d,]+)",  # llama.cpp before October 2025
        r"context length of only ([\d,]+)",  # LM Studio
        r"context length \(([\d,]+) tokens\)",  # SGLang
        r"context window (?:of|is) ([\d,]+)",  # llama-cpp-python, RKLLM
        r"greater than max_seq_len ([\d,]+)",  # TabbyAPI
        r"([\d,]+) maximum context length",  # Mistral
        r"tokens > ([\d,]+) maximum",  # Anthropic
        r"maximum number of tokens allowed \(([\d,]+)\)",  # Gemini
        r"`max_new_tokens` must be <= ([\d,]+)",  # Text Generation Inference
        r"current length is [\d,]+ while limit is ([\d,]+)",  # Cerebras
    )
)

# Of a refusal of a long prompt, in words without a number: MLX, LM Studio, Groq, GPT4All.
TOO_LONG_PATTERN = re.compile(
    r"context_length_exceeded|reduce the length|shorter (?:input|prompt)"
    r"|(?:prompt|input|messages?|context) (?:size |length |window )*(?:is |are |has |been )*"
    r"(?:too (?:long|large)|exceed)|exceeds? (?:the |its |available |maximum )*context",
    re.I,
)
