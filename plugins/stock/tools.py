"""`hearth stock exchange`: a local exchange, to try the plugin without asking the real one."""

import asyncio
from pathlib import Path
from typing import Annotated, Final

import typer

from plugins.stock.course_csv import MAX_BYTES, read_days
from plugins.stock.exchange_server import LocalExchange
from shared.errors import BadInput
from shared.tool import Tool, ToolContext

GAP: Final = 0.05


async def exchange(
    ctx: ToolContext,
    file: Annotated[
        Path | None, typer.Option("--csv", help="Days to serve, in the exchange's columns.")
    ] = None,
    code: Annotated[str, typer.Option(help="The code that they are served under.")] = "2330",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on loopback; 0 takes a free one.")] = 8330,
    faults: Annotated[
        bool, typer.Option("--faults", help="Fail now and then, as the real one does.")
    ] = False,
    replay: Annotated[
        float | None,
        typer.Option(min=1, help="Let this month's days come out one by one, each after so many seconds."),
    ] = None,
) -> int:
    """Serve the daily tables of a stock exchange on this machine, until Ctrl+C.

    Stocks are made up, the same each time; a file's days are moved by whole weeks so that they end today.
    """
    try:
        days = read_days(await asyncio.to_thread(_read, file)) if file is not None else []
        async with LocalExchange(
            days, code=code, port=port, gap=GAP, faults=faults, replay=replay
        ) as serving:
            ctx.say("A local exchange is running. Start the bot with these settings to have it asked:")
            ctx.say("")
            ctx.say(
                f"""HEARTH_STOCK_URL={serving.url} HEARTH_STOCK_ALLOW='["127.0.0.0/8"]' """
                f"HEARTH_STOCK_SECONDS={2 * GAP:g} HEARTH_STOCK_FRESH_SECONDS=5"
            )
            await asyncio.Event().wait()
    except (OSError, BadInput) as error:
        ctx.say(f"hearth: {error}")
        return 1
    return 0


def _read(file: Path) -> bytes:
    with file.open("rb") as source:
        return source.read(MAX_BYTES + 1)


TOOLS: Final = (Tool("stock", "exchange", exchange),)
