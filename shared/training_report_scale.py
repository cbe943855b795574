"""The scale of losses on a picture: from zero, around them, or by powers of ten where they are far apart."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self

FAR: Final = 50.0
"""How many times the largest loss is the least, from which on a scale by powers of ten shows more."""
BOUND: Final = 1e100
"""Losses beyond are drawn at the edge."""
TICKS: Final = 4


@dataclass(frozen=True)
class Scale:
    """Where losses lie between the ends of an axis."""

    low: float
    high: float
    log: bool
    ticks: tuple[float, ...]

    @classmethod
    def of(cls, values: Iterable[float]) -> Self:
        """Choose a scale for what is finite of `values`."""
        known = [min(max(value, -BOUND), BOUND) for value in values if math.isfinite(value)]
        if not known:
            return cls(0.0, 1.0, False, (0.0, 0.5, 1.0))
        least, most = min(known), max(known)
        if least > 0 and most > FAR * least:
            return cls._logarithmic(max(least, 1 / BOUND), most)
        if 0 <= least <= 0.35 * most:
            least = 0.0
        if most - least < 1e-12 * max(abs(most), 1e-300):
            least, most = least - max(abs(least), 1.0) * 0.1, most + max(abs(most), 1.0) * 0.1
        step = _nice((most - least) / TICKS)
        first, last = math.floor(least / step + 1e-9), math.ceil(most / step - 1e-9)
        ticks = tuple(step * at for at in range(first, last + 1))
        return cls(ticks[0], ticks[-1], False, ticks)

    @classmethod
    def _logarithmic(cls, least: float, most: float) -> Self:
        low, high = math.log10(least), math.log10(most)
        room = (high - low) * 0.04
        first, last = math.floor(low - room), math.ceil(high + room)
        every = max(1, math.ceil((last - first) / 6))
        # The end is one of the ticks, so that there are two at least.
        ticks = tuple(10.0**power for power in range(first, last + every, every))
        return cls(ticks[0], ticks[-1], True, ticks)

    def share(self, value: float) -> float:
        """Return where a finite value lies: 0 at the lower end, 1 at the upper."""
        value = min(max(value, self.low), self.high)
        if self.log:
            low, high = math.log10(self.low), math.log10(self.high)
            return (math.log10(value) - low) / (high - low)
        return (value - self.low) / (self.high - self.low)

    def label(self, tick: float) -> str:
        """Write a tick."""
        if self.log or abs(tick) >= 1e5:
            return f"{tick:.0e}" if not 1e-3 <= abs(tick) < 1e5 else f"{tick:g}"
        return f"{tick:.6g}"


def _nice(step: float) -> float:
    power = 10.0 ** math.floor(math.log10(step))
    return next(float(power * times) for times in (1, 2, 5, 10) if power * times >= step * (1 - 1e-9))
