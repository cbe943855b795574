"""The Discord client: connects, registers commands when they changed, hands every interaction to the dispatcher."""

import asyncio
import logging
from typing import Any, Final

import aiohttp
import discord
import structlog
from sqlalchemy import select

from bot.core import Core
from bot.dispatch import Dispatcher
from bot.exchange import GONE, send_message
from bot.explain import explain
from bot.payload import application_commands, digest
from bot.pending import TOKEN_LIFE_MS, Ledger, Orphan
from bot.render import render
from shared.context import Asker, Tracker
from shared.database import now_ms
from shared.errors import Refusal
from shared.tables import command_sync
from shared.texts import Text

WATCHERS: Final = 8
"""Messages of watched channels that are looked at at the same time; more are let pass."""
log = structlog.get_logger("hearth.client")


class _NoVoice(logging.Filter):
    """Drops discord.py's hint that voice, which Hearth has no use for, lacks a package."""

    def filter(self, record: logging.LogRecord) -> bool:
        return "voice will NOT be supported" not in record.getMessage()


class HearthClient(discord.AutoShardedClient):
    """Hearth on Discord, by as many connections (shards) as Discord recommends, or by those that settings name.

    Needs no privileged intent, but for watching channels.
    """

    def __init__(
        self, core: Core, dispatcher: Dispatcher, ledger: Ledger, *, guild_ready_timeout: float = 2.0
    ) -> None:
        intents = discord.Intents(guilds=True)
        if core.settings.message_content:
            intents.guild_messages = intents.message_content = True
        logging.getLogger("discord.client").addFilter(_NoVoice())
        shards = core.settings.shards
        # discord.py's types know no None here, where its code asks Discord how many it recommends.
        mine: dict[str, Any] = (
            {} if shards is None else {"shard_ids": list(shards.ids), "shard_count": shards.count}
        )
        super().__init__(
            **mine,
            intents=intents,
            allowed_mentions=discord.AllowedMentions.none(),
            max_messages=None,
            guild_ready_timeout=guild_ready_timeout,
        )
        self._core, self._dispatcher, self._ledger = core, dispatcher, ledger
        self._watchers = asyncio.Semaphore(WATCHERS)

    @property
    def is_connected(self) -> bool:
        """Tell whether every shard is connected now: once ready, discord.py stays so through an outage."""
        mine = self.shards.values()
        return self.is_ready() and not self.is_closed() and not any(shard.is_closed() for shard in mine)

    async def setup_hook(self) -> None:
        """Register the commands, and tell those whose requests an earlier life left unanswered."""
        self._core.owners = owners_of(self.application)
        await self.sync()
        for orphan in await self._ledger.orphans():
            if await self._tell(orphan):
                await self._ledger.done(orphan.interaction_id)

    async def sync(self) -> bool:
        """Register the commands with Discord if their description changed; tell whether it did."""
        assert self.application_id is not None, "discord.py knows it once it has logged in"
        commands = application_commands(self._core.groups(), self._core.texts)
        now = digest(commands)
        database = self._core.database
        known = select(command_sync.c.digest).where(command_sync.c.application_id == self.application_id)
        async with database.begin() as connection:
            if (await connection.execute(known)).scalar_one_or_none() == now:
                return False
        await self.http.bulk_upsert_global_commands(self.application_id, commands)
        row = {"digest": now, "synced_ms": now_ms()}
        async with database.begin() as connection:
            await connection.execute(
                database.insert(command_sync)
                .values(application_id=self.application_id, **row)
                .on_conflict_do_update(index_elements=[command_sync.c.application_id], set_=row)
            )
        log.info("commands registered", count=len(commands))
        return True

    def dispatch(self, event: str, /, *args: Any, **kwargs: Any) -> None:
        """Pass an event on, unless the client is closed: discord.py's delayed "ready" would find no loop then."""
        if not self.is_closed():
            super().dispatch(event, *args, **kwargs)

    async def on_ready(self) -> None:
        """Say that the bot is there."""
        log.info("ready", user=str(self.user), guilds=len(self.guilds))

    async def on_interaction(self, interaction: discord.Interaction) -> None:
        """Answer an interaction."""
        await self._dispatcher.handle(interaction)

    async def on_message(self, message: discord.Message) -> None:
        """Let the plugins that watch this channel look at a message."""
        if message.author.bot or not message.content or self._watchers.locked():
            return
        for plugin in self._core.plugins:
            if (plugin.name, message.channel.id) in self._core.states.watched and plugin.watches:
                async with self._watchers:
                    await self._watch(plugin.name, message)

    async def _watch(self, name: str, message: discord.Message) -> None:
        plugin = self._core.plugins.get(name)
        guild = message.guild
        if plugin is None or guild is None:
            return
        asker = Asker(
            user_id=message.author.id,
            name=message.author.display_name,
            locale=self._core.rules.server(guild.id).locale or str(guild.preferred_locale),
            guild_id=guild.id,
            channel_id=message.channel.id,
            parent_id=getattr(message.channel, "parent_id", None),
        )
        if not self._core.access.may_watch(name, asker, opt_in=plugin.card.opt_in):
            return
        group = next(g for g in self._core.groups() if g.name == name)
        for watch in plugin.watches:
            try:
                context = self._core.context(group, asker, Tracker(), self._core.settings.deadline_seconds)
                reply = await watch.run(context, message.content)
                if reply is not None:
                    keys = await self._ledger.keep_buttons(name, reply.buttons, asker.user_id)
                    ids = [f"b1:{key}" for key in keys]
                    for each in render(reply, guild.filesize_limit):
                        await message.reply(mention_author=False, **send_message(each, ids))
            except Refusal:
                continue
            # A watch speaks only when it has something to say; its faults go to the log.
            except Exception as error:
                explain(error, self._core.texts, asker.locale, name, watch=name)

    async def _tell(self, orphan: Orphan) -> bool:
        """Tell one who waits; False where Discord is out of reach, and the bot's next life has to."""
        restarted = Text(
            "The bot was restarted while it worked on this. Please run /{command} again.",
            {"command": orphan.command},
        )
        words = self._core.texts.render(restarted, orphan.locale)
        log.warning(
            "unanswered before the restart", command=orphan.command, interaction=orphan.interaction_id
        )
        try:
            if not await self._tell_by_token(orphan, words) and orphan.channel_id is not None:
                user = discord.Object(orphan.user_id)
                channel = self.get_partial_messageable(orphan.channel_id)
                allowed = discord.AllowedMentions(users=[user], everyone=False, roles=False)
                await channel.send(f"<@{orphan.user_id}> {words}", allowed_mentions=allowed)
        except discord.HTTPException as error:
            log.warning("could not be told", code=error.code, interaction=orphan.interaction_id)
        except (OSError, aiohttp.ClientError) as error:
            log.warning("could not be told", error=repr(error)[:200], interaction=orphan.interaction_id)
            return False
        return True

    async def _tell_by_token(self, orphan: Orphan, words: str) -> bool:
        """Answer in the place where it says "thinking…", if that is there still."""
        if now_ms() - orphan.created_ms >= TOKEN_LIFE_MS:
            return False
        webhook = discord.Webhook.partial(orphan.application_id, orphan.token, client=self)
        try:
            # Discord takes "@original" for the first answer's id.
            await webhook.edit_message("@original", content=words, view=None)  # type: ignore[call-overload]
        except discord.HTTPException as error:
            if error.code not in GONE:
                raise
            return False
        return True


def owners_of(application: discord.AppInfo | None) -> frozenset[int]:
    """Return the ids of the people whose application it is: its team's, else its owner's."""
    if application is None:
        return frozenset()
    if application.team is not None:
        return frozenset(member.id for member in application.team.members)
    return frozenset([application.owner.id])
