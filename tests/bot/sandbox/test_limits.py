"""Discord's limits on bodies and rates, and the sandbox's own caps."""

import asyncio
import time
from typing import Any

import aiohttp
import pytest

from bot.sandbox.server import Caps, Sandbox
from tests.bot.sandbox.plain_bot import PlainBot, connected
from tests.bot.sandbox.raw import Api, Socket
from tests.kit.answer import Refused, Unanswered
from tests.kit.person import File, Person

ROW: dict[str, Any] = {"type": 1, "components": [{"type": 2, "style": 1, "label": "Go", "custom_id": "go"}]}
FIELD = {"name": "n", "value": "v"}


def general(sandbox: Sandbox) -> str:
    return next(c.id for c in sandbox.world.channels.values() if c.name == "general")


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"content": "x" * 2001}, "content"),
        ({"embeds": [{"title": "x" * 257}]}, "embeds.0.title"),
        ({"embeds": [{"description": "x" * 4097}]}, "embeds.0.description"),
        ({"embeds": [{"description": "x" * 4000}, {"description": "x" * 2001}]}, "embeds"),
        ({"embeds": [{"title": "x"}] * 11}, "embeds"),
        ({"embeds": [{"fields": [FIELD] * 26}]}, "embeds.0.fields"),
        ({"embeds": [{"fields": [{"name": "", "value": "v"}]}]}, "embeds.0.fields.0.name"),
        ({"embeds": [{"fields": [{"name": "n", "value": "x" * 1025}]}]}, "embeds.0.fields.0.value"),
        ({"embeds": [{"footer": {"text": "x" * 2049}}]}, "embeds.0.footer.text"),
        ({"embeds": [{"title": "t", "color": 1 << 24}]}, "embeds.0.color"),
        ({"embeds": [{"image": {"url": "javascript:alert(1)"}}]}, "embeds.0.image.url"),
        ({"components": [ROW] * 6}, "components"),
        ({"components": [{"type": 1, "components": []}]}, "components.0.components"),
        ({"components": [{"type": 1, "components": ROW["components"] * 6}]}, "components.0.components"),
        ({"components": [ROW, ROW]}, "components.1.components.0.custom_id"),
        (
            {
                "components": [
                    {"type": 1, "components": [{"type": 2, "style": 1, "custom_id": "x" * 101, "label": "x"}]}
                ]
            },
            "components.0.components.0.custom_id",
        ),
        (
            {
                "components": [
                    {"type": 1, "components": [{"type": 2, "style": 1, "custom_id": "x", "label": "x" * 81}]}
                ]
            },
            "components.0.components.0.label",
        ),
        ({"components": [{"type": 3, "custom_id": "x"}]}, "components.0.type"),
        ({"content": "x", "allowed_mentions": {"parse": ["all"]}}, "allowed_mentions.parse"),
        ({"content": "x", "message_reference": {"message_id": "1"}}, "message_reference"),
    ],
)
async def test_a_message_past_discords_limits_is_refused_with_50035(
    sandbox: Sandbox, body: dict[str, Any], path: str
) -> None:
    async with Api(sandbox) as api:
        status, answer, _ = await api.call("POST", f"/channels/{general(sandbox)}/messages", json=body)
    assert (status, answer["code"]) == (400, 50035)
    node = answer["errors"]
    for part in path.split("."):
        node = node[part]
    assert node["_errors"][0]["message"]


