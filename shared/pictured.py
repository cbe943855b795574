"""A chart as the picture of a reply."""

from shared.charts import Chart, Charts
from shared.context import Context, JobContext
from shared.errors import HearthError
from shared.reply import Picture


async def pictured(ctx: Context | JobContext, chart: Chart, alt: str, name: str) -> tuple[Picture, ...]:
    """Draw a chart in the worker; none where that fails, for the words of the reply are an answer without it."""
    try:
        drawn = await ctx.predict(Charts, chart)
    except HearthError:
        return ()
    return (Picture(drawn.png, alt, name),)
