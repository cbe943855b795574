"""Calls a plugin's command as chat does, without Discord: values are checked, models answer from a real worker."""

from dataclasses import dataclass

from bot.core import Core
from shared.context import Asker, Tracker
from shared.parameters import Raw
from shared.reply import Reply


@dataclass(frozen=True)
class Caller:
    """`await caller("spam", "score", text="…")` returns the command's Reply, or raises what the user would read."""

    core: Core

    async def __call__(
        self, group: str, command: str, /, *, locale: str = "en-US", user_id: int = 1, **raw: Raw | None
    ) -> Reply:
        found, declared = self.core.find(group, command)
        asker = Asker(user_id, "somebody", locale, guild_id=10, channel_id=20, permissions=1 << 3)
        self.core.allow(found, declared, asker)
        return await self.core.run(found, declared, raw, asker, Tracker())
