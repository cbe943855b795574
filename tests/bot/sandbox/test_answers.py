"""The life of an interaction: answers, deferrals, follow-ups, what only one sees, and what comes too late."""

import asyncio

import discord
import pytest

from bot.sandbox.server import Sandbox
from tests.bot.sandbox.plain_bot import PIXEL, PlainBot, connected
from tests.kit.answer import Unanswered
from tests.kit.person import Person


async def test_the_first_follow_up_takes_the_place_of_thinking(person: Person) -> None:
    answer = await person.slash("think")
    assert [message.loading for message in answer.edits] == [True, False]
    assert (answer.text, len(answer.messages), answer.ephemeral) == ("thought", 1, False)
    assert answer.message.raw["edited_timestamp"] is None


async def test_an_edit_takes_the_place_of_thinking(person: Person) -> None:
    answer = await person.slash("think", by_edit=True)
    assert (answer.text, len(answer.messages)) == ("thought", 1)


async def test_a_private_answer_is_seen_by_its_asker_only(
    person: Person, other: Person, bot: PlainBot
) -> None:
    answer = await person.slash("think", private=True)
    assert answer.ephemeral
    assert answer.message.raw["flags"] & 64
    assert [m.id for m in await person.history()] == [answer.message.id]
    assert await other.history() == []
    # Nor does the bot hear of it over the gateway, or get it from the channel.
    await other.say("later")
    await person.sees(lambda m: m.content == "later")
    assert [m.content for m in bot.heard if m.author == bot.user] == []
    channel = bot.get_partial_messageable(int(answer.message.channel_id))
    with pytest.raises(discord.NotFound):
        await channel.fetch_message(int(answer.message.id))


async def test_answers_are_followed_up_edited_and_deleted(person: Person, other: Person) -> None:
    answer = await person.slash("follow")
    await answer.until(lambda a: [m.content for m in a.messages] == ["second, edited", "third"])
    assert [m.content for m in await other.history()] == ["second, edited"]
    assert answer.messages[0].raw["edited_timestamp"] is not None


async def test_a_picture_stands_in_its_embed_and_a_file_beside_it(person: Person) -> None:
    message = (await person.slash("picture")).message
    image = message.embeds[0]["image"]
    assert (image["width"], image["height"]) == (1, 1)
    assert await person.download(image) == PIXEL
    assert [(a["filename"], a["content_type"]) for a in message.attachments] == [
        ("table.csv", "text/csv; charset=utf-8")
    ]
    assert await person.download(message.attachments[0]) == b"a,b\n1,2\n"


async def test_an_acknowledgement_that_comes_too_late_is_refused_with_10062() -> None:
    async with (
        Sandbox(ack_seconds=0.2) as sandbox,
        connected(sandbox, PlainBot()) as bot,
        Person.of(sandbox, "member-1") as person,
    ):
        with pytest.raises(Unanswered, match="timeout"):
            await person.slash("late", seconds=0.4)
        async with asyncio.timeout(5):
            assert await bot.failures.get() == 10062


async def test_a_second_acknowledgement_is_refused_with_40060(person: Person, bot: PlainBot) -> None:
    answer = await person.slash("twice")
    async with asyncio.timeout(5):
        assert await bot.failures.get() == 40060
    assert (answer.text, len(await person.history())) == ("once", 1)


async def test_a_follow_up_after_the_token_ends_is_refused_with_50027() -> None:
    async with (
        Sandbox(token_seconds=0.3) as sandbox,
        connected(sandbox, PlainBot()) as bot,
        Person.of(sandbox, "member-1") as person,
    ):
        with pytest.raises(Unanswered, match="expired"):
            await person.slash("slow", seconds=0.5)
        async with asyncio.timeout(5):
            assert await bot.failures.get() == 50027


async def test_more_than_2000_characters_are_refused_with_50035(person: Person, bot: PlainBot) -> None:
    assert (await person.slash("long", length=2001)).text == "too much"
    assert bot.failures.get_nowait() == 50035
    assert len((await person.slash("long", length=2000)).text) == 2000


async def test_nobody_answers_while_no_bot_is_there() -> None:
    async with Sandbox(ack_seconds=0.2) as sandbox:
        async with connected(sandbox, PlainBot()):
            pass
        async with Person.of(sandbox, "member-1") as person:
            assert not person.bot_online
            with pytest.raises(Unanswered, match="timeout"):
                await person.slash("ping")


async def test_hundreds_of_commands_at_once_are_all_answered(person: Person) -> None:
    answers = await asyncio.gather(*(person.slash("ping", within=30) for _ in range(200)))
    assert {answer.text for answer in answers} == {"pong"}
    assert len({answer.message.id for answer in answers}) == 200
