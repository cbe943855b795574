"""Forecasts on a schedule: subscribing a channel to a stock, and ending that."""

import re
from collections.abc import Iterator
from typing import Annotated, Final

from plugins.stock.fetching import TAIPEI, brought_up
from plugins.stock.ledger import code_of, guild_of
from plugins.stock.model import FEWEST_DAYS
from plugins.stock.posts import AHEAD, POST, begin_anew
from shared.command import Channel, Range, command
from shared.context import Context
from shared.errors import Refusal
from shared.jobs import Entry
from shared.reply import Reply, escape
from shared.schedule import Schedule

AFTER_THE_CLOSE: Final = "14:45"
PATIENCE: Final = 300.0
Code = Annotated[str, Range(1, 20)]


@command(permission="manage_guild", timeout=PATIENCE)
async def subscribe(
    ctx: Context,
    code: Code,
    channel: Channel | None = None,
    time: Annotated[str, Range(1, 60)] = AFTER_THE_CLOSE,
    days: Annotated[int, Range(1, 20)] = 5,
) -> Reply:
    """Have a channel told a stock's forecast after each close, with the score of the one before

    code: the stock's code at the exchange, such as 2330
    channel: where to post; if left out, here
    time: on weekdays in Taipei, such as 14:45; or a schedule such as: every 30m
    days: how many days of trading each forecast looks ahead, 1 to 20
    """
    code = code_of(code)
    there = channel.id if channel else _here(ctx)
    schedule = Schedule.read(
        f"weekdays {time}" if re.fullmatch(r"\s*([01]?\d|2[0-3])[:：][0-5]\d\s*", time) else time, str(TAIPEI)
    )
    known = await brought_up(ctx, code, least=FEWEST_DAYS)
    if len(known.days) < FEWEST_DAYS:
        raise Refusal(
            "{code}: only {count} days of trading are known, and a forecast needs {least}.",
            code=code, count=len(known.days), least=FEWEST_DAYS,
        )  # fmt: skip
    key = f"{code}:{there}"
    before = next(iter(await ctx.jobs.find(POST.name, key=key)), None)
    if before is None:
        await begin_anew(ctx.database, guild_of(ctx), there, code)
    entry = await ctx.jobs.add(
        POST.name, schedule, key=key, channel=there, arguments={"code": code, "days": days}
    )
    lines = [
        ctx.text(
            "{code} is posted to {channel}, {schedule} (Taipei time).",
            code=f"**{escape(code)}**", channel=f"<#{there}>", schedule=schedule.said(),
        ),
        *(_changes(ctx, before, entry) if before else ()),
        _coming(ctx, entry, first=before is None),
        "-# " + ctx.text(
            "Each close is posted once; where a weekday has none, a line says so. /stock unsubscribe ends it."
        ),
    ]  # fmt: skip
    return Reply(title=f"🔔 {escape(code)}", text="\n".join(line for line in lines if line), tone="good")


@command(permission="manage_guild")
async def unsubscribe(ctx: Context, code: Code, channel: Channel | None = None) -> Reply:
    """End the scheduled posts of a stock

    code: the stock's code, such as 2330
    channel: in which channel; if left out, in all of this server
    """
    code = code_of(code)
    entries = [
        entry
        for entry in await ctx.jobs.find(POST.name)
        if entry.arguments.get("code") == code and (channel is None or entry.channel_id == channel.id)
    ]
    if not entries:
        raise Refusal("{code} is not posted here.", code=code)
    for entry in entries:
        await ctx.jobs.remove(entry.id)
        if entry.channel_id is not None:
            await begin_anew(ctx.database, guild_of(ctx), entry.channel_id, code)
    return Reply(
        text=ctx.plural(
            "{code} is not posted any more.", "{code} is not posted any more, in {count} channels.", len(entries),
            code=f"**{escape(code)}**",
        ),
        tone="good",
    )  # fmt: skip


def _changes(ctx: Context, before: Entry, now: Entry) -> Iterator[str]:
    """Say what a subscription was before, so that none is changed unseen."""
    if before.broken:
        return
    if before.schedule != now.schedule:
        yield "✏️ " + ctx.text(
            "The time was changed from {before} to {after}.",
            before=before.schedule.said(), after=now.schedule.said(),
        )  # fmt: skip
    days = [int(entry.arguments.get("days", AHEAD)) for entry in (before, now)]
    if days[0] != days[1]:
        yield "✏️ " + ctx.plural(
            "How far a forecast looks ahead was changed from {before} to {count} day.",
            "How far a forecast looks ahead was changed from {before} to {count} days.",
            days[1], before=days[0],
        )  # fmt: skip
    if before.paused:
        yield "✏️ " + ctx.text("It was paused, and goes on.")
    elif before.schedule == now.schedule and days[0] == days[1]:
        yield ctx.text("It was subscribed like that already: nothing is changed.")


def _coming(ctx: Context, entry: Entry, *, first: bool) -> str:
    if not entry.next_ms:
        return ""
    time = f"<t:{entry.next_ms // 1000}:f>"
    return ctx.text("The first time: {time}.", time=time) if first else ctx.text("Next: {time}.", time=time)


def _here(ctx: Context) -> int:
    if ctx.asker.channel_id is None:
        raise Refusal("This works in a server only.")
    return ctx.asker.channel_id
