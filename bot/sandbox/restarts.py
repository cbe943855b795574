"""How long the sandbox waits before it starts a killed bot again: not at all at first, then ever longer."""

from dataclasses import dataclass
from typing import Final

FIRST_SECONDS: Final = 1.0
LONGEST_SECONDS: Final = 30.0
SOUND_SECONDS: Final = 60.0
"""A bot that was up for as long does not die at once."""


@dataclass
class Restarts:
    """Counts lives that were short, one after the other."""

    _short: int = 0

    def pause(self, up_seconds: float) -> float:
        """Return the seconds to wait now that a bot was killed that had been up for so long."""
        if up_seconds >= SOUND_SECONDS:
            self._short = 0
        pause = FIRST_SECONDS * 2.0 ** (self._short - 1) if self._short else 0.0
        # Counted no further than needed: the pause has long been the longest by then.
        self._short = min(self._short + 1, 10)
        return min(pause, LONGEST_SECONDS)
