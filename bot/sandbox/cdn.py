"""Serves uploaded files by signed links. They are a stranger's: nothing of them may run in the page's origin."""

from typing import Final
from urllib.parse import quote

from aiohttp import web

from bot.sandbox.attachments import Attachment, Attachments

_INLINE: Final = frozenset(
    {
        "image/png",
        "image/jpeg",
        "image/gif",
        "image/webp",
        "audio/mpeg",
        "audio/ogg",
        "audio/x-wav",
        "video/mp4",
        "video/webm",
        "text/plain; charset=utf-8",
    }
)


class Cdn:
    """The routes of Discord's CDN that the sandbox has."""

    def __init__(self, attachments: Attachments) -> None:
        self._attachments = attachments

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [web.get("/attachments/{channel}/{id}/{name}", self._attachment)]

    async def _attachment(self, request: web.Request) -> web.Response:
        where, query = request.match_info, request.query
        valid = self._attachments.is_valid(
            where["channel"], where["id"], query.get("ex", ""), query.get("is", ""), query.get("hm", "")
        )
        # Discord's words for a link that is forged, or past its time.
        if not valid:
            return web.Response(status=404, text="This content is no longer available.")
        kept = self._attachments.get(where["id"])
        if kept is None:
            return web.Response(status=404, text="This content is no longer available.")
        return web.Response(body=kept.data, headers=_headers(kept))


def _headers(kept: Attachment) -> dict[str, str]:
    inline = kept.content_type in _INLINE
    name = quote(kept.filename)
    return {
        "Content-Type": kept.content_type if inline else "application/octet-stream",
        "Content-Disposition": f"{'inline' if inline else 'attachment'}; filename*=UTF-8''{name}",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "private, max-age=3600",
    }
