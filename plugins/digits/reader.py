"""Reads images of 28 x 28 with a trained network: which digit, and whether there is one; and the network's files.

Imported by the worker and the trainer only: it needs torch.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Self

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import nn

from plugins.digits.centring import Floats
from plugins.digits.networks import DIGITS, NETWORKS
from shared.errors import ModelUnavailable
from shared.model import Device

FORMAT: Final = 2
MAX_WEIGHTS: Final = 64 * 2**20
MAX_WORDS: Final = 64 * 2**10
CHUNK: Final = 250
MOVES: Final = tuple((down, right) for down in (-1, 0, 1) for right in (-1, 0, 1) if (down, right) != (0, 0))
WARPS: Final = ((-6.0, 1.0), (6.0, 1.0), (0.0, 0.93), (0.0, 1.07))
"""Moves in pixels, and turns in degrees with sizes, over which an unsure answer is averaged."""
SURE: Final = 0.995
Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class Calibration:
    """What turns outputs into probabilities: a temperature of the ten logits, and where a digit begins.

    `threshold` is the probability that there is a digit below which an image is said to hold none.
    """

    temperature: float = 1.0
    threshold: float = 0.5


@dataclass(frozen=True)
class Read:
    """What was read of n images: n x 10 probabilities of the digits, were it one, and n of that it is one."""

    which: Doubles
    whether: Doubles


class Reader:
    """A trained network on a device."""

    def __init__(self, kind: str, network: nn.Module, calibration: Calibration, device: Device) -> None:
        self.kind, self.calibration, self._device = kind, calibration, device.name
        self.network = network.to(device.name).to(memory_format=torch.channels_last).eval()  # type: ignore[call-overload]

    def read(self, images: Floats) -> Read:
        """Read images of n x 28 x 28 in 0…1, ink bright on dark."""
        outputs = self.outputs(images)
        which = _softmax(outputs[:, :DIGITS] / self.calibration.temperature)
        return Read(which, 1 / (1 + np.exp(-outputs[:, DIGITS])))

    def outputs(self, images: Floats) -> Doubles:
        """Return the n x 11 outputs of the network; where a digit is unsure, averaged over several looks."""
        outputs = self._run(images)
        sure = _softmax(outputs[:, :DIGITS] / self.calibration.temperature).max(1)
        unsure = np.flatnonzero((sure < SURE) & (outputs[:, DIGITS] > 0))
        if len(unsure):
            looks = [self._run(look) for look in _looks(images[unsure])]
            outputs[unsure] = np.mean([outputs[unsure], *looks], 0)
        return outputs

    def _run(self, images: Floats) -> Doubles:
        if not len(images):
            return np.zeros((0, DIGITS + 1))
        return np.concatenate([self._chunk(images[at : at + CHUNK]) for at in range(0, len(images), CHUNK)])

    def _chunk(self, images: Floats) -> Doubles:
        x = torch.from_numpy(np.ascontiguousarray(images)).unsqueeze(1).to(self._device)
        with torch.inference_mode():
            outputs = self.network(x.contiguous(memory_format=torch.channels_last))
        found: Doubles = outputs.double().cpu().numpy()
        return found

    def write(self, folder: Path) -> None:
        """Write the weights, as float16 safetensors, and what goes with them as JSON."""
        folder.mkdir(parents=True, exist_ok=True)
        tensors = {
            name: (value.half() if value.is_floating_point() else value).contiguous().cpu()
            for name, value in self.network.state_dict().items()
        }
        (folder / "weights.safetensors").write_bytes(save(tensors))
        words = {"format": FORMAT, "network": self.kind, "calibration": asdict(self.calibration)}
        (folder / "model.json").write_text(json.dumps(words, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def open(cls, folder: Path, name: str, device: Device) -> Self:
        """Read what `write` wrote. Raises `ModelUnavailable` for the model `name`."""
        try:
            words = json.loads(_bytes(folder / "model.json", MAX_WORDS))
            if words["format"] != FORMAT:
                raise ValueError(f"format {words['format']}")
            network = NETWORKS[words["network"]]()
            calibration = Calibration(**words["calibration"])
            if not (calibration.temperature > 0 and 0 <= calibration.threshold <= 1):
                raise ValueError("a calibration out of its range")
            tensors = load(_bytes(folder / "weights.safetensors", MAX_WEIGHTS))
            network.load_state_dict(
                {n: v.float() if v.is_floating_point() else v for n, v in tensors.items()}
            )
        except (
            OSError,
            ValueError,
            KeyError,
            TypeError,
            RuntimeError,
            RecursionError,
            SafetensorError,
        ) as error:
            raise ModelUnavailable(
                "The weights of {model} cannot be read: {reason}",
                model=name,
                reason=f"{type(error).__name__}: {error}"[:300],
            ) from None
        return cls(words["network"], network, calibration, device)


def _softmax(logits: Doubles) -> Doubles:
    raised: Doubles = np.exp(logits - logits.max(1, keepdims=True, initial=-np.inf))
    shares: Doubles = raised / raised.sum(1, keepdims=True)
    return shares


def _looks(images: Floats) -> Iterator[Floats]:
    """Yield the images moved, turned and sized a little."""
    for move in MOVES:
        yield np.roll(images, move, (1, 2))
    side = images.shape[1]
    for turn, size in WARPS:
        matrix = cv2.getRotationMatrix2D(((side - 1) / 2, (side - 1) / 2), turn, size)
        yield np.stack([cv2.warpAffine(image, matrix, (side, side)) for image in images]).astype(np.float32)


def _bytes(path: Path, limit: int) -> bytes:
    with path.open("rb") as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise ValueError(f"{path.name} is larger than {limit} bytes")
    return data
