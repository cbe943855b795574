"""Cuts ink into pieces that may be digits: connected components, without specks, frames and the ground.

Imported by the worker and the trainer only: it needs OpenCV.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from plugins.digits.centring import Floats, centred
from plugins.digits.ink import Ink

FEW: Final = 60
"""Components that are looked at where there are more than can be digits, such as in noise."""
MOST: Final = 200
"""Components that are looked at, the largest first: so no picture takes long."""
LOWEST: Final = 8
"""Pixels that a digit is high at least, of the picture that is worked on."""
SPECK: Final = 0.12
"""Height below which a component is a speck beside the tallest ones, as a share of theirs."""
RIM: Final = 3
"""Pixels around a component that are looked at with it."""


class Place(NamedTuple):
    """A box in pixels of the picture that is worked on; right and bottom are outside of it."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        """Return the width in pixels."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """Return the height in pixels."""
        return self.bottom - self.top

    def at_edge(self, wide: int, high: int) -> bool:
        """Tell whether the box touches the edge of a picture of that size."""
        return self.left <= 0 or self.top <= 0 or self.right >= wide or self.bottom >= high

    def joined(self, other: "Place") -> "Place":
        """Return the box around both."""
        return Place(
            min(self.left, other.left),
            min(self.top, other.top),
            max(self.right, other.right),
            max(self.bottom, other.bottom),
        )


@dataclass(frozen=True)
class Component:
    """A piece of ink: its box, and which labels of the picture's components it is made of."""

    place: Place
    labels: tuple[int, ...]
    area: int


@dataclass(frozen=True)
class Pieces:
    """The components of one way to see a picture. `many` is set where there were more than are looked at."""

    ink: Ink
    numbered: NDArray[np.int32]
    components: list[Component]
    many: bool

    def crop(self, component: Component, place: Place | None = None) -> Floats:
        """Return the ink of a component alone within its box, or within a part of it."""
        box = place or component.place
        window = np.s_[box.top : box.bottom, box.left : box.right]
        own = np.isin(self.numbered[window], component.labels)
        # The soft edge of a stroke belongs to it; its neighbours do not.
        near = cv2.dilate(own.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
        foreign = self.ink.mask[window] & ~own
        return np.where(near & ~foreign, self.ink.strength[window], 0).astype(np.float32)

    def image(self, component: Component, place: Place | None = None) -> Floats:
        """Return the component as 28 x 28, as the networks read it."""
        return centred(self.crop(component, place))


def pieces_of(ink: Ink) -> Pieces:
    """Find the components of a mask; those that can be no digit, by size alone, are left out."""
    mask = ink.mask.astype(np.uint8)
    count, numbered, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    found = []
    high, wide = mask.shape
    order = np.argsort(-stats[1:count, cv2.CC_STAT_AREA], kind="stable")[: 4 * MOST] + 1
    for label in order.tolist():
        left, top, width, height, area = (int(value) for value in stats[label])
        place = Place(left, top, left + width, top + height)
        if not _is_frame(place, area, wide, high) and area >= 4:
            found.append(Component(place, (label,), area))
    tallest = sorted((c.place.height for c in found), reverse=True)[:20]
    typical = tallest[len(tallest) // 2] if tallest else 0
    kept = [c for c in found if max(c.place.height, c.place.width) >= max(LOWEST / 2, SPECK * typical)]
    many = count - 1 > 4 * MOST
    return Pieces(ink, np.asarray(numbered, np.int32), kept[: FEW if many else MOST], many)


def clear(pieces: Pieces, component: Component) -> float:
    """Return how clearly a component stands out: its contrast to the rim around it, less what the rim varies.

    Of ink on paper this is near 1; of a patch of a photograph it is often near 0, or below.
    """
    box, (high, wide) = component.place, pieces.ink.mask.shape
    window = np.s_[
        max(0, box.top - RIM) : min(high, box.bottom + RIM),
        max(0, box.left - RIM) : min(wide, box.right + RIM),
    ]
    own = np.isin(pieces.numbered[window], component.labels)
    rim = ~own & ~pieces.ink.mask[window]
    strength = pieces.ink.strength[window]
    if not rim.any() or not own.any():
        return 0.0
    return float(strength[own].mean() - strength[rim].mean() - strength[rim].std())


def _is_frame(place: Place, area: int, wide: int, high: int) -> bool:
    """Tell whether a component is the edge of the picture or a table's lines rather than a digit."""
    touching = (place.left <= 0) + (place.top <= 0) + (place.right >= wide) + (place.bottom >= high)
    size = place.width * place.height
    if touching >= 3 or (touching >= 2 and size > 0.5 * wide * high):
        return True
    # Ruled lines: long and thin, lying flat.
    return place.width > 12 * place.height or place.height > 25 * place.width