@pytest.mark.parametrize(
    "change",
    [
        {"name": "Upper"},
        {"name": "two words"},
        {"name": "x" * 33},
        {"name": ""},
        {"description": ""},
        {"description": "x" * 101},
        {"name_localizations": {"xx": "name"}},
        {"name_localizations": {"zh-TW": "有 空格"}},
        {"options": [{"type": 3, "name": "a", "description": "d"}] * 2},
        {"options": [{"type": 3, "name": f"a{n}", "description": "d"} for n in range(26)]},
        {
            "options": [
                {"type": 3, "name": "a", "description": "d"},
                {"type": 3, "name": "b", "description": "d", "required": True},
            ]
        },
        {
            "options": [
                {"type": 1, "name": "a", "description": "d"},
                {"type": 3, "name": "b", "description": "d"},
            ]
        },
        {"options": [{"type": 3, "name": "a", "description": "d", "max_length": 6001}]},
        {"options": [{"type": 3, "name": "a", "description": "d", "choices": [{"name": "c", "value": 1}]}]},
        {
            "options": [
                {
                    "type": 2,
                    "name": "g",
                    "description": "d",
                    "options": [{"type": 3, "name": "a", "description": "d"}],
                }
            ]
        },
        {"options": [{"type": 12, "name": "a", "description": "d"}]},
        {
            "options": [
                {
                    "type": 3,
                    "name": f"a{n}",
                    "description": "d" * 100,
                    "choices": [{"name": f"{m}" * 50, "value": f"{m}" * 50} for m in range(10)],
                }
                for n in range(8)
            ]
        },
        {"type": 3, "name": "Menu", "description": "not for menus"},
        {"default_member_permissions": "many"},
    ],
)
async def test_a_command_past_discords_limits_is_refused_with_50035(
    sandbox: Sandbox, change: dict[str, Any]
) -> None:
    body = {"name": "fine", "description": "fine", **change}
    path = f"/applications/{sandbox.world.application_id}/commands"
    async with Api(sandbox) as api:
        status, answer, _ = await api.call("PUT", path, json=[body])
        assert (status, answer["code"]) == (400, 50035)
        assert (await api.call("GET", path))[1] == []


async def test_commands_keep_their_ids_and_are_limited_in_number(sandbox: Sandbox) -> None:
    path = f"/applications/{sandbox.world.application_id}/commands"
    async with Api(sandbox) as api:
        body = {"name": "a", "description": "a", "name_localizations": {"zh-TW": "甲"}}
        status, first, _ = await api.call("POST", path, json=body)
        assert status == 201
        status, again, _ = await api.call("POST", path, json={**body, "description": "b"})
        assert (status, again["id"], again["description"]) == (200, first["id"], "b")
        assert again["version"] != first["version"]
        assert "name_localizations" not in (await api.call("GET", path))[1][0]
        listed = (await api.call("GET", f"{path}?with_localizations=true"))[1][0]
        assert listed["name_localizations"] == {"zh-TW": "甲"}
        edited = (await api.call("PATCH", f"{path}/{first['id']}", json={"description": "c"}))[1]
        assert (edited["description"], edited["name_localizations"]) == ("c", {"zh-TW": "甲"})
        assert (await api.call("DELETE", f"{path}/{first['id']}"))[0] == 204
        assert (await api.call("GET", f"{path}/{first['id']}"))[1]["code"] == 10063
        many = [{"name": f"c{n}", "description": "d"} for n in range(101)]
        assert (await api.call("PUT", path, json=many))[1]["code"] == 30032
        menus = [{"name": f"Menu {n}", "type": 3} for n in range(16)]
        assert (await api.call("PUT", path, json=menus))[1]["code"] == 30032
        assert len((await api.call("PUT", path, json=many[:100]))[1]) == 100
        fresh = [{"name": f"d{n}", "description": "d"} for n in range(100)]
        assert (await api.call("PUT", path, json=fresh))[1]["code"] == 30034


