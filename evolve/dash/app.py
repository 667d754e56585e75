"""Application of the live view: the list of runs and the page of each run."""

from __future__ import annotations

from html import escape
from pathlib import Path
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response, StreamingResponse
from starlette.routing import Route

from evolve.dash.cache import PageCache, PageSource
from evolve.dash.hub import Hub
from evolve.dash.run_list import RunList
from evolve.dash.run_page import RunPage
from evolve.experiment.run_folders import find_folder

NO_CONTENT = 204  # a browser that shows a deleted run gets no error, and its page remains
LIST = "/list"  # no run folder has this address
MISSING = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>No such run</title></head>
<body><h1>No such run</h1><p>There is no run <code>{name}</code> any more, or there never was.</p>
<p><a href="/">All runs</a></p></body></html>
"""


class Dashboard:
    """Pages of a folder with run folders.

    Attributes:
        hub: the watched pages.
        app: the application, without its guard.
    """

    def __init__(self, runs: Path, hub: Hub | None = None) -> None:
        """
        Args:
            runs: the folder with the run folders, which may not exist yet.
            hub: watches the pages; None for one with default settings.
        """
        self.hub = hub or Hub()
        self._runs, self._list = runs, RunList(runs)
        self._list_cache, self._run_cache = PageCache(), PageCache()  # a list never waits for a run
        self.app = Starlette(
            routes=[
                Route(prefix + path, show)
                for prefix in (LIST, "/runs/{name}", "/runs/{sweep}/{name}")
                for path, show in (
                    ("", self._show_page),
                    ("/events", self._show_events),
                    ("/page.json", self._show_update),
                )
            ]
            + [Route("/", self._show_page)]
        )
        self.app.router.redirect_slashes = False

    def close(self) -> None:
        """Close all streams, and drop the builds that have not begun."""
        self.hub.close()
        self._list_cache.close()
        self._run_cache.close()

    async def _show_page(self, request: Request) -> Response:
        source, cache = self._find(request)
        built = await cache.get(source) if source else None
        if built is None:
            missing = escape(read_name(request) or "")
            return HTMLResponse(MISSING.format(name=missing), 404)
        name = read_name(request)
        stream = LIST if name is None else f"/runs/{quote(name)}"
        return HTMLResponse(await cache.render(built, stream))

    async def _show_update(self, request: Request) -> Response:
        source, cache = self._find(request)
        built = await cache.get(source) if source else None
        if built is None:
            return Response(status_code=NO_CONTENT)
        return Response(built.update, media_type="application/json")

    async def _show_events(self, request: Request) -> Response:
        source, cache = self._find(request)
        if source is None or source.read_stamp() is None:
            return Response(status_code=NO_CONTENT)
        if request.method == "HEAD":
            return Response(media_type="text/event-stream")
        last_version = request.headers.get("last-event-id", "")
        events = self.hub.stream(cache, source, last_version)
        return StreamingResponse(events, media_type="text/event-stream")

    def _find(self, request: Request) -> tuple[PageSource | None, PageCache]:
        """Return the source of the page that a request names, and its cache."""
        name = read_name(request)
        if name is None:
            return self._list, self._list_cache
        folder = find_folder(self._runs, name)
        return RunPage(folder, name) if folder else None, self._run_cache


def read_name(request: Request) -> str | None:
    """Return the name of a run, or `sweep/run`, from the address of its page."""
    parts = [request.path_params.get(each) for each in ("sweep", "name")]
    return "/".join(each for each in parts if each is not None) or None
