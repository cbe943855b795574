"""Every body that the sandbox sends and takes is as Discord's own description has it."""

import copy
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from bot.sandbox.rest import Exchange
from bot.sandbox.server import Sandbox
from tests.bot.sandbox.flows import interact, read, write
from tests.bot.sandbox.openapi import Description, description_path
from tests.bot.sandbox.plain_bot import PlainBot, connected
from tests.kit.person import Person


@pytest.fixture(scope="module")
def description() -> Description:
    return Description(description_path())


@pytest_asyncio.fixture
async def traffic() -> AsyncIterator[list[Exchange]]:
    """What goes over the wire while every flow is run once."""
    recorded: list[Exchange] = []
    async with (
        Sandbox(recorder=recorded.append) as sandbox,
        connected(sandbox, PlainBot()) as bot,
        Person.of(sandbox, "member-1") as person,
    ):
        await interact(person)
        await write(bot, person)
        await read(sandbox, person)
    yield recorded


async def test_all_traffic_is_as_described(description: Description, traffic: list[Exchange]) -> None:
    faults = [fault for exchange in traffic for fault in description.faults(exchange)]
    assert not faults, "\n".join(faults)
    checked = {(direction, route) for direction, route, _ in description.checked}
    assert checked >= {
        ("sent", "PUT /applications/{}/commands"),
        ("sent", "POST /interactions/{}/{}/callback"),
        ("answered", "POST /interactions/{}/{}/callback"),
        ("sent", "POST /webhooks/{}/{}"),
        ("answered", "PATCH /webhooks/{}/{}/messages/{}"),
        ("answered", "POST /channels/{}/messages"),
        ("answered", "GET /channels/{}/messages/pins"),
        ("answered", "GET /guilds/{}"),
    }
    assert len(description.checked) > 45


async def test_a_field_that_is_missing_would_be_noticed(
    description: Description, traffic: list[Exchange]
) -> None:
    """The check has power: a required field that is dropped from an answer is found."""
    sent = next(
        e for e in traffic if e.method == "POST" and e.route.endswith("/messages") and e.status == 200
    )
    for name in ("id", "author", "timestamp", "embeds", "flags", "components"):
        answered = copy.deepcopy(sent.answered)
        del answered[name]
        assert description.faults(replace(sent, answered=answered)), name
    assert description.faults(replace(sent, answered={**sent.answered, "id": 5}))