async def test_guild_commands_stand_beside_global_ones(sandbox: Sandbox) -> None:
    base = f"/applications/{sandbox.world.application_id}"
    guild = f"{base}/guilds/{next(iter(sandbox.world.roles))}"
    async with Api(sandbox) as api, Person.of(sandbox, "member-1") as person:
        await api.call("PUT", f"{base}/commands", json=[{"name": "everywhere", "description": "d"}])
        await api.call("PUT", f"{guild}/commands", json=[{"name": "here", "description": "d"}])
        assert [c["name"] for c in (await api.call("GET", f"{guild}/commands"))[1]] == ["here"]
        assert (await api.call("GET", f"{guild}/commands/permissions"))[1] == []
        assert (await api.call("GET", f"{base}/guilds/1/commands"))[1]["code"] == 10004
        direct = await person.open_direct()
        async with Person.of(sandbox, "member-1") as again:
            assert [c["name"] for c in again.commands] == ["here", "everywhere"]
            with pytest.raises(Refused):
                await again.slash("here", channel=direct)


async def test_files_over_the_limit_are_refused_on_both_sides() -> None:
    async with Sandbox(attachment_limit=1000) as sandbox, Person.of(sandbox, "member-1") as person:
        await person.say(files=[File("fits.bin", b"x" * 1000)])
        with pytest.raises(Refused) as refusal:
            await person.say(files=[File("large.bin", b"x" * 1001)])
        assert refusal.value.status == 413
        form = aiohttp.FormData(quote_fields=False)
        form.add_field("payload_json", '{"content":"x"}')
        form.add_field("files[0]", b"x" * 1001, filename="large.bin")
        async with Api(sandbox) as api:
            path = f"/channels/{general(sandbox)}/messages"
            status, answer, _ = await api.call("POST", path, data=form)
        assert (status, answer["code"]) == (413, 40005)


