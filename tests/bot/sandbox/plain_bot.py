"""A plain discord.py bot, as anybody would write it, that shows all that the sandbox must be able to do."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import discord
from discord import app_commands

from bot.sandbox.point import pointed_at
from bot.sandbox.server import Sandbox

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000050001a5f6"
    "45400000000049454e44ae426082"
)
Interaction = discord.Interaction[discord.Client]


class Form(discord.ui.Modal, title="Tell me"):
    """A form with an input of each kind that matters."""

    story: discord.ui.Label[Any] = discord.ui.Label(
        text="Story",
        description="In your own words",
        component=discord.ui.TextInput(
            custom_id="story", style=discord.TextStyle.long, min_length=3, max_length=20
        ),
    )
    colour: discord.ui.Label[Any] = discord.ui.Label(
        text="Colour",
        component=discord.ui.Select(
            custom_id="colour",
            options=[
                discord.SelectOption(label="Red", value="r"),
                discord.SelectOption(label="Blue", value="b"),
            ],
        ),
    )
    papers: discord.ui.Label[Any] = discord.ui.Label(
        text="Papers", component=discord.ui.FileUpload(custom_id="papers", required=False, max_values=2)
    )

    async def on_submit(self, interaction: Interaction) -> None:
        story, colour, papers = self.story.component, self.colour.component, self.papers.component
        assert isinstance(story, discord.ui.TextInput)
        assert isinstance(colour, discord.ui.Select)
        assert isinstance(papers, discord.ui.FileUpload)
        files = [(a.filename, (await a.read()).decode()) for a in papers.values]
        await interaction.response.send_message(json.dumps([story.value, colour.values, files]))


class Panel(discord.ui.View):
    """Buttons and selects."""

    def __init__(self) -> None:
        super().__init__(timeout=None)
        self.add_item(discord.ui.Button(label="Docs", url="https://example.org/"))

    @discord.ui.button(label="Update", style=discord.ButtonStyle.primary)
    async def update(self, interaction: Interaction, button: discord.ui.Button[Any]) -> None:
        button.disabled = True
        await interaction.response.edit_message(content="updated", view=self)

    @discord.ui.button(label="Later")
    async def later(self, interaction: Interaction, button: discord.ui.Button[Any]) -> None:
        await interaction.response.defer()
        await interaction.edit_original_response(content="later", view=None)

    @discord.ui.button(label="Whisper")
    async def whisper(self, interaction: Interaction, button: discord.ui.Button[Any]) -> None:
        await interaction.response.send_message(f"for {interaction.user.name} only", ephemeral=True)

    @discord.ui.button(label="Ask", custom_id="ask")
    async def ask(self, interaction: Interaction, button: discord.ui.Button[Any]) -> None:
        await interaction.response.send_modal(Form())

    @discord.ui.select(
        placeholder="Fruit",
        max_values=2,
        options=[discord.SelectOption(label=name, value=name[0]) for name in ("apple", "banana", "cherry")],
    )
    async def fruit(self, interaction: Interaction, select: discord.ui.Select[Any]) -> None:
        await interaction.response.send_message(",".join(select.values))

    @discord.ui.select(cls=discord.ui.UserSelect, placeholder="Who")
    async def who(self, interaction: Interaction, select: discord.ui.UserSelect[Any]) -> None:
        await interaction.response.send_message(select.values[0].name)


class PlainBot(discord.Client):
    """Registers its commands and answers them."""

    def __init__(self, intents: discord.Intents | None = None, **more: Any) -> None:
        super().__init__(intents=intents or discord.Intents.all(), guild_ready_timeout=0.1, **more)
        self.tree = app_commands.CommandTree(self)
        self.resumed = asyncio.Event()
        self.ready = asyncio.Event()
        self.heard: list[discord.Message] = []
        self.failures: asyncio.Queue[int] = asyncio.Queue()
        """Discord's codes of what was refused."""
        _register(self)

    async def setup_hook(self) -> None:
        await self.tree.sync()

    async def on_ready(self) -> None:
        self.ready.set()

    async def on_resumed(self) -> None:
        self.resumed.set()

    async def on_message(self, message: discord.Message) -> None:
        self.heard.append(message)

    async def refused(self, work: Any) -> None:
        """Await what is to fail, and note the code."""
        try:
            await work
        except discord.HTTPException as error:
            self.failures.put_nowait(error.code)


Bot = TypeVar("Bot", bound=PlainBot)


@asynccontextmanager
async def connected(sandbox: Sandbox, bot: Bot) -> AsyncIterator[Bot]:
    """Log the bot in and wait until it is ready."""
    with pointed_at(sandbox.api_base, sandbox.gateway_url):
        async with bot:
            running = asyncio.create_task(bot.start(sandbox.bot_token))
            try:
                async with asyncio.timeout(10):
                    waiting = asyncio.create_task(bot.ready.wait())
                    await asyncio.wait([running, waiting], return_when=asyncio.FIRST_COMPLETED)
                    waiting.cancel()
                if running.done():
                    running.result()
                yield bot
            finally:
                await bot.close()
                await asyncio.gather(running, return_exceptions=True)


