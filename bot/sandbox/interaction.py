"""One interaction, and the JSON that Discord makes of it."""

import asyncio
from dataclasses import dataclass, field
from enum import IntEnum

from bot.sandbox.errors import Json, Problems
from bot.sandbox.messages import Message, Messages
from bot.sandbox.world import GUILD_ID, Channel, World


class Kind(IntEnum):
    """What a person did."""

    COMMAND = 2
    COMPONENT = 3
    AUTOCOMPLETE = 4
    MODAL_SUBMIT = 5


class Callback(IntEnum):
    """How the bot acknowledges."""

    MESSAGE = 4
    THINKING = 5
    DEFER_UPDATE = 6
    UPDATE = 7
    CHOICES = 8
    MODAL = 9


@dataclass
class Interaction:
    """One thing that a person did with a command, a component or a modal."""

    id: str
    token: str
    type: Kind
    user_id: str
    channel: Channel
    data: Json
    locale: str
    expires: float
    """The event loop's time at which the token ends."""
    source: Message | None = None
    """The message whose component was used."""
    trigger: Json | None = None
    """What opened the modal that was sent."""
    callback: Callback | None = None
    failed: bool = False
    original: Message | None = None
    timer: asyncio.TimerHandle | None = None
    messages: list[str] = field(default_factory=list)


def owners(channel: Channel) -> dict[str, str]:
    """Return on whose behalf the application is installed where an interaction happens."""
    return {"0": "0" if channel.recipient is not None else GUILD_ID}


def interaction_created(
    interaction: Interaction, world: World, messages: Messages, attachment_limit: int
) -> Json:
    """Return the gateway's INTERACTION_CREATE."""
    channel = interaction.channel
    body: Json = {
        "id": interaction.id,
        "application_id": world.application_id,
        "type": interaction.type,
        "token": interaction.token,
        "version": 1,
        "data": interaction.data,
        "channel_id": channel.id,
        "channel": channel.payload(),
        "locale": interaction.locale,
        "app_permissions": str(world.permissions(world.application_id, channel)),
        "entitlements": [],
        "authorizing_integration_owners": owners(channel),
        "context": 0 if channel.recipient is None else 1,
        "attachment_size_limit": attachment_limit,
    }
    if channel.recipient is None:
        permissions = str(world.permissions(interaction.user_id, channel))
        body["channel"]["permissions"] = permissions
        body["guild_id"] = GUILD_ID
        body["guild"] = {"id": GUILD_ID, "locale": world.locale, "features": []}
        body["guild_locale"] = world.locale
        body["member"] = {**world.member(interaction.user_id), "permissions": permissions}
    else:
        body["user"] = world.users[interaction.user_id].payload()
    if interaction.source is not None:
        body["message"] = messages.show(interaction.source)
    return body


def full_name(data: Json) -> str:
    """Return a command's name with those of its group and subcommand, as Discord puts it on messages."""
    names: list[str] = []
    node: Json | None = data
    while node is not None:
        names.append(str(node["name"]))
        node = next((o for o in node.get("options") or [] if o["type"] in (1, 2)), None)
    return " ".join(names)


def metadata(interaction: Interaction, world: World) -> Json:
    """Return Discord's `interaction_metadata` of the messages that answer an interaction."""
    body: Json = {
        "id": interaction.id,
        "type": interaction.type,
        "user": world.users[interaction.user_id].payload(),
        "authorizing_integration_owners": owners(interaction.channel),
    }
    if interaction.type == Kind.COMMAND:
        body["name"] = full_name(interaction.data)
        body["command_type"] = interaction.data["type"]
        if interaction.data["type"] == 3:
            body["target_message_id"] = interaction.data["target_id"]
        elif interaction.data["type"] == 2:
            body["target_user"] = world.users[interaction.data["target_id"]].payload()
    elif interaction.type == Kind.COMPONENT and interaction.source is not None:
        body["interacted_message_id"] = interaction.source.id
    elif interaction.trigger is not None:
        body["triggering_interaction_metadata"] = interaction.trigger
    return body


def callback_answer(interaction: Interaction, message: Message | None, messages: Messages) -> Json:
    """Return what `with_response` asks for. Without `response_message_id` discord.py never hears of buttons."""
    told: Json = {"id": interaction.id, "type": interaction.type, "channel_id": interaction.channel.id}
    if interaction.channel.recipient is None:
        told["guild_id"] = GUILD_ID
    if message is None:
        return {"interaction": told}
    told["response_message_id"] = message.id
    told["response_message_loading"] = message.loading
    told["response_message_ephemeral"] = message.visible_to is not None
    # Nothing was made or changed by an acknowledgement alone.
    if interaction.callback not in (Callback.MESSAGE, Callback.UPDATE):
        return {"interaction": told}
    return {
        "interaction": told,
        "resource": {"type": interaction.callback, "message": messages.show(message)},
    }


def checked_choices(data: Json) -> list[Json]:
    """Check what autocomplete offers. Raises Discord's 50035."""
    choices = data.get("choices")
    problems = Problems()
    if not isinstance(choices, list) or len(choices) > 25:
        problems.too_long("data.choices", 25)
        problems.settle()
        return []
    for index, each in enumerate(choices):
        problems.text(f"data.choices.{index}.name", each.get("name"), 1, 100)
        if isinstance(each.get("value"), str):
            problems.text(f"data.choices.{index}.value", each["value"], 0, 100)
    problems.settle()
    return [{"name_localizations": None, **each} for each in choices]
