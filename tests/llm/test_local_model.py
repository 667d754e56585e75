"""Tests with a local model: constrained answers parse, and a run can be replayed."""

from __future__ import annotations

import asyncio
import json
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from dsl.analysis.check import check
from dsl.evaluate import Evaluator
from evolve.assist.context_check import build_typical_parts
from evolve.cli import _run
from evolve.experiment.models import OPENINGS, build_constraint
from evolve.experiment.plan import build_grammar, read_plan
from evolve.experiment.run import run
from evolve.fitness.goals import FitnessSpec
from evolve.llm.answer.parse import parse_answer
from evolve.llm.prompt.builder import PromptBuilder
from evolve.llm.prompt.guide import GUIDES
from evolve.llm.prompt.limit import PromptLimit
from evolve.llm.prompt.profile import Profiler
from evolve.llm.prompt.selection import is_arm
from evolve.llm.transport.client import Client
from evolve.llm.transport.exchange import Exchange
from evolve.llm.transport.model import Model
from evolve.llm.transport.request_formats import Constraint
from evolve.llm.transport.server import Server
from evolve.notices import NoticeList
from tests.experiment.test_models import rows, same_run
from tests.llm.local_model import REQUESTS_AT_ONCE, model_file, served
from tests.samples import random_bars

ROOT = Path(__file__).parents[2]
QUICK = ROOT / "experiments" / "quick.yaml"
ANSWERS = 200

pytestmark = pytest.mark.llm


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with served(model_file()) as url:
        yield url


@pytest.fixture(scope="module")
def prompts() -> PromptBuilder:
    from evolve.backtest.market import market

    return PromptBuilder(
        read_plan(QUICK).space, FitnessSpec(), Profiler(random_bars(1, 300), market())
    )


@pytest.fixture(scope="module")
def constraint(prompts: PromptBuilder) -> Constraint:
    return build_constraint(prompts, build_grammar(read_plan(QUICK)))


def client_at(address: str, wanted: str = "auto") -> Client:
    model = Model("smollm2", address, max_tokens=1500)
    return Client(Server(model, None, 120.0), wanted, "Answer in one line.", OPENINGS, NoticeList())


def test_two_hundred_constrained_answers_all_parse_check_and_evaluate(
    address: str, prompts: PromptBuilder, constraint: Constraint, own_home: None
) -> None:
    async def answers() -> list[Exchange]:
        client, free = client_at(address), asyncio.Semaphore(REQUESTS_AT_ONCE)

        async def ask(index: int) -> Exchange:
            request = f"Write trading strategy number {index}: {REQUESTS[index % len(REQUESTS)]}."
            async with free:
                messages = [{"role": "user", "content": request}]
                return (await client.exchange("ask", messages, constraint))[-1]

        exchanges = await asyncio.gather(*map(ask, range(ANSWERS)))
        await client.server.close()
        return exchanges

    evaluator = Evaluator(random_bars(1, 300))
    hashes, within, believed = set(), 0, 0
    for answer in asyncio.run(answers()):
        assert answer.request_format == "llguidance"
        assert answer.finish == "stop", answer.text
        program = check(answer.text)
        evaluator.signals([program])
        hashes.add(program.hash)
        within += bool(parse_answer(answer.text, "", prompts.space).programs)
        believed += bool(program.about)
    print(f"{ANSWERS} answers: {len(hashes)} distinct, {within} usable, {believed} with a belief")
    assert len(hashes) > ANSWERS / 4
    assert within > ANSWERS / 2


@pytest.mark.parametrize(
    ("wanted", "request_format"),
    [("grammar", "llguidance"), ("auto", "llguidance"), ("json_schema", "response_format")],
)
def test_the_strictest_enforced_format_is_detected(
    wanted: str, request_format: str, address: str, prompts: PromptBuilder, constraint: Constraint,
    own_home: None,
) -> None:  # fmt: skip
    async def first() -> tuple[Exchange, ...]:
        client, asked = client_at(address, wanted), prompts.ask("buy the dips")
        exchanges = await client.exchange("ask", prompts.request_strategies(asked), constraint)
        await client.server.close()
        return exchanges

    exchanges = asyncio.run(first())
    assert exchanges[-1].request_format == request_format
    assert not exchanges[-1].error
    assert exchanges[-1].tokens_out > 0
    if exchanges[-1].finish == "stop":
        assert check(read_text(exchanges[-1], prompts)).rules


