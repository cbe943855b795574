"""Draws faces with a trained generator: latents by seed, morphs between them, enlarged pictures, weights on disk.

Imported by the worker and the trainer only: it needs torch.
"""

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol, Self

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from plugins.animeface.networks import Generator, Shape
from shared.errors import ModelUnavailable
from shared.model import Device
from shared.pictures import Pixels

SHOWN: Final = 128
"""Pixels of a side as faces are shown; the network draws 64."""
GAP: Final = 4
CHUNK: Final = 8
"""Faces that go through the network at once; always so many, since rounding differs between sizes of a batch."""
FRAME_MS: Final = 80
REST: Final = 6
"""Frames that a morph rests at either end."""
WEIGHTS: Final = "weights.safetensors"
SHAPE: Final = "shape.json"
MOST: Final = 1024
"""Channels or latents that a file of weights may name."""
Latents = NDArray[np.float64]
Pictures = NDArray[np.uint8]
"""n x side x side x 3, RGB."""


class Draws(Protocol):
    """What draws pictures from latents: a `Painter`, or another."""

    def latent(self, seed: int) -> Latents:
        """Return the latent of a seed."""
        ...

    def draw(self, latents: Sequence[Latents]) -> Pictures:
        """Draw a picture a latent."""
        ...


class Painter:
    """A trained generator, ready to draw."""

    def __init__(self, network: Generator, device: str = "cpu") -> None:
        self.network = network.eval().requires_grad_(False).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.device = device

    @classmethod
    def read(cls, folder: Path, device: Device) -> Self:
        """Read the weights of a folder. Raises `ModelUnavailable` where they are missing or are something else."""
        try:
            said = json.loads((folder / SHAPE).read_text(encoding="utf-8"))
            shape = msgspec.convert(said, Shape)
            if not all(0 < size <= MOST for size in (shape.latent, *shape.widths)):
                raise ValueError("the network would be too large")
            network = Generator(shape)
            state = load_file(folder / WEIGHTS)
            network.load_state_dict({name: value.float() for name, value in state.items()})
        except (OSError, ValueError, RuntimeError, SafetensorError) as error:
            raise ModelUnavailable(
                "The model {model} has no weights that can be read.", model="animeface"
            ) from error
        return cls(network, device.name)

    def write(self, folder: Path) -> None:
        """Write the weights to a folder, in half precision."""
        write_halved(self.network, folder / WEIGHTS)
        (folder / SHAPE).write_bytes(msgspec.json.encode(self.network.shape))

    def latent(self, seed: int) -> Latents:
        """Return the latent of a seed of 0 or more: a draw from the standard normal distribution."""
        return latent(seed, self.network.shape.latent)

    @torch.inference_mode()
    def draw(self, latents: Sequence[Latents]) -> Pictures:
        """Draw a face (64 x 64 x 3, RGB) a latent, whatever stands beside it in the batch."""
        if not latents:
            return np.empty((0, 64, 64, 3), np.uint8)
        rows = torch.from_numpy(np.stack(latents)).float()
        drawn = []
        for first in range(0, len(rows), CHUNK):
            chunk = rows[first : first + CHUNK]
            padded = torch.zeros(CHUNK, rows.shape[1])
            padded[: len(chunk)] = chunk
            drawn.append(to_bytes(self.network(padded.to(self.device)))[: len(chunk)])
        return np.concatenate(drawn)


def write_halved(network: nn.Module, path: Path) -> None:
    """Write weights in half precision."""
    path.parent.mkdir(parents=True, exist_ok=True)
    state = {
        name: value.cpu().half().contiguous() if value.is_floating_point() else value.cpu()
        for name, value in network.state_dict().items()
    }
    save_file(state, path)


def latent(seed: int, size: int) -> Latents:
    """Return `size` draws from the standard normal distribution, the same for a seed for ever."""
    return np.random.Generator(np.random.PCG64(seed)).standard_normal(size)


def truncated(point: Latents, share: float) -> Latents:
    """Draw a latent towards the mean face: 0 is that face, 1 leaves it where it is.

    By the square root, since faces lose contrast with the length of their latents, and 0.7 is what people are used to
    from generators whose do not.
    """
    found: Latents = np.sqrt(share) * point
    return found


def between(start: Latents, end: Latents, share: float) -> Latents:
    """Return the latent at `share` (0…1) of the way, on the arc between two (spherical interpolation; White 2016)."""
    lengths = float(np.linalg.norm(start)) * float(np.linalg.norm(end))
    angle = float(np.arccos(np.clip(start @ end / max(lengths, 1e-12), -1.0, 1.0)))
    if np.sin(angle) < 1e-6:
        return (1 - share) * start + share * end
    found: Latents = (np.sin((1 - share) * angle) * start + np.sin(share * angle) * end) / np.sin(angle)
    return found


def morph(start: Latents, end: Latents, steps: int) -> list[Latents]:
    """Return `steps` latents from one to the other, both included."""
    return [between(start, end, at / max(steps - 1, 1)) for at in range(steps)]


def to_bytes(drawn: torch.Tensor) -> Pictures:
    """Bring pictures n x 3 x h x w in -1…1 to bytes n x h x w x 3."""
    scaled = ((drawn.float().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    found: Pictures = scaled.permute(0, 2, 3, 1).cpu().numpy()
    return found


def enlarge(face: Pixels, side: int = SHOWN) -> Pixels:
    """Enlarge a face to the size at which it is shown."""
    return np.asarray(Image.fromarray(face).resize((side, side), Image.Resampling.LANCZOS))


def grid(faces: Sequence[Pixels], columns: int | None = None, gap: int = GAP) -> Pixels:
    """Lay faces of one size out in rows on white; as near to a square as can be unless `columns` is given."""
    wide = columns or int(np.ceil(np.sqrt(len(faces))))
    rows = -(-len(faces) // wide)
    side = faces[0].shape[0]
    sheet = np.full((rows * (side + gap) - gap, wide * (side + gap) - gap, 3), 255, np.uint8)
    for at, face in enumerate(faces):
        top, left = (at // wide) * (side + gap), (at % wide) * (side + gap)
        sheet[top : top + side, left : left + side] = face
    return sheet


def animate(frames: Sequence[Pixels]) -> bytes:
    """Return a GIF that plays frames there and back without end, and rests at either end."""
    order = [*frames, *reversed(frames[1:-1])]
    durations = [FRAME_MS] * len(order)
    durations[0] = durations[len(frames) - 1] = REST * FRAME_MS
    pictures = [Image.fromarray(frame) for frame in order]
    out = io.BytesIO()
    pictures[0].save(
        out, "GIF", save_all=True, append_images=pictures[1:], duration=durations, loop=0, optimize=False
    )
    return out.getvalue()
