"""Trains the course's BiLSTM, resumably, and stops early. Imported by the trainer only: it needs torch."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.nn.utils.rnn import pad_sequence

from plugins.sentiment.bilstm import SentimentBiLSTM
from plugins.sentiment.data import read_reviews
from plugins.sentiment.embeddings import co_occurrence_embeddings
from plugins.sentiment.features import tokens
from plugins.sentiment.judging import HOLDOUT, judge
from plugins.sentiment.loop import Batch, Schedule, fit
from plugins.sentiment.ngrams import encode
from plugins.sentiment.recurrent import BiLSTM, Recurrent
from plugins.sentiment.settings import from_environment
from shared.errors import BadInput
from shared.fingerprint import fingerprint
from shared.model import Progress, Report
from shared.splits import group_near_duplicates, holdout

CURVES_NOTE: Final = (
    "the test loss is that of the validation part, which chose the epoch; epochs before a break are not shown"
)
VALIDATION: Final = 0.08
FEWEST: Final = 100
SEED: Final = 1
CHUNK: Final = 128
Bools = NDArray[np.bool_]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Shape:
    """How large the network is, and how long it is trained at most."""

    tokens: int = 20_000
    dimensions: int = 100
    hidden: int = 64
    epochs: int = 8
    patience: int = 2
    batch: int = 64
    rate: float = 2e-3


def train(data: Path, folder: Path, progress: Progress, shape: Shape | None = None) -> Report:
    """Fit on the training part of `data`, write weights to `folder`, report on the held-out part.

    A validation part of the training part says which epoch was best and when to stop. With the setting `checkpoints`,
    a training that was broken off goes on from its last epoch.
    """
    shape = shape or Shape()
    progress(0.0, "reading")
    rows = read_reviews(data)
    groups = group_near_duplicates(rows.texts)
    out = np.array(holdout(rows.texts, HOLDOUT, groups))
    found = [
        [token.form for token in tokens(text, language)]
        for text, language in zip(rows.texts, rows.languages, strict=True)
    ]
    truth = np.array(rows.positive)
    validating = _validating(np.array(groups), out)
    fitting = ~out & ~validating
    if fitting.sum() < FEWEST or any(len(set(truth[part])) < 2 for part in (fitting, validating, out)):
        raise BadInput("{path} has too few reviews to train and to judge on.", path=data)

    vocabulary = _vocabulary([found[row] for row in np.flatnonzero(fitting)], shape.tokens)
    torch.manual_seed(SEED)
    recurrent = Recurrent(BiLSTM(len(vocabulary), shape.dimensions, shape.hidden), vocabulary)
    progress(0.1, "embedding the tokens")
    _start_embedding(recurrent, [found[row] for row in np.flatnonzero(fitting)], shape)

    ids = [recurrent.ids(forms) for forms in found]
    wanted = torch.from_numpy(truth.astype(np.float32))
    fit_rows, validation_rows = np.flatnonzero(fitting), np.flatnonzero(validating)

    def score(chosen: Integers) -> tuple[Tensor, Tensor]:
        padded = pad_sequence([ids[row] for row in chosen], batch_first=True)
        return recurrent.module(padded), wanted[chosen]

    def loss(batch: Batch) -> Tensor:
        return binary_cross_entropy_with_logits(*score(fit_rows[batch]))

    def validate() -> float:
        total = 0.0
        for at in range(0, len(validation_rows), CHUNK):
            scores, truths = score(validation_rows[at : at + CHUNK])
            total += float(binary_cross_entropy_with_logits(scores, truths, reduction="sum"))
        return total / len(validation_rows)

    trained: list[float] = []
    kept = from_environment().checkpoints
    losses = fit(
        recurrent.module,
        [len(ids[row]) for row in fit_rows],
        loss,
        Schedule(shape.epochs, shape.batch, shape.rate, SEED, shape.patience),
        lambda done, note="": progress(0.15 + 0.75 * done, note),
        validate=validate,
        checkpoint=None if kept is None else kept / "sentiment-bilstm.safetensors",
        identity=f"{fingerprint(data)} {shape}",
        watch=trained.append,
    )
    recurrent.write(folder)
    progress(0.95, "judging")
    details = {
        "rows": {"training": len(fit_rows), "validation": len(validation_rows), "held out": int(out.sum())},
        "validation_losses": losses,
        "curves": {"train": trained, "test": losses},
        "curves_note": CURVES_NOTE,
        "parameters": sum(value.numel() for value in recurrent.module.parameters()),
    }
    report = judge(SentimentBiLSTM(recurrent), rows.part(out.tolist()), details)
    progress(1.0, "done")
    return report


def _validating(groups: Integers, out: Bools) -> Bools:
    """Choose whole groups of near-duplicates among the training rows."""
    kinds = np.unique(groups[~out])
    chosen = np.random.default_rng(SEED).permutation(kinds)[: max(1, round(VALIDATION * len(kinds)))]
    return np.asarray(np.isin(groups, chosen) & ~out)


def _vocabulary(found: list[list[str]], most: int) -> list[str]:
    occurs: Counter[str] = Counter()
    for text in found:
        occurs.update(set(text))
    common = [(form, count) for form, count in occurs.items() if count >= 2]
    return [form for form, _ in sorted(common, key=lambda pair: (-pair[1], pair[0]))[:most]]


def _start_embedding(recurrent: Recurrent, found: list[list[str]], shape: Shape) -> None:
    numbers = {form: at for at, form in enumerate(recurrent.vocabulary, 1)}
    start = co_occurrence_embeddings(encode(found, numbers), len(numbers), shape.dimensions, SEED)
    with torch.no_grad():
        recurrent.module.embedding.weight[2:] = torch.from_numpy(start)
        recurrent.module.embedding.weight[1].normal_(0, 0.02)
