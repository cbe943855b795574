"""The bot as `hearth sandbox` starts it: the same as `hearth run`, with discord.py pointed at the sandbox."""

import os
import signal
import sys
import threading
import time
from typing import Final

from bot.cli.run import serve_until_stopped
from bot.sandbox.point import pointed_at
from shared.errors import HearthError
from shared.settings import Settings

STOP_SECONDS: Final = 3.0


def main() -> None:
    """Run until told to stop, or until the sandbox's end of our standard input closes."""
    threading.Thread(target=_stop_with_parent, daemon=True).start()
    with pointed_at(os.environ["HEARTH_SANDBOX_API"], os.environ["HEARTH_SANDBOX_GATEWAY"]):
        try:
            serve_until_stopped(Settings(), os.environ["HEARTH_SANDBOX_TOKEN"], guild_ready_timeout=0.1)
        except HearthError as error:
            sys.exit(f"hearth: {error}")


def _stop_with_parent() -> None:
    # Not by `sys.stdin`: its lock, held while it waits, aborts the interpreter's own end.
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    # Nobody is left to say goodbye to: what still waits for the sandbox must not hold up the end.
    time.sleep(STOP_SECONDS)
    os._exit(1)


if __name__ == "__main__":
    main()
