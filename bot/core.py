"""Runs commands: whoever asks, from chat, a button, a watch, or the command line, comes through here."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace

from bot.access import Access
from bot.explain import explain
from bot.groups import Group
from bot.hands import CoreHands
from bot.rules import Rules
from bot.states import States
from bot.weights import WeightsInUse
from schedules import CORE_JOBS
from shared.command import Command
from shared.context import Asker, Context, Tracker
from shared.database import Database
from shared.errors import AllRefused, DeadlineExceeded, Denied, Refusal
from shared.jobs import Jobs, OwnJobs
from shared.learning import NAME as FEEDBACK
from shared.learning import Feedback
from shared.parameters import Limits, Raw, Sources, check
from shared.plugin import Job
from shared.plugins import Plugins
from shared.predictor import Predictor
from shared.reply import Reply
from shared.settings import Settings
from shared.texts import Texts
from shared.tracing import NO_TRACES, Traces
from shared.vault import Vault


async def nothing_runs(_user: int) -> int:
    """Stand for a process without chat."""
    return 0


@dataclass
class Core:
    """What every command needs, in one place; made once a process, by `bot.assembly`."""

    settings: Settings
    database: Database
    plugins: Plugins
    texts: Texts
    states: States
    rules: Rules
    predictor: Predictor
    weights: WeightsInUse
    vault: Vault
    articles: Sources | None = None
    builtin: dict[str, Group] = field(default_factory=dict)
    traces: Traces = NO_TRACES
    owners: frozenset[int] = frozenset()
    """Ids of the people whose bot this is, as Discord says."""

    withdraw: Callable[[int], Awaitable[int]] = nothing_runs
    """Breaks off what runs for a person, but for the request that asks; returns how many requests that were."""

    @property
    def jobs(self) -> Jobs:
        """Return the rows of what runs on a schedule."""
        return Jobs(self.database)

    def declared_jobs(self) -> dict[tuple[str, str], Job]:
        """Return the core's own jobs and those of every plugin, by whose they are and by name."""
        own = {("core", job.name): job for job in CORE_JOBS}
        return own | {(plugin.name, job.name): job for plugin in self.plugins for job in plugin.jobs}

    def learners(self) -> dict[str, Feedback]:
        """Return the models that learn from feedback, by name."""
        declared = [plugin.card.feedback for plugin in self.plugins]
        return {each.model.name: each for each in declared if each is not None}

    @property
    def hands(self) -> CoreHands:
        """Return what does heavy work."""
        return CoreHands(self.settings.data_dir)

    @property
    def limits(self) -> Limits:
        """Return the bounds of what people may send."""
        return Limits(self.settings.download_limit, self.settings.pixel_limit)

    def groups(self) -> list[Group]:
        """Return every slash group that is on somewhere, plugins first."""
        on = [Group.of(p) for p in self.plugins if self.states.is_on(p.name, None)]
        return [*on, *self.builtin.values()]

    def find(self, group: str, command: str) -> tuple[Group, Command]:
        """Return a command by its names. Raises `Refusal` where it is not there (any more)."""
        plugin = self.plugins.get(group)
        found = self.builtin.get(group) or (Group.of(plugin) if plugin else None)
        declared = found.command(command) if found else None
        if found is None or declared is None:
            raise Refusal("That command is not here any more. Type / to see what there is.")
        return found, declared

    def allow(self, group: Group, command: Command, asker: Asker) -> None:
        """Raise `Denied` where the plugin is off here, or the asker may not use the command here."""
        self.access.allow(group, command, asker)

    @property
    def access(self) -> Access:
        """Return who judges what may be done."""
        return Access(self.states, self.rules, self.settings)

    async def run(
        self, group: Group, command: Command, raw: Mapping[str, Raw | None], asker: Asker, tracker: Tracker
    ) -> Reply:
        """Check the values and run the command. Raises the errors of `shared.errors`, or what the plugin raised."""
        timeout = command.timeout or self.settings.deadline_seconds
        try:
            async with asyncio.timeout(timeout):
                checked = await check(command, raw, self.limits, self.articles)
                context = self.context(group, asker, tracker, timeout)
                context.left_out.extend(checked.refused)
                try:
                    reply = await command.run(context, **checked.values)
                except Refusal as error:
                    if not context.left_out:
                        raise
                    raise AllRefused([error, *context.left_out]) from None
                return self._naming(reply, context)
        except TimeoutError:
            raise DeadlineExceeded(
                "That took longer than {seconds:g} s, so it was stopped.", seconds=timeout
            ) from None

    def _naming(self, reply: Reply, context: Context) -> Reply:
        """Add to an answer why some of several files are not in it."""
        if not context.left_out:
            return reply
        locale, domain = context.asker.locale, context.plugin
        lines = [f"⚠️ {explain(error, self.texts, locale, domain).text}" for error in context.left_out]
        tone = "unsure" if reply.tone == "good" else reply.tone
        return replace(reply, text="\n".join([reply.text, *lines]).strip(), tone=tone)

    def context(self, group: Group, asker: Asker, tracker: Tracker, timeout: float) -> Context:
        """Make a command's view of the world."""

        async def set_watch(on: bool) -> None:
            await self._set_watch(group, asker, on)

        async def origin(model: str) -> str:
            status = await self.predictor.engine.status()
            version = next((m.version for m in status.models if m.name == model and m.loaded), "")
            return f"{model} · {version}" if version else model

        return Context(
            plugin=group.domain,
            asker=asker,
            settings=group.settings,
            database=self.database,
            texts=self.texts,
            predictor=self.predictor,
            tracker=tracker,
            timeout=timeout,
            origin=origin,
            set_watch=set_watch,
            vault=self.vault,
            jobs=OwnJobs(self.jobs, group.name, asker.guild_id, asker.user_id, asker.locale),
            hands=self.hands,
            feedback=self.settings.feedback and self.states.is_on(FEEDBACK, asker.guild_id),
        )

    async def _set_watch(self, group: Group, asker: Asker, on: bool) -> None:
        if asker.guild_id is None or asker.channel_id is None:
            raise Denied("This works in a server only.")
        if on and not self.settings.message_content:
            raise Refusal(
                "The bot cannot read messages here: its operator must grant the message content intent "
                "(HEARTH_MESSAGE_CONTENT=true, and in Discord's developer portal)."
            )
        await self.states.set_watch(group.name, asker.channel_id, asker.guild_id, on, asker.user_id)
