"""What everybody may ask of the stock plugin: a forecast."""

from typing import Annotated, Final

from plugins.stock.fetching import brought_up
from plugins.stock.forecasts import foresee, score
from plugins.stock.ledger import code_of, guild_of
from plugins.stock.model import FEWEST_DAYS, Stock
from plugins.stock.wording import advice, forecast_lines, stale
from shared.command import Range, command
from shared.context import Context
from shared.reply import Reply, escape

PATIENCE: Final = 300.0
"""Seconds that an answer may take: a stock that nobody has asked for yet is fetched month by month."""
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
    lines = [line for line in forecast_lines(ctx, code, result) if line]
    if known.stale is not None:
        lines.insert(0, stale(ctx, known))
    return Reply(
        title=f"📊 {escape(code)}",
        text="\n\n".join(lines) + "\n" + advice(ctx),
        source=await ctx.source(Stock),
    )
