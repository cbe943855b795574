"""Days of trading in and out: CSV files in the course's columns, which are the exchange's own."""

import csv
import io
from typing import Annotated

from plugins.stock.course_csv import COLUMNS, read_days, write_days
from plugins.stock.ledger import code_of, days_of, guild_of, put_import
from plugins.stock.wording import day
from shared.command import Headed, Range, Table, command
from shared.context import Context
from shared.errors import Refusal
from shared.reply import File, Reply, escape

Code = Annotated[str, Range(1, 20)]
Days = Annotated[Table, Headed(COLUMNS)]
"""The exchange's own file has a title above its header, and remarks below its rows."""


@command(name="import", permission="manage_guild")
async def import_(ctx: Context, code: Code, file: Days) -> Reply:
    """Take over a stock's days of trading from a CSV file in the exchange's columns

    code: the stock's code, such as 2330
    file: columns 日期, 成交股數, 成交金額, 開盤價, 最高價, 最低價, 收盤價, 漲跌價差, 成交筆數
    """
    code = code_of(code)
    days = read_days(_as_csv(file))
    await put_import(ctx.database, code, guild_of(ctx), days)
    return Reply(
        title=f"📥 {escape(code)}",
        text=ctx.plural(
            "One day of trading was imported, {first}.",
            "{count} days of trading were imported, {first} to {last}.",
            len(days), first=day(days[0].date), last=day(days[-1].date),
        ) + "\n-# " + ctx.text(
            "They are used in this server only; an earlier import of {code} is replaced.", code=escape(code)
        ),
        tone="good",
    )  # fmt: skip


@command()
async def export(ctx: Context, code: Code) -> Reply:
    """Get a stock's days of trading as a CSV file in the exchange's columns

    code: the stock's code, such as 2330
    """
    code = code_of(code)
    days = await days_of(ctx.database, code, ctx.settings.host, guild_of(ctx))
    if not days:
        raise Refusal("{code}: no day of trading is known here yet. Ask for a forecast first.", code=code)
    return Reply(
        title=f"📤 {escape(code)}",
        text=ctx.plural(
            "One day of trading, {first}.",
            "{count} days of trading, {first} to {last}.",
            len(days), first=day(days[0].date), last=day(days[-1].date),
        ),
        files=(File(f"{code}.csv", write_days(days)),),
    )  # fmt: skip


def _as_csv(table: Table) -> bytes:
    """Write a table as the file that it came from, line for line where no cell holds a line break."""
    out = io.StringIO("\n" * table.above, newline="")
    out.seek(0, io.SEEK_END)
    csv.writer(out).writerows((table.columns, *table.rows))
    return out.getvalue().encode()
