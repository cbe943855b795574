"""What a forecast says, in words that anyone understands: its weakness first, what is expected, how wide, how sure."""

import datetime
from typing import Final

from plugins.stock.fetching import Known
from plugins.stock.forecasts import Scored
from plugins.stock.model import Ahead, ForecastResult
from shared.context import Context, JobContext
from shared.reply import Reply, escape
from shared.texts import joined

FEW_RATED: Final = 60
"""With fewer rated days the shares are said to be rough."""


def price(value: float) -> str:
    """Write a price."""
    return f"{value:,.2f}"


def day(date: datetime.date) -> str:
    """Write a date."""
    return date.isoformat()


def forecast_lines(ctx: Context | JobContext, code: str, result: ForecastResult) -> list[str]:
    """Say a forecast, in paragraphs."""
    first, last = result.ahead[0], result.ahead[-1]
    lines = [_standing(ctx, result), _next(ctx, result, first)]
    if last.ahead > 1:
        lines.append(
            ctx.text(
                "In {days} days of trading: {expected} expected, nine times in ten between {low} and {high}.",
                days=last.ahead, expected=f"**{price(last.expected)}**", low=price(last.low90), high=price(last.high90),
            )
        )  # fmt: skip
    return [*lines, rated_line(ctx, result)]


def forecast_title(ctx: Context | JobContext, code: str, result: ForecastResult) -> str:
    """Say what a forecast is of, and from which day."""
    return "📊 " + ctx.text("{code} · forecast from {date}", code=escape(code), date=day(result.last))


def advice(ctx: Context | JobContext) -> str:
    """Say, small, that it is no advice."""
    return "-# " + ctx.text("A calculation from past prices, not investment advice.")


def stale(ctx: Context | JobContext, known: Known) -> str:
    """Say that newer days may be missing, and why."""
    reason = ctx.texts.render(known.stale.text, _locale(ctx), ctx.plugin) if known.stale else ""
    return "⏳ " + ctx.text(
        "Newer days than {date} may be missing: {reason}", date=day(known.days[-1].date), reason=reason
    )


def score_line(ctx: Context | JobContext, made: Scored) -> str:
    """Say how a forecast did: whether the close was inside, and its error beside that of "as today"."""
    mark = "✅" if made.inside else "❌"
    said = (
        ctx.text(
            "{mark} The forecast from {made}: the close of {came}, {close}, lay inside the 90% interval, {low} to "
            "{high}.",
            mark=mark, made=day(made.made_on), came=day(made.came_on), close=f"**{price(made.came)}**",
            low=price(made.low90), high=price(made.high90),
        )
        if made.inside
        else ctx.text(
            "{mark} The forecast from {made}: the close of {came}, {close}, lay outside the 90% interval, {low} to "
            "{high}.",
            mark=mark, made=day(made.made_on), came=day(made.came_on), close=f"**{price(made.came)}**",
            low=price(made.low90), high=price(made.high90),
        )
    )  # fmt: skip
    errors = ctx.text(
        "It expected {expected} and was off by {error}; “as the day before” was off by {walk}.",
        expected=price(made.expected), error=price(made.error), walk=price(made.walk_error),
    )  # fmt: skip
    lines = [said, errors]
    if made.afterwards:
        lines.append(
            "-# " + ctx.text("No forecast had been kept: this one was made just now, from the days before alone.")
        )  # fmt: skip
    return "\n".join(lines)


def rated_line(ctx: Context | JobContext, result: ForecastResult) -> str:
    """Say how often such intervals were right lately; nothing where it could not be tried."""
    if not result.rated_days:
        return ""
    said = ctx.plural(
        "Tried on the last day, from the days before alone.",
        "Tried on the last {count} days, each from the days before alone, such 90% intervals held the close {share} "
        "of the time ({worst} in the worst quarter).",
        result.rated_days, share=f"**{result.coverage_90:.0%}**", worst=f"{result.worst_quarter:.0%}",
    )  # fmt: skip
    if result.rated_days < FEW_RATED:
        said = joined([said, ctx.text("These are few days: take the shares as rough.")])
    return said


def forecast_alt(ctx: Context | JobContext, code: str, result: ForecastResult) -> str:
    """Say what the chart shows."""
    last = result.ahead[-1]
    return ctx.text(
        "Prices of {code} up to {date}, close {close}; {days} days of trading later {low} to {high}, nine times in ten",
        code=escape(code), date=day(result.last), close=price(result.close), days=last.ahead,
        low=price(last.low90), high=price(last.high90),
    )  # fmt: skip


def nothing_new(ctx: Context | JobContext, code: str, last: datetime.date) -> Reply:
    """Say that there was no trading since the last post."""
    return Reply(
        text=ctx.text(
            "{code}: no new day of trading since {date}. The forecast from then stands; the next comes with the next "
            "close.",
            code=f"**{escape(code)}**", date=day(last),
        )
    )  # fmt: skip


def _standing(ctx: Context | JobContext, result: ForecastResult) -> str:
    """Say how it stands against "tomorrow as today"; where it does not beat it, that is what people must know first."""
    if not result.rated_days:
        return "⚠️ " + ctx.text("It could not be tried on past days yet: take it as a guess.")
    if result.beats_walk:
        return "📈 " + ctx.plural(
            "Over the last day, its error was {share} of that of “tomorrow as today”.",
            "Over the last {count} days, its error was {share} of that of “tomorrow as today”: better than chance "
            "explains.",
            result.rated_days, share=f"{result.relative_mae:.1%}",
        )  # fmt: skip
    if result.champion == "random_walk":
        return "⚠️ " + ctx.text(
            "No model that was tried beats “tomorrow as today” here, so that is what is expected. "
            "Of use is how far the price may move."
        )
    return "⚠️ " + ctx.text(
        "It does not beat “tomorrow as today”: over the last {days} days its error was {share} of that of simply "
        "repeating the last close. Of use is how far the price may move.",
        days=result.rated_days, share=f"{result.relative_mae:.1%}",
    )  # fmt: skip


def _next(ctx: Context | JobContext, result: ForecastResult, first: Ahead) -> str:
    width = (first.high90 - first.low90) / 2 / result.close
    return ctx.text(
        "Next day of trading: {expected} expected, after {close} on {date}. Nine times in ten the close should lie "
        "between {low90} and {high90} (about ±{width}), one time in two between {low50} and {high50}.",
        expected=f"**{price(first.expected)}**", close=price(result.close), date=day(result.last),
        low90=f"**{price(first.low90)}**", high90=f"**{price(first.high90)}**", width=f"{width:.1%}",
        low50=price(first.low50), high50=price(first.high50),
    )  # fmt: skip


def _locale(ctx: Context | JobContext) -> str:
    return ctx.locale if isinstance(ctx, JobContext) else ctx.asker.locale
