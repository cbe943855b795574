"""What answers for one language: its vocabulary, its members, and how their scores become one calibrated probability.

log-odds = shift + slope(words) · (members' scores · mix). The slope grows with the number of known tokens: a short text
says less than a review does. Imported by the worker and the trainer only: it needs numpy.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from plugins.sentiment.features import Token, tokens
from plugins.sentiment.ngrams import Floats, NGrams, Taken, encode
from plugins.sentiment.sentences import INPUTS, Encode, SentenceNetwork, Sentences, read_sentences
from shared.errors import ModelUnavailable
from shared.language import Language

FORMAT: Final = 1
Tensors = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Scored:
    """A text taken apart: log-odds of positive = `base` + the sum of `weights`, one a token."""

    tokens: list[Token]
    weights: Floats
    base: float
    known: float
    """Share of its words that the vocabulary has."""

    @property
    def log_odds(self) -> float:
        """Return the log-odds of positive."""
        return self.base + float(self.weights.sum())


@dataclass(frozen=True)
class Calibration:
    """Turns mixed scores into log-odds: slope = `steepness` · size / (size + `half`), plus `shift`."""

    mix: tuple[float, ...]
    shift: float
    steepness: float
    half: float

    def slopes(self, sizes: Floats) -> Floats:
        """Return the slope for texts of so many known tokens."""
        return self.steepness * sizes / (sizes + self.half)


@dataclass(frozen=True)
class Part:
    """The ensemble of one language. Between `unclear` and 1 - `unclear`, the verdict is left open."""

    vocabulary: list[str]
    ngrams: NGrams
    calibration: Calibration
    unclear: float
    sentences: SentenceNetwork | None = None

    @cached_property
    def numbers(self) -> dict[str, int]:
        """Return the number of each token of the vocabulary, from 1 on."""
        return {form: at for at, form in enumerate(self.vocabulary, 1)}

    @property
    def names(self) -> list[str]:
        """Return the names of the members, in the order of their scores."""
        return ["n-grams"] if self.sentences is None else ["n-grams", "sentences"]

    def members(
        self, found: Sequence[Sequence[Token]], read: Sentences | None
    ) -> tuple[list[Taken], NDArray[np.int64]]:
        """Return what each member says of texts, and the number of every token (0: not known)."""
        encoded = encode([[token.form for token in text] for text in found], self.numbers)
        taken = [self.ngrams.take_apart(encoded)]
        if self.sentences is not None:
            assert read is not None, "whoever has this member reads sentences"
            taken.append(self.sentences.take_apart(found, read))
        return taken, encoded.ids

    def score(self, texts: Sequence[str], language: Language, encode_sentences: Encode) -> list[Scored]:
        """Take each text apart; linear in the length of all."""
        found = [tokens(text, language) for text in texts]
        read = None if self.sentences is None else read_sentences(texts, encode_sentences)
        taken, ids = self.members(found, read)
        sizes = np.array([len(each) for each in found], dtype=np.int64)
        ends = np.cumsum(sizes)
        row = np.repeat(np.arange(len(texts)), sizes)
        slopes = self.calibration.slopes(np.bincount(row, ids > 0, len(texts)).astype(float))
        mix = self.calibration.mix
        weights = sum((m * each.weights for m, each in zip(mix, taken, strict=True)), np.zeros(len(row)))
        bases = sum((m * each.bases for m, each in zip(mix, taken, strict=True)), np.zeros(len(texts)))
        weights *= slopes[row]
        bases = bases * slopes + self.calibration.shift
        return [
            Scored(each, weights[end - size : end], float(base), _known(each, ids[end - size : end]))
            for each, size, end, base in zip(found, sizes, ends, bases, strict=True)
        ]

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Return the numbers to store: eight bits each, but for layers, which have sixteen."""
        kept, scale = _eight_bits(self.ngrams.weights[None])
        stored: dict[str, NDArray[Any]] = {
            "ngrams.keys": self.ngrams.keys,
            "ngrams.weights": kept[0],
            "ngrams.scale": scale,
        }
        if self.sentences is not None:
            stored |= {
                f"sentences.{name}": value.astype(np.float16) for name, value in vars(self.sentences).items()
            }
        return stored

    def document(self) -> dict[str, Any]:
        """Return what is not a tensor."""
        calibration = self.calibration
        return {
            "vocabulary": self.vocabulary,
            "bias": self.ngrams.bias,
            "floor": self.ngrams.floor,
            "longest": self.ngrams.longest,
            "mix": list(calibration.mix),
            "shift": calibration.shift,
            "steepness": calibration.steepness,
            "half": calibration.half,
            "unclear": self.unclear,
        }

    @classmethod
    def of(cls, document: Mapping[str, Any], tensors: Tensors) -> Self:
        """Put a part together again. Raises `ValueError` or `KeyError` where its pieces do not fit."""
        keys = tensors["ngrams.keys"]
        weights = tensors["ngrams.weights"].astype(np.float32) * tensors["ngrams.scale"][0]
        if keys.dtype != np.uint32 or keys.shape != weights.shape or np.any(keys[1:] <= keys[:-1]):
            raise ValueError(f"{keys.shape} keys of {keys.dtype} for {weights.shape} weights, or not sorted")
        bias, floor = float(document["bias"]), float(document["floor"])
        ngrams = NGrams(keys, weights, bias, floor, int(document["longest"]))
        mix = tuple(float(each) for each in document["mix"])
        sentences = _sentence_network(tensors) if "sentences.first" in tensors else None
        numbers = (float(document[name]) for name in ("shift", "steepness", "half"))
        vocabulary = [str(form) for form in document["vocabulary"]]
        calibration = Calibration(mix, *numbers)
        part = cls(vocabulary, ngrams, calibration, float(document["unclear"]), sentences)
        if len(mix) != len(part.names):
            raise ValueError(f"{len(mix)} weights for the members {', '.join(part.names)}")
        return part


