"""A classifier of the BERT kind, opened, asked and trained for real, with random weights made here."""

import json
import random
import shutil
from pathlib import Path

import numpy as np
import pytest

from shared.checkpoint import is_transformer
from shared.errors import BadInput, ModelUnavailable
from shared.model import Device
from shared.transformer import WINDOWS, TextClassifier, batches, fine_tune_classifier
from tests.kit.tiny import WORDS, tiny_bert

CPU = Device()
GOOD, BAD, OTHER = (
    ("good", "great", "fine", "好"),
    ("bad", "awful", "poor", "坏"),
    ("the", "film", "hotel", "was", "very", "酒", "店"),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_bert(tmp_path_factory.mktemp("bert") / "tiny")


@pytest.fixture
def copied(folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(folder, tmp_path / "copied"))


def toys(count: int, seed: int) -> tuple[list[str], list[int]]:
    """Make reviews in which one word decides, among others that say nothing."""
    drawn = random.Random(seed)
    texts, labels = [], []
    for index in range(count):
        words = drawn.choices(OTHER, k=drawn.randint(4, 10))
        words[drawn.randrange(len(words))] = drawn.choice((BAD, GOOD)[index % 2])
        texts.append(" ".join(words))
        labels.append(index % 2)
    return texts, labels


@pytest.fixture(scope="module")
def trained(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[float]]:
    steps: list[float] = []
    place = tmp_path_factory.mktemp("trained") / "new"
    texts, labels = toys(400, 1)
    fine_tune_classifier(
        folder, texts, labels, ("bad", "good"), place, lambda done, note="": steps.append(done), CPU,
        epochs=4, rate=3e-3, batch=16, length=32,
    )  # fmt: skip
    return place, steps


def test_a_batch_is_answered_like_each_text_alone(folder: Path) -> None:
    model = TextClassifier.load(folder, CPU)
    texts = ["good", "", "酒店很好", " ".join(WORDS * 20), "the film was very bad!", "   ", "zzz " * 500]
    together = model.probabilities(texts)
    assert together.shape == (len(texts), 2)
    np.testing.assert_allclose(together.sum(axis=1), 1)
    np.testing.assert_allclose(together, np.concatenate([model.probabilities([t]) for t in texts]), atol=1e-5)
    assert model.labels == ("negative", "positive")
