"""Pictures of the stock plugin: candlesticks with a fan of what may come, and the track record."""

from collections.abc import Sequence
from typing import Final

from plugins.stock.forecasts import Scored
from plugins.stock.model import ForecastResult
from plugins.stock.series import Day
from plugins.stock.wording import forecast_alt
from shared.charts import Band, Candles, Chart, Intervals
from shared.context import Context, JobContext
from shared.pictured import pictured
from shared.reply import Picture, escape

SHOWN: Final = 60
"""Days before the forecast that are drawn."""


async def forecast_picture(
    ctx: Context | JobContext, code: str, days: Sequence[Day], result: ForecastResult
) -> tuple[Picture, ...]:
    """Draw the last days, and what may come."""
    shown, ahead = days[-SHOWN:], result.ahead
    bands = [
        Band(label="90%", low=[each.low90 for each in ahead], high=[each.high90 for each in ahead]),
        Band(label="50%", low=[each.low50 for each in ahead], high=[each.high50 for each in ahead]),
        Band(
            label=ctx.text("“as today”, 90%"),
            low=[each.walk_low90 for each in ahead],
            high=[each.walk_high90 for each in ahead],
            outline=True,
        ),
    ]
    chart = Candles(
        title=ctx.plural(
            "{code}: the next day of trading", "{code}: the next {count} days of trading", len(ahead), code=code
        ),
        days=[f"{each.date:%m/%d}" for each in shown],
        open=[each.open for each in shown],
        high=[each.high for each in shown],
        low=[each.low for each in shown],
        close=[each.close for each in shown],
        ahead=[f"+{each.ahead}" for each in ahead],
        expected=[each.expected for each in ahead],
        expected_label=ctx.text("expected"),
        bands=bands,
    )  # fmt: skip
    return await pictured(ctx, Chart(chart), forecast_alt(ctx, code, result), "forecast.png")


async def record_picture(ctx: Context, code: str, made: Sequence[Scored]) -> tuple[Picture, ...]:
    """Draw each forecast's interval, and the close that came."""
    chart = Intervals(
        title=ctx.text("{code}: what was forecast, and what came", code=code),
        steps=[f"{each.came_on:%m/%d}" for each in made],
        low=[each.low90 for each in made],
        high=[each.high90 for each in made],
        expected=[each.expected for each in made],
        actual=[each.came for each in made],
        inside_label=ctx.text("inside the 90% interval"),
        outside_label=ctx.text("outside"),
        expected_label=ctx.text("expected"),
    )
    alt = ctx.text(
        "90% intervals of {code}, and the closes that came: {inside} of {total} inside",
        code=escape(code), inside=sum(each.inside for each in made), total=len(made),
    )  # fmt: skip
    return await pictured(ctx, Chart(chart), alt, "record.png")