@dataclass(frozen=True)
class Ensemble:
    """The parts by language."""

    parts: Mapping[Language, Part]

    def write(self, folder: Path) -> None:
        """Write the parameters: numbers as safetensors, words as JSON."""
        folder.mkdir(parents=True, exist_ok=True)
        tensors = {
            f"{name}.{key}": np.ascontiguousarray(value)
            for name, part in self.parts.items()
            for key, value in part.tensors().items()
        }
        (folder / "weights.safetensors").write_bytes(save(tensors))
        document = {
            "format": FORMAT,
            "languages": {name: part.document() for name, part in self.parts.items()},
        }
        text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
        (folder / "model.json").write_text(text, encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read what `write` wrote. Raises `ModelUnavailable` where it is something else."""
        try:
            document = json.loads((folder / "model.json").read_text(encoding="utf-8"))
            tensors = load((folder / "weights.safetensors").read_bytes())
            if document["format"] != FORMAT:
                raise ValueError(f"format {document['format']}")
            parts: dict[Language, Part] = {}
            for name, each in document["languages"].items():
                if name not in ("en", "zh"):
                    raise ValueError(f"language {name}")
                own = {
                    key.removeprefix(f"{name}."): value
                    for key, value in tensors.items()
                    if key.startswith(f"{name}.")
                }
                parts[name] = Part.of(each, own)
            if not parts:
                raise ValueError("no language")
            return cls(parts)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, SafetensorError) as error:
            raise ModelUnavailable(
                "The weights of sentiment cannot be read: {reason}", reason=repr(error)
            ) from error


def _known(found: Sequence[Token], ids: NDArray[np.int64]) -> float:
    words = [number > 0 for token, number in zip(found, ids.tolist(), strict=True) if token.is_word]
    return sum(words) / len(words) if words else 0.0


def _eight_bits(rows: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Return rows in eight bits, and the scale of each row."""
    scales = np.maximum(np.abs(rows).max(axis=1, initial=0.0), 1e-12) / 127
    return np.round(rows / scales[:, None]).astype(np.int8), scales.astype(np.float32)


def _sentence_network(tensors: Tensors) -> SentenceNetwork:
    names = ("first", "first_bias", "second", "second_bias", "heads", "heads_bias")
    values = [tensors[f"sentences.{name}"].astype(np.float32) for name in names]
    inputs, hidden = values[0].shape
    wanted = [(INPUTS, hidden), (hidden,), (hidden, hidden), (hidden,), (hidden, 2), (2,)]
    if inputs != INPUTS or [value.shape for value in values] != wanted:
        raise ValueError(f"layers of {[value.shape for value in values]} do not fit")
    return SentenceNetwork(*values)