def _register(bot: PlainBot) -> None:
    tree = bot.tree

    @tree.command(description="Answer at once")
    async def ping(interaction: Interaction) -> None:
        await interaction.response.send_message("pong")

    @tree.command(description="Say which options came")
    @app_commands.choices(
        size=[app_commands.Choice(name="Small", value="s"), app_commands.Choice(name="Big", value="b")]
    )
    async def everything(
        interaction: Interaction,
        text: app_commands.Range[str, 2, 10],
        count: app_commands.Range[int, 1, 30],
        ratio: app_commands.Range[float, 0, 1],
        flag: bool,
        user: discord.Member,
        place: discord.TextChannel,
        role: discord.Role,
        either: discord.Member | discord.Role,
        file: discord.Attachment,
        size: app_commands.Choice[str],
        note: str | None = None,
    ) -> None:
        came = [text, count, ratio, flag, user.name, place.name, role.name, either.name, size.value, note]
        came += [file.filename, (await file.read()).decode(), str(interaction.locale)]
        await interaction.response.send_message(json.dumps(came))

    @tree.command(description="Suggest words")
    async def suggest(interaction: Interaction, word: str) -> None:
        await interaction.response.send_message(word)

    @suggest.autocomplete("word")
    async def words(interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
        return [app_commands.Choice(name=current + end, value=current + end) for end in ("a", "b")]

    group = app_commands.Group(name="deep", description="Nested commands")
    inner = app_commands.Group(name="inner", description="Nested deeper", parent=group)

    @group.command(description="One level down")
    async def one(interaction: Interaction, n: int) -> None:
        await interaction.response.send_message(f"one {n}")

    @inner.command(description="Two levels down")
    async def two(interaction: Interaction) -> None:
        await interaction.response.send_message("two")

    tree.add_command(group)

    @tree.command(description="For those who manage the guild")
    @app_commands.default_permissions(manage_guild=True)
    async def secret(interaction: Interaction) -> None:
        await interaction.response.send_message("secret")

    @tree.command(description="Open a form")
    async def form(interaction: Interaction) -> None:
        await interaction.response.send_modal(Form())

    @tree.command(description="Show buttons and selects")
    async def panel(interaction: Interaction) -> None:
        await interaction.response.send_message("panel", view=Panel())

    @tree.command(description="Think, then answer")
    async def think(interaction: Interaction, private: bool = False, by_edit: bool = False) -> None:
        await interaction.response.defer(ephemeral=private, thinking=True)
        if by_edit:
            await interaction.edit_original_response(content="thought")
        else:
            # Discord lets a deferral decide whether its answer is private, not the follow-up.
            await interaction.followup.send("thought", ephemeral=not private)

    @tree.command(description="Answer, and then go on")
    async def follow(interaction: Interaction) -> None:
        await interaction.response.send_message("first")
        second = await interaction.followup.send("second", wait=True)
        await interaction.followup.send("third", ephemeral=True)
        await second.edit(content="second, edited")
        await interaction.delete_original_response()

    @tree.command(description="Send a picture in an embed, and a file beside it")
    async def picture(interaction: Interaction) -> None:
        embed = discord.Embed(title="Picture", description="One pixel").set_image(
            url="attachment://pixel.png"
        )
        embed.add_field(name="Size", value="1 × 1")
        files = [discord.File(io.BytesIO(PIXEL), "pixel.png", description="A pixel")]
        files.append(discord.File(io.BytesIO(b"a,b\n1,2\n"), "table.csv"))
        await interaction.response.send_message(embed=embed, files=files)

    @tree.command(description="Answer too late")
    async def late(interaction: Interaction, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await bot.refused(interaction.response.send_message("too late"))

    @tree.command(description="Acknowledge twice")
    async def twice(interaction: Interaction) -> None:
        await interaction.response.send_message("once")
        # discord.py itself refuses to answer twice, so this goes past it.
        route = discord.http.Route(
            "POST",
            "/interactions/{webhook_id}/{webhook_token}/callback",
            webhook_id=interaction.id,
            webhook_token=interaction.token,
        )
        await bot.refused(bot.http.request(route, json={"type": 4, "data": {"content": "twice"}}))

    @tree.command(description="Say too much")
    async def long(interaction: Interaction, length: int) -> None:
        await bot.refused(interaction.response.send_message("x" * length))
        if not interaction.response.is_done():
            await interaction.response.send_message("too much", ephemeral=True)

    @tree.command(description="Follow up when the token is over")
    async def slow(interaction: Interaction, seconds: float) -> None:
        await interaction.response.defer(thinking=True)
        await asyncio.sleep(seconds)
        await bot.refused(interaction.followup.send("too late"))

    @tree.context_menu(name="Inspect message")
    async def inspect_message(interaction: Interaction, message: discord.Message) -> None:
        files = [a.filename for a in message.attachments]
        await interaction.response.send_message(json.dumps([message.author.name, message.content, files]))

    @tree.context_menu(name="Inspect user")
    async def inspect_user(interaction: Interaction, user: discord.Member) -> None:
        await interaction.response.send_message(user.name)
