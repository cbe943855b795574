"""Serves the chat page: one HTML file, and beside it style, script and pictures, with a strict policy."""

import mimetypes
from pathlib import Path
from typing import Final

from aiohttp import web

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; "
    "font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class PageFiles:
    """The files of a folder: `index.html` at `/`, the others under `/page/static/`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()

    def routes(self) -> list[web.RouteDef]:
        """Return the routes, but for `/`."""
        return [web.get("/page/static/{name:.+}", self._file)]

    async def index(self, request: web.Request) -> web.Response:
        """Return the page."""
        return self._served("index.html")

    async def _file(self, request: web.Request) -> web.Response:
        return self._served(request.match_info["name"])

    def _served(self, name: str) -> web.Response:
        path = (self._folder / name).resolve()
        if not path.is_relative_to(self._folder) or not path.is_file():
            raise web.HTTPNotFound
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        charset = "utf-8" if kind.startswith("text/") else None
        headers = {
            "Content-Security-Policy": POLICY,
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cache-Control": "no-cache",
        }
        # Files of our own, some kilobytes each: read anew each time, so that the page can be worked on.
        return web.Response(body=path.read_bytes(), content_type=kind, charset=charset, headers=headers)
