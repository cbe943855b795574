"""Trains the convolutional network of `plugins.sentiment.network`. Imported by the trainer only: it needs torch."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from plugins.sentiment.embeddings import co_occurrence_embeddings
from plugins.sentiment.loop import Batch, Schedule, fit
from plugins.sentiment.network import LAST, SUMMED, WIDTH, Network, read
from plugins.sentiment.ngrams import Encoded
from shared.model import Progress

FORGOTTEN: Final = 0.1
"""Share of tokens that are made unknown in training, so that no single one is relied on."""
MUTED: Final = 0.3
"""Share of the embedding's dimensions that a text loses in training."""
DROPPED: Final = 0.5
SURE: Final = 0.98
"""What the network is to say of a positive text: a reviewer's label may be wrong."""


@dataclass(frozen=True)
class Shape:
    """How large the network is, and how long it is trained."""

    tokens: int
    dimensions: int
    filters: int
    epochs: int
    rate: float = 1e-3
    batch: int = 64


class Convolution(nn.Module):
    """The network in training; token 0 is no token, `unknown` is the last."""

    def __init__(self, embedding: NDArray[np.float32], filters: int) -> None:
        super().__init__()
        kinds, dimensions = embedding.shape
        self.unknown = kinds + 1
        self.embedding = nn.Embedding(kinds + 2, dimensions, padding_idx=0)
        with torch.no_grad():
            self.embedding.weight.normal_(0, 0.02)
            self.embedding.weight[1 : kinds + 1] = torch.from_numpy(embedding)
            self.embedding.weight[0] = 0
        self.convolution = nn.Conv1d(dimensions, filters, WIDTH, padding=WIDTH - 1)
        self.out = nn.Linear(filters * 3, 1)

    def forward(self, ids: Tensor) -> Tensor:
        """Return the scores of texts × tokens."""
        sizes = (ids > 0).sum(1).clamp(min=1)[:, None]
        if self.training:
            ids = torch.where((torch.rand(ids.shape) < FORGOTTEN) & (ids > 0), self.unknown, ids)
        rows = self.embedding(ids)
        if self.training:
            rows = rows * (torch.rand(len(rows), 1, rows.shape[2]) > MUTED) / (1 - MUTED)
        hidden = functional.relu(self.convolution(rows.transpose(1, 2)))
        place = torch.arange(hidden.shape[2])[None]
        inside = place < sizes + WIDTH - 1
        hidden = hidden * inside[:, None]
        # Outputs are never below zero, so what is masked by zero is never the maximum alone.
        last = hidden * (inside & (place >= sizes * LAST))[:, None]
        pooled = [hidden.amax(2), hidden.sum(2) / sizes.sqrt() * SUMMED, last.amax(2)]
        scores: Tensor = self.out(functional.dropout(torch.cat(pooled, 1), DROPPED, self.training))
        return scores[:, 0]


def fit_network(
    texts: Encoded,
    truth: NDArray[np.bool_],
    shape: Shape,
    seed: int,
    progress: Progress,
    checkpoints: Path | None = None,
) -> Network:
    """Fit the network on texts; the vocabulary's first `shape.tokens` tokens have embeddings.

    A training that was broken off goes on from what it left in the folder `checkpoints`.
    """
    progress(0.0, "embedding the tokens")
    kinds = max(2, min(shape.tokens, int(texts.ids.max(initial=0))))
    embedding = co_occurrence_embeddings(texts, kinds, shape.dimensions, seed)
    torch.manual_seed(seed)
    module = Convolution(embedding, shape.filters)
    rows = [_tokens(texts.ids[s : s + n], kinds) for s, n in zip(texts.starts, texts.sizes, strict=True)]
    wanted = torch.from_numpy(np.where(truth, SURE, 1 - SURE).astype(np.float32))

    def loss(batch: Batch) -> Tensor:
        padded = nn.utils.rnn.pad_sequence([rows[row] for row in batch], batch_first=True)
        return functional.binary_cross_entropy_with_logits(module(padded), wanted[batch])

    schedule = Schedule(shape.epochs, shape.batch, shape.rate, seed)
    digest = hashlib.sha256(texts.ids.tobytes() + texts.sizes.tobytes() + truth.tobytes()).hexdigest()
    fit(
        module,
        [len(row) for row in rows],
        loss,
        schedule,
        progress,
        checkpoint=None if checkpoints is None else checkpoints / f"network-{digest[:12]}-{seed}.safetensors",
        identity=f"{digest} {shape}",
    )
    return _network(module, shape.filters)


def _tokens(ids: NDArray[np.int64], kinds: int) -> Tensor:
    kept = ids[read(len(ids))]
    return torch.from_numpy(np.where((kept > 0) & (kept <= kinds), kept, kinds + 1))


def _network(module: Convolution, filters: int) -> Network:
    weight = module.embedding.weight.detach().numpy()
    return Network(
        # The unknown token comes first; there is no row for no token.
        embedding=np.concatenate([weight[-1:], weight[1:-1]]),
        kernel=np.ascontiguousarray(module.convolution.weight.detach().numpy().transpose(1, 2, 0)),
        filter_bias=np.asarray(module.state_dict()["convolution.bias"].numpy()),
        pooled=module.out.weight.detach().numpy().reshape(3, filters),
        bias=float(module.out.bias.detach()),
    )
