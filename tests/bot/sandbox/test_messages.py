"""Messages in channels: what people write reaches the bot, and what the bot writes reaches people."""

import asyncio

import discord
import pytest

from bot.sandbox.server import Sandbox
from bot.sandbox.world import BOT_PERMISSIONS, Permission
from tests.bot.sandbox.plain_bot import PlainBot, connected
from tests.kit.answer import Refused
from tests.kit.person import File, Person


def channel_of(bot: PlainBot, name: str = "general") -> discord.TextChannel:
    channel = discord.utils.get(bot.guilds[0].text_channels, name=name)
    assert channel is not None
    return channel


async def heard(bot: PlainBot, content: str) -> discord.Message:
    async with asyncio.timeout(5):
        while True:
            for message in bot.heard:
                if message.content == content:
                    return message
            await asyncio.sleep(0.01)


async def test_what_people_write_reaches_the_bot_and_its_reply_them(person: Person, bot: PlainBot) -> None:
    said = await person.say("hello", files=[File("a.txt", b"alpha")])
    message = await heard(bot, "hello")
    assert await message.attachments[0].read() == b"alpha"
    await message.reply("hi", file=discord.File(__file__, "source.py"))
    reply = await person.sees(lambda m: m.content == "hi")
    assert reply.raw["referenced_message"]["id"] == said.id
    assert (await person.download(reply.attachments[0])).startswith(b'"""Messages in channels')


async def test_the_bot_edits_deletes_and_pins_its_messages(person: Person, bot: PlainBot) -> None:
    sent = await channel_of(bot).send("draft")
    await sent.edit(content="final", embed=discord.Embed(description="more"))
    await sent.pin()
    shown = await person.sees(lambda m: m.raw["pinned"])
    assert (shown.content, shown.embeds[0]["description"]) == ("final", "more")
    assert [m.id async for m in channel_of(bot).pins()] == [sent.id]
    await sent.unpin()
    await sent.delete()
    assert await person.history() == []
    with pytest.raises(discord.NotFound):
        await sent.edit(content="gone")


async def test_the_bot_keeps_and_drops_attachments_in_an_edit(person: Person, bot: PlainBot) -> None:
    files = [discord.File(__file__, name) for name in ("a.txt", "b.txt")]
    sent = await channel_of(bot).send("files", files=files)
    edited = await sent.edit(attachments=[sent.attachments[1], discord.File(__file__, "c.txt")])
    assert [a.filename for a in edited.attachments] == ["b.txt", "c.txt"]
    with pytest.raises(discord.NotFound):
        await sent.attachments[0].read()


async def test_the_bot_reads_history_in_both_directions(person: Person, bot: PlainBot) -> None:
    said = [await person.say(str(number)) for number in range(5)]
    channel = channel_of(bot)
    assert [m.content async for m in channel.history(limit=2)] == ["4", "3"]
    before, after = discord.Object(int(said[2].id)), discord.Object(int(said[1].id))
    assert [m.content async for m in channel.history(before=before)] == ["1", "0"]
    assert [m.content async for m in channel.history(after=after)] == ["2", "3", "4"]
    assert [m.content async for m in channel.history(around=before, limit=3)] == ["3", "2", "1"]


async def test_reactions_go_both_ways(person: Person, bot: PlainBot) -> None:
    said = await person.say("vote")
    message = await channel_of(bot).fetch_message(int(said.id))
    await message.add_reaction("👍")
    await person.react(said, "👍")
    shown = await person.sees(
        lambda m: m.id == said.id and "reactions" in m.raw and m.raw["reactions"][0]["count"] == 2
    )
    assert shown.raw["reactions"][0]["me"]
    users = {u.name async for u in (await message.fetch()).reactions[0].users()}
    assert users == {"Hearth", "member-1"}
    with pytest.raises(discord.HTTPException) as refusal:
        await message.add_reaction("thumbsup")
    assert refusal.value.code == 10014


async def test_the_bot_writes_to_a_person_directly(person: Person, other: Person, bot: PlainBot) -> None:
    user = await bot.fetch_user(int(person.id))
    await user.send("psst")
    seen = await person.sees(lambda m: m.content == "psst")
    with pytest.raises(Refused):
        await other.history(seen.channel_id)
    await person.say("yes?", channel=seen.channel_id)
    assert (await heard(bot, "yes?")).guild is None


async def test_mentions_take_effect_only_where_they_are_allowed(person: Person, bot: PlainBot) -> None:
    await channel_of(bot).send(f"<@{person.id}> @everyone", allowed_mentions=discord.AllowedMentions.none())
    silent = await person.sees(lambda m: "everyone" in m.content)
    assert (silent.raw["mentions"], silent.raw["mention_everyone"]) == ([], False)
    await channel_of(bot).send(f"hey <@{person.id}>")
    loud = await person.sees(lambda m: m.content.startswith("hey"))
    assert [user["username"] for user in loud.raw["mentions"]] == ["member-1"]


async def test_people_change_only_their_own_messages(person: Person, other: Person) -> None:
    said = await person.say("mine")
    edited = await person.edit(said, "still mine")
    assert edited.raw["edited_timestamp"] is not None
    with pytest.raises(Refused):
        await other.edit(said, "yours")
    with pytest.raises(Refused):
        await other.delete(said)
    await person.delete(said)
    assert await other.history() == []


async def test_a_channel_for_administrators_is_hidden_from_members(person: Person, admin: Person) -> None:
    await admin.say("secret", channel="admin")
    assert [m.content for m in await admin.history("admin")] == ["secret"]
    with pytest.raises(Refused) as refusal:
        await person.history("admin")
    assert refusal.value.status == 404


async def test_the_bot_cannot_do_what_its_role_does_not_allow() -> None:
    permissions = BOT_PERMISSIONS & ~Permission.SEND_MESSAGES
    async with Sandbox(bot_permissions=permissions) as sandbox, connected(sandbox, PlainBot()) as bot:
        with pytest.raises(discord.Forbidden) as refusal:
            await channel_of(bot).send("no")
        assert refusal.value.code == 50013


async def test_an_empty_message_is_refused(person: Person, bot: PlainBot) -> None:
    with pytest.raises(discord.HTTPException) as refusal:
        await channel_of(bot).send("  ")
    assert refusal.value.code == 50006
    with pytest.raises(Refused, match="empty"):
        await person.say("")