@pytest.mark.parametrize("body", [b"", b"[]", b"nonsense", b"[" * 100_000, b"\xff\xfe", b'"text"'])
async def test_bodies_that_are_no_json_object_are_refused(sandbox: Sandbox, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    async with Api(sandbox) as api:
        path = f"/channels/{general(sandbox)}/messages"
        status, answer, _ = await api.call("POST", path, data=body, headers=headers)
    assert (status, answer["code"]) in [(400, 50109), (400, 50006)]


async def test_payload_json_may_come_urlencoded(sandbox: Sandbox) -> None:
    async with Api(sandbox) as api:
        path = f"/channels/{general(sandbox)}/messages"
        status, answer, _ = await api.call("POST", path, data={"payload_json": '{"content":"form"}'})
    assert (status, answer["content"]) == (200, "form")


async def test_a_nonce_is_echoed_and_sends_once(sandbox: Sandbox) -> None:
    body = {"content": "once", "nonce": "n1", "enforce_nonce": True}
    async with Api(sandbox) as api:
        path = f"/channels/{general(sandbox)}/messages"
        first = (await api.call("POST", path, json=body))[1]
        again = (await api.call("POST", path, json=body))[1]
    assert (first["nonce"], again["id"]) == ("n1", first["id"])


async def test_json_answers_have_exactly_the_type_that_discord_py_compares(sandbox: Sandbox) -> None:
    async with Api(sandbox) as api:
        headers = (await api.call("GET", "/users/@me"))[2]
    assert headers["Content-Type"] == "application/json"
    assert {
        "X-RateLimit-Limit",
        "X-RateLimit-Remaining",
        "X-RateLimit-Reset-After",
        "X-RateLimit-Bucket",
    } <= set(headers)


async def test_unknown_things_have_their_codes(sandbox: Sandbox) -> None:
    async with Api(sandbox) as api:
        for path, code in [
            ("/channels/1", 10003),
            (f"/channels/{general(sandbox)}/messages/1", 10008),
            ("/guilds/1", 10004),
            ("/users/1", 10013),
            (f"/webhooks/{sandbox.world.application_id}/wrong/messages/@original", 50027),
            ("/webhooks/1/wrong/messages/@original", 10015),
            ("/nowhere", 0),
        ]:
            assert (await api.call("GET", path))[1]["code"] == code, path
        data = {"type": 4, "data": {"content": "x"}}
        assert (await api.call("POST", "/interactions/1/wrong/callback", json=data))[1]["code"] == 10062


async def test_realistic_limits_make_the_client_wait_and_nothing_is_lost() -> None:
    async with Sandbox(realistic_limits=True) as sandbox, connected(sandbox, PlainBot()) as bot:
        channel = bot.get_partial_messageable(int(general(sandbox)))
        began = time.monotonic()
        sent = await asyncio.gather(*(channel.send(str(n)) for n in range(6)))
        assert len({m.id for m in sent}) == 6
        # The sixth has to wait for the next window of 5 s.
        assert time.monotonic() - began > 3


async def test_a_429_says_how_long_to_wait_and_that_it_is_no_ban() -> None:
    async with Sandbox(realistic_limits=True) as sandbox, Api(sandbox) as api:
        path = f"/channels/{general(sandbox)}"
        for _ in range(5):
            assert (await api.call("GET", path))[0] == 200
        status, answer, headers = await api.call("GET", path)
        assert (status, answer["global"]) == (429, False)
        assert 0 < answer["retry_after"] <= 5
        assert {"Via", "Retry-After"} <= set(headers)
        assert headers["X-RateLimit-Scope"] == "user"


async def test_the_oldest_messages_and_files_give_way() -> None:
    caps = Caps(messages_a_channel=3, attachment_bytes=20)
    async with Sandbox(caps=caps) as sandbox, Person.of(sandbox, "member-1") as person:
        said = [await person.say(str(n), files=[File("f.txt", b"x" * 8)]) for n in range(5)]
        history = await person.history()
        assert [m.content for m in history] == ["2", "3", "4"]
        assert [len(m.attachments) for m in history] == [0, 1, 1]
        with pytest.raises(aiohttp.ClientResponseError):
            await person.download(said[0].attachments[0])
        assert await person.download(history[-1].attachments[0]) == b"x" * 8


async def test_the_oldest_interaction_gives_way() -> None:
    async with (
        Sandbox(caps=Caps(interactions=1)) as sandbox,
        Socket(sandbox) as socket,
        Person.of(sandbox, "member-1") as person,
        Api(sandbox) as api,
    ):
        await socket.identify()
        path = f"/applications/{sandbox.world.application_id}/commands"
        await api.call("PUT", path, json=[{"name": "wait", "description": "d"}])
        await person.waits_for_command("wait")
        asked = [asyncio.create_task(person.slash("wait"))]
        first = (await socket.next("INTERACTION_CREATE"))["d"]
        asked.append(asyncio.create_task(person.slash("wait")))
        second = (await socket.next("INTERACTION_CREATE"))["d"]
        data = {"type": 4, "data": {"content": "here"}}
        codes = []
        for each in (first, second):
            callback = f"/interactions/{each['id']}/{each['token']}/callback"
            codes.append((await api.call("POST", callback, json=data))[0])
        assert codes == [404, 204]
        with pytest.raises(Unanswered):
            await asked[0]
        assert (await asked[1]).text == "here"


async def test_the_oldest_session_gives_way() -> None:
    async with (
        Sandbox(caps=Caps(sessions=1)) as sandbox,
        Socket(sandbox) as first,
        Socket(sandbox) as second,
    ):
        await first.identify()
        await second.identify()
        assert await first.closed() == 4009
        assert len(sandbox.gateway.sessions) == 1


async def test_subscribers_past_the_cap_are_not_let_in() -> None:
    async with Sandbox(caps=Caps(subscribers=1)) as sandbox, Person.of(sandbox, "member-1"):
        with pytest.raises(AssertionError, match="subscribers"):
            await Person.of(sandbox, "member-2")


async def test_a_subscriber_that_does_not_read_is_cut_off(sandbox: Sandbox) -> None:
    async with Person.of(sandbox, "member-1") as person:
        for _ in range(6000):
            sandbox.feed.publish("typing", {"channel_id": "1", "user_id": "2"})
        async with asyncio.timeout(5):
            await person.cut_off.wait()
