"""Tells pictures of the kinds that a network was made for from others, by a linear layer on what it sees in them.

Probabilities alone cannot: a network that knows only its classes is often sure of one of them. Shown pictures of other
kinds, a layer on its last features learns to tell them (outlier exposure; Hendrycks et al., ICLR 2019), at the price of
one product a picture. Imported by the worker and the trainer only: it needs numpy.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from shared.errors import ModelUnavailable

FILE: Final = "familiar.safetensors"
REFUSED: Final = 0.05
"""Share of the pictures of known kinds that may be taken for foreign."""
FOLDS: Final = 5
Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Familiarity:
    """Weights (one a feature) and a bias, on features of length one: at zero and above a picture is familiar."""

    weights: Floats
    bias: float

    def scores(self, features: NDArray[Any]) -> Doubles:
        """Return how familiar each picture is, from its features (n x width)."""
        found: Doubles = unit(features) @ self.weights.astype(np.float64) + self.bias
        return found

    def knows(self, features: NDArray[Any]) -> Bools:
        """Tell which pictures are familiar."""
        return self.scores(features) >= 0

    def refusing(self, features: NDArray[Any], share: float) -> Self:
        """Return the same with the bias that refuses `share` of the pictures of these features."""
        return replace(self, bias=self.bias - float(np.quantile(self.scores(features), share)))

    def write(self, folder: Path) -> None:
        """Write it beside the weights of its network."""
        save_file({"weights": self.weights, "bias": np.array([self.bias], np.float32)}, folder / FILE)

    @classmethod
    def read(cls, folder: Path, width: int) -> Self:
        """Read what `write` wrote. Raises `ModelUnavailable` where it is something else, or of another width."""
        try:
            tensors = load_file(folder / FILE)
            weights, bias = tensors["weights"].astype(np.float32), tensors["bias"]
            if weights.shape != (width,) or bias.shape != (1,):
                raise ValueError(f"weights {weights.shape} for {width} features")
            if not (np.isfinite(weights).all() and np.isfinite(bias).all()):
                raise ValueError("a number is not finite")
            return cls(weights, float(bias[0]))
        except (OSError, ValueError, KeyError, SafetensorError) as error:
            raise ModelUnavailable(
                "{path} cannot be read: {reason}", path=folder / FILE, reason=repr(error)[:300]
            ) from error

    @classmethod
    def fit(
        cls,
        known: Sequence[NDArray[Any]],
        foreign: Sequence[NDArray[Any]],
        strength: float = 1.0,
        guarded: Sequence[int] | None = None,
    ) -> Self:
        """Fit on the features of known and foreign kinds; within a side each kind weighs as much as another.

        `strength`: inverse strength of the regularisation. The bias is such that `REFUSED` of the pictures of the
        `guarded` kinds (places in `known`; all where none are given) are refused by layers that did not see them.
        """
        from sklearn.linear_model import LogisticRegression

        kinds = [*known, *foreign]
        x = np.concatenate([unit(kind) for kind in kinds])
        place = np.repeat(np.arange(len(kinds)), [len(kind) for kind in kinds])
        yes = place < len(known)
        weight = (1 / np.bincount(place))[place] / np.where(yes, len(known), len(foreign))
        weight *= len(x) / weight.sum()
        fold = np.concatenate([np.arange(len(kind)) % FOLDS for kind in kinds])
        unseen = np.zeros(len(x))

        def layer(rows: Bools) -> Any:
            return LogisticRegression(C=strength, max_iter=500).fit(x[rows], yes[rows], weight[rows])

        for each in range(FOLDS):
            unseen[fold == each] = layer(fold != each).decision_function(x[fold == each])
        counted = np.isin(place, range(len(known)) if guarded is None else list(guarded))
        found = layer(np.ones(len(x), bool))
        bias = float(found.intercept_[0] - np.quantile(unseen[counted], REFUSED))
        return cls(found.coef_[0].astype(np.float32), bias)


def unit(features: NDArray[Any]) -> Doubles:
    """Bring rows to length one; those of zeros stay so."""
    rows = features.astype(np.float64)
    found: Doubles = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    return found
