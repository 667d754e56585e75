"""A refusal disables a request format only if the format was refused."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from evolve.llm.transport.context import read_context_error
from tests.llm.scripted import GOOD, Answer, say, serving
from tests.llm.sessions import OTHER_REFUSALS, Session, refuse, refuse_fields
from tests.llm.test_client import NAMES, constraint_in, enforcing

pytestmark = pytest.mark.usefixtures("own_home")


def read_cache() -> dict[str, str]:
    path = Path(os.environ["EVOLVE_HOME"]) / "llm" / "request_formats.json"
    cached: dict[str, str] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    return cached


@pytest.mark.parametrize("message", OTHER_REFUSALS)
def test_another_refusal_does_not_disable_a_format(message: str) -> None:
    with serving(enforcing("ebnf")) as server:
        session = Session(server.url)
        session.ask()
        server.script = lambda _: refuse(message)
        for _ in range(3):
            failed = session.ask()
            is_too_long = read_context_error(failed[-1].error) is not None
            formats = ["ebnf"] if is_too_long else ["ebnf", "text"]  # text would be as long
            assert [each.request_format for each in failed] == formats
            assert message in failed[-1].error
        assert (session.format, session.log.texts) == ("ebnf", [])
        server.script = enforcing("ebnf")
        assert session.ask()[-1].text == GOOD
        assert read_cache() == {f"{server.url} tiny": "ebnf"}
        session.close()


@pytest.mark.parametrize("message", OTHER_REFUSALS)
def test_a_server_that_refuses_everything_at_first_is_probed_again(message: str) -> None:
    with serving(lambda _: refuse(message)) as server:
        session = Session(server.url)
        failed = session.ask()
        assert message in failed[-1].error
        assert (session.format, read_cache()) == ("unknown", {})
        server.script = enforcing("gbnf")
        assert session.ask()[-1].text == GOOD
        assert (session.format, read_cache()) == ("gbnf", {f"{server.url} tiny": "gbnf"})
        session.close()


def test_a_prompt_that_is_too_long_does_not_disable_a_format_for_others() -> None:
    good = enforcing("structured_outputs")

    def script(body: dict[str, Any]) -> Answer:
        is_long = len(body.get("messages", [])) == 2
        return refuse(OTHER_REFUSALS[0]) if is_long else good(body)

    with serving(script) as server:
        session = Session(server.url)
        assert session.ask()[-1].status == 400
        assert session.format == "structured_outputs"
        session.close()


def test_a_format_is_disabled_only_after_the_same_request_is_answered_without_it() -> None:
    good = enforcing("structured_outputs")

    def script(body: dict[str, Any]) -> Answer:
        is_refused = "structured_outputs" in body and len(body["messages"]) == 2
        return refuse("invalid grammar") if is_refused else good(body)

    with serving(script) as server:
        session = Session(server.url)
        exchanges = session.ask()
        asked = [body for body in server.bodies if len(body.get("messages", [])) == 2]
        assert [bool(constraint_in(body, NAMES[0])) for body in asked] == [True, False]
        assert asked[0]["messages"] == asked[1]["messages"]
        assert (exchanges[-1].request_format, exchanges[-1].error) == ("text", "")
        assert session.format == "text"
        (notice,) = session.log.texts
        assert notice == "request format structured_outputs disabled: tiny rejected it (400)"
        session.close()


def test_a_weaker_format_is_used_after_a_stronger_one_is_disabled() -> None:
    strong, weak = enforcing("structured_outputs"), enforcing("ebnf")
    with serving(strong) as server:
        session = Session(server.url)
        session.ask()
        refusing = {"structured_outputs": refuse("unsupported")}
        server.script = refuse_fields(weak, **refusing)
        exchanges = session.ask()
        assert (exchanges[-1].request_format, exchanges[-1].error) == ("text", "")
        assert session.ask()[-1].request_format == "ebnf"
        session.close()


@pytest.mark.parametrize("is_refused", [True, False])
def test_a_probe_alone_caches_text_only_if_plain_text_is_answered(is_refused: bool) -> None:
    def script(body: dict[str, Any]) -> Answer:
        is_plain = set(body) == {"model", "messages", "max_tokens", "temperature"}
        return say("x") if is_plain and not is_refused else refuse("no")

    with serving(script) as server:
        session = Session(server.url)
        probes = session.probe()
        assert [each.request_format for each in probes] == NAMES
        assert session.format == ("unknown" if is_refused else "text")
        assert read_cache() == ({} if is_refused else {f"{server.url} tiny": "text"})
        session.close()


def test_a_document_is_requested_again_without_a_refused_schema() -> None:
    with serving(enforcing("ebnf")) as server:
        session = Session(server.url)
        session.ask()
        server.script = refuse_fields(enforcing("ebnf"), response_format=refuse("no schema"))
        exchanges = session.summarize()
        assert [each.request_format for each in exchanges] == ["response_format", "text"]
        assert exchanges[-1].error == ""
        session.close()
