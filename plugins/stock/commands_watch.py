"""Price alarms, as the person who sets them sees them."""

import datetime
from typing import Annotated, Any, Final, Literal

from plugins.stock.alarms import alarms_of, reached, remove_alarm, set_alarm
from plugins.stock.course_csv import HIGHEST
from plugins.stock.fetching import brought_up
from plugins.stock.ledger import code_of, months_of
from plugins.stock.wording import day as date_of
from plugins.stock.wording import price as written
from shared.command import Range, command
from shared.context import Context
from shared.errors import Refusal
from shared.reply import Button, Reply, escape

PATIENCE: Final = 300.0


@command(private=True, timeout=PATIENCE)
async def watch(
    ctx: Context,
    code: Annotated[str, Range(1, 20)],
    direction: Literal["above", "below"],
    price: Annotated[float, Range(0.01, HIGHEST)],
) -> Reply:
    """Be told once when a stock closes at or beyond a price

    code: the stock's code at the exchange, such as 2330
    direction: whether to be told above or below the price
    price: the price
    """
    code, above, asker = code_of(code), direction == "above", ctx.asker
    if asker.channel_id is None:
        raise Refusal("A price alarm needs a channel to be told in.")
    last = (await brought_up(ctx, code)).days[-1]
    host = ctx.settings.host
    if not any(count for count, *_ in (await months_of(ctx.database, code, host)).values()):
        raise Refusal(
            "Price alarms look at closes of {host}, which has none of {code}.",
            host=ctx.settings.site,
            code=code,
        )
    if reached(above, price, last.close):
        return Reply(
            text=ctx.text(
                "No alarm is needed: {code} closed at {close} on {date}.",
                code=f"**{escape(code)}**", close=written(last.close), date=date_of(last.date),
            ),
            private=True,
        )  # fmt: skip
    await set_alarm(
        ctx.database, user=asker.user_id, guild=asker.guild_id, channel=asker.channel_id, locale=asker.locale,
        code=code, above=above, at=price, seen_on=last.date,
    )  # fmt: skip
    values = {"code": f"**{escape(code)}**", "price": written(price), "close": written(last.close)}
    lines = [
        ctx.text("You are told once {code} closes at {price} or above. It last closed at {close}.", **values)
        if above
        else ctx.text(
            "You are told once {code} closes at {price} or below. It last closed at {close}.", **values
        )
    ]
    if asker.guild_id is not None:
        lines.append(
            "-# " + ctx.text(
                "In this channel, where others read it too; ask me in a direct message to have it to yourself."
            )
        )  # fmt: skip
    return Reply(text="\n".join(lines), tone="good", private=True)


@command(private=True)
async def watches(ctx: Context) -> Reply:
    """List your price alarms, and remove them"""
    return await _listed(ctx)


@command(hidden=True, private=True)
async def unwatch(ctx: Context, number: int) -> Reply:
    """Remove a price alarm

    number: which one
    """
    if not await remove_alarm(ctx.database, ctx.asker.user_id, number):
        raise Refusal("That price alarm is not there any more.")
    return await _listed(ctx)


async def _listed(ctx: Context) -> Reply:
    rows = await alarms_of(ctx.database, ctx.asker.user_id)
    if not rows:
        return Reply(text=ctx.text("You have no price alarms. /stock watch sets one."), private=True)
    lines = [f"• {_named(ctx, row)} · {_since(ctx, row)}" for row in rows]
    buttons = [
        Button(
            label=ctx.text("Remove {alarm}", alarm=_plain(row)),
            command="unwatch",
            arguments={"number": row.id},
        )
        for row in rows
    ]
    return Reply(
        title="🔔 " + ctx.text("Your price alarms"),
        text="\n".join(lines),
        buttons=tuple(buttons),
        private=True,
    )


def _named(ctx: Context, row: Any) -> str:
    values = {"code": f"**{escape(row.code)}**", "price": written(row.price)}
    return (
        ctx.text("{code} at {price} or above", **values)
        if row.above
        else ctx.text("{code} at {price} or below", **values)
    )


def _since(ctx: Context, row: Any) -> str:
    set_on = datetime.datetime.fromtimestamp(row.created_ms / 1000, datetime.UTC).date()
    return ctx.text("set on {date}", date=date_of(set_on))


def _plain(row: Any) -> str:
    return f"{row.code} {'≥' if row.above else '≤'} {written(row.price)}"
