"""Sequence classifiers of the BERT kind: open a folder, answer in batches, say which words decided, fine-tune.

Texts longer than the model reads at once are read in overlapping windows, whose probabilities are averaged by how much
of the text each holds.
"""

import bisect
import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from shared.checkpoint import LENGTH, TEMPERATURE, Checkpoint, encode, is_transformer, unusable
from shared.finetune import fine_tune_classifier
from shared.model import Device

__all__ = ["Attribution", "TextClassifier", "fine_tune_classifier", "is_transformer"]

OVERLAP: Final = 64
WINDOWS: Final = 4
"""Windows of a text that are read; what comes after them is not."""
EXPLAINED: Final = 2
"""Windows in which words are weighed: those that speak loudest for the label."""
CHARACTERS_A_TOKEN: Final = 16
"""A text is cut to so many characters a token that can be read, before it is taken apart."""
TOKENS_AT_ONCE: Final = 8192
WORDS: Final = 16
"""Words whose weight is measured…"""
MASKED_TOKENS: Final = 4096
"""…or fewer, so that so many tokens are read for it."""
SECONDS: Final = 6.0
"""Explaining a batch takes so long at most: after 20 s the engine would take it for stuck."""
Floats = NDArray[np.float64]
_HAN: Final = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
_WORD: Final = re.compile(rf"[{_HAN}]|[^\W{_HAN}]+(?:['’][^\W{_HAN}]+)*")


class Attribution(NamedTuple):
    """A word at `start`:`end` of a text, and the log-odds of a label that go where the word is masked."""

    start: int
    end: int
    weight: float


@dataclass(frozen=True)
class Window:
    """A piece of a text as the model reads it: token ids, and each token's place in the text."""

    ids: list[int]
    offsets: list[tuple[int, int]]
    share: float
    """How much of what is read of the text lies in it."""


