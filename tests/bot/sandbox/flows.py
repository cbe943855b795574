"""Everything that a bot and a person can do in the sandbox, each once: for tests that look at the traffic."""

from typing import Any

import discord

from bot.sandbox.server import Sandbox
from bot.sandbox.world import GUILD_ID
from tests.bot.sandbox.plain_bot import PIXEL, PlainBot
from tests.bot.sandbox.raw import Api
from tests.kit.person import File, Person


async def interact(person: Person) -> None:
    """Use every command, button, select, form and menu."""
    await person.slash("ping")
    options: dict[str, Any] = {"text": "hello", "count": 1, "ratio": 1, "flag": False, "user": "member-1"}
    options |= {"place": "general", "role": "Members", "either": "member-2", "size": "s"}
    await person.slash("everything", options, file=File("a.txt", b"a"))
    await person.complete("suggest", "word", "b")
    for private in (True, False):
        await person.slash("think", private=private, by_edit=private)
    followed = await person.slash("follow")
    await followed.until(lambda a: [m.content for m in a.messages] == ["second, edited", "third"])
    await person.slash("picture")
    await person.slash("twice")
    await person.slash("long", length=3000)
    await person.submit(await person.slash("form"), story="once", colour="b", papers=[File("p.txt", b"p")])
    panel = await person.slash("panel")
    await person.press(panel, "Whisper")
    await person.choose(panel, ["a"], select="Fruit")
    await person.submit(await person.press(panel, "Ask"), story="once", colour="b")
    await person.press(panel, "Update")
    later = await person.press(panel, "Later")
    await later.until(lambda a: a.message.content == "later")
    await person.menu("Inspect message", later)
    await person.menu("Inspect user", person)
    await person.slash("ping", channel=await person.open_direct())


async def write(bot: PlainBot, person: Person) -> None:
    """Let the bot write, edit, answer, pin, react and delete, in a channel and directly."""
    channel = bot.get_channel(int(person.channel_id()))
    assert isinstance(channel, discord.TextChannel)
    embed = discord.Embed(
        title="t", description="d", url="https://example.org/", colour=3, timestamp=discord.utils.utcnow()
    )
    embed.set_footer(text="f").set_author(name="a").add_field(name="n", value="v")
    file = discord.File(__file__, "a.txt", description="this file")
    sent = await channel.send("files", embed=embed, file=file, silent=True)
    await sent.edit(content="edited", attachments=[*sent.attachments, discord.File(__file__, "b.txt")])
    said = await person.say(f"<@{person.id}>", files=[File("p.png", PIXEL)])
    reply = await sent.reply("reply", mention_author=True)
    await reply.add_reaction("👍")
    await reply.pin()
    assert [m.id async for m in channel.pins()] == [reply.id]
    await reply.fetch()
    await reply.clear_reactions()
    await reply.unpin()
    await reply.delete()
    fetched = await channel.fetch_message(int(said.id))
    await fetched.reply("to a person")
    assert len([m async for m in channel.history()]) > 10
    async with channel.typing():
        pass
    view = discord.ui.LayoutView(timeout=None)
    inside = discord.ui.Container[Any](discord.ui.TextDisplay("text"), discord.ui.Separator())
    inside.add_item(discord.ui.Section("beside", accessory=discord.ui.Button(label="B", custom_id="b")))
    view.add_item(inside)
    gallery = discord.ui.MediaGallery[Any]()
    gallery.add_item(media="attachment://c.png")
    view.add_item(gallery)
    await channel.send(view=view, file=discord.File(__file__, "c.png"))
    user = await bot.fetch_user(int(person.id))
    await user.send("direct")


async def read(sandbox: Sandbox, person: Person) -> None:
    """Get everything that the HTTP API has."""
    application, channel = sandbox.world.application_id, person.channel_id()
    commands = f"/applications/{application}/commands"
    async with Api(sandbox) as api:
        for path in [
            "/gateway",
            "/gateway/bot",
            "/users/@me",
            "/users/@me/guilds",
            f"/users/{person.id}",
            "/applications/@me",
            "/oauth2/applications/@me",
            f"/applications/{application}/emojis",
            f"/applications/{application}/entitlements",
            "/soundboard-default-sounds",
            f"/guilds/{GUILD_ID}",
            f"/guilds/{GUILD_ID}/channels",
            f"/guilds/{GUILD_ID}/roles",
            f"/guilds/{GUILD_ID}/roles/{GUILD_ID}",
            f"/guilds/{GUILD_ID}/members?limit=10",
            f"/guilds/{GUILD_ID}/members/search?query=m",
            f"/guilds/{GUILD_ID}/members/{person.id}",
            f"/guilds/{GUILD_ID}/emojis",
            f"/guilds/{GUILD_ID}/stickers",
            f"/guilds/{GUILD_ID}/threads/active",
            f"/applications/{application}/guilds/{GUILD_ID}/commands/permissions",
            f"/channels/{channel}",
            f"/channels/{channel}/messages",
            f"/channels/{channel}/pins",
            commands,
            f"{commands}?with_localizations=true",
            f"{commands}/{person.commands[0]['id']}",
        ]:
            assert (await api.call("GET", path))[0] == 200, path
        assert (await api.call("GET", "/channels/1"))[0] == 404
        new = {"name": "new", "description": "d", "name_localizations": {"zh-TW": "新"}}
        made = (await api.call("POST", commands, json=new))[1]
        await api.call("PATCH", f"{commands}/{made['id']}", json={"description": "e"})
        await api.call("DELETE", f"{commands}/{made['id']}")
        await api.call("POST", f"/channels/{channel}/messages", json={"content": "x" * 2001})
