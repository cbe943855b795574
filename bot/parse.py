"""Reads what Discord sent of an interaction: which command, which values, which files; nothing is fetched here."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import discord

from bot.groups import Group
from bot.payload import FILE_SUFFIX, IMAGE_OPTIONS, PERMISSION_BITS, Menu, modal_parameters
from shared.addresses import only_address_in
from shared.command import Command, menu_parameter
from shared.context import Asker
from shared.errors import BadInput, Denied, Refusal
from shared.inputs import Channel, Person, Role
from shared.texts import Texts

READABLE: Final = (".txt", ".md", ".html", ".htm", ".xhtml", ".pdf")
READABLE_KINDS: Final = frozenset({"text/plain", "text/markdown", "text/html", "application/pdf"})
THREADS: Final = (10, 11, 12)
SEND_MESSAGES: Final = 1 << 11
FEW_CHARACTERS: Final = 200
"""What a message may say beside its file, or its link, and still be about that."""


@dataclass(frozen=True)
class Remote:
    """A file on Discord's side: its name, address and size in bytes, as Discord states them."""

    name: str
    url: str
    size: int


Given = str | int | float | bool | Channel | Role | Person | Remote | tuple[Remote, ...]


@dataclass(frozen=True)
class Call:
    """A command that somebody asked for, and the values as they came."""

    group: str
    command: str
    raw: Mapping[str, Given]


def asker_of(interaction: discord.Interaction) -> Asker:
    """Say who asks, where, and in which language: the person's own if Hearth speaks it, else the server's."""
    locale = str(interaction.locale)
    if interaction.guild_locale is not None and not locale.startswith(("en", "zh")):
        locale = str(interaction.guild_locale)
    return Asker(
        user_id=interaction.user.id,
        name=interaction.user.display_name,
        locale=locale,
        guild_id=interaction.guild_id,
        channel_id=interaction.channel_id,
        permissions=interaction.permissions.value,
        parent_id=getattr(interaction.channel, "parent_id", None),
        # As Discord sent them: `roles` leaves out those that discord.py has not heard of.
        roles=frozenset(getattr(interaction.user, "_roles", ())),
    )


def slash_call(data: Mapping[str, Any]) -> Call:
    """Read a slash command's group, subcommand and options. Raises `Refusal` where there is no subcommand."""
    resolved = data.get("resolved", {})
    for subcommand in data.get("options", []):
        raw: dict[str, Given] = {}
        for option in subcommand.get("options", []):
            value = option["value"]
            match option["type"]:
                case 6:
                    value = _person(resolved["users"][value], resolved.get("members", {}).get(value))
                case 8:
                    value = Role(int(value), str(resolved["roles"][value].get("name"))[:100])
                case 7:
                    value = _channel(resolved["channels"][value])
                case 11:
                    value = _remote(resolved["attachments"][value])
            raw[option["name"]] = value
        return Call(data["name"], subcommand["name"], raw)
    raise Refusal("That command is not here any more. Type / to see what there is.")


def merge_variants(command: Command, raw: Mapping[str, Given]) -> dict[str, Given]:
    """Fold the options that stand for one parameter (`images-2`, `article-file`) into it."""
    merged = dict(raw)
    for parameter in command.parameters:
        if parameter.kind == "images":
            names = [parameter.name, *(f"{parameter.name}-{n}" for n in range(2, IMAGE_OPTIONS + 1))]
            given = [merged.pop(name) for name in names if name in merged]
            if given:
                # A menu brings all pictures of its message at once.
                found = [each for one in given for each in (one if isinstance(one, tuple) else (one,))]
                merged[parameter.name] = tuple(f for f in found if isinstance(f, Remote))
        elif parameter.kind == "article":
            file = merged.pop(parameter.name + FILE_SUFFIX, None)
            if file is not None:
                merged.setdefault(parameter.name, file)
    return merged