class TextClassifier:
    """A sequence classifier; `labels` are lower-cased, in the order of the columns of its probabilities."""

    def __init__(self, checkpoint: Checkpoint, model: Any, tokenizer: Any, device: Device) -> None:
        self._model, self._tokenizer, self._device = model.requires_grad_(False), tokenizer, device
        self._length = checkpoint.length(tokenizer, LENGTH)
        self._vocabulary = checkpoint.vocabulary
        self._temperature = _temperature(checkpoint)
        names = model.config.id2label
        self.labels = tuple(str(names[index]).lower() for index in sorted(names))

    @classmethod
    def load(cls, folder: Path, device: Device) -> Self:
        """Open a folder, and answer once. Raises `ModelUnavailable`, which says what is wrong with it."""
        checkpoint = Checkpoint.at(folder)
        tokenizer = checkpoint.tokenizer()
        model = checkpoint.model("AutoModelForSequenceClassification", device)
        many = getattr(model.config, "problem_type", None) in ("regression", "multi_label_classification")
        if many or model.config.num_labels < 2:
            raise unusable(folder, "it does not choose one of several labels")
        found = cls(checkpoint, model, tokenizer, device)
        try:
            warm = found.probabilities(["warm up"])
        except Exception as error:
            raise unusable(folder, error) from error
        if not np.isfinite(warm).all():
            raise unusable(folder, "it answers with what is no number")
        return found

    def probabilities(self, texts: Sequence[str]) -> Floats:
        """Return the probability of each label, texts × labels; each row adds up to 1."""
        owners: list[int] = []
        windows: list[Window] = []
        for index, text in enumerate(texts):
            for window in self._windows(text):
                owners.append(index)
                windows.append(window)
        found = np.zeros((len(texts), len(self.labels)))
        if windows:
            shares = np.array([window.share for window in windows])
            np.add.at(found, owners, shares[:, None] * _softmax(self._logits([w.ids for w in windows])))
        return found

    def explanations(
        self, texts: Sequence[str], label: int | None = None, seconds: float = SECONDS
    ) -> list[list[Attribution]]:
        """Return the attributions of each text; none for those whose turn has not come after `seconds`."""
        until = time.monotonic() + seconds
        return [self.attributions(text, label) if time.monotonic() < until else [] for text in texts]

    def attributions(self, text: str, label: int | None = None) -> list[Attribution]:
        """Return the words that weigh most for or against a label (by default the likeliest), the strongest first.

        The gradient times the embedding chooses words (Han characters, or what the tokenizer makes of them); then
        each is masked in turn, and its weight is what the label's log-odds lose. 16 words at most, of the two windows
        that speak loudest for the label.
        """
        if not text.strip():
            return []
        windows = self._windows(text)
        logits = self._logits([window.ids for window in windows])
        shares = np.array([window.share for window in windows])
        chosen = int((shares @ _softmax(logits)).argmax()) if label is None else label
        whole = _log_odds(logits, chosen)
        loudest = sorted(range(len(windows)), key=lambda at: -whole[at])[:EXPLAINED]
        candidates: list[tuple[float, int, tuple[int, int], list[int]]] = []
        for at in loudest:
            scores = self._saliency(windows[at], chosen)
            for place, tokens in _words(text, windows[at].offsets).items():
                strength = abs(sum(scores[token] for token in tokens)) * windows[at].share
                candidates.append((strength, at, place, tokens))
        candidates.sort(key=lambda each: -each[0])
        longest = max(len(windows[at].ids) for at in loudest)
        candidates = candidates[: max(1, min(WORDS, MASKED_TOKENS // longest))]
        masked = self._logits([self._masked(windows[at].ids, tokens) for _, at, _, tokens in candidates])
        weights: dict[tuple[int, int], float] = {}
        for (_, at, place, _), without in zip(candidates, _log_odds(masked, chosen), strict=True):
            # A word where two windows overlap counts in both.
            weights[place] = weights.get(place, 0.0) + float(whole[at] - without) * windows[at].share
        found = [Attribution(start, end, weight) for (start, end), weight in weights.items()]
        return sorted(found, key=lambda each: -abs(each.weight))

    def _windows(self, text: str) -> list[Window]:
        """Take a text apart into what the model reads at once, with the special tokens around each piece."""
        found = encode(
            self._tokenizer,
            text[: WINDOWS * self._length * CHARACTERS_A_TOKEN],
            self._vocabulary,
            self._length,
            min(OVERLAP, self._length // 4),
        )[:WINDOWS]
        total = sum(len(each.ids) for each in found)
        return [Window(each.ids, each.offsets, len(each.ids) / total) for each in found]

    def _logits(self, rows: Sequence[Sequence[int]]) -> Floats:
        """Run rows of token ids, those of like length together; returns rows × labels, tempered."""
        import torch

        found = np.zeros((len(rows), len(self.labels)))
        with torch.inference_mode():
            for batch in batches([len(row) for row in rows]):
                logits = self._model(**self._padded([rows[index] for index in batch])).logits
                found[batch] = logits.double().cpu().numpy()
        return found / self._temperature

    def _padded(self, rows: Sequence[Sequence[int]]) -> dict[str, Any]:
        padded = self._tokenizer.pad({"input_ids": [list(row) for row in rows]}, return_tensors="pt")
        return {name: padded[name].to(self._device.name) for name in ("input_ids", "attention_mask")}

    def _saliency(self, window: Window, label: int) -> list[float]:
        """Return for each token of a window its gradient of the label's log-odds times its embedding."""
        import torch

        seen: list[Any] = []

        def watch(_module: object, _inputs: object, output: Any) -> Any:
            seen.append(output.detach().requires_grad_())
            return seen[-1]

        handle = self._model.get_input_embeddings().register_forward_hook(watch)
        try:
            with torch.enable_grad():
                logits = self._model(**self._padded([window.ids])).logits[0].float()
                others = torch.cat([logits[:label], logits[label + 1 :]])
                (gradient,) = torch.autograd.grad(logits[label] - torch.logsumexp(others, 0), seen[0])
        finally:
            handle.remove()
        found: list[float] = (gradient * seen[0]).sum(-1)[0].float().tolist()
        return found

    def _masked(self, ids: Sequence[int], tokens: Sequence[int]) -> list[int]:
        known = getattr(self._tokenizer, "mask_token_id", None)
        mask = known if known is not None and known < self._vocabulary else self._tokenizer.unk_token_id
        hidden = set(tokens)
        return [mask if at in hidden else token for at, token in enumerate(ids)]


def batches(lengths: Sequence[int], tokens: int = TOKENS_AT_ONCE) -> Iterable[list[int]]:
    """Group rows of like length, as indices; the padded size of a group is `tokens` at most, or it is one row."""
    group: list[int] = []
    for index in sorted(range(len(lengths)), key=lambda index: -lengths[index]):
        if group and lengths[group[0]] * (len(group) + 1) > tokens:
            yield group
            group = []
        group.append(index)
    if group:
        yield group


def _words(text: str, offsets: Sequence[tuple[int, int]]) -> dict[tuple[int, int], list[int]]:
    """Map the place of each word to its tokens; a token that covers several Han characters is a word of its own."""
    if not offsets:
        return {}
    spans = [match.span() for match in _WORD.finditer(text, 0, max(end for _, end in offsets))]
    starts = [start for start, _ in spans]
    found: dict[tuple[int, int], list[int]] = {}
    for token, (start, end) in enumerate(offsets):
        # A token may begin with the space before it; special tokens are empty, and signs belong to no word.
        start += len(text[start:end]) - len(text[start:end].lstrip())
        at = bisect.bisect_right(starts, start) - 1
        if start >= end or at < 0 or spans[at][1] <= start:
            continue
        found.setdefault((spans[at][0], max(end, spans[at][1])), []).append(token)
    return found


def _softmax(logits: Floats) -> Floats:
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    found: Floats = shifted / shifted.sum(axis=1, keepdims=True)
    return found


def _log_odds(logits: Floats, label: int) -> Floats:
    others = np.delete(logits, label, axis=1)
    highest = others.max(axis=1)
    found: Floats = logits[:, label] - highest - np.log(np.exp(others - highest[:, None]).sum(axis=1))
    return found


def _temperature(checkpoint: Checkpoint) -> float:
    value = checkpoint.config.get(TEMPERATURE, 1.0)
    return float(value) if isinstance(value, (int, float)) and 0.05 <= value <= 100 else 1.0
