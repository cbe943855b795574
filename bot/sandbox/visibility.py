"""What a bot is shown of a message: no content of others without the message content intent."""

from typing import Final

from bot.sandbox.errors import Json
from bot.sandbox.messages import Message

_EMPTY: Final[Json] = {"content": "", "embeds": [], "attachments": [], "components": []}


def shown_to_bot(body: Json, message: Message, application_id: str, *, content: bool) -> Json:
    """Return a message as a bot gets it. `content`: it has the message content intent.

    Its own messages, those that mention it and direct ones come whole in any case.
    """
    own = message.author_id == application_id or message.channel.recipient is not None
    if content or own or any(user["id"] == application_id for user in body["mentions"]):
        return body
    return {**body, **_EMPTY}
