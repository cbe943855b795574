"""Boosted trees on returns and spreads: the expected next move, in spreads.

Imported by the worker and the trainer only: it needs XGBoost.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import xgboost
from numpy.typing import NDArray

from plugins.stock.features import spread_of, table, targets
from plugins.stock.points import for_one_day
from plugins.stock.prices import Prices

Floats = NDArray[np.float64]
FILE: Final = "boosted.json"
ROUNDS: Final = 300
PATIENCE: Final = 30
SETTINGS: Final = {
    # Trees that must not follow noise: nearly all of a daily move is.
    "objective": "reg:pseudohubererror",
    "eval_metric": "mae",
    "max_depth": 3,
    "eta": 0.02,
    "subsample": 0.5,
    "colsample_bytree": 0.5,
    "min_child_weight": 40,
    "lambda": 20.0,
    "base_score": 0.0,
    "nthread": 1,
    "seed": 1,
}


@dataclass(frozen=True)
class Boosted:
    """Trees, and by how much what they say is held back."""

    booster: Any
    shrink: float = 1.0

    def moves(self, prices: Prices) -> Floats:
        """Return expected moves (T × HORIZONS)."""
        return for_one_day(self.shrink * self.raw(prices) * spread_of(prices))

    def raw(self, prices: Prices) -> Floats:
        """Return what the trees say of the next move (T), in spreads."""
        return np.asarray(self.booster.predict(xgboost.DMatrix(table(prices))), dtype=float)

    @classmethod
    def fit(
        cls,
        prices: Prices,
        first: int,
        stop: int,
        told: Callable[[list[float], list[float]], None] = lambda train, test: None,
    ) -> Self:
        """Fit on days from `first` on; those from `stop` on say when to stop. `told` gets the losses of each round."""
        seen, come = table(prices)[:-1], targets(prices)
        fit = xgboost.DMatrix(seen[first:stop], label=come[first:stop])
        watch = xgboost.DMatrix(seen[stop:], label=come[stop:])
        losses: dict[str, dict[str, list[float]]] = {}
        booster = xgboost.train(
            SETTINGS,
            fit,
            ROUNDS,
            # The last of them says when to stop.
            evals=[(fit, "fit"), (watch, "watch")],
            evals_result=losses,
            early_stopping_rounds=PATIENCE,
            verbose_eval=False,
        )
        told(losses["fit"]["mae"], losses["watch"]["mae"])
        return cls(booster[: booster.best_iteration + 1])

    @classmethod
    def read(cls, folder: Path, shrink: float) -> Self:
        """Read the trees of a folder."""
        booster = xgboost.Booster({"nthread": 1})
        booster.load_model(folder / FILE)
        return cls(booster, shrink)

    def write(self, folder: Path) -> None:
        """Write the trees to a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        self.booster.save_model(folder / FILE)
