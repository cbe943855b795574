"""Trains the sentence scorer, or fine-tunes a transformer, on one honest split.

Near-duplicates lie on one side of the split. The number of trees is chosen by cross-validation over the training part.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import xgboost
from sklearn.model_selection import GroupKFold

from plugins.article.choosing import Expected, choose
from plugins.article.data import Pairs, read_pairs
from plugins.article.extractive import lengths, see
from plugins.article.features import Floats, Seen
from plugins.article.judging import HOLDOUT, judge
from plugins.article.model import USUAL, SummaryModel
from plugins.article.scorer import Scorer
from plugins.article.sentences import Document, read
from plugins.article.settings import ArticleSettings
from shared.device import choose_device
from shared.encoder import SentenceEncoder
from shared.errors import BadInput
from shared.model import Device, Progress, Report
from shared.rouge import rouge_tokens
from shared.splits import group_near_duplicates, holdout
from shared.weights import base_folder

FOLDS: Final = 5
ROUNDS: Final = (200, 400, 800)
SEED: Final = 1
FEWEST: Final = (40, 8)
"""Articles to train on, and to judge on."""
BATCH: Final = 16


@dataclass(frozen=True)
class Example:
    """An article taken apart, with its reference summary and what of each sentence is in that."""

    document: Document
    seen: Seen
    reference: list[str]
    words: Floats
    pairs: Floats


def train(data: Path, folder: Path, progress: Progress) -> Report:
    """Fit on the training part of `data`, write weights to `folder`, report on the held-out part."""
    progress(0.0, "reading")
    rows = read_pairs(data)
    groups = group_near_duplicates(rows.articles)
    out = holdout(rows.articles, HOLDOUT, groups)
    fit, held = rows.part(out, False), rows.part(out, True)
    fit_groups = [group for group, each in zip(groups, out, strict=True) if not each]
    if len(fit.articles) < FEWEST[0] or len(held.articles) < FEWEST[1] or len(set(fit_groups)) < FOLDS:
        raise BadInput("{path} has too few articles to train and to judge on.", path=data)
    device = choose_device()
    base = ArticleSettings().base
    if base is not None:
        details = _fine_tune(base, fit, folder, progress, device)
    else:
        details = _fit(fit, fit_groups, folder, progress, device)
    report = judge(
        # What is judged is what was written.
        SummaryModel.load(folder, device),
        held,
        {
            **details,
            "rows": {"training": len(fit.articles), "held out": len(held.articles)},
            "split": "near-duplicates on one side, the side by a hash of their content",
        },
        lambda done: progress(0.85 + 0.14 * done, "judging"),
    )
    progress(1.0, "done")
    return report


def _fine_tune(base: str, fit: Pairs, folder: Path, progress: Progress, device: Device) -> dict[str, Any]:
    from plugins.article.abstractive import fine_tune

    start = base_folder(base, folder.parent.parent / ".hub")
    curves: dict[str, list[float]] = {}
    fine_tune(
        start,
        fit.articles,
        fit.summaries,
        folder,
        lambda done, note="": progress(0.05 + 0.8 * done, note),
        device,
        curves=curves,
    )
    return {"base": base, "curves": curves}


def _fit(
    fit: Pairs, groups: Sequence[int], folder: Path, progress: Progress, device: Device
) -> dict[str, Any]:
    encoder = SentenceEncoder.load(device)
    examples: list[Example | None] = []
    for start in range(0, len(fit.articles), BATCH):
        documents = [read(article) for article in fit.articles[start : start + BATCH]]
        summaries = fit.summaries[start : start + BATCH]
        for document, seen, summary in zip(documents, see(encoder, documents), summaries, strict=True):
            examples.append(None if seen is None else _example(document, seen, summary))
        progress(0.05 + 0.4 * len(examples) / len(fit.articles), "looking at sentences")
    kept = [at for at, example in enumerate(examples) if example is not None]
    known = [example for example in examples if example is not None]
    figures = _compare(known, [groups[at] for at in kept], progress)
    rounds = max(figures, key=lambda each: sum(figures[each]))
    scorer = Scorer.fit(*_stacked(known), rounds, SEED)
    scorer.write(folder)
    return {
        "trees": rounds,
        "sentences": sum(len(example.words) for example in known),
        "cross_validation": {
            f"{count} trees": dict(zip(("rouge1_f", "rouge2_f"), values, strict=True))
            for count, values in figures.items()
        },
    }


def _example(document: Document, seen: Seen, summary: str) -> Example:
    reference = rouge_tokens(summary)
    texts = [rouge_tokens(sentence.text) for sentence in document.sentences]
    singles, pairs = _grams(reference, 1), _grams(reference, 2)
    return Example(
        document, seen, reference,
        np.array([_share(_grams(text, 1), singles) for text in texts], dtype=np.float32),
        np.array([_share(_grams(text, 2), pairs) for text in texts], dtype=np.float32),
    )  # fmt: skip


def _compare(
    examples: Sequence[Example], groups: Sequence[int], progress: Progress
) -> dict[int, tuple[float, float]]:
    """Return ROUGE-1 and ROUGE-2 F of three sentences, out of fold, for each number of trees."""
    found: dict[int, list[tuple[float, float]]] = {count: [] for count in ROUNDS}
    for step, (fit, other) in enumerate(GroupKFold(FOLDS).split(examples, groups=groups)):
        scorer = Scorer.fit(*_stacked([examples[at] for at in fit]), max(ROUNDS), SEED)
        for at in other:
            example = examples[at]
            matrix = xgboost.DMatrix(example.seen.features)
            for count in ROUNDS:
                expected = Expected(
                    *(
                        each.predict(matrix, iteration_range=(0, count))
                        for each in (scorer.words, scorer.pairs)
                    )
                )
                found[count].append(_f_of(example, expected))
        progress(0.45 + 0.3 * (step + 1) / FOLDS, "choosing by cross-validation")
    return {count: (float(np.mean(each, 0)[0]), float(np.mean(each, 0)[1])) for count, each in found.items()}


def _f_of(example: Example, expected: Expected) -> tuple[float, float]:
    places = choose(expected, lengths(example.document), example.seen.words_alike, count=USUAL)
    text = rouge_tokens(" ".join(example.document.sentences[place].text for place in places))
    one, two = (
        2 * (_grams(text, n) & _grams(example.reference, n)).total()
        / max(1, len(text) + len(example.reference) - 2 * (n - 1))
        for n in (1, 2)
    )  # fmt: skip
    return one, two


def _stacked(examples: Sequence[Example]) -> tuple[Floats, Floats, Floats]:
    return (
        np.concatenate([example.seen.features for example in examples]),
        np.concatenate([example.words for example in examples]),
        np.concatenate([example.pairs for example in examples]),
    )


def _grams(tokens: Sequence[str], size: int) -> Counter[tuple[str, ...]]:
    return Counter(zip(*(tokens[start:] for start in range(size)), strict=False))


def _share(grams: Counter[tuple[str, ...]], reference: Counter[tuple[str, ...]]) -> float:
    return (grams & reference).total() / max(1, grams.total())
