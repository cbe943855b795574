"""The bidirectional LSTM of `sentiment-bilstm`, and its files. Imported by the worker and the trainer: needs torch."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Self

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence

from shared.errors import ModelUnavailable
from shared.model import Device

FORMAT: Final = 1
LENGTH: Final = 256
"""Tokens that are read: the last ones, where reviewers say what they think."""
DROPPED: Final = 0.5
MUTED: Final = 0.3
FORGOTTEN: Final = 0.1
LIMIT: Final = 100_000
"""Tokens of a vocabulary, and numbers of a layer's side, at most."""


class BiLSTM(nn.Module):
    """Embedding, one bidirectional LSTM over packed sequences, maximum and mean of its outputs, one linear layer.

    Token 0 is padding, 1 is any unknown token.
    """

    def __init__(self, kinds: int, dimensions: int, hidden: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(kinds + 2, dimensions, padding_idx=0)
        self.lstm = nn.LSTM(dimensions, hidden, batch_first=True, bidirectional=True)
        self.out = nn.Linear(4 * hidden, 1)

    def forward(self, ids: Tensor) -> Tensor:
        """Return the scores of texts × tokens; each text has one token at least."""
        sizes = (ids > 0).sum(1)
        if self.training:
            ids = torch.where((torch.rand(ids.shape) < FORGOTTEN) & (ids > 0), 1, ids)
        rows = self.embedding(ids)
        if self.training:
            rows = rows * (torch.rand(len(rows), 1, rows.shape[2]) > MUTED) / (1 - MUTED)
        packed = pack_padded_sequence(rows, sizes.cpu(), batch_first=True, enforce_sorted=False)
        hidden, _ = pad_packed_sequence(self.lstm(packed)[0], batch_first=True)
        inside = (torch.arange(hidden.shape[1], device=ids.device)[None] < sizes[:, None])[:, :, None]
        # Outputs lie in -1…1, so nothing masked is ever the maximum.
        most = hidden.masked_fill(~inside, -2.0).amax(1)
        mean = (hidden * inside).sum(1) / sizes[:, None]
        scores: Tensor = self.out(functional.dropout(torch.cat([most, mean], 1), DROPPED, self.training))
        return scores[:, 0]


class Recurrent:
    """A trained BiLSTM with its vocabulary."""

    def __init__(self, module: BiLSTM, vocabulary: Sequence[str], device: str = "cpu") -> None:
        self.module, self.vocabulary, self._device = module.to(device).eval(), list(vocabulary), device
        self.numbers = {form: at for at, form in enumerate(vocabulary, 2)}

    def ids(self, forms: Sequence[str]) -> Tensor:
        """Return the numbers of a text's last tokens; of an empty text, that of an unknown token."""
        return torch.tensor([self.numbers.get(form, 1) for form in forms[-LENGTH:]] or [1])

    def judge(self, texts: Sequence[Sequence[str]]) -> tuple[list[float], list[float]]:
        """Return for each text the probability of positive, and the share of known tokens."""
        rows = [self.ids(forms) for forms in texts]
        with torch.inference_mode():
            scores = self.module(pad_sequence(rows, batch_first=True).to(self._device))
        known = [float((row > 1).float().mean()) for row in rows]
        return torch.sigmoid(scores.double()).tolist(), known

    def write(self, folder: Path) -> None:
        """Write parameters as safetensors, the vocabulary as JSON."""
        folder.mkdir(parents=True, exist_ok=True)
        # Half precision: a probability changes in the fourth place.
        tensors = {name: value.half().contiguous() for name, value in self.module.state_dict().items()}
        save_file(tensors, folder / "weights.safetensors")
        document = {
            "format": FORMAT,
            "dimensions": self.module.embedding.embedding_dim,
            "hidden": self.module.lstm.hidden_size,
            "vocabulary": self.vocabulary,
        }
        text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
        (folder / "model.json").write_text(text, encoding="utf-8")

    @classmethod
    def read(cls, folder: Path, device: Device) -> Self:
        """Read what `write` wrote. Raises `ModelUnavailable` where it is something else."""
        try:
            document = json.loads((folder / "model.json").read_text(encoding="utf-8"))
            if document["format"] != FORMAT:
                raise ValueError(f"format {document['format']}")
            vocabulary = [str(form) for form in document["vocabulary"]]
            dimensions, hidden = int(document["dimensions"]), int(document["hidden"])
            if not (0 < dimensions <= 2048 and 0 < hidden <= 2048 and len(vocabulary) <= LIMIT):
                raise ValueError("a size is out of bounds")
            module = BiLSTM(len(vocabulary), dimensions, hidden)
            tensors = load_file(folder / "weights.safetensors")
            module.load_state_dict({name: value.float() for name, value in tensors.items()})
            return cls(module, vocabulary, device.name)
        except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
            raise ModelUnavailable(
                "The weights of sentiment cannot be read: {reason}", reason=repr(error)[:500]
            ) from error
