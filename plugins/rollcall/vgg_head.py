"""The trained layer of the transfer-learning model, and its files; what it stands on is kept beside it.

Imported by the worker and the trainer only: it needs torch.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file
from safetensors.torch import load_file as load_tensors
from safetensors.torch import save_file as save_tensors

from plugins.rollcall.vgg_backbone import Backbone, lite, vgg
from shared.errors import BadInput, ModelUnavailable

FORMAT: Final = 1
STRENGTH: Final = 100.0
"""Inverse of the penalty on the weights."""
Features = NDArray[np.float32]


@dataclass(frozen=True)
class Head:
    """Softmax regression on standardized features: people × features, and a bias for each."""

    people: list[str]
    middle: Features
    spread: Features
    weight: Features
    bias: Features

    @classmethod
    def fit(cls, features: Features, people: Sequence[str]) -> Self:
        """Fit on faces × features of two people at least."""
        from sklearn.linear_model import LogisticRegression

        names = sorted(set(people))
        middle, spread = features.mean(0), features.std(0) + 1e-3
        rows = (features - middle) / spread / np.sqrt(features.shape[1])
        model = LogisticRegression(C=STRENGTH, class_weight="balanced", max_iter=2000).fit(
            rows, [names.index(each) for each in people]
        )
        weight, bias = model.coef_ / np.sqrt(features.shape[1]), model.intercept_
        if len(names) == 2:
            # Of two, scikit-learn fits the second against the first.
            weight, bias = np.concatenate([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
        arrays = (middle, spread, weight, bias)
        return cls(names, *(np.ascontiguousarray(each, np.float32) for each in arrays))

    def probabilities(self, features: Features) -> NDArray[np.float64]:
        """Return faces × people."""
        logits = ((features - self.middle) / self.spread @ self.weight.T + self.bias).astype(float)
        raised = np.exp(logits - logits.max(1, keepdims=True))
        chances: NDArray[np.float64] = raised / raised.sum(1, keepdims=True)
        return chances

    def say(self, features: Features) -> list[tuple[str, float]]:
        """Return the likeliest person of each face, and the probability."""
        chances = self.probabilities(features)
        return [(self.people[int(row.argmax())], float(row.max())) for row in chances]

    def write(self, folder: Path, backbone: Backbone) -> None:
        """Write the layer and what it stands on: VGG-16's convolutions in half precision, where it is that."""
        folder.mkdir(parents=True, exist_ok=True)
        arrays = {"middle": self.middle, "spread": self.spread, "weight": self.weight, "bias": self.bias}
        save_file(arrays, folder / "head.safetensors")
        document = {
            "format": FORMAT,
            "people": self.people,
            "backbone": backbone.kind,
            "source": backbone.source,
        }
        (folder / "model.json").write_text(json.dumps(document, ensure_ascii=False, indent=2) + "\n", "utf-8")
        if backbone.kind == "vgg16":
            halves = {
                f"features.{name}": each.half().contiguous()
                for name, each in backbone.network.state_dict().items()
            }
            save_tensors(halves, folder / "vgg16.safetensors")

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read the layer. Raises `ModelUnavailable`."""
        document = _document(folder)
        try:
            arrays = load_file(folder / "head.safetensors")
            people = [str(each) for each in document["people"]]
            head = cls(people, arrays["middle"], arrays["spread"], arrays["weight"], arrays["bias"])
        except (OSError, SafetensorError, KeyError, TypeError) as error:
            raise ModelUnavailable("{path} cannot be read.", path=folder) from error
        if head.weight.shape != (len(people), len(head.middle)) or head.bias.shape != (len(people),):
            raise ModelUnavailable("{path} cannot be read.", path=folder)
        return head


def read_backbone(folder: Path) -> Backbone:
    """Open the network that a trained layer stands on. Raises `ModelUnavailable`."""
    match _document(folder).get("backbone"):
        case "vgg16":
            try:
                return vgg(load_tensors(folder / "vgg16.safetensors"), "vgg16.safetensors")
            except (OSError, SafetensorError, BadInput) as error:
                raise ModelUnavailable("{path} cannot be read.", path=folder) from error
        case "efficientnet-lite0":
            return lite()
        case _:
            raise ModelUnavailable("{path} cannot be read.", path=folder)


def _document(folder: Path) -> dict[str, Any]:
    try:
        document = json.loads((folder / "model.json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ModelUnavailable("{path} cannot be read.", path=folder) from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ModelUnavailable("{path} cannot be read.", path=folder)
    return document
