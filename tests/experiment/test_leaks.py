"""Runs with models: no server and no experiment makes a run store or print a credential."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from evolve.experiment.run import run
from evolve.store.journal import read_event
from tests.command_line import Output, invoke
from tests.llm.echo_server import echoing
from tests.params import thin_out

pytestmark = pytest.mark.usefixtures("own_home")
KEY = "sk-very-secret-0123"
PASSWORD = "p@ss-w0rd-77"
SECRETS = (KEY, PASSWORD, "p%40ss-w0rd-77", "dXNlcjpwQHNzLXcwcmQtNzc")
EXPERIMENT = """\
name: small
data: {from: "synthetic:walk?seed=1&bars=700"}
language: {operators: [sma, rsi]}
budget: {evaluations: 300, llm_calls: 14}
search: {population: 20, generations_per_epoch: 2, islands: 1}
validate: {null_runs: 0}
"""


def write(folder: Path, more: str = "") -> str:
    path = folder / "small.yaml"
    path.write_text(EXPERIMENT + more)
    return str(path)


def assert_clean(output: Output, *folders: Path) -> None:
    """Check that neither the output nor a file has a credential."""
    files = [each for folder in folders for each in folder.rglob("*") if each.is_file()]
    assert files or not folders
    for secret in SECRETS:
        assert secret not in output.out + output.err
        assert [each for each in files if secret.encode() in each.read_bytes()] == []


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("evolve.llm.transport.server.RETRIES", 0)
    monkeypatch.chdir(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("address", ["user:p%40ss-w0rd-77@{}", "{}"])
def test_no_file_and_no_output_has_the_key_of_the_environment(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, home = tmp_path / "run", Path(os.environ["EVOLVE_HOME"])
    yaml = write(tmp_path, "llm: {constraint: text, models: [{name: default}]}\n")
    with echoing() as echo:
        host = echo.url.removeprefix("http://")
        monkeypatch.setenv("OPENAI_BASE_URL", f"http://{address.format(host)}")
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        ran = invoke("run", yaml, "--out", str(folder))
        scheme = "Basic " if "@" in address else f"Bearer {KEY}"
        assert len(echo.authorizations) > 5
        assert all(each.startswith(scheme) for each in echo.authorizations)
        assert_clean(ran, folder, home)
        assert f"key OPENAI_API_KEY goes to {host.removesuffix('/v1')}" in ran.err + ran.out
        assert "… dips" in (folder / "learnings.md").read_text("utf-8")
        replayed = invoke("run", yaml, "--out", str(tmp_path / "again"), "--set",
                          f"llm.replay={folder}")  # fmt: skip
        assert_clean(replayed, tmp_path / "again")
        for args in (("doctor",), ("doctor", yaml), ("ask", "buy dips"), ("validate", yaml)):
            assert_clean(invoke(*args, status=None), home)


@pytest.mark.parametrize("is_override", thin_out([False, True], 2))
def test_the_password_in_an_address_of_an_experiment_is_sent_but_not_stored(
    is_override: bool, tmp_path: Path
) -> None:
    with echoing() as echo:
        models = f"[{{name: m, base_url: '{echo.url.replace('//', '//user:p%40ss-w0rd-77@')}'}}]"
        yaml = write(
            tmp_path, "" if is_override else f"llm: {{constraint: text, models: {models}}}"
        )
        sets = ("--set", f"llm.models={models}", "--set", "llm.constraint=text")
        ran = invoke("run", yaml, "--out", "run", *(sets if is_override else ()))
        assert {each.partition(" ")[0] for each in echo.authorizations} == {"Basic"}
    assert_clean(ran, tmp_path / "run")
    assert f"base_url: {echo.url}\n" in (tmp_path / "run" / "experiment.yaml").read_text()
    validated = invoke("validate", yaml, *(sets if is_override else ()))
    assert_clean(validated)
    assert f"base_url: {echo.url}\n" in validated.out


@pytest.mark.parametrize(
    "more",
    [
        "llm: {{models: [{{name: m, base_url: '{}', weight: x}}]}}\n",
        "llm: {{models: [{{name: m, base_url: 'htp{}'}}]}}\n",
        "llm: {{models: [{{nam: '{}'}}]}}\n",
        "seed: '{}'\n",
        "llm: {{prompts: '{}'\n",
    ],
)
def test_an_error_of_an_experiment_shows_no_password(more: str, tmp_path: Path) -> None:
    url = "http://user:p%40ss-w0rd-77@127.0.0.1:1/v1"
    assert_clean(invoke("validate", write(tmp_path, more.format(url)), status=1))
    setting = more.format(url).strip().replace(": ", "=", 1)
    assert_clean(invoke("validate", write(tmp_path), "--set", setting, status=1))


@pytest.mark.parametrize("more", thin_out(["", ", api_key_env: OPENAI_API_KEY"], 2))
def test_the_key_of_the_user_does_not_go_to_a_server_that_an_experiment_names(
    more: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with echoing() as echo:
        models = f"[{{name: m, base_url: '{echo.url}'{more}}}]"
        yaml = write(tmp_path, f"llm: {{constraint: text, models: {models}}}")
        for args in (("run", yaml, "--out", "run"), ("doctor", yaml)):
            output = invoke(*args, status=None)
            assert "OPENAI_API_KEY is left out of requests to 127.0.0.1:" in " ".join(
                (output.out + output.err).split()
            )
        (tmp_path / ".env").write_text(f"OPENAI_API_KEY={KEY}\n")
        monkeypatch.delenv("OPENAI_API_KEY")
        monkeypatch.delenv("EVOLVE_DOTENV")
        invoke("run", yaml, "--out", "again")
    assert set(echo.authorizations) == {"Bearer none"}


@pytest.mark.slow
def test_the_key_of_the_user_does_not_go_to_a_server_of_a_foreign_env_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    monkeypatch.delenv("EVOLVE_DOTENV")
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with echoing() as echo:
        (foreign / ".env").write_text(f"OPENAI_BASE_URL={echo.url}\n")
        output = invoke("run", write(foreign, "llm: {constraint: text}\n"), "--out", "run")
        assert "the address in" in output.out + output.err
        assert set(echo.authorizations) == {"Bearer none"}
        echo.authorizations.clear()
        (foreign / ".env").write_text(f"OPENAI_BASE_URL={echo.url}\nOPENAI_API_KEY={KEY}-2\n")
        monkeypatch.delenv("OPENAI_API_KEY")
        invoke("run", str(foreign / "small.yaml"), "--out", "again")
        assert set(echo.authorizations) == {f"Bearer {KEY}-2"}


@pytest.mark.parametrize("name", ["AWS_SECRET_ACCESS_KEY", "HOME", "API_KEY", "X_API_KEY\\n"])
def test_a_secret_that_is_no_api_key_is_not_sent(name: str, tmp_path: Path) -> None:
    models = f'[{{name: m, base_url: "http://127.0.0.1:9/v1", api_key_env: "{name}"}}]'
    done = invoke("validate", write(tmp_path, f"llm: {{models: {models}}}\n"), status=1)
    assert "expected a name such as OPENROUTER_API_KEY" in done.err


def test_a_key_that_an_experiment_requests_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TINY_API_KEY", KEY)
    with echoing() as echo:
        models = f"[{{name: m, base_url: '{echo.url}', api_key_env: TINY_API_KEY}}]"
        yaml = write(tmp_path, f"llm: {{constraint: text, models: {models}}}")
        finished = run(yaml, out=tmp_path / "run")
    assert set(echo.authorizations) == {f"Bearer {KEY}"}
    text = read_event(finished.folder / "journal.sqlite", "notice")["text"]
    assert text.startswith("key TINY_API_KEY goes to 127.0.0.1:")
    assert text.endswith(", as the experiment requests")


def test_an_experiment_cannot_read_the_password_of_an_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://user:p%40ss-w0rd-77@127.0.0.1:1/v1")
    monkeypatch.setenv("EVOLVE_TINY_API_KEY", KEY)
    models = "[{name: '${OPENAI_BASE_URL}', extra_body: {a: '${OPENAI_BASE_URL}'}}]"
    done = invoke("validate", write(tmp_path, f"llm: {{models: {models}}}\n"))
    assert "name: http://127.0.0.1:1/v1" in done.out
    assert_clean(done)
    models = "[{name: '${EVOLVE_TINY_API_KEY}'}]"
    refused = invoke("validate", write(tmp_path, f"llm: {{models: {models}}}\n"), status=1)
    assert "`EVOLVE_TINY_API_KEY` is not set" in refused.err
    assert_clean(refused)
