"""The anime face model: faces that nobody drew, from seeds, and morphs between two of them.

The numbers are in `plugins.animeface.generator`, training in `plugins.animeface.training`; both are imported where
they are needed.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final, Self

import msgspec

from shared.errors import ModelUnavailable
from shared.model import Device, Failure, Part, Progress, Report

if TYPE_CHECKING:
    from plugins.animeface.generator import Draws, Latents
    from shared.pictures import Pixels

MOST_FACES: Final = 64
"""Faces of one request."""
MOST_STEPS: Final = 64
"""Frames of one morph."""
LARGEST_SEED: Final = 2**63 - 1
COLUMNS: Final[Mapping[str, str]] = {
    "webp": "The pictures' files (WebP, PNG or JPEG, square) end to end, as bytes.",
    "index": "Offset and length of each file, a row a picture.",
}


class FacesRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Faces to draw, one a seed (0 or more).

    `truncation` (0…1.5) draws latents towards the mean face: 0 is that face, 1 the whole range. `steps` above 0 asks
    for a morph from the first seed to the second in so many frames. `around` asks for "more like this": each face is
    the latent of that seed, moved by `near` (0…1) towards that of its own seed.
    """

    seeds: list[int]
    truncation: float = 0.7
    steps: int = 0
    around: int | None = None
    near: float = 0.0


class FacesResult(msgspec.Struct, frozen=True):
    """The faces as one PNG (`grid`) and one by one (`faces`), and the morph as a GIF (empty unless asked)."""

    grid: bytes
    faces: list[bytes]
    gif: bytes


class AnimeFace:
    """Draws faces; see the module."""

    name: ClassVar[str] = "animeface"
    request: ClassVar[type[msgspec.Struct]] = FacesRequest
    result: ClassVar[type[msgspec.Struct]] = FacesResult
    max_batch: ClassVar[int] = 8
    default: ClassVar[Path | None] = Path(__file__).parent / "weights"
    data_columns: ClassVar[Mapping[str, str]] = COLUMNS

    def __init__(self, painter: "Draws") -> None:
        self.painter = painter

    @classmethod
    def load(cls, folder: Path | None, device: Device) -> Self:
        """Read the weights, and draw once."""
        if folder is None:
            raise ModelUnavailable("The model {model} has no weights that can be read.", model=cls.name)
        from plugins.animeface.generator import Painter

        model = cls(Painter.read(folder, device))
        model.predict([FacesRequest(seeds=[0])])
        return model

    def predict(self, batch: Sequence[FacesRequest]) -> Sequence[FacesResult | Failure]:
        """Draw the faces of each request; all of a batch go through the network together."""
        wanted = [self._latents(request) for request in batch]
        good = [each for each in wanted if not isinstance(each, Failure)]
        drawn = iter(self.painter.draw([row for rows in good for row in rows]))
        return [
            each if isinstance(each, Failure) else _result(request, [next(drawn) for _ in each])
            for request, each in zip(batch, wanted, strict=True)
        ]

    @classmethod
    def train(cls, data: Path, folder: Path, progress: Progress) -> Report:
        """Train on the training part of `data`; see `plugins.animeface.training`."""
        from plugins.animeface.training import train

        return train(data, folder, progress)

    def evaluate(self, data: Path, part: Part = "all") -> Report:
        """Judge these weights on `data`; see `plugins.animeface.training`."""
        from plugins.animeface.training import evaluate

        return evaluate(self.painter, data, part)

    def _latents(self, request: FacesRequest) -> "list[Latents] | Failure":
        """Return the latents of the faces, and after them those of the morph's frames."""
        from plugins.animeface.generator import between, morph, truncated

        if (wrong := _wrong(request)) is not None:
            return Failure(wrong)
        found = [self.painter.latent(seed) for seed in request.seeds]
        if request.around is not None:
            middle = self.painter.latent(request.around)
            found = [between(middle, each, request.near) for each in found]
        if request.steps:
            found += morph(found[0], found[1], request.steps)
        return [truncated(each, request.truncation) for each in found]


def _wrong(request: FacesRequest) -> str | None:
    """Say what is wrong with a request, for the log: commands take no such values."""
    seeds = request.seeds if request.around is None else [*request.seeds, request.around]
    if not 1 <= len(request.seeds) <= MOST_FACES:
        return f"between 1 and {MOST_FACES} faces can be drawn"
    if not all(0 <= seed <= LARGEST_SEED for seed in seeds):
        return "a seed is a number from 0 to 2^63 - 1"
    # Written so that "not a number" is refused too.
    if not 0 <= request.truncation <= 1.5 or not 0 <= request.near <= 1:
        return "truncation is from 0 to 1.5, near from 0 to 1"
    if request.steps and (not 2 <= request.steps <= MOST_STEPS or len(request.seeds) < 2):
        return f"a morph takes two seeds and 2 to {MOST_STEPS} frames"
    return None


def _result(request: FacesRequest, drawn: Sequence["Pixels"]) -> FacesResult:
    from plugins.animeface.generator import animate, enlarge, grid
    from shared.pictures import encode

    shown = [enlarge(face) for face in drawn]
    faces, frames = shown[: len(request.seeds)], shown[len(request.seeds) :]
    return FacesResult(
        grid=encode(grid(faces)),
        faces=[encode(face) for face in faces],
        gif=animate(frames) if frames else b"",
    )
