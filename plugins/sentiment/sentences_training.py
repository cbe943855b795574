"""Trains the network of `plugins.sentiment.sentences`. Imported by the trainer only: it needs torch."""

from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, relu

from plugins.sentiment.loop import Batch, Schedule, fit
from plugins.sentiment.sentences import MILD, SentenceNetwork, Sentences
from shared.model import Progress

HIDDEN: Final = 256
MUTED: Final = 0.5
"""Share of the inputs that a text loses in training."""
DROPPED: Final = 0.3
EPOCHS: Final = 10
SURE: Final = 0.98
"""What the network is to say of a positive text: a reviewer's label may be wrong."""


class _Sentences(nn.Module):
    """The network in training."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(inputs, HIDDEN), nn.Linear(HIDDEN, HIDDEN)
        self.heads = nn.Linear(HIDDEN, 2)
        self.muted, self.dropped = nn.Dropout(MUTED), nn.Dropout(DROPPED)

    def forward(self, inputs: Tensor, text: Tensor, texts: int) -> Tensor:
        """Return the scores of texts; `text` says which of them each sentence belongs to."""
        hidden = relu(self.first(self.muted(inputs)))
        hidden = hidden + relu(self.second(self.dropped(hidden)))
        heads = self.heads(self.dropped(hidden))
        counts = heads[:, 1].clamp(-MILD, MILD).exp()
        total = torch.zeros(texts).index_add(0, text, counts)
        return torch.zeros(texts).index_add(0, text, counts * heads[:, 0]) / total.clamp_min(1e-6)


def fit_sentences(
    read: Sentences,
    truth: NDArray[np.bool_],
    seed: int,
    progress: Progress,
    *,
    epochs: int = EPOCHS,
    apart: tuple[Sentences, NDArray[np.bool_]] | None = None,
    curves: dict[str, list[float]] | None = None,
) -> SentenceNetwork:
    """Fit to the labels of texts; `curves` takes in the losses of each epoch, those of the texts `apart` too."""
    torch.manual_seed(seed)
    inputs = torch.from_numpy(read.inputs)
    starts = np.cumsum(read.sizes) - read.sizes
    wanted = torch.from_numpy(np.where(truth, SURE, 1 - SURE).astype(np.float32))
    module = _Sentences(inputs.shape[1])

    def watch(trained: float) -> None:
        if curves is None:
            return
        curves.setdefault("train", []).append(trained)
        if apart is not None:
            others, labels = apart
            text = torch.from_numpy(np.repeat(np.arange(len(labels)), others.sizes))
            scores = module(torch.from_numpy(others.inputs), text, len(labels))
            truths = torch.from_numpy(np.where(labels, SURE, 1 - SURE).astype(np.float32))
            curves.setdefault("test", []).append(float(binary_cross_entropy_with_logits(scores, truths)))

    def loss(batch: Batch) -> Tensor:
        sizes = read.sizes[batch]
        places = np.concatenate([np.arange(starts[row], starts[row] + read.sizes[row]) for row in batch])
        text = torch.from_numpy(np.repeat(np.arange(len(batch)), sizes))
        scores = module(inputs[torch.from_numpy(places)], text, len(batch))
        return binary_cross_entropy_with_logits(scores, wanted[torch.tensor(batch)])

    fit(module, read.sizes.tolist(), loss, Schedule(epochs, 64, 1e-3, seed), progress, watch=watch)

    def numbers(tensor: Tensor) -> NDArray[np.float32]:
        found: NDArray[np.float32] = tensor.detach().numpy().T.copy()
        return found

    return SentenceNetwork(
        numbers(module.first.weight),
        numbers(module.first.bias),
        numbers(module.second.weight),
        numbers(module.second.bias),
        numbers(module.heads.weight),
        numbers(module.heads.bias),
    )
