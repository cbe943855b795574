"""The weights of EfficientNet-Lite0 that ship. Imported by the worker and the trainer only: it needs torch."""

from pathlib import Path
from typing import Final

from torch import Tensor, nn

from shared.lite0 import LiteNetwork, lite_network

FOLDER: Final = Path(__file__).parent / "weights" / "imagenet"


def shipped(folder: Path = FOLDER) -> LiteNetwork:
    """Read them. Raises `ModelUnavailable` where the file is missing or is something else."""
    return lite_network(folder / "weights.safetensors")


class WithFeatures(nn.Module):
    """Answers with the features too, on which more is decided than the class."""

    def __init__(self, network: LiteNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits (n x 1000) and features (n x 1280)."""
        features = self.network.features(x)
        return self.network.classifier(features), features
