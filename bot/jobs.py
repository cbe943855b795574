"""The bot's side of jobs: which are declared, what a run is given, where it posts, and what is said when it fails."""

import asyncio
import contextlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

import discord
import structlog
from sqlalchemy import Connection, insert, select, update

from bot.core import Core
from bot.exchange import send_message
from bot.explain import explain, harmless
from bot.hands import CoreHands
from bot.metrics import Metrics
from bot.pending import Ledger as Pending
from bot.render import Message, render
from bot.trainer import train
from schedules import backup
from schedules.clock import Clock
from schedules.ledger import Claim, Ledger
from schedules.retrain import RETRAIN
from schedules.runner import Runner
from shared.context import JobContext
from shared.database import Database, now_ms
from shared.errors import Fault, Refusal
from shared.jobs import OwnJobs, Run, moment
from shared.manifest import Outcome
from shared.model import AnyModel, Progress
from shared.plugin import Job
from shared.reply import Reply, escape
from shared.schedule import Schedule
from shared.tables import job_post, job_run
from shared.texts import CORE, Text

LOOKED_BACK: Final = 50
"""Messages of a channel in which one is sought that an earlier attempt may have sent."""
READY_SECONDS: Final = 60.0
log = structlog.get_logger("hearth.jobs")


@dataclass(frozen=True)
class JobRunner:
    """Makes the clock of a bot, and what a run is given."""

    core: Core
    pending: Pending
    client: discord.Client
    metrics: Metrics

    def clock(self) -> Clock:
        """Return the clock, which runs jobs while it is entered."""
        settings = self.core.settings
        ledger = Ledger(
            self.core.database, instance=settings.instance, life=secrets.token_hex(4), guilds=self._guilds
        )
        return Clock(
            Runner(
                ledger,
                self._known,
                self._work,
                self._off,
                self._explain,
                self._tell,
                ended=self._ended,
            )
        )

    def _known(self) -> dict[tuple[str, str], Job]:
        known = self.core.declared_jobs()
        # Of several bots on one database those make backups that have a folder for them.
        if self.core.settings.backup_folder is None:
            del known["core", backup.BACKUP.name]
        return known

    def _guilds(self) -> set[int] | None:
        # Before the bot is on Discord it knows of no server: jobs of the whole bot run, the others wait.
        return {guild.id for guild in self.client.guilds}

    def _off(self, claim: Claim) -> str | None:
        entry, plugin = claim.entry, self.core.plugins.get(claim.entry.plugin)
        if plugin is None:
            return None
        channel = self.client.get_channel(entry.channel_id) if entry.channel_id else None
        # A thread that sleeps is not known by heart: when it posts there, that is judged again.
        there = (None, None) if channel is None else (channel.id, getattr(channel, "parent_id", None))
        guild, opt_in = entry.guild_id or None, plugin.card.opt_in
        return self.core.access.forbids_job(entry.plugin, guild, *there, opt_in=opt_in)

    async def _work(self, claim: Claim, job: Job) -> None:
        core, entry = self.core, claim.entry
        plugin = core.plugins.get(entry.plugin)
        guild = entry.guild_id or None
        context = JobContext(
            plugin=entry.plugin if plugin else CORE,
            settings=plugin.settings if plugin else core.settings,
            database=core.database,
            texts=core.texts,
            predictor=core.predictor,
            vault=core.vault,
            jobs=OwnJobs(core.jobs, entry.plugin, entry.guild_id, entry.user_id, entry.locale),
            hands=RunHands(core.settings.data_dir, core, self.pending, self.client, claim),
            arguments=entry.arguments,
            guild_id=guild,
            channel_id=entry.channel_id,
            locale=self.core.rules.server(guild).locale or entry.locale,
            due=moment(claim.run.due_ms),
            attempt=claim.run.attempt,
            timeout=min(core.settings.deadline_seconds, job.timeout.total_seconds()),
            asked=claim.run.asked,
            learners=core.learners(),
        )
        with core.traces.trace("job", job=f"{entry.plugin}/{entry.name}", attempt=claim.run.attempt):
            await job.run(context)

    def _explain(self, error: BaseException, claim: Claim) -> str | None:
        where = {"job": f"{claim.entry.plugin}/{claim.entry.name}", "run": claim.run.id}
        return explain(error, self.core.texts, claim.entry.locale, claim.entry.plugin, **where).error_id

    async def _tell(self, claim: Claim, error: BaseException, error_id: str | None) -> None:
        entry, texts = claim.entry, self.core.texts
        if entry.channel_id is None:
            return
        locale = self.core.rules.server(entry.guild_id or None).locale or entry.locale
        name = escape(f"{entry.plugin}/{entry.name}")
        head = Text("⚠️ The job {job} (number {id}) failed.", {"job": name, "id": entry.id})
        why = error.text if isinstance(error, Refusal | Fault) else Text("Something went wrong on our side.")
        words = [texts.render(head, locale), texts.render(harmless(why), locale, entry.plugin)]
        if error_id:
            tail = Text("The log has it under this id: {id}.", {"id": f"`{error_id}`"})
            words.append(texts.render(tail, locale))
        again = Text("It goes on by its schedule; you are not told again until it has worked once.")
        words.append(texts.render(again, locale))
        reply = Reply(text=" ".join(words), tone="bad")
        hands = RunHands(self.core.settings.data_dir, self.core, self.pending, self.client, claim, part=-1)
        await hands.post(reply, entry.channel_id)

    def _ended(self, claim: Claim, state: str, seconds: float) -> None:
        self.metrics.job_ended(f"{claim.entry.plugin}/{claim.entry.name}", state, seconds)


