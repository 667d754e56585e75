"""The server answers only reads of this machine, and serves only run folders."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.dash.live_server import LiveServer, serve_runs

PATHS = ("/", "/list/page.json", "/runs/done", "/runs/done/page.json", "/runs/none", "/none")
HOSTILE = ("<script>alert(1)<script>", "'\"&<b>", "a b", "ünï", "100%", "a?b=c", "a#b", "$(id)")


@pytest.fixture(scope="module")
def server(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    parent = tmp_path_factory.mktemp("served")
    shutil.copytree(finished, parent / "runs" / "done")
    shutil.copytree(finished, parent / "secret")
    for name in HOSTILE:
        shutil.copytree(finished, parent / "runs" / name)
    (parent / "runs" / "out").symlink_to(parent / "secret")
    (parent / "runs" / "latest").symlink_to("done")
    with serve_runs(parent / "runs") as running:
        yield running


@pytest.mark.parametrize("path", [*PATHS, "/runs/done/events"])
def test_each_answer_forbids_other_sites_and_foreign_content(server: LiveServer, path: str) -> None:
    answer = server.request(path, "HEAD")
    policy = answer.headers["content-security-policy"]
    for part in ("default-src 'none'", "connect-src 'self'", "frame-ancestors 'none'"):
        assert part in policy
    assert "unsafe-eval" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert answer.headers["cache-control"] == "no-store"
    assert "access-control-allow-origin" not in answer.headers
    assert answer.body == b""


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "localhost.evil:{port}",
     "0.0.0.0:{port}", "127.0.0.1:{port}@evil.example", ""],
)  # fmt: skip
def test_a_foreign_host_is_refused(server: LiveServer, host: str) -> None:
    for path in PATHS:
        answer = server.request(path, Host=host.format(port=server.port))
        assert answer.status in (400, 421)
        assert b"done" not in answer.body


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "[::1]"])
def test_a_name_of_this_machine_is_accepted(server: LiveServer, name: str) -> None:
    assert server.request("/", Host=f"{name}:{server.port}").status == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "X"])
def test_other_methods_are_refused(server: LiveServer, method: str) -> None:
    for path in PATHS:
        answer = server.request(path, method, Origin="http://evil.example")
        assert answer.status == 405
        assert answer.headers["allow"] == "GET, HEAD"


def test_requests_of_other_sites_are_refused_but_links_work(server: LiveServer) -> None:
    for site in ("cross-site", "same-site"):
        headers = {"Sec_Fetch_Site": site, "Sec_Fetch_Mode": "no-cors"}
        assert server.request("/runs/done/page.json", **headers).status == 403
        headers["Sec_Fetch_Mode"] = "navigate"
        assert server.request("/runs/done", **headers).status == 200
    assert server.request("/list/page.json", Sec_Fetch_Site="same-origin").status == 200


@pytest.mark.parametrize(
    "name",
    ["..", ".", "%2e%2e", "%2e%2e%2fsecret", "..%2fsecret", "../secret", "..%5csecret", "%2f",
     "%2fetc", "done%2f..%2f..%2fsecret", "done%00", "%00", "done%0a", "done%2fbest.evo", "out",
     "done.", "DONE%20", "", "%ff", "a" * 5000],
)  # fmt: skip
def test_only_run_folders_are_served(server: LiveServer, name: str) -> None:
    answer = server.request(f"/runs/{name}")
    assert answer.status == 404
    assert b"seed" not in answer.body
    for suffix in ("/page.json", "/events"):
        answer = server.request(f"/runs/{name}{suffix}")
        assert answer.status in (204, 404)
        assert b"seed" not in answer.body


@pytest.mark.parametrize("path", ["/runs/done/best.evo", "/runs/done/journal.sqlite", "/done"])
def test_no_file_is_served(server: LiveServer, path: str) -> None:
    assert server.request(path).status == 404


def test_a_link_to_a_run_of_the_same_folder_works(server: LiveServer) -> None:
    assert server.request("/runs/latest").status == 200


def test_a_link_that_leads_out_is_listed_with_the_reason(server: LiveServer) -> None:
    assert "which is elsewhere" in server.request("/").text


@pytest.mark.slow
def test_names_of_folders_are_text(server: LiveServer) -> None:
    text = server.request("/").text
    assert "<script>alert" not in text
    assert "<b>" not in text
    assert "&lt;script&gt;alert(1)&lt;script&gt;" in text
    for name in HOSTILE:
        assert f'href="/runs/{quote(name)}"' in text
        page = server.request(f"/runs/{quote(name)}")
        assert page.status == 200
        assert "<b>" not in page.text


def test_a_name_in_an_error_is_text(server: LiveServer) -> None:
    answer = server.request("/runs/%3Cscript%3Ealert(1)%3C%2Fscript%3E%3Cb%3E")
    assert answer.status == 404
    answer = server.request("/runs/%3Cb%3Ebold")
    assert answer.status == 404
    assert "<b>" not in answer.text
    assert "&lt;b&gt;bold" in answer.text


def test_queries_change_nothing(server: LiveServer) -> None:
    plain = server.request("/runs/done/page.json")
    assert server.request("/runs/done/page.json?q=1;drop&run=secret").body == plain.body
