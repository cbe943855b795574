"""The sandbox of the soak in a process of its own: `hearth sandbox`, and its faults on request.

Reads lines from standard input: `drop` closes the gateway's connections, which the bot may resume; `reconnect` asks it
to connect again; `invalidate` ends its session. Ends, and the bot with it, when standard input closes.
"""

import asyncio
import sys
from pathlib import Path

from bot.cli.sandbox import keep
from bot.sandbox.server import Sandbox


async def main(folder: Path) -> None:
    """Print the page's address, keep a bot on it, and do what is read."""
    stop = asyncio.Event()
    async with Sandbox() as server:
        sys.stdout.write(f"{server.page_url}\n")
        sys.stdout.flush()
        obeying = asyncio.create_task(_obey(server, stop))
        try:
            await keep(server, folder, False, stop)
        finally:
            obeying.cancel()


async def _obey(server: Sandbox, stop: asyncio.Event) -> None:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    while line := await reader.readline():
        match line.strip():
            case b"drop":
                server.drop_gateway()
            case b"reconnect":
                server.ask_to_reconnect()
            case b"invalidate":
                server.invalidate_session()
    stop.set()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
