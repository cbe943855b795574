"""Trains the model on one honest split: publishers whole, near-duplicates on one side.

Everything that is fitted, the choice of n-grams, calibration, grey zone and limits of the out-of-domain score included,
is fitted on the training part alone. With the setting `base` the course's way is taken instead: a transformer of the
BERT kind is fine-tuned on the same rows.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold

from plugins.fact.cleaning import Cleaned, clean
from plugins.fact.data import Rows, read_rows
from plugins.fact.features import MOST, RECIPES, Kind, article_share, form, opening, vocabulary
from plugins.fact.fitting import FOLDS, SEED, Fitted, figures_of, fit_expert
from plugins.fact.judging import report
from plugins.fact.linear import Floats, Linear
from plugins.fact.mixture import UNMARKED, Mixture, encoder
from plugins.fact.model import FactModel
from plugins.fact.novelty import Novelty
from plugins.fact.reading import Reader
from plugins.fact.settings import FactSettings
from plugins.fact.split import groups_of, sides
from shared.errors import BadInput
from shared.model import Device, Progress, Report
from shared.splits import group_near_duplicates

CPU: Final = Device()
FEWEST: Final = 60
"""Rows of a kind that an expert is fitted on, at least."""
FEWEST_JUDGED: Final = 10
ZONES: Final = tuple(round(0.1 * step, 1) for step in range(1, 21))
"""Half-widths of the grey zone that are tried, in log-odds."""
MOST_GREY: Final = 0.15
"""Share of the training rows that may lie in the grey zone."""
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Part:
    """The rows of one kind to train on: cleaned, with their labels and groups."""

    cleaned: list[Cleaned]
    truth: Bools
    groups: list[int]

    def enough(self) -> bool:
        """Tell whether an expert can be fitted: each fold needs groups of its own of both labels."""
        kinds = [
            len({group for group, fake in zip(self.groups, self.truth, strict=True) if fake == label})
            for label in (False, True)
        ]
        return len(self.truth) >= FEWEST and min(kinds) >= 2 * FOLDS


def train(data: Path, folder: Path, progress: Progress) -> Report:
    """Fit on the training part of `data`, write weights to `folder`, report on the held-out part."""
    progress(0.0, "reading")
    rows = read_rows(data)
    side = sides(rows, group_near_duplicates(rows.texts))
    fit, judge = (rows.chosen([each == wanted for each in side]) for wanted in ("fit", "judge"))
    judged = judge.labelled("real", "fake")
    if len(judged.texts) < FEWEST_JUDGED or len(set(judged.labels)) < 2:
        raise BadInput("{path} has too few texts to train and to judge on.", path=data)
    if (base := FactSettings().base) is not None:
        from plugins.fact.transformed import fine_tune

        reader: Reader
        reader, details = fine_tune(base, fit.labelled("real", "fake"), folder, progress)
    else:
        mixture, details = fit_mixture(fit, progress)
        if mixture is None:
            raise BadInput("{path} has too few texts to train and to judge on.", path=data)
        mixture.write(folder)
        # What is judged is what was written, at half precision.
        reader = Mixture.read_folder(folder, CPU)
    progress(0.9, "judging")
    found = report(
        FactModel(reader),
        judge,
        {
            **details,
            "rows": {"training": len(fit.labelled("real", "fake").texts), "held out": len(judged.texts)},
            "split": "by publisher where it is known, else by a hash of the content; near-duplicates on one side",
        },
    )
    progress(1.0, "done")
    return found


def fit_mixture(fit: Rows, progress: Progress) -> tuple[Mixture | None, dict[str, Any]]:
    """Fit the experts that there is enough data for; None where there is none."""
    cleaned = [clean(text[:MOST]) for text in fit.texts]
    kinds: list[Kind] = ["article" if article_share(each.text) >= 0.5 else "post" for each in cleaned]
    known = [label != "other" for label in fit.labels]
    experts: dict[str, Linear] = {}
    novelties: dict[str, Novelty] = {}
    grey: dict[str, tuple[float, float]] = {}
    # The experts are convex and solved as a whole: there are no epochs.
    details: dict[str, Any] = {"cross_validation": {}, "curves": {}}
    groups = groups_of(fit)
    heard = [vocabulary(each.text) for each in cleaned]
    spans: Mapping[Kind, tuple[float, float]] = {"post": (0.05, 0.7), "article": (0.7, 0.9)}
    for kind, (start, end) in spans.items():
        at = [index for index, each in enumerate(kinds) if each == kind and known[index]]
        part = Part(
            [cleaned[index] for index in at],
            np.array([fit.labels[index] == "fake" for index in at], dtype=bool),
            [groups[index] for index in at],
        )
        if not part.enough():
            continue

        def told(done: float, kind: Kind = kind, start: float = start, end: float = end) -> None:
            progress(start + (end - start) * done, f"fitting on each {kind}")

        fitted, log_odds = _fit_kind(kind, part, told)
        experts |= {name: each.linear for name, each in fitted.items()}
        grey[kind] = grey_zone(log_odds, part.truth)
        background = [heard[i] for i in range(len(heard)) if kinds[i] != kind or not known[i]]
        novelties[kind] = _novelty([heard[i] for i in at], background, part)
        details["cross_validation"] |= {
            name: {"chosen": each.chosen, **each.figures[each.chosen], "compared": each.figures}
            for name, each in fitted.items()
        }
        if kind == "post":
            details["cross_validation"]["posts as they are"] = figures_of(log_odds, part.truth)
    encode = encoder(CPU) if "article" in experts else None
    return (Mixture(experts, novelties, grey, encode) if experts else None), details


def grey_zone(log_odds: Floats, truth: Bools) -> tuple[float, float]:
    """Return the narrowest zone around even odds outside of which at most half of the mistakes remain.

    `log_odds` are out of fold. No more than `MOST_GREY` of the rows lie in it.
    """
    wrong = (log_odds >= 0) != truth
    for half in ZONES:
        outside = np.abs(log_odds) >= half
        if wrong[outside].sum() <= wrong.sum() / 2 or np.mean(np.abs(log_odds) < half + 0.1) > MOST_GREY:
            return -half, half
    return -ZONES[-1], ZONES[-1]


def _fit_kind(kind: Kind, part: Part, progress: Callable[[float], None]) -> tuple[dict[str, Fitted], Floats]:
    """Fit the experts of one kind; returns them, and their log-odds together on the rows as they are, out of fold."""
    recipe = RECIPES[kind]
    if kind == "article":
        forms = [form(each, False) for each in part.cleaned]
        vectors = encoder(CPU)([opening(each) for each in forms])
        found = fit_expert(recipe, forms, part.truth, part.groups, progress, vectors)
        return {"article": found}, found.out_of_fold
    with_links, bare = (
        fit_expert(
            recipe,
            [form(each, marked) for each in part.cleaned],
            part.truth,
            part.groups,
            lambda done, before=before: progress(before + done / 2),  # type: ignore[misc]
        )
        for marked, before in ((True, 0.0), (False, 0.5))
    )
    linked = np.array([each.marked for each in part.cleaned])
    share = np.where(linked, 1.0, UNMARKED)
    mixed: Floats = share * with_links.out_of_fold + (1 - share) * bare.out_of_fold
    return {"post with links": with_links, "post": bare}, mixed


def _novelty(heard: Sequence[Sequence[str]], background: Sequence[Sequence[str]], part: Part) -> Novelty:
    """Fit the out-of-domain score, its limits on folds that had no part in it."""
    scores, known = np.zeros(len(heard)), np.zeros(len(heard))
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=SEED)
    for fit, judge in folds.split(part.truth, part.truth, part.groups):
        inside = Novelty.fit([heard[at] for at in fit], background)
        for at in judge:
            scores[at], known[at] = inside.score(heard[at])
    return Novelty.fit(heard, background).limited(scores, known)
