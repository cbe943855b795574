"""The gateway: sessions that resume, compression, close codes, intents."""

import asyncio

import discord
import pytest

from bot.sandbox.intents import Intent
from bot.sandbox.point import pointed_at
from bot.sandbox.server import Sandbox
from tests.bot.sandbox.plain_bot import PlainBot
from tests.bot.sandbox.raw import Socket
from tests.kit.person import Person

MESSAGES = int(Intent.GUILDS | Intent.GUILD_MESSAGES)


async def test_a_dropped_session_is_resumed_and_misses_nothing(
    sandbox: Sandbox, bot: PlainBot, person: Person
) -> None:
    sandbox.drop_gateway()
    # Sent while nobody is connected: it must be answered after the resume.
    answer = await person.slash("ping")
    async with asyncio.timeout(5):
        await bot.resumed.wait()
    assert answer.text == "pong"


async def test_a_client_that_is_asked_to_reconnect_resumes(
    sandbox: Sandbox, bot: PlainBot, person: Person
) -> None:
    sandbox.ask_to_reconnect()
    async with asyncio.timeout(5):
        await bot.resumed.wait()
    assert (await person.slash("ping")).text == "pong"


async def test_an_invalid_session_is_begun_anew(sandbox: Sandbox, bot: PlainBot, person: Person) -> None:
    bot.ready.clear()
    sandbox.invalidate_session()
    # discord.py waits up to 5 s before it identifies again, as Discord asks.
    async with asyncio.timeout(15):
        await bot.ready.wait()
    assert not bot.resumed.is_set()
    assert (await person.slash("ping")).text == "pong"


async def test_a_wrong_token_is_refused_with_4004(sandbox: Sandbox) -> None:
    async with Socket(sandbox) as socket:
        await socket.next()
        await socket.send(2, {"token": "wrong", "intents": 0, "properties": {}})
        assert await socket.closed() == 4004


async def test_a_client_with_a_wrong_token_cannot_log_in(sandbox: Sandbox) -> None:
    with pointed_at(sandbox.api_base, sandbox.gateway_url):
        async with PlainBot() as bot:
            with pytest.raises(discord.LoginFailure):
                await bot.login("wrong")


async def test_frames_are_compressed_as_one_stream(sandbox: Sandbox) -> None:
    async with Socket(sandbox, "v=10&encoding=json&compress=zlib-stream") as socket:
        ready = await socket.identify(intents=MESSAGES)
        assert ready["application"]["id"] == ready["user"]["id"]
        assert (await socket.next("GUILD_CREATE"))["d"]["name"] == "Hearth Sandbox"


async def test_json_in_binary_frames_is_taken(sandbox: Sandbox) -> None:
    async with Socket(sandbox) as socket:
        await socket.next()
        await socket.raw.send_bytes(b'{"op":1,"d":null}')
        assert (await socket.next())["op"] == 11


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("nonsense", 4002),
        ("[]", 4002),
        ("[" * 4000, 4002),
        ('{"op":99,"d":null}', 4001),
        ('{"op":8,"d":{}}', 4003),
        ('{"op":1,"d":"' + "x" * 5000 + '"}', 4002),
        ('{"op":2,"d":{"token":"TOKEN","intents":-1}}', 4013),
        ('{"op":2,"d":{"token":"TOKEN","intents":0,"shard":[3,2]}}', 4010),
        ('{"op":6,"d":{"token":"wrong","session_id":"","seq":0}}', 4004),
    ],
)
async def test_wrong_frames_close_the_connection(sandbox: Sandbox, frame: str, code: int) -> None:
    async with Socket(sandbox) as socket:
        await socket.next()
        await socket.raw.send_str(frame.replace("TOKEN", sandbox.bot_token))
        assert await socket.closed() == code


async def test_identifying_twice_is_refused_with_4005(sandbox: Sandbox) -> None:
    async with Socket(sandbox) as socket:
        await socket.identify()
        await socket.send(2, {"token": socket.token, "intents": 0, "properties": {}})
        assert await socket.closed() == 4005


async def test_more_than_120_frames_a_minute_are_refused_with_4008(sandbox: Sandbox) -> None:
    async with Socket(sandbox) as socket:
        for _ in range(121):
            await socket.send(1, None)
        assert await socket.closed() == 4008