def read_text(answer: Exchange, prompts: PromptBuilder) -> str:
    from dsl.generate.json_schema import format_tree

    if answer.request_format == "response_format":
        return format_tree(json.loads(answer.text), prompts.space.catalog)
    return answer.text


def test_a_mixed_run_is_replayed_bit_for_bit(address: str, tmp_path: Path, own_home: None) -> None:
    model = f"llm.models=[{{name: smollm2, base_url: '{address}', max_tokens: 500}}]"
    calls = ["budget.llm_calls=6"]
    first = run(QUICK, [model, *calls], out=tmp_path / "first")
    assert first.progress.evaluated == 3000
    assert first.spent is not None
    assert first.spent.calls == 6
    formats = rows(
        first.folder, "SELECT DISTINCT request_format FROM exchanges WHERE kind='propose'"
    )
    assert formats == [("llguidance",)]
    statuses = Counter(row[0] for row in rows(first.folder, "SELECT status FROM proposals"))
    arms = [each for name, each in first.progress.stats.items() if is_arm(name)]
    assert sum(each.proposed for each in arms) == statuses.total() >= 6
    assert sum(each.evaluated for each in arms) == statuses["evaluated"]
    assert sum(each.duplicate for each in arms) == statuses["duplicate"]
    again = run(QUICK, [*calls, f"llm.replay={first.folder}"], out=tmp_path / "again")
    assert same_run(first.folder, again.folder)


@pytest.mark.parametrize("context", [2048, 4096])
def test_a_small_context_answers_every_call(context: int, tmp_path: Path, own_home: None) -> None:
    with served(model_file(), context) as url:
        model = f"llm.models=[{{name: smollm2, base_url: '{url}'}}]"
        done = run(QUICK, [model, "budget.llm_calls=3"], out=tmp_path / "run")
    assert done.spent is not None
    assert done.spent.calls == 3
    exchanges = rows(done.folder, "SELECT record FROM exchanges WHERE kind='propose'")
    records = [json.loads(record) for (record,) in exchanges]
    assert [each["error"] for each in records] == [""] * len(records)
    assert all(each["tokens_in"] + each["tokens_out"] <= context for each in records)


def test_prompts_have_the_tokens_that_they_are_assumed_to_have(
    address: str, prompts: PromptBuilder
) -> None:
    limit, parts = PromptLimit(Model("m", address)), build_typical_parts(prompts)
    for guide in GUIDES:
        messages = prompts.request_strategies(replace(parts, guide=guide))
        body = json.dumps({"content": "".join(each["content"] for each in messages)}).encode()
        request = Request(f"{address.removesuffix('/v1')}/tokenize", body)
        with urlopen(request) as response:
            tokens = len(json.load(response)["tokens"])
        assert 0.75 < tokens / limit.estimate(messages) <= 1


def test_doctor_and_ask_work_with_a_local_model(
    address: str, own_home: None, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setenv("OPENAI_BASE_URL", address)
    status = _run(["doctor"])
    out = capsys.readouterr().out
    assert status == (1 if "no strategy (" in out else 0)  # a small model may write no strategy
    assert "ok  reading" in out  # found the first word, or counted every token
    assert "grammar (llguidance" in out
    assert "tokens per second" in out
    assert _run(["ask", "buy breakouts only in calm markets"]) in (0, 1)
    assert "Traceback" not in capsys.readouterr().err
    assert os.environ["OPENAI_BASE_URL"] == address


REQUESTS = (
    "buy the dips", "sell short what has risen too far", "follow the trend with a wide stop",
    "trade breakouts on volume", "hold only in calm markets", "cross two averages",
    "buy after three falling days", "use the relative strength index",
)  # fmt: skip
