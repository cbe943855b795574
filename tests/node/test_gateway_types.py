"""The gateway's events have the types that `discord-api-types` (npm) gives them; discord's OpenAPI has none of them."""

import json
import subprocess
import uuid
from pathlib import Path
from typing import Any

import discord
import pytest

from bot.sandbox.server import Sandbox
from tests.bot.sandbox.flows import interact, write
from tests.bot.sandbox.plain_bot import PlainBot, connected
from tests.kit.person import Person
from tests.node.installed import installed_folder

pytestmark = pytest.mark.node
TYPES = {
    "READY": "api.GatewayReadyDispatchData",
    "GUILD_CREATE": "api.GatewayGuildCreateDispatchData",
    # These types ask for a name, which Discord's documentation does not show in a direct conversation.
    "CHANNEL_CREATE": "Omit<api.APIDMChannel, 'name'>",
    "GUILD_MEMBERS_CHUNK": "api.GatewayGuildMembersChunkDispatchData",
    "MESSAGE_CREATE": "api.GatewayMessageCreateDispatchData",
    "MESSAGE_UPDATE": "api.GatewayMessageUpdateDispatchData",
    "MESSAGE_DELETE": "api.GatewayMessageDeleteDispatchData",
    "MESSAGE_REACTION_ADD": "api.GatewayMessageReactionAddDispatchData",
    "MESSAGE_REACTION_REMOVE": "api.GatewayMessageReactionRemoveDispatchData",
    "TYPING_START": "api.GatewayTypingStartDispatchData",
    "INTERACTION_CREATE 2": "api.APIApplicationCommandInteraction",
    "INTERACTION_CREATE 3": "api.APIMessageComponentInteraction",
    "INTERACTION_CREATE 4": "api.APIApplicationCommandAutocompleteInteraction",
    "INTERACTION_CREATE 5": "api.APIModalSubmitInteraction",
}
NEEDED = {
    "READY": "session_id",
    "MESSAGE_CREATE": "author",
    "INTERACTION_CREATE 2": "token",
    "INTERACTION_CREATE 3": "message",
}
"""A field of some events, without which the check must fail."""
PRELUDE = """\
import type * as api from "discord-api-types/v10";
// Enums are compared by what they are made of: a sample's numbers and texts are just that.
type Loose<T> =
  T extends string ? string
  : T extends number ? number
  : T extends boolean | null | undefined ? T
  : T extends readonly (infer U)[] ? Loose<U>[]
  : T extends object ? { [K in keyof T]: Loose<T[K]> }
  : T;
"""


class Listening(PlainBot):
    """A plain bot that keeps what comes over the gateway."""

    def __init__(self) -> None:
        super().__init__(discord.Intents.all(), enable_debug_events=True)
        self.events: list[dict[str, Any]] = []

    async def on_socket_raw_receive(self, message: str) -> None:
        self.events.append(json.loads(message))


async def test_events_have_their_types() -> None:
    folder = installed_folder()
    async with (
        Sandbox() as sandbox,
        connected(sandbox, Listening()) as bot,
        Person.of(sandbox, "member-1") as person,
    ):
        assert len(await bot.guilds[0].query_members("member")) == 2
        await interact(person)
        await write(bot, person)
        await person.open_direct()
        said = await person.say("to react to")
        await person.react(said, "👍")
        await person.react(said, "👍", added=False)
        await person.slash("ping")
        events = list(bot.events)
    samples: dict[str, list[dict[str, Any]]] = {}
    for event in events:
        if event["op"] == 0:
            name = event["t"]
            if name == "INTERACTION_CREATE":
                name += f" {event['d']['type']}"
            samples.setdefault(name, []).append(event["d"])
    assert set(samples) == set(TYPES)
    lines = [PRELUDE]
    for name, found in samples.items():
        lines.append(f"type T{len(lines)} = Loose<{TYPES[name]}>;")
        alias = f"T{len(lines) - 1}"
        for sample in found[:12]:
            # By way of a constant: a field that the types do not know is no fault.
            lines.append(f"const s{len(lines)} = {json.dumps(sample)};")
            lines.append(f"const c{len(lines)}: {alias} = s{len(lines) - 1};")
        if needed := NEEDED.get(name):
            less = {key: value for key, value in found[0].items() if key != needed}
            lines.append(f"const s{len(lines)} = {json.dumps(less)};")
            lines.append(f"// @ts-expect-error\nconst c{len(lines)}: {alias} = s{len(lines) - 1};")
    assert len(lines) > 100
    source = folder / f"samples-{uuid.uuid4().hex}.ts"
    source.write_text("\n".join(lines))
    try:
        _compile(folder, source)
    finally:
        source.unlink()


def _compile(folder: Path, source: Path) -> None:
    options = ["--noEmit", "--strict", "--skipLibCheck", "--module", "nodenext", "--target", "es2022"]
    command = ["node", "node_modules/typescript/bin/tsc", *options, source.name]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
    assert not done.returncode, done.stdout[:6000]
