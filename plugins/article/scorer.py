"""The trained scorer: two sets of boosted trees that tell what of each sentence belongs into a summary.

Imported by the worker and the trainer only: it needs numpy and xgboost.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import numpy as np
import xgboost
from numpy.typing import NDArray

from plugins.article.choosing import Expected
from plugins.article.features import NAMES
from shared.errors import ModelUnavailable

FORMAT: Final = 1
FILES: Final = ("words.json", "pairs.json")
PARAMETERS: Final = {
    "objective": "binary:logistic",
    "eta": 0.03,
    "max_depth": 4,
    "subsample": 0.6,
    "colsample_bytree": 0.4,
    "min_child_weight": 10,
    # Several threads wait for each other longer than they work on data of this size.
    "nthread": 1,
}
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Scorer:
    """Trees for the share of a sentence's words, and of its pairs of words, that a summary holds."""

    words: xgboost.Booster
    pairs: xgboost.Booster

    @classmethod
    def fit(cls, features: Floats, words: Floats, pairs: Floats, rounds: int, seed: int) -> Self:
        """Fit on sentences × features; `words` and `pairs` are what to expect, 0…1."""
        parameters = {**PARAMETERS, "seed": seed}
        made = [
            xgboost.train(parameters, xgboost.DMatrix(features, label=truth), rounds)
            for truth in (words, pairs)
        ]
        return cls(*made)

    def expect(self, features: Floats) -> Expected:
        """Return what to expect of each sentence."""
        matrix = xgboost.DMatrix(features, nthread=1)
        return Expected(self.words.predict(matrix), self.pairs.predict(matrix))

    def write(self, folder: Path) -> None:
        """Write the trees as XGBoost's JSON, and beside them which features they know."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, booster in zip(FILES, (self.words, self.pairs), strict=True):
            booster.save_model(folder / name)
        document = {"format": FORMAT, "features": list(NAMES)}
        (folder / "model.json").write_text(json.dumps(document, indent=1), encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read what `write` wrote. Raises `ModelUnavailable` where it is something else."""
        try:
            document = json.loads((folder / "model.json").read_text(encoding="utf-8"))
            if document["format"] != FORMAT or document["features"] != list(NAMES):
                raise ValueError("weights of another version")
            boosters = []
            for name in FILES:
                json.loads((folder / name).read_text(encoding="utf-8"))
                booster = xgboost.Booster({"nthread": 1})
                booster.load_model(folder / name)
                if booster.num_features() != len(NAMES):
                    raise ValueError(f"{booster.num_features()} features, not {len(NAMES)}")
                boosters.append(booster)
            return cls(*boosters)
        except (OSError, ValueError, KeyError, TypeError, xgboost.core.XGBoostError) as error:
            raise ModelUnavailable(
                "The weights of summary cannot be read: {reason}", reason=repr(error)[:300]
            ) from error
