"""No list of models, however odd, stops a command: doctor, ask and run."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from dsl.generate.productions import build_productions
from evolve.experiment.plan import build_grammar
from tests.command_line import QUICK, invoke
from tests.llm.hostile_server import MODES, HostileServer, Mode, hostile, http
from tests.llm.model_lists import LISTS
from tests.params import thin_out

SETS = [
    "data.from=sample:sp500", "budget.evaluations=40", "search.population=20",
    "language.operators=[sma, rsi, roc]", "validate.null_runs=0", "budget.llm_calls=1",
    "llm.constraint=text", "llm.repair=false",
]  # fmt: skip
cached_productions, cached_grammar = cache(build_productions), cache(build_grammar)

pytestmark = pytest.mark.usefixtures("own_home")


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr("evolve.llm.transport.server.RETRIES", 0)
    monkeypatch.setattr(
        "evolve.search.space.build_productions", lambda each: cached_productions(tuple(each))
    )
    monkeypatch.setattr("evolve.assist.ask.build_grammar", cached_grammar)
    monkeypatch.setattr("evolve.assist.doctor.build_grammar", cached_grammar)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[HostileServer]:
    with hostile() as running:
        monkeypatch.setenv("OPENAI_BASE_URL", running.url)
        yield running


def list_models(server: HostileServer, body: bytes) -> None:
    server.routes = {"GET /v1/models": Mode(http(body))}


@pytest.mark.parametrize("name", thin_out(LISTS, 4))
def test_ask_answers_with_any_list_of_models(name: str, server: HostileServer) -> None:
    list_models(server, LISTS[name][0])
    done = invoke("ask", "buy the dips", "--end", "2001-12-31")
    assert done.out.startswith("strategy good {")


@pytest.mark.slow
@pytest.mark.parametrize("name", thin_out(LISTS, 4))
def test_doctor_reports_any_list_of_models(name: str, server: HostileServer) -> None:
    body, names = LISTS[name]
    list_models(server, body)
    done = invoke("doctor", status=None)
    line = next(each for each in done.out.splitlines() if each[4:].startswith("model"))
    if names is None:
        assert done.status == 1
        assert line.startswith("!!  model")
        assert "expected" in line or "reported an error" in line
    else:
        assert line.startswith("ok  model")
        assert ("a" if names else "lists nothing") in line
    assert any(each[4:].startswith("answer") for each in done.out.splitlines())
    assert "\x1b" not in done.out


@pytest.mark.parametrize(
    "name", thin_out(["null", "OpenAI", "HTML", "ids that are no text", "odd ids"], 5)
)
def test_a_run_uses_the_model_with_any_list_of_models(
    name: str, server: HostileServer, tmp_path: Path
) -> None:
    list_models(server, LISTS[name][0])
    settings = [part for each in SETS for part in ("--set", each)]
    done = invoke("run", QUICK, *settings, "--out", str(tmp_path / "run"), "--json")
    assert '"calls": 1' in done.out


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    thin_out(
        ["usage of 2**63", "an endless error", "2,000,000 characters of lines", "status 529"], 4
    ),
)
def test_a_run_survives_a_hostile_answer(name: str, server: HostileServer, tmp_path: Path) -> None:
    server.mode = MODES[name]
    settings = [part for each in SETS for part in ("--set", each)]
    invoke("run", QUICK, *settings, "--out", str(tmp_path / "run"))
    assert (tmp_path / "run" / "journal.sqlite").stat().st_size < 5_000_000
    replay = f"llm.replay={tmp_path / 'run'}"
    invoke("run", QUICK, *settings, "--set", replay, "--out", str(tmp_path / "again"))


def test_doctor_tries_the_address_with_a_version(
    server: HostileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    list_models(server, LISTS["OpenAI"][0])
    server.mode = Mode(http(b"404 page not found", 404))
    monkeypatch.setenv("OPENAI_BASE_URL", server.url.removesuffix("/v1"))
    done = invoke("doctor", status=1)
    assert "answered 404: 404 page not found" in done.out
    assert f"the server answers at {server.url}: set OPENAI_BASE_URL to it" in done.out
