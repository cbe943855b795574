"""What everybody may ask of the stock plugin: a forecast, and how forecasts did."""

from typing import Annotated, Final

from plugins.stock.fetching import brought_up
from plugins.stock.forecasts import Scored, foresee, score, scored
from plugins.stock.ledger import code_of, guild_of
from plugins.stock.model import FEWEST_DAYS, Stock
from plugins.stock.pictures import forecast_picture, record_picture
from plugins.stock.wording import advice, forecast_lines, forecast_title, rated_line, stale
from shared.command import Range, command
from shared.context import Context
from shared.reply import Field, Reply, escape
from shared.texts import joined

PATIENCE: Final = 300.0
"""Seconds that an answer may take: a stock that nobody has asked for yet is fetched month by month."""
FEW: Final = 30
"""With fewer days a record says little."""
NEWEST: Final = 60
Code = Annotated[str, Range(1, 20)]


@command(timeout=PATIENCE)
async def forecast(ctx: Context, code: Code, days: Annotated[int, Range(1, 20)] = 5) -> Reply:
    """Say where a stock's close may be in the next days, how sure that is, and how often it was right

    code: the stock's code at the exchange, such as 2330
    days: how many days of trading to look ahead, 1 to 20
    """
    code = code_of(code)
    known = await brought_up(ctx, code, least=FEWEST_DAYS)
    await score(ctx.database, guild_of(ctx), code, known.days)
    result = await foresee(ctx, code, known.days, days)
    lines = forecast_lines(ctx, code, result)
    if known.stale is not None:
        lines.append(stale(ctx, known))
    return Reply(
        title=forecast_title(ctx, code, result),
        text="\n\n".join(line for line in lines if line) + "\n" + advice(ctx),
        pictures=await forecast_picture(ctx, code, known.days, result),
        source=await ctx.source(Stock),
    )


@command(timeout=PATIENCE)
async def record(ctx: Context, code: Code) -> Reply:
    """Show how forecasts made here did: how often right, how wide, and against “as today”

    code: the stock's code at the exchange, such as 2330
    """
    code = code_of(code)
    known = await brought_up(ctx, code, least=FEWEST_DAYS)
    await score(ctx.database, guild_of(ctx), code, known.days)
    made = await scored(ctx.database, guild_of(ctx), code, most=NEWEST)
    result = await foresee(ctx, code, known.days, 1)
    title = "🎯 " + ctx.text("{code} · how forecasts did", code=escape(code))
    if not made:
        lines = [
            ctx.text(
                "No forecast of {code} that was made here has met its day yet. Each one that is asked for or posted is "
                "kept, and scored when the close is there.",
                code=f"**{escape(code)}**",
            ),
            rated_line(ctx, result),
        ]  # fmt: skip
        return Reply(
            title=title, text="\n\n".join(line for line in lines if line) + "\n" + advice(ctx), tone="unsure"
        )
    lines = [_summary(ctx, made)]
    if len(made) < FEW:
        lines.append(
            "⚠️ " + ctx.plural(
                "That is one day: no share can be told from it yet.",
                "These are {count} days, too few to tell a good forecast from a lucky one.",
                len(made),
            )
        )  # fmt: skip
    lines.append(rated_line(ctx, result))
    return Reply(
        title=title,
        text="\n\n".join(line for line in lines if line) + "\n" + advice(ctx),
        fields=_figures(ctx, made),
        pictures=await record_picture(ctx, code, made),
        source=await ctx.source(Stock),
    )


def _summary(ctx: Context, made: list[Scored]) -> str:
    inside = sum(each.inside for each in made)
    said = ctx.plural(
        "The close of the one day that was forecast lay inside its 90% interval on {inside} of 1.",
        "Of the last {count} forecasts for the next day, {inside} held the close inside the 90% interval "
        "(meant: nine in ten).",
        len(made), inside=f"**{inside}**",
    )  # fmt: skip
    error, walk = sum(each.error for each in made), sum(each.walk_error for each in made)
    return joined(
        [
            said,
            ctx.text("Their error was smaller than that of “as today”.")
            if error < walk
            else ctx.text("They did not beat “as today”."),
        ]
    )


def _figures(ctx: Context, made: list[Scored]) -> tuple[Field, ...]:
    count = len(made)
    inside = sum(each.inside for each in made)
    walk_inside = sum(each.walk_low90 <= each.came <= each.walk_high90 for each in made)
    width = sum((each.high90 - each.low90) / each.close for each in made) / count
    walk_width = sum((each.walk_high90 - each.walk_low90) / each.close for each in made) / count
    error, walk = sum(each.error for each in made), sum(each.walk_error for each in made)

    def beside(value: str) -> str:
        return ctx.text("“as today”: {value}", value=value)

    return (
        Field(
            ctx.text("Inside the 90% interval"),
            f"{inside}/{count} ({inside / count:.0%})\n" + beside(f"{walk_inside}/{count}"),
        ),
        Field(ctx.text("Width of the interval"), f"{width:.1%}\n" + beside(f"{walk_width:.1%}")),
        Field(ctx.text("Error"), f"{error / count:,.2f}\n" + beside(f"{walk / count:,.2f}")),
        Field(ctx.text("Error against “as today”"), f"{error / walk:.1%}" if walk else "—"),
    )  # fmt: skip
