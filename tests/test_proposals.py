"""Worth and memory of a model in `benchmarks/proposals.py`, with scripted servers."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import Any
from zlib import crc32

import numpy as np
import pytest

from dsl.analysis.program import Program
from evolve.errors import EvolveError
from evolve.experiment.plan import build_fitness, build_prompts, read_plan
from evolve.llm.prompt.composer import Composer
from evolve.llm.prompt.learnings import Learnings
from evolve.llm.prompt.selection import is_arm
from evolve.notices import NoticeList
from tests.llm.scripted import Answer, Scripted, fail, say, serving

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
SETTINGS = ["llm.constraint=text"]  # no probes
GOOD = "strategy dips { buy when rsi(close, 3) < 30 sell when rsi(close, 3) > 60 }"
OTHERS = (
    "strategy trend { buy when close > sma(close, 20) sell when close < sma(close, 20) }",
    "strategy rises { buy when rsi(close, 3) > 70 sell when rsi(close, 3) < 40 }",
    "strategy lows { buy when close < lowest(low, 5)[1] hold 5 }",
)
SMALL = ["search.islands=1", "search.population=20", "search.generations_per_epoch=1"]
CALLS, TRIALS = 5, 40
DISGUISES = ("scaled", "reversed", "shuffled")


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(BENCHMARKS)
    monkeypatch.setattr(importlib.import_module("market_memory"), "RANDOM_STRATEGIES", 100)
    return importlib.import_module


@contextmanager
def model(monkeypatch: pytest.MonkeyPatch, script: Any) -> Iterator[Scripted]:
    with serving(script) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        yield server


def read_prompt(body: dict[str, Any]) -> str:
    return str(body["messages"][-1]["content"])


def ignore_market(body: dict[str, Any]) -> Answer:
    """Answer by the part of the prompt that is equal for all markets."""
    common = read_prompt(body)[read_prompt(body).index("Market:") :]
    answers = (GOOD, *OTHERS)
    return say(answers[crc32(common.encode()) % len(answers)])


def remember(body: dict[str, Any]) -> Answer:
    return say(GOOD) if "SP500" in read_prompt(body) else ignore_good(body)


def ignore_good(body: dict[str, Any]) -> Answer:
    return say(OTHERS[crc32(read_prompt(body).encode()) % len(OTHERS)])


def measure(load: Any, monkeypatch: pytest.MonkeyPatch, script: Any) -> dict[str, Any]:
    with model(monkeypatch, script) as server:
        found: dict[str, Any] = load("market_memory").measure_memory(
            "sample:sp500", CALLS, SETTINGS
        )
    assert found["calls"] == len(server.bodies) == 5 * CALLS
    return found


def test_a_model_that_ignores_the_market_remembers_nothing(
    load: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = measure(load, monkeypatch, ignore_market)
    assert found["usable"] == dict.fromkeys(("plain", "real", *DISGUISES), CALLS)
    assert found["tokens"] == 5 * CALLS * 120
    assert found["scores"]["real"]["real"]["error"] > 0  # the answers differ
    for name in DISGUISES:
        each = found["memory"][name]
        assert (each["recognition"]["gain"], each["fit"]["gain"]) == (0, 0), name
        assert each["recognition"]["p_value"] > 0.5, name
        counts = each["recognition"]["counts"]
        assert counts == [CALLS, CALLS]
    # What it earns more on one market than on another is the market's.
    assert found["memory"]["scaled"]["own_bars"]["gain"] == 0
    assert found["memory"]["scaled"]["habit"]["gain"] == 0
    assert found["scores"]["plain"] == found["scores"]["real"]


def test_a_model_that_recognizes_the_market_is_found_out(
    load: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = measure(load, monkeypatch, remember)
    for name in DISGUISES:
        each = found["memory"][name]
        assert each["recognition"]["gain"] > 0, name
        assert each["recognition"]["p_value"] < 0.05, name
        assert each["own_bars"]["gain"] > 0, name
    for name in ("reversed", "shuffled"):
        assert found["memory"][name]["fit"]["gain"] > 0, name
    assert found["memory"]["scaled"]["fit"]["gain"] == 0


def test_calls_without_a_usable_strategy_have_no_score(
    load: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = count()

    def script(body: dict[str, Any]) -> Answer:
        if "SP500" not in read_prompt(body):
            return say("No idea.")
        return say(GOOD) if next(numbers) else fail(400)

    found = measure(load, monkeypatch, script)
    assert found["failed"] == 1
    assert found["usable"] == {"plain": 0, "real": CALLS - 1, **dict.fromkeys(DISGUISES, 0)}
    assert found["memory"]["scaled"]["recognition"] == {
        "gain": None, "error": None, "p_value": None, "counts": [CALLS - 1, 0]
    }  # fmt: skip


def test_disguises_preserve_what_they_promise(load: Any, tmp_path: Path) -> None:
    memory, disguises = load("market_memory"), load("disguises")
    path = tmp_path / "memory.yaml"
    path.write_text(memory.EXPERIMENT.format(data="sample:sp500"))
    plan = read_plan(path)
    data = plan.load(NoticeList())
    markets, train = memory.build_markets(data), data.split.train
    drawn: list[Program] = memory.draw_random(plan, train)
    scores = {name: build_fitness(plan, markets[name])(drawn) for name in ("real", "scaled")}
    assert scores["real"] == scores["scaled"]
    total = np.log(train.close[0, -1] / train.open[0, 0])
    for name, each in markets.items():
        bars = each.split.train
        assert np.all(bars.low <= np.minimum(bars.open, bars.close)), name
        assert np.all(bars.high >= np.maximum(bars.open, bars.close)), name
        assert np.log(bars.close[0, -1] / bars.open[0, 0]) == pytest.approx(total), name
        assert np.array_equal(bars.time, train.time), name
    backwards = markets["reversed"].split.train
    moves, others = (np.log(each.close / each.open)[0] for each in (train, backwards))
    np.testing.assert_allclose(moves[::-1], others, atol=1e-12)
    np.testing.assert_allclose(disguises.reverse(backwards).high, train.high)
    hidden = [disguises.describe_market(each.split.train, False) for name, each in markets.items()]
    assert len(set(hidden)) == len(markets)
    assert not any("SP500" in each or "1999" in each for each in hidden)


def test_the_prompt_of_a_run_is_equal_for_a_market_and_its_disguises(
    load: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    memory, models = load("market_memory"), load("evolve.experiment.models")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    path = tmp_path / "memory.yaml"
    path.write_text(memory.EXPERIMENT.format(data="sample:sp500"))
    plan = read_plan(path)
    named = models.load_model_set(plan)
    prompts = [
        Composer(named, build_prompts(plan, data, named.settings), 1).compose(
            memory.NOTHING, Learnings()
        )
        for data in memory.build_markets(plan.load(NoticeList())).values()
    ]
    assert all(each.messages == prompts[0].messages for each in prompts)


@pytest.fixture
def cell(load: Any) -> Any:
    suite, markets = load("search_quality"), load("planted_markets")
    return suite.Cell(markets.MARKETS["place"], suite.STRENGTHS[-1], "half", 7)


def propose_new() -> Any:
    numbers = count(2)

    def script(body: dict[str, Any]) -> Answer:
        window = next(numbers)
        return say(
            f"strategy s {{ buy when rsi(close, {window}) < 40 sell when rsi(close, 3) > 60 }}"
        )

    return script


def test_contestants_have_equal_trials_and_the_credit_is_complete(
    load: Any, cell: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells, proposals = load("proposal_cells"), load("proposals")
    with model(monkeypatch, propose_new()) as server:
        limit = cells.Limit(TRIALS, calls=3)
        results = list(cells.iterate_cell(cell, ("model", "mixed", "genetic"), limit, SETTINGS))
    assert [each["contestant"] for each in results] == ["genetic", "mixed", "model"]
    calls = {each["contestant"]: each["calls"] for each in results}
    assert calls == {"genetic": 0, "mixed": 3, "model": TRIALS}
    assert len(server.bodies) == sum(calls.values())
    for each in results:
        assert each["trials"] == TRIALS
        assert each["tokens"] == 120 * each["calls"]
        assert each["answers"] == each["calls"]
        assert sum(own["evaluated"] for own in each["credit"].values()) == TRIALS
        credited = {is_arm(name) for name, own in each["credit"].items() if own["evaluated"]}
        expected = {"genetic": {False}, "mixed": {False, True}, "model": {True}}
        assert credited == expected[each["contestant"]]
    summary = proposals.summarize_results(results)[f"{TRIALS} trials"]
    shares = {each["contestant"]: each["share"] for each in results}
    for name, each in summary.items():
        assert each["share"] == [shares[name], None]
        assert each["gain"][0] == pytest.approx(shares[name] - shares["genetic"], abs=1e-4)
        assert sum(arm["evaluated"] for arm in each["credit"].values()) == TRIALS


def test_contestants_have_equal_seconds(
    load: Any, cell: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = load("proposal_cells")
    limit = cells.Limit(cells.MAX_TRIALS, 0.2, calls=2)
    with model(monkeypatch, propose_new()):
        genetic, mixed, alone = cells.iterate_cell(
            cell, ("genetic", "mixed", "model"), limit, [*SETTINGS, *SMALL]
        )
    assert {each["limit"] for each in (genetic, mixed, alone)} == {"0.2 seconds"}
    assert min(genetic["seconds"], alone["seconds"]) >= 0.2
    assert 0 < mixed["trials"] <= genetic["trials"]
    assert alone["trials"] == alone["calls"] > 0


def test_a_missing_model_is_an_error_with_its_remedy(
    load: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    proposals: ModuleType = load("proposals")
    monkeypatch.setattr(proposals, "find_spec", lambda name: None)
    with pytest.raises(EvolveError, match="no model is configured") as caught:
        proposals.open_model().__enter__()
    assert "OPENAI_BASE_URL" in str(caught.value)
