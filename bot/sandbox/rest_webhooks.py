"""The HTTP routes that answer interactions. The token in the path is all the authority they need."""

from aiohttp import web

from bot.sandbox.errors import Json
from bot.sandbox.interaction import Interaction
from bot.sandbox.interactions import Interactions
from bot.sandbox.messages import Message, Messages
from bot.sandbox.rest import Endpoint, Rest, flag


class WebhookRoutes:
    """Routes under `/interactions` and `/webhooks`."""

    def __init__(self, rest: Rest, interactions: Interactions, messages: Messages) -> None:
        self._rest, self._interactions, self._messages = rest, interactions, messages

    def endpoints(self) -> list[Endpoint]:
        """Return the routes."""
        hook = "/webhooks/{webhook_id}/{token}"
        one = f"{hook}/messages/{{message_id}}"
        callback = "/interactions/{interaction_id}/{token}/callback"
        return [
            Endpoint("POST", callback, self._callback, by_token=True),
            Endpoint("POST", hook, self._follow_up, by_token=True),
            Endpoint("GET", one, self._get, by_token=True),
            Endpoint("PATCH", one, self._edit, by_token=True),
            Endpoint("DELETE", one, self._delete, by_token=True),
        ]

    async def _callback(self, request: web.Request) -> Json | None:
        body = await self._rest.read(request)
        where = request.match_info
        told = self._interactions.callback(where["interaction_id"], where["token"], body.object, body.files)
        return told if flag(request, "with_response") else None

    async def _follow_up(self, request: web.Request) -> Json | None:
        body = await self._rest.read(request)
        message = self._interactions.follow_up(self._interaction(request), body.object, body.files)
        # Interactions' webhooks always wait; only `wait=false` said aloud leaves the message out.
        return None if request.query.get("wait") == "false" else self._messages.show(message)

    async def _get(self, request: web.Request) -> Json:
        return self._messages.show(self._message(request))

    async def _edit(self, request: web.Request) -> Json:
        body = await self._rest.read(request)
        return self._messages.show(self._interactions.edit(self._message(request), body.object, body.files))

    async def _delete(self, request: web.Request) -> None:
        self._interactions.delete(self._message(request))

    def _interaction(self, request: web.Request) -> Interaction:
        return self._interactions.by_token(request.match_info["webhook_id"], request.match_info["token"])

    def _message(self, request: web.Request) -> Message:
        return self._interactions.message(self._interaction(request), request.match_info["message_id"])
