"""Reads texts with a transformer of the BERT kind, the course's way: from a hub, or fine-tuned on real and fake texts.

It has no out-of-domain score, and the answer says so. Imported by the worker and the trainer only.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self

from plugins.fact.cleaning import clean
from plugins.fact.data import Rows
from plugins.fact.features import article_share
from plugins.fact.reading import Reading, Weight
from shared.device import choose_device
from shared.errors import ModelUnavailable
from shared.model import Device, Progress
from shared.transformer import TextClassifier, fine_tune_classifier
from shared.weights import base_folder

GREY: Final = math.log(0.65 / 0.35)
"""Nothing is said where the likelier label has less than 65 %."""
NAMES: Final = ("real", "fake")
FAKE: Final = frozenset(
    {"fake", "false", "unreliable", "label_1", "1", "fake news", "misinformation", "fabricated", "untrue"}
)
REAL: Final = frozenset({"real", "true", "reliable", "label_0", "0", "real news", "genuine", "credible"})


class Transformed:
    """A classifier with one label for fake and one for real; further labels count for neither."""

    def __init__(self, classifier: TextClassifier, fake: int, real: int) -> None:
        self._classifier, self._fake, self._real = classifier, fake, real

    @classmethod
    def load(cls, folder: Path, device: Device) -> Self:
        """Open a folder. Raises `ModelUnavailable` where its labels say neither fake nor real."""
        classifier = TextClassifier.load(folder, device)
        labels = [label.strip().replace("-", " ") for label in classifier.labels]
        fake = [at for at, label in enumerate(labels) if label in FAKE]
        real = [at for at, label in enumerate(labels) if label in REAL]
        if len(fake) != 1 or len(real) != 1:
            raise ModelUnavailable(
                "The labels of this model say neither real nor fake: {labels}", labels=", ".join(labels)[:200]
            )
        return cls(classifier, fake[0], real[0])

    def read(self, texts: Sequence[str]) -> list[Reading]:
        """Read each text without links, handles and marks of its publisher, as it was trained."""
        cleaned = [clean(text).text for text in texts]
        found = self._classifier.probabilities(cleaned)
        explained = self._classifier.explanations(cleaned, self._fake)
        return [
            Reading(
                log_odds=math.log(max(row[self._fake], 1e-9)) - math.log(max(row[self._real], 1e-9)),
                weights=sorted(Weight(*each) for each in words),
                grey=(-GREY, GREY),
                kind="article" if article_share(text) >= 0.5 else "post",
            )
            for text, row, words in zip(cleaned, found, explained, strict=True)
        ]


def fine_tune(
    base: str, rows: Rows, folder: Path, progress: Progress
) -> tuple[Transformed, Mapping[str, Any]]:
    """Fine-tune `base` on the rows, write it to `folder`, and open what was written."""
    device = choose_device()
    start = base_folder(base, folder.parent.parent / ".hub")
    labels = [NAMES.index(label) for label in rows.labels]
    texts = [clean(text).text for text in rows.texts]
    curves: dict[str, list[float]] = {}
    fine_tune_classifier(
        start,
        texts,
        labels,
        NAMES,
        folder,
        lambda done, note="": progress(0.05 + 0.8 * done, note),
        device,
        curves=curves,
    )
    return Transformed.load(folder, device), {"base": base, "curves": curves}
