"""The course's camera loop: every n-th frame is looked at, all are drawn, and whoever is recognized arrives.

A video file waits for the model, so that a run gives the same every time; a camera does not, so its picture is never
old: frames that come while the model looks are drawn with the faces of the last look.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Protocol

from plugins.rollcall.faces import Face, FaceResult

if TYPE_CHECKING:
    from shared.pictures import Pixels

Look = Callable[[bytes], Awaitable[FaceResult]]
Arrived = Callable[[Sequence[Face]], Awaitable[None]]


class Source(Protocol):
    """Where frames come from; see `camera_frames.Frames`."""

    live: bool

    def next(self) -> "Pixels | None":
        """Return the next frame; None at the end."""
        ...


class Sink(Protocol):
    """Where drawn frames go; see `camera_frames.Output`."""

    @property
    def wanted(self) -> bool:
        """Tell whether frames need to be drawn."""
        ...

    def show(self, pixels: "Pixels") -> bool:
        """Take a frame; False where the person had enough."""
        ...


@dataclass(frozen=True)
class Labels:
    """What stands at faces without a name, in the language of whoever watches."""

    unknown: str
    unsure: str


@dataclass
class Watched:
    """What a run has seen: frames, frames that were looked at, and faces in those."""

    frames: int = 0
    looked: int = 0
    faces: int = 0


async def watch(
    source: Source,
    sink: Sink,
    look: Look,
    arrived: Arrived,
    labels: Labels,
    *,
    every: int,
    seconds: float | None = None,
) -> Watched:
    """Run until the source ends, `seconds` are over or the window is closed; `arrived` gets the named faces."""
    from plugins.rollcall.camera_frames import jpeg

    watched = Watched()
    ends = None if seconds is None else monotonic() + seconds
    seen: Sequence[Face] = ()
    looking: asyncio.Task[FaceResult] | None = None

    async def harvest(task: asyncio.Task[FaceResult]) -> Sequence[Face]:
        result = await task
        watched.looked += 1
        watched.faces += len(result.faces)
        if named := [face for face in result.faces if face.verdict == "known"]:
            await arrived(named)
        return result.faces

    async def ask(pixels: "Pixels") -> FaceResult:
        return await look(await asyncio.to_thread(jpeg, pixels))

    try:
        while ends is None or monotonic() < ends:
            pixels = await asyncio.to_thread(source.next)
            if pixels is None:
                break
            if looking is not None and looking.done():
                seen, looking = await harvest(looking), None
            if looking is None and watched.frames % every == 0:
                looking = asyncio.create_task(ask(pixels))
                if not source.live:
                    seen, looking = await harvest(looking), None
            watched.frames += 1
            if sink.wanted and not await asyncio.to_thread(_show, sink, pixels, seen, labels):
                break
        if looking is not None:
            await harvest(looking)
            looking = None
    finally:
        if looking is not None:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)
    return watched


def _show(sink: Sink, pixels: "Pixels", faces: Sequence[Face], labels: Labels) -> bool:
    from plugins.rollcall.faces import face_box
    from shared.boxes import boxed

    drawn = boxed(
        pixels, [face_box(face, labels.unknown, labels.unsure) for face in faces], max(pixels.shape[:2])
    )
    return sink.show(drawn)