async def test_a_privileged_intent_that_is_not_allowed_is_refused_with_4014() -> None:
    async with Sandbox(allowed_intents=int(Intent.GUILD_MEMBERS)) as sandbox, Socket(sandbox) as socket:
        await socket.next()
        await socket.send(
            2, {"token": socket.token, "intents": int(Intent.MESSAGE_CONTENT), "properties": {}}
        )
        assert await socket.closed() == 4014


async def test_a_client_without_heartbeats_is_closed_with_4009() -> None:
    async with Sandbox(heartbeat_seconds=0.2) as sandbox, Socket(sandbox) as socket:
        await socket.identify()
        assert await socket.closed() == 4009
        assert not sandbox.gateway.online.is_set()


async def test_a_heartbeat_is_acknowledged_only_after_what_is_answered_at_once(sandbox: Sandbox) -> None:
    async with Socket(sandbox) as socket:
        await socket.next()
        await socket.send(1, None)
        await socket.send(2, {"token": socket.token, "intents": 0, "properties": {}})
        answers = [await socket.next() for _ in range(2)]
    # discord.py notes when it sent a heartbeat a little after it did, and would take an earlier one for it.
    assert [answer["t"] or answer["op"] for answer in answers] == ["READY", 11]


async def test_messages_go_only_to_those_who_asked_for_them(sandbox: Sandbox) -> None:
    async with Socket(sandbox) as deaf, Socket(sandbox) as hearing, Person.of(sandbox, "member-1") as person:
        await deaf.identify(intents=int(Intent.GUILDS))
        await hearing.identify(intents=MESSAGES)
        await person.say("anybody?")
        assert (await hearing.next("MESSAGE_CREATE"))["d"]["author"]["username"] == "member-1"
        await deaf.next("GUILD_CREATE")
        await deaf.send(1, None)
        assert (await deaf.next())["op"] == 11


async def test_content_is_empty_without_its_intent_unless_the_bot_is_mentioned(sandbox: Sandbox) -> None:
    async with Socket(sandbox) as socket, Person.of(sandbox, "member-1") as person:
        ready = await socket.identify(intents=MESSAGES)
        await person.say("private matter")
        assert (await socket.next("MESSAGE_CREATE"))["d"]["content"] == ""
        await person.say(f"<@{ready['user']['id']}> hello")
        assert (await socket.next("MESSAGE_CREATE"))["d"]["content"].endswith("hello")


async def test_members_are_sent_in_chunks_on_request(sandbox: Sandbox) -> None:
    async with Socket(sandbox) as socket:
        ready = await socket.identify(intents=int(Intent.GUILDS | Intent.GUILD_MEMBERS))
        request = {"guild_id": ready["guilds"][0]["id"], "query": "", "limit": 0, "nonce": "n"}
        await socket.send(8, request)
        chunk = (await socket.next("GUILD_MEMBERS_CHUNK"))["d"]
        names = [member["user"]["username"] for member in chunk["members"]]
        assert (names, chunk["nonce"]) == (["admin", "member-1", "member-2", "Hearth"], "n")


async def test_a_session_resumes_from_the_event_that_it_has_seen(sandbox: Sandbox) -> None:
    async with Socket(sandbox) as socket, Person.of(sandbox, "member-1") as person:
        ready = await socket.identify(intents=MESSAGES)
        await socket.next("GUILD_CREATE")
        await person.say("one")
        seen = await socket.next("MESSAGE_CREATE")
        sandbox.drop_gateway()
        assert await socket.closed() == 4000
        await person.say("two")
        async with Socket(sandbox) as again:
            await again.next()
            resume = {"token": again.token, "session_id": ready["session_id"], "seq": seen["s"]}
            await again.send(6, resume)
            missed = await again.next()
            assert (missed["t"], missed["s"]) == ("MESSAGE_CREATE", seen["s"] + 1)
            assert (await again.next())["t"] == "RESUMED"


async def test_an_unknown_session_cannot_be_resumed(sandbox: Sandbox) -> None:
    async with Socket(sandbox) as socket:
        await socket.next()
        await socket.send(6, {"token": socket.token, "session_id": "unknown", "seq": 1})
        invalid = await socket.next()
        assert (invalid["op"], invalid["d"]) == (9, False)


async def test_a_client_that_says_goodbye_cannot_resume(sandbox: Sandbox) -> None:
    async with Socket(sandbox) as socket:
        session_id = (await socket.identify())["session_id"]
    async with Socket(sandbox) as again:
        await again.next()
        await again.send(6, {"token": again.token, "session_id": session_id, "seq": 1})
        assert (await again.next())["op"] == 9
