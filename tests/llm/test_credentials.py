"""Keys: which one goes to which server, and the masking of what comes back."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest

from evolve.errors import EvolveError
from evolve.llm.model_set import ModelSet
from evolve.llm.transport.address import format_host, mask_user_info, parse_origin, strip_user_info
from evolve.llm.transport.credentials import EXPERIMENT, decide_key, place_model
from evolve.llm.transport.environment import PROCESS, Environment, Variable, read_environment
from evolve.llm.transport.masked_server import MaskedServer
from evolve.llm.transport.masking import Mask
from evolve.llm.transport.model import OPENAI, Model, read_model
from evolve.llm.transport.reply import ModelError, Reply
from tests.llm.echo_server import echoing

KEY = "sk-very-secret-0123"
BESIDE, HERE = "/x/.env", "/here/.env"
EVIL = "https://evil.example/v1"


def environment(*variables: tuple[str, str, str]) -> Environment:
    return Environment({name: Variable(name, value, source) for name, value, source in variables})


def decide(
    url: str,
    *variables: tuple[str, str, str],
    variable: str = "OPENAI_API_KEY",
    by_user: bool = False,
) -> tuple[bool, str]:
    """Return whether the key of a model of an experiment is sent, and the text about it."""
    values = environment(*variables)
    model = place_model(Model("m", url, api_key_env=variable), values, by_user)
    decision = decide_key(model, values)
    assert decision.key in ("", KEY)
    assert KEY not in repr(decision) + repr(values) + decision.text
    return bool(decision.key), decision.text


def key(source: str = PROCESS, name: str = "OPENAI_API_KEY") -> tuple[str, str, str]:
    return name, KEY, source


def url(address: str, source: str = PROCESS) -> tuple[str, str, str]:
    return "OPENAI_BASE_URL", address, source


OWN = "EVIL_API_KEY"
TABLE = {
    # the default address
    "openai, no address": (decide("", key()), True),
    "openai, key in .env": (decide("", key(HERE)), True),
    "openai named by the experiment": (decide(OPENAI, key()), True),
    "openai named by the experiment, key in .env": (decide(OPENAI, key(BESIDE)), True),
    "another key for openai": (decide(OPENAI, key(name=OWN), variable=OWN), True),
    # an address of the environment
    "both of the process": (decide("", key(), url(EVIL)), True),
    "both of one .env": (decide("", key(BESIDE), url(EVIL, BESIDE)), True),
    "key of the process, address of .env": (decide("", key(), url(EVIL, BESIDE)), False),
    "key of the process, address of .env here": (decide("", key(), url(EVIL, HERE)), False),
    "key of .env, address of the process": (decide("", key(HERE), url(EVIL)), False),
    "key of one .env, address of another": (decide("", key(HERE), url(EVIL, BESIDE)), False),
    "another key, address of .env": (
        decide("", key(name=OWN), url(EVIL, BESIDE), variable=OWN), False
    ),
    # an address of the experiment
    "key of the process": (decide(EVIL, key()), False),
    "key of .env beside it": (decide(EVIL, key(BESIDE)), False),
    "another key": (decide(EVIL, key(name=OWN), variable=OWN), True),
    "another key of .env": (decide(EVIL, key(BESIDE, OWN), variable=OWN), True),
    "the address of the process": (decide(f"{EVIL}/", key(), url(EVIL)), True),
    "the address of .env": (decide(EVIL, key(), url(EVIL, BESIDE)), False),
    "the command line": (decide(EVIL, key(), by_user=True), True),
    "the command line, key in .env": (decide(EVIL, key(HERE), by_user=True), False),
    # addresses that look like the default one
    "a longer host": (decide("https://api.openai.com.evil.example/v1", key()), False),
    "another scheme": (decide("http://api.openai.com/v1", key()), False),
    "another port": (decide("https://api.openai.com:444/v1", key()), False),
    "a user name": (decide("https://api.openai.com@evil.example/v1", key()), False),
    "a user name and password": (decide("https://api.openai.com:443@evil.example", key()), False),
    "two user names": (decide("https://a@api.openai.com@evil.example/v1", key()), False),
    "a backslash": (decide("https://api.openai.com\\@evil.example/v1", key()), False),
    "a fragment": (decide("https://evil.example#@api.openai.com/v1", key()), False),
    "a query": (decide("https://evil.example?@api.openai.com/v1", key()), False),
    "capitals": (decide("HTTPS://API.OPENAI.COM:443/v1", key()), True),
    # no key
    "no variable": (decide(EVIL), False),
    "a blank key": (decide("", ("OPENAI_API_KEY", " \n", PROCESS)), False),
}  # fmt: skip


@pytest.mark.parametrize("case", TABLE)
def test_a_key_goes_only_to_an_address_from_the_same_place(case: str) -> None:
    (is_sent, text), expected = TABLE[case]
    assert is_sent == expected
    has_key = case not in ("no variable", "a blank key")
    assert ("is left out of requests to" in text) == (has_key and not expected)
    assert (" goes to " in text) == expected


def test_a_decision_names_the_key_the_server_and_the_places() -> None:
    assert decide("", key())[1] == "key OPENAI_API_KEY goes to api.openai.com"
    assert decide(EVIL, key(name=OWN), variable=OWN)[1] == (
        "key EVIL_API_KEY goes to evil.example, as the experiment requests"
    )
    assert decide("http://evil.example:8000/v1", key())[1] == (
        "key OPENAI_API_KEY is left out of requests to evil.example:8000: the key is set in the "
        "environment, the address in the experiment; if the server needs a key, set `api_key_env` "
        "of the model to a variable of its own"
    )
    assert decide("", key(), url(EVIL, BESIDE))[1] == (
        "key OPENAI_API_KEY is left out of requests to evil.example: the key is set in the "
        "environment, the address in /x/.env; if the server needs the key, set both in the same "
        "place"
    )


@pytest.mark.parametrize(
    "address",
    [
        OPENAI, EVIL, "http://a.example", "HTTP://A.Example:80/v1", "https://a@b.example:8443/x",
        "https://api.openai.com\\@evil.example/v1", "https://u:p@x@evil.example/v1",
        "https://evil.example#@api.openai.com/v1", "https://evil.example?@api.openai.com",
        "http://[::1]:8080/v1", "http://user:p%40ss@127.0.0.1:1/v1",
    ],
)  # fmt: skip
def test_an_origin_is_that_to_which_the_client_connects(address: str) -> None:
    url = httpx2.URL(address)
    ports = {"http": 80, "https": 443}
    expected = (url.scheme, url.host, url.port or ports[url.scheme])
    assert parse_origin(address) == expected
    clean, user_info = strip_user_info(address)
    assert parse_origin(clean) == expected
    assert bool(user_info) == bool(url.userinfo)
    assert (
        "@" not in clean.partition("://")[2].partition("/")[0].partition("?")[0].partition("#")[0]
    )


def test_variables_have_the_place_that_sets_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, beside = tmp_path / "here", tmp_path / "beside"
    for folder, text in ((here, "A_API_KEY=1\nB=1\nC=1\n"), (beside, "B=2\nC=2\nD=$A\n")):
        folder.mkdir()
        (folder / ".env").write_text(text)
    monkeypatch.chdir(here)
    monkeypatch.delenv("EVOLVE_DOTENV")
    monkeypatch.setenv("C", "3")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://u:s3cret@127.0.0.1/v1")
    found = read_environment(beside)
    sources = {name: (found.get(name), found.variables[name].source) for name in ("B", "C", "D")}
    assert sources == {
        "B": ("1", str(here / ".env")), "C": ("3", PROCESS), "D": ("$A", str(beside / ".env")),
    }  # fmt: skip
    assert found.readable["OPENAI_BASE_URL"] == "http://127.0.0.1/v1"
    assert "A_API_KEY" not in found.readable
    assert found.get("A_API_KEY") == "1"
    assert found.find("NOTHING") is None
    (here / ".env").write_bytes(b"\xff")
    with pytest.raises(EvolveError, match=r"cannot read \.env"):
        read_environment()


def test_the_record_of_a_model_has_no_password() -> None:
    model = read_model(environment(url("http://user:s3cret@127.0.0.1:1/v1")))
    assert model is not None
    assert (model.base_url, model.user_info) == ("http://127.0.0.1:1/v1", "user:s3cret")
    record = ModelSet({"m": model}).record()
    assert "s3cret" not in str(record) + repr(model)
    (stored,) = record["models"].values()  # type: ignore[attr-defined]
    assert Model(**stored) == replace(model, user_info="", named_by="")


def test_the_password_of_the_environment_goes_to_the_same_server_only() -> None:
    values = environment(url("https://user:s3cret@evil.example/v1"))
    same = place_model(Model("m", "https://evil.example/v2"), values, False)
    assert (same.user_info, same.named_by) == ("user:s3cret", PROCESS)
    other = place_model(Model("m", "https://evil.example:444/v1"), values, False)
    assert (other.user_info, other.named_by) == ("", EXPERIMENT)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        (f"a {KEY} b", "a … b"),
        (f"Bearer {KEY}", "Bearer …"),
        ("Basic dXNlcjpwQHNzd29yZA==", "Basic …"),
        ("Basic dXNlcjpwQHNzd29yZA", "Basic …"),
        ("http://user:p%40ssword@host/v1", "http://…@host/v1"),
        ("pass p@ssword", "pass …"),
        (f"long and cut {KEY[:9]}", "long and cut …"),
        (f"{KEY[:9]} is no end", f"{KEY[:9]} is no end"),
        ("nothing", "nothing"),
    ],
)
def test_a_mask_covers_each_form_of_a_credential(text: str, masked: str) -> None:
    mask = Mask(KEY, "user:p%40ssword")
    assert mask.apply(text) == masked
    assert mask.apply({text: [text, (text, 3, None)]}) == {masked: [masked, (masked, 3, None)]}
    error = mask.apply_to_error(ModelError(text, text, 401))
    assert (str(error), error.status) == (f"{masked}\n  = {masked}", 401)


def test_a_word_that_is_no_secret_is_not_masked() -> None:
    assert Mask("none").apply("none of them") == "none of them"
    assert Mask("").apply("buy") == "buy"


def test_addresses_in_text_are_masked_at_equal_length() -> None:
    text = "base_url: http://user:secret@host/v1 # http://plain/x@y"
    assert mask_user_info(text) == "base_url: http://***********@host/v1 # http://plain/x@y"
    assert format_host("https://a.example:443/v1") == "a.example"


def served(model: Model, key: str) -> list[object]:
    """Return the names, answers and errors of a server."""

    async def ask() -> list[object]:
        server = MaskedServer(model, key, 5.0)
        results: list[object] = []
        try:
            for number in range(8):
                try:
                    work = (
                        server.ask([{"role": "user", "content": "x"}])
                        if number
                        else server.models()
                    )
                    results.append(await work)
                except ModelError as error:
                    results.append(error)
        finally:
            await server.close()
        return results

    return asyncio.run(ask())


@pytest.mark.parametrize("user_info", ["", "user:p%40ss-w0rd-77"])
def test_nothing_that_a_server_answers_has_a_credential(user_info: str) -> None:
    with echoing() as echo:
        results = served(Model("tiny", echo.url, user_info=user_info, named_by=PROCESS), KEY)
    secrets = [KEY] if not user_info else ["p@ss-w0rd-77", "p%40ss-w0rd-77", "dXNlcjpwQHNz"]
    scheme = "Basic" if user_info else "Bearer"
    assert all(each.startswith(scheme) for each in echo.authorizations)
    assert sum(isinstance(each, Reply) for each in results) == 3
    assert sum(isinstance(each, ModelError) for each in results) == 4
    for each in results:
        texts = (
            repr(vars(each)) + repr(each) + str(each) if isinstance(each, Exception) else repr(each)
        )
        for secret in secrets:
            assert secret not in texts
            assert secret[:12] not in texts
        assert "…" in texts


ACCOUNT = {
    "OPENAI_ORG_ID": "org-secret", "OPENAI_PROJECT_ID": "proj-secret",
    "OPENAI_ADMIN_KEY": "sk-admin-secret",
    "OPENAI_CUSTOM_HEADERS": "X-Account: header-secret\nAuthorization: Bearer custom-secret",
}  # fmt: skip


@pytest.mark.parametrize("named_by", [EXPERIMENT, BESIDE])
def test_the_account_of_the_user_does_not_go_to_a_foreign_server(
    named_by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in ACCOUNT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with echoing() as echo:
        served(Model("tiny", echo.url, named_by=named_by), "")
        assert set(echo.authorizations) == {"Bearer none"}
        assert "secret" not in str(echo.headers)
        echo.headers.clear()
        served(Model("tiny", echo.url, named_by=PROCESS), "")
        assert "org-secret" in str(echo.headers)


def test_a_redirect_to_another_host_carries_no_credential() -> None:
    with echoing() as other, echoing() as echo:
        echo.redirect = other.url.replace("127.0.0.1", "localhost")
        for user_info in ("", "user:p%40ss-w0rd-77"):
            served(Model("tiny", echo.url, user_info=user_info, named_by=PROCESS), KEY)
    assert all(each.startswith(("Bearer sk-", "Basic ")) for each in echo.authorizations)
    assert set(other.authorizations) <= {""}
    assert KEY not in str(other.headers)
    assert "p@ss" not in str(other.headers)


def test_a_document_beside_the_api_has_no_credential() -> None:
    async def read(model: Model) -> object:
        server = MaskedServer(model, KEY, 5.0)
        try:
            return await server.read_document("/props")
        finally:
            await server.close()

    with echoing() as echo:
        document = asyncio.run(read(Model("tiny", echo.url, named_by=PROCESS)))
    assert "tiny" in repr(document)
    assert KEY not in repr(document)


@pytest.mark.parametrize("kind", ["missing", "folder", "pipe"])
def test_a_file_of_variables_that_cannot_be_read_is_an_error(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.setenv("EVOLVE_DOTENV", str(tmp_path / kind))
    with pytest.raises(EvolveError, match=kind):
        read_environment()
    monkeypatch.delenv("EVOLVE_DOTENV")
    (tmp_path / ".env").mkdir()  # a virtual environment
    monkeypatch.chdir(tmp_path)
    read_environment(tmp_path)
