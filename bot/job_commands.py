"""/jobs: what runs on a schedule here, for administrators to see, to add to, to pause, to run and to remove."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec

from bot.explain import harmless
from bot.groups import Group
from bot.states import note
from shared.command import Channel, command
from shared.context import Context
from shared.errors import BadInput, Denied
from shared.jobs import ASKED, WHOLE_BOT, Entry, Misfire, Run, State
from shared.plugin import Job
from shared.reply import Field, Reply, escape
from shared.schedule import Schedule
from shared.texts import CORE

if TYPE_CHECKING:
    from bot.core import Core

SHOWN: Final = 20
GIVEN: Final = 100
"""Characters that are shown of what a job was given."""
MARKS: Final[dict[State, str]] = {
    "waiting": "⏳",
    "running": "🔵",
    "done": "🟢",
    "failed": "🔴",
    "skipped": "⚪",
}


def jobs_group(core: "Core") -> Group:
    """Make the group; its commands act on `core`."""
    return Group("jobs", "See and change what runs here on a schedule", _commands(core))


def _commands(core: "Core") -> Any:
    async def own(ctx: Context, number: int) -> Entry:
        """Return a job that the asker may change: one of this server."""
        for entry in await core.jobs.find(id=number):
            if entry.guild_id == ctx.asker.guild_id:
                return entry
            if entry.guild_id == WHOLE_BOT:
                raise Denied("That job belongs to the whole bot: its operator changes it by hearth jobs.")
        raise BadInput("There is no job number {number} here. See /jobs list.", number=number)

    async def noted(ctx: Context, act: str, entry: Entry) -> None:
        async with core.database.begin() as connection:
            name = f"{entry.plugin}/{entry.name}"
            asker = ctx.asker
            await note(connection, core.database, act, asker.guild_id, asker.user_id, job=entry.id, name=name)

    @command(name="list", permission="administrator", private=True)
    async def list_(ctx: Context) -> Reply:
        """Show what runs here, when next, and how it went last"""
        here = await core.jobs.find(guild=ctx.asker.guild_id)
        whole = await core.jobs.find(guild=WHOLE_BOT)
        shown = [*here, *whole][:SHOWN]
        fields = [await _field(core, ctx, entry) for entry in shown]
        more = len(here) + len(whole) - len(shown)
        lines = [
            ctx.plural("This server has one job.", "This server has {count} jobs.", len(here)),
            ctx.text("/jobs add adds one; /jobs history tells how each run went."),
        ]
        if whole:
            lines.append(ctx.text("Those of the whole bot are shown too; its operator alone changes them."))
        if more:
            lines.append(ctx.text("{count} more are not shown.", count=more))
        return Reply(title=ctx.text("Jobs"), text="\n".join(lines), fields=tuple(fields), private=True)

    @command(permission="administrator", private=True)
    async def add(
        ctx: Context,
        job: str,
        schedule: str,
        text: str | None = None,
        channel: Channel | None = None,
        time_zone: str = "Asia/Taipei",
        missed: Misfire = "skip",
    ) -> Reply:
        """Have a job run on a schedule in this server

        job: which, such as core/say; /jobs kinds shows them
        schedule: 14:45, weekdays 14:45, mon,thu 9:00, every 10m, or a cron line
        text: what it is given: a text for core/say, else name=value, name=value
        channel: where it posts; this one if left out
        time_zone: whose clocks the schedule means
        missed: what to do about times at which no bot ran
        """
        plugin, name, declared = _kind(core, job)
        arguments = _arguments(job, declared, text)
        assert ctx.asker.guild_id is not None, "administrators are so in a server"
        where = channel.id if channel else ctx.asker.channel_id
        entry = await core.jobs.put(
            plugin,
            name,
            Schedule.read(schedule, time_zone),
            guild=ctx.asker.guild_id,
            # Several of one kind may stand beside each other.
            key=None,
            channel=where,
            user=ctx.asker.user_id,
            locale=ctx.asker.locale,
            arguments=arguments,
            misfire=missed,
        )
        await noted(ctx, "job added", entry)
        said = ctx.text(
            "Job number {number}: {job} in <#{channel}>, {schedule} ({zone}). Next: {when}.",
            number=entry.id,
            job=escape(job),
            channel=where,
            schedule=entry.schedule.said(),
            zone=escape(time_zone),
            when=_when(entry.next_ms),
        )
        return Reply(text=said, tone="good", private=True)

    @command(permission="administrator", private=True)
    async def kinds(ctx: Context) -> Reply:
        """Show the kinds of job that can be added"""
        lines = []
        for (plugin, name), declared in sorted(core.declared_jobs().items()):
            if declared.arguments is not None:
                domain = CORE if plugin == "core" else plugin
                words = core.texts.render(declared.summary, ctx.asker.locale, domain)
                takes = ", ".join(f.name for f in msgspec.structs.fields(declared.arguments)) or "–"
                lines.append(f"**{escape(plugin)}/{escape(name)}** – {words} (`{takes}`)")
        return Reply(title=ctx.text("Kinds of job"), text="\n".join(lines), private=True)

    @command(permission="administrator", private=True)
    async def pause(ctx: Context, number: int) -> Reply:
        """Have a job rest until it is resumed

        number: its number in /jobs list
        """
        entry = await own(ctx, number)
        await core.jobs.pause(entry.id, True)
        await noted(ctx, "job paused", entry)
        return Reply(text=ctx.text("Job number {number} rests.", number=number), tone="good", private=True)

    @command(permission="administrator", private=True)
    async def resume(ctx: Context, number: int) -> Reply:
        """Have a paused job go on; what was due meanwhile is not made up

        number: its number in /jobs list
        """
        entry = await own(ctx, number)
        await core.jobs.pause(entry.id, False)
        await noted(ctx, "job resumed", entry)
        (entry,) = await core.jobs.find(id=entry.id)
        said = ctx.text(
            "Job number {number} goes on. Next: {when}.", number=number, when=_when(entry.next_ms)
        )
        return Reply(text=said, tone="good", private=True)

    @command(permission="administrator", private=True)
    async def run(ctx: Context, number: int) -> Reply:
        """Run a job once, now

        number: its number in /jobs list
        """
        entry = await own(ctx, number)
        await core.jobs.run_now(entry.id)
        await noted(ctx, "job run", entry)
        said = ctx.text(
            "Job number {number} runs in a moment. /jobs history tells how it went.", number=number
        )
        return Reply(text=said, tone="good", private=True)

    @command(permission="administrator", private=True)
    async def remove(ctx: Context, number: int) -> Reply:
        """Remove a job, and what is known of its runs

        number: its number in /jobs list
        """
        entry = await own(ctx, number)
        await core.jobs.remove(entry.id)
        await noted(ctx, "job removed", entry)
        return Reply(
            text=ctx.text("Job number {number} is removed.", number=number), tone="good", private=True
        )

    @command(permission="administrator", private=True)
    async def history(ctx: Context, number: int) -> Reply:
        """Show how the last runs of a job went

        number: its number in /jobs list
        """
        found = [e for e in await core.jobs.find(id=number) if e.guild_id in (WHOLE_BOT, ctx.asker.guild_id)]
        if not found:
            raise BadInput("There is no job number {number} here. See /jobs list.", number=number)
        runs = await core.jobs.history(number, SHOWN)
        lines = [_line(ctx, each) for each in runs]
        title = ctx.text("Runs of job number {number}", number=number)
        return Reply(title=title, text="\n".join(lines) or ctx.text("It has not run yet."), private=True)

    return (list_, add, kinds, pause, resume, run, remove, history)


def _kind(core: "Core", job: str) -> tuple[str, str, Job]:
    known = {
        f"{plugin}/{name}": (plugin, name, each) for (plugin, name), each in core.declared_jobs().items()
    }
    found = known.get(job.strip())
    if found is None or found[2].arguments is None:
        there = ", ".join(sorted(name for name, (_, _, each) in known.items() if each.arguments is not None))
        raise BadInput(
            "{job} cannot be added; these can: {there}.", job=escape(job[:60]), there=escape(there)
        )
    return found


def _arguments(job: str, declared: Job, text: str | None) -> Mapping[str, Any]:
    """Read what a job is given, as its type says. Raises `BadInput`."""
    assert declared.arguments is not None, "only such jobs are added"
    fields = msgspec.structs.fields(declared.arguments)
    given: dict[str, Any] = {}
    if text is not None and len(fields) == 1:
        given[fields[0].name] = text.removeprefix(f"{fields[0].name}=")
    elif text is not None:
        for part in text.split(","):
            name, _, value = part.partition("=")
            given[name.strip()] = value.strip()
    try:
        if unknown := given.keys() - {each.name for each in fields}:
            # A Struct may let them pass; who misspelled one would not hear of it.
            raise msgspec.ValidationError(f"no such names: {unknown}")
        made = msgspec.convert(given, declared.arguments, strict=False)
    except msgspec.ValidationError:
        if len(fields) == 1:
            raise BadInput(
                "{job} needs to be told its {name}: write it in the option text.",
                job=escape(job[:60]), name=escape(fields[0].name),
            ) from None  # fmt: skip
        takes = ", ".join(f"{each.name}=…" for each in fields)
        raise BadInput(
            "{job} cannot be given that. Write in the option text what it needs: {takes}",
            job=escape(job[:60]), takes=f"`{takes}`",
        ) from None  # fmt: skip
    return dict(msgspec.to_builtins(made))


async def _field(core: "Core", ctx: Context, entry: Entry) -> Field:
    declared = core.declared_jobs().get((entry.plugin, entry.name))
    domain = CORE if entry.plugin == "core" else entry.plugin
    words = (
        core.texts.render(declared.summary, ctx.asker.locale, domain) if declared and declared.summary else ""
    )
    lines = [words] if words else []
    if entry.guild_id != WHOLE_BOT and (given := _given(entry.arguments)):
        lines.append(given)
    if entry.channel_id is not None:
        lines.append(f"<#{entry.channel_id}>")
    if entry.broken:
        lines.append(f"⚠️ {core.texts.render(harmless(entry.broken.text), ctx.asker.locale)}")
    else:
        when = core.texts.render(entry.schedule.said(), ctx.asker.locale)
        lines.append(f"{when} · {escape(entry.schedule.time_zone)}")
    lines.append(ctx.text("resting") if entry.paused else ctx.text("next: {when}", when=_when(entry.next_ms)))
    if last := await core.jobs.history(entry.id, 1):
        lines.append(_line(ctx, last[0]))
    title = f"{entry.id} · {entry.plugin}/{entry.name}"
    # A number tells apart what people added; anything else says what the job is about.
    if entry.key and not entry.key.isdecimal():
        title += f" {entry.key.partition(':')[0]}"
    if entry.guild_id == WHOLE_BOT:
        title += " · " + ctx.text("whole bot")
    return Field(title, "\n".join(lines), inline=False)


def _given(arguments: Mapping[str, Any]) -> str:
    """Return what a job was given, by which several of one kind are told apart."""
    if len(arguments) == 1:
        said = str(*arguments.values())
    else:
        said = ", ".join(f"{name}={value}" for name, value in arguments.items())
    flat = " ".join(said.split())
    return f"> {escape(flat[:GIVEN] + ('…' if len(flat) > GIVEN else ''))}" if flat else ""


def _line(ctx: Context, run: Run) -> str:
    states = {
        "waiting": ctx.text("waits"),
        "running": ctx.text("runs"),
        "done": ctx.text("done"),
        "failed": ctx.text("failed"),
        "skipped": ctx.text("skipped"),
    }
    parts = [f"{MARKS[run.state]} {_when(run.due_ms)} {states[run.state]}"]
    if run.started_ms is not None and run.ended_ms is not None:
        seconds = max(0, run.ended_ms - run.started_ms) / 1000
        parts.append(ctx.text("{seconds:.1f} s", seconds=seconds))
    if run.attempt > 1:
        parts.append(ctx.text("attempt {number}", number=run.attempt))
    if run.note:
        parts.append(escape(_note(run)[:150]))
    if run.error_id:
        parts.append(f"`{run.error_id}`")
    return " · ".join(parts)


def _note(run: Run) -> str:
    """Return what administrators of a server may read of a run's note."""
    # What the code raised may hold addresses with keys, or paths: that is for the operator, under the error's id.
    note = run.note.removeprefix(f"{ASKED}\n")
    raised = re.match(r"[A-Za-z_]\w*(?=:)", note) if run.error_id else None
    return raised[0] if raised else note


def _when(at_ms: int | None) -> str:
    # Discord shows it in the reader's own time.
    return "–" if at_ms is None else f"<t:{at_ms // 1000}:f>"
