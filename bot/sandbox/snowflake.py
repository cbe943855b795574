"""Discord's ids: milliseconds since 2015 and a counter, in one number that grows with time."""

import time
from datetime import UTC, datetime
from typing import Final

EPOCH_MS: Final = 1_420_070_400_000
_COUNTER_BITS: Final = 22


class Snowflakes:
    """Gives out ids, each larger than the one before."""

    def __init__(self) -> None:
        self._last = 0

    def next(self) -> str:
        """Return a new id, as the string of digits that Discord's JSON holds."""
        now = (time.time_ns() // 1_000_000 - EPOCH_MS) << _COUNTER_BITS
        self._last = max(now, self._last + 1)
        return str(self._last)


def timestamp(snowflake: str) -> str:
    """Return when an id was made, in Discord's ISO 8601 form."""
    milliseconds = (int(snowflake) >> _COUNTER_BITS) + EPOCH_MS
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="microseconds")


def now() -> str:
    """Return the time in Discord's ISO 8601 form."""
    return datetime.now(UTC).isoformat(timespec="microseconds")