@dataclass
class RunHands(CoreHands):
    """What the core does for one attempt at a run. `part` counts what it has posted."""

    core: Core
    pending: Pending
    client: discord.Client
    claim: Claim
    part: int = 0

    async def train(
        self,
        model: AnyModel,
        data: Path,
        judge: Path | None,
        licence: str,
        progress: Progress,
        fewest: int = 0,
    ) -> Outcome:
        """Train a model, store it, and let the gate judge it."""
        settings = self.core.settings
        return await train(
            f"{model.__module__}:{model.__qualname__}",
            data,
            self.core.weights.store,
            progress,
            judge=judge,
            fewest=fewest,
            hub=settings.hub.get(model.name),
            licence=licence,
            device=settings.device,
            threads=settings.threads,
        )

    async def post(self, reply: Reply, channel: int) -> int:
        """Post to a channel; each part of a run once, even where an earlier attempt was killed while it posted."""
        if not self.client.is_ready():
            # A run may be quicker than the bot's way on to Discord.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(READY_SECONDS):
                    await self.client.wait_until_ready()
        try:
            # A direct conversation is not known after a restart, until it is asked for.
            target = self.client.get_channel(channel) or await self.client.fetch_channel(channel)
        except (discord.NotFound, discord.Forbidden):
            target = None
        if not isinstance(target, discord.abc.Messageable):
            raise Refusal("The job's channel is not there any more, or the bot may not see it.")
        guild = getattr(target, "guild", None)
        if guild is not None:
            self._allow(guild.id, channel, getattr(target, "parent_id", None))
        limit = guild.filesize_limit if guild else 10 * 2**20
        sent = []
        for message in render(reply, limit):
            sent.append(await self._once(target, message, self.claim.entry.plugin))
        return sent[0]

    def _allow(self, guild: int, channel: int, parent: int | None) -> None:
        """Raise `Refusal` where a server does not want the post: a job of the whole bot may post anywhere."""
        access, name = self.core.access, self.claim.entry.plugin
        if not access.may_post(guild, channel, parent):
            raise Refusal("In this server jobs may not post to this channel: see /hearth show.")
        plugin = self.core.plugins.get(name)
        if plugin is not None and access.forbids_job(name, guild, channel, parent, opt_in=plugin.card.opt_in):
            raise Refusal(
                "In this server {plugin} may not post to this channel: see /hearth show.", plugin=name
            )

    async def _once(self, target: discord.abc.Messageable, message: Message, plugin: str) -> int:
        channel = int(target.id)  # type: ignore[attr-defined]
        part, self.part = self.part, self.part + 1
        known, begun_ms = await _begin(self.core.database, self.claim.run, part, channel)
        if known is None and begun_ms is not None:
            known = await self._sent_before(target, message, begun_ms)
        if known is None:
            keys = await self.pending.keep_buttons(plugin, message.buttons, 0)
            ids = [f"b0:{key}" for key in keys]
            try:
                # Discord takes a nonce of an author once within some minutes, and returns the first message again.
                # SQLite gives the numbers of removed runs again, so the due time is what tells runs apart.
                nonce = f"{self.claim.run.due_ms:x}-{self.claim.run.id}-{part}"[:25]
                known = (await target.send(nonce=nonce, **send_message(message, ids))).id
            except discord.Forbidden:
                raise Refusal("The bot may not write in the job's channel.") from None
            except discord.NotFound:
                raise Refusal("The job's channel is not there any more, or the bot may not see it.") from None
        await _note(self.core.database, self.claim.run.id, part, known)
        return known

    async def _sent_before(
        self, target: discord.abc.Messageable, message: Message, begun_ms: int
    ) -> int | None:
        """Return the message that an attempt had sent before it was killed, if it had."""
        try:
            async for found in target.history(limit=LOOKED_BACK, after=moment(begun_ms - 5000)):
                if found.author.id == self.client.user.id and _is_alike(found, message):  # type: ignore[union-attr]
                    return found.id
        # Without the right to read, the nonce alone must do.
        except discord.HTTPException:
            log.info("channel not read", channel=target.id)  # type: ignore[attr-defined]
        return None