def menu_call(menu: Menu, data: Mapping[str, Any]) -> Call:
    """Fill a command's parameter with the message that the menu was opened on. Raises `BadInput`."""
    message = data["resolved"]["messages"][data["target_id"]]
    parameter = menu_parameter(menu.command)
    assert parameter is not None, "a command with a menu has a parameter that a message can fill"
    value: Given
    if parameter.kind in ("long_text", "article"):
        value = message_article(message) if parameter.kind == "article" else message_text(message)
        if isinstance(value, str) and not value.strip():
            raise BadInput("That message has no text to read.")
    else:
        pictures = tuple(
            _remote(a)
            for a in message.get("attachments", [])
            if str(a.get("content_type", "")).startswith("image/")
        )
        if not pictures:
            raise BadInput("That message has no picture.")
        value = pictures[:10] if parameter.kind == "images" else pictures[0]
    return Call(menu.group.name, menu.command.name, {parameter.name: value})


def message_text(message: Mapping[str, Any]) -> str:
    """Return what a message says: its content, or what its embeds say."""
    if message.get("content"):
        return str(message["content"])
    parts = []
    for embed in message.get("embeds", []):
        parts += [embed.get("title"), embed.get("description")]
    return "\n\n".join(str(part) for part in parts if part)


def message_article(message: Mapping[str, Any]) -> str | Remote:
    """Return what a message gives to read: a file with few words beside it, the one link it is about, or its text."""
    content = str(message.get("content") or "")
    if len(content) < FEW_CHARACTERS:
        for attachment in message.get("attachments", []):
            name, kind = str(attachment["filename"]).lower(), str(attachment.get("content_type", ""))
            if name.endswith(READABLE) or kind.partition(";")[0] in READABLE_KINDS:
                return _remote(attachment)
    return only_address_in(content) or message_text(message)


def needs_modal(command: Command, raw: Mapping[str, Given]) -> bool:
    """Tell whether a text that the command cannot do without was left out, so that a modal must ask for it."""
    return any(p.name not in raw for p in modal_parameters(command))


def modal(
    group: Group, command: Command, raw: Mapping[str, Given], key: str, texts: Texts, locale: str
) -> discord.ui.Modal:
    """Build the modal that asks for the long texts that were left out. Values of it come back under their names."""
    title = texts.render(command.description, locale, group.domain)
    form = discord.ui.Modal(title=title[:45], custom_id=key, timeout=None)
    for parameter in modal_parameters(command):
        if parameter.name in raw:
            continue
        label = texts.render(parameter.description, locale, group.domain)
        form.add_item(
            discord.ui.Label(
                text=(label[:1].upper() + label[1:])[:45],
                component=discord.ui.TextInput(
                    custom_id=parameter.name,
                    style=discord.TextStyle.long,
                    max_length=min(4000, int(parameter.maximum or 4000)),
                    required=True,
                ),
            )
        )
    return form


def modal_values(data: Mapping[str, Any]) -> dict[str, str]:
    """Return what was typed into a modal, by the inputs' ids."""
    values = {}
    for row in data.get("components", []):
        for component in row.get("components", []) or [row.get("component") or {}]:
            if "custom_id" in component:
                values[str(component["custom_id"])] = str(component.get("value", ""))
    return values


def _channel(channel: Mapping[str, Any]) -> Channel:
    """Read a channel that was chosen. Raises `Denied` where the asker may not write there."""
    if not int(channel.get("permissions", 0)) & (SEND_MESSAGES | PERMISSION_BITS["administrator"]):
        raise Denied("You may not write in #{channel}.", channel=str(channel.get("name"))[:100])
    # Of other channels it is their category.
    parent = channel.get("parent_id") if channel.get("type") in THREADS else None
    return Channel(int(channel["id"]), str(channel.get("name"))[:100], int(parent) if parent else None)


def _person(user: Mapping[str, Any], member: Mapping[str, Any] | None) -> Person:
    name = str((member or {}).get("nick") or user.get("global_name") or user.get("username"))[:100]
    roles = frozenset(int(role) for role in (member or {}).get("roles", ()))
    return Person(int(user["id"]), name, roles, int((member or {}).get("permissions", 0)))


def _remote(attachment: Mapping[str, Any]) -> Remote:
    return Remote(str(attachment["filename"])[:100], str(attachment["url"]), int(attachment["size"]))
