"""The bot as `hearth sandbox` starts it: the same as `hearth run`, with discord.py pointed at the sandbox."""

import os
import sys
import threading
from typing import Final

from bot.cli.run import serve_until_stopped
from bot.parent import end_with_parent
from bot.sandbox.point import pointed_at
from shared.errors import HearthError
from shared.settings import Settings

STOP_SECONDS: Final = 3.0


def main() -> None:
    """Run until told to stop, or until the sandbox's end of our standard input closes."""
    threading.Thread(target=end_with_parent, args=(STOP_SECONDS,), daemon=True).start()
    with pointed_at(os.environ["HEARTH_SANDBOX_API"], os.environ["HEARTH_SANDBOX_GATEWAY"]):
        try:
            serve_until_stopped(Settings(), os.environ["HEARTH_SANDBOX_TOKEN"], guild_ready_timeout=0.1)
        except HearthError as error:
            sys.exit(f"hearth: {error}")


if __name__ == "__main__":
    main()