def _is_alike(found: discord.Message, message: Message) -> bool:
    # Discord takes the space round a text away.
    said = (message.description or "").strip()
    if message.plain:
        return found.content.strip() == said
    embed = found.embeds[0] if found.embeds else discord.Embed()
    return (embed.title or "", (embed.description or "").strip()) == ((message.title or "").strip(), said)


async def _begin(database: Database, run: Run, part: int, channel: int) -> tuple[int | None, int | None]:
    """Note that a part is about to be posted; returns its message's id, if it was, and when that was begun before.

    Raises `Refusal` where the run is over: its job was removed, or another bot makes the next attempt.
    """

    def work(connection: Connection) -> tuple[int | None, int | None]:
        same = (job_run.c.id == run.id, job_run.c.due_ms == run.due_ms, job_run.c.attempt == run.attempt)
        # That it failed is told when it has ended.
        state = "running" if part >= 0 else "failed"
        if connection.execute(select(job_run.c.id).where(*same, job_run.c.state == state)).first() is None:
            raise Refusal("This run is over: its job was removed, or another bot has taken it.")
        where = (job_post.c.run_id == run.id, job_post.c.part == part)
        query = select(job_post.c.message_id, job_post.c.begun_ms).where(*where)
        if (row := connection.execute(query).one_or_none()) is not None:
            return row.message_id, row.begun_ms
        values = {"run_id": run.id, "part": part, "channel_id": channel, "begun_ms": now_ms()}
        connection.execute(insert(job_post).values(**values))
        return None, None

    return await database.transact(work)


async def _note(database: Database, run: int, part: int, message: int) -> None:
    where = (job_post.c.run_id == run, job_post.c.part == part)
    change = update(job_post).where(*where).values(message_id=message)
    await database.transact(lambda connection: connection.execute(change).close())


async def declare_all(core: Core) -> None:
    """Write the jobs that run for the whole bot as rows."""
    for (plugin, name), job in core.declared_jobs().items():
        if (schedule := job.schedule) is not None:
            await core.jobs.declare(plugin, name, schedule, job.misfire)
    await backup.declare(core.jobs, core.settings)
    for model in core.learners():
        schedule = Schedule(None, timedelta(minutes=core.settings.retrain_minutes))
        await core.jobs.declare(
            "core", RETRAIN.name, schedule, RETRAIN.misfire, key=model, arguments={"model": model}
        )
