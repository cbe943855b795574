"""The head of a person's own classifier: a linear layer on packaged features, and what counts as unlike.

A picture is unlike the training pictures where its nearest of them are farther than those mostly are from each other
(Sun et al., "Out-of-Distribution Detection with Deep Nearest Neighbors", ICML 2022).
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from shared.errors import ModelUnavailable

FORMAT: Final = 1
WIDTH: Final = 1280
MAX_BANK: Final = 2000
"""Features of training pictures that are kept, at most."""
MAX_CLASSES: Final = 200
MAX_NAME: Final = 255
Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class Head:
    """Weights (classes x 1280), biases, and training features (kept x 1280) with the similarity that is still alike.

    `least`: the probability below which there is no answer.
    """

    names: list[str]
    weights: Floats
    biases: Floats
    bank: Floats
    alike: float
    neighbours: int
    least: float

    def probabilities(self, features: Floats) -> Doubles:
        """Return the probability of each class (n x classes)."""
        scores = (features @ self.weights.T + self.biases).astype(np.float64)
        shifted = np.exp(scores - scores.max(1, keepdims=True))
        found: Doubles = shifted / shifted.sum(1, keepdims=True)
        return found

    def similarity(self, features: Floats) -> Doubles:
        """Return how similar each picture is to its nearest training pictures: the mean cosine."""
        return nearest(features @ self.bank.T, self.neighbours)

    def write(self, folder: Path) -> None:
        """Write numbers as safetensors, the rest as JSON."""
        folder.mkdir(parents=True, exist_ok=True)
        tensors = {"weights": self.weights, "biases": self.biases, "bank": self.bank.astype(np.float16)}
        save_file(
            {name: np.ascontiguousarray(value) for name, value in tensors.items()},
            folder / "weights.safetensors",
        )
        document = {
            "format": FORMAT,
            "names": self.names,
            "alike": self.alike,
            "neighbours": self.neighbours,
            "least": self.least,
        }
        text = json.dumps(document, ensure_ascii=False, indent=1)
        (folder / "model.json").write_text(text + "\n", encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read what `write` wrote. Raises `ModelUnavailable` where it is something else."""
        try:
            document = json.loads((folder / "model.json").read_text(encoding="utf-8"))
            tensors = load_file(folder / "weights.safetensors")
            if document["format"] != FORMAT:
                raise ValueError(f"format {document['format']}")
            names = [str(name)[:MAX_NAME] for name in document["names"]]
            weights, biases, bank = (
                tensors[name].astype(np.float32) for name in ("weights", "biases", "bank")
            )
            if not 2 <= len(names) <= MAX_CLASSES or weights.shape != (len(names), WIDTH):
                raise ValueError(f"{len(names)} classes, but {weights.shape} weights")
            if biases.shape != (len(names),) or bank.ndim != 2 or bank.shape[1] != WIDTH or not len(bank):
                raise ValueError("numbers are missing")
            neighbours = int(document["neighbours"])
            if not 1 <= neighbours <= len(bank):
                raise ValueError("it looks at no neighbour")
            return cls(
                names, weights, biases, bank, float(document["alike"]), neighbours, float(document["least"])
            )
        except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
            raise ModelUnavailable(
                "The weights of image-own cannot be read: {reason}", reason=repr(error)[:500]
            ) from error


def nearest(similarities: NDArray[np.float32], neighbours: int) -> Doubles:
    """Return the mean of the highest `neighbours` of each row."""
    highest = np.partition(similarities, -neighbours, axis=1)[:, -neighbours:]
    found: Doubles = highest.mean(1, dtype=np.float64)
    return found
