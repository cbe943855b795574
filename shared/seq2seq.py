"""Models that write a text from a text (T5, mT5, BART): open a folder, write in batches by beam search, fine-tune."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Self

from shared.checkpoint import Checkpoint, encode, save, unusable
from shared.finetune import CPU, IGNORED, Example, Recipe, split, train, validation_part
from shared.model import Device, Progress
from shared.transformer import batches

LENGTHS: Final = {"t5": 512, "mt5": 512, "umt5": 512}
"""Tokens read at once by kind of model, at most; these have relative positions, and were trained on so many."""
LENGTH: Final = 1024
BEAMS: Final = 4
NO_REPEAT: Final = 3
LENGTH_PENALTY: Final = 2.0
"""As T5 and BART were judged with on news: above 0 it favours longer texts."""
TOKENS_AT_ONCE: Final = 4096
BYTES_A_CHARACTER: Final = 1.5
"""More tokens a character than this mean that a byte-level tokenizer spells a script that it never learned."""
UNKNOWN: Final = 0.1
SAMPLE: Final = 2000
RATES: Final = {"t5": 3e-4, "mt5": 5e-4, "umt5": 5e-4}
RATE: Final = 3e-5


class Writer:
    """Writes texts. `prefix` is put before each input, as T5 wants it; `room` is how many tokens beside it are read."""

    def __init__(
        self, checkpoint: Checkpoint, model: Any, tokenizer: Any, device: Device, prefix: str
    ) -> None:
        self._model, self._tokenizer, self._device = model.requires_grad_(False), tokenizer, device
        self._vocabulary = checkpoint.vocabulary
        self._length = checkpoint.length(tokenizer, LENGTHS.get(checkpoint.kind, LENGTH))
        self._marks = len(encode(tokenizer, "", self._vocabulary, self._length)[0].ids)
        self.prefix = prefix
        self.room = self._length - len(encode(tokenizer, prefix, self._vocabulary, self._length)[0].ids)
        # BART begins what it writes with its mark of a beginning.
        wanted = {tokenizer.eos_token_id, tokenizer.bos_token_id, model.generation_config.forced_bos_token_id}
        marks = {*tokenizer.all_special_ids, *range(len(tokenizer), self._vocabulary)}
        self._never = sorted(token for token in marks - wanted if token < self._vocabulary)

    @classmethod
    def load(cls, folder: Path, device: Device, prefix: str = "") -> Self:
        """Open a folder, and write once. Raises `ModelUnavailable`, which says what is wrong with it."""
        checkpoint = Checkpoint.at(folder)
        tokenizer = checkpoint.tokenizer()
        model = checkpoint.model("AutoModelForSeq2SeqLM", device)
        try:
            found = cls(checkpoint, model, tokenizer, device, prefix)
            found.write(["warm up"], 1, 4)
        except Exception as error:
            raise unusable(folder, error) from error
        if found.room < 8:
            raise unusable(folder, "it reads too few tokens")
        return found

    def count(self, texts: Sequence[str]) -> list[int]:
        """Return how many tokens each text has, without marks and prefix."""
        if not texts:
            return []
        found = self._tokenizer(list(texts), add_special_tokens=False, split_special_tokens=True)
        return [len(ids) for ids in found["input_ids"]]

    def halves(self, text: str) -> tuple[str, str]:
        """Cut a text of several tokens in two, where its middle token begins."""
        _, offsets = encode(self._tokenizer, text, self._vocabulary, 1 << 30)[0]
        starts = sorted({start for start, end in offsets if 0 < start < end})
        at = starts[len(starts) // 2] if starts else len(text) // 2
        return text[:at], text[at:]

    def reads(self, text: str) -> bool:
        """Tell whether the tokenizer knows a text's script: few unknown tokens, and no spelling byte by byte."""
        sample = text[:SAMPLE]
        ids, _ = encode(self._tokenizer, sample, self._vocabulary, self._length)[0]
        tokens, characters = len(ids) - self._marks, sum(not c.isspace() for c in sample)
        unknown = sum(token == self._tokenizer.unk_token_id for token in ids)
        cut = tokens >= self._length - self._marks
        return unknown <= UNKNOWN * tokens and (cut or tokens <= BYTES_A_CHARACTER * characters + 2)

    def write(
        self, texts: Sequence[str], least: int, most: int, seconds: float | None = None
    ) -> list[str | None]:
        """Write a text of `least` to `most` tokens for each; an input that is too long is cut at its end.

        Beam search, those of like length together. None for those whose turn had not come after `seconds`; what is
        being written then ends there.
        """
        until = None if seconds is None else time.monotonic() + seconds
        rows = [
            encode(self._tokenizer, self.prefix + t, self._vocabulary, self._length)[0].ids for t in texts
        ]
        found: list[str | None] = [None] * len(texts)
        # The short ones first: where time is short, more of them are answered.
        for batch in reversed(list(batches([len(row) for row in rows], TOKENS_AT_ONCE))):
            left = None if until is None else until - time.monotonic()
            if left is not None and left <= 0:
                break
            for index, text in zip(
                batch, self._generate([rows[i] for i in batch], least, most, left), strict=True
            ):
                found[index] = text
        return found

    def _generate(
        self, rows: Sequence[Sequence[int]], least: int, most: int, seconds: float | None
    ) -> list[str]:
        import torch

        padded = self._tokenizer.pad({"input_ids": [list(row) for row in rows]}, return_tensors="pt")
        with torch.inference_mode():
            ids = self._model.generate(
                input_ids=padded["input_ids"].to(self._device.name),
                attention_mask=padded["attention_mask"].to(self._device.name),
                min_new_tokens=min(least, most - 1),
                max_new_tokens=most,
                # What a folder's own settings may hold otherwise, in words that contradict ours.
                min_length=0,
                max_length=None,
                do_sample=False,
                num_beams=BEAMS,
                num_return_sequences=1,
                no_repeat_ngram_size=NO_REPEAT,
                length_penalty=LENGTH_PENALTY,
                early_stopping=True,
                suppress_tokens=self._never,
                max_time=seconds,
            )
        decoded = self._tokenizer.batch_decode(ids, skip_special_tokens=True)
        return [" ".join(text.split()) for text in decoded]


def fine_tune_writer(
    base: Path,
    sources: Sequence[str],
    targets: Sequence[str],
    folder: Path,
    progress: Progress,
    device: Device,
    *,
    prefix: str = "",
    epochs: int = 3,
    rate: float | None = None,
    batch: int = 8,
    length: int = 512,
    target_length: int = 150,
    seed: int = 1,
    curves: dict[str, list[float]] | None = None,
) -> None:
    """Train `base` to write `targets` from `sources` (teacher forcing), and write the best epoch to `folder`.

    A tenth of the sources, near-duplicates together, chooses the epoch by its loss. Lengths are in tokens. Without a
    `rate`, that which suits the kind of model. `curves` takes in the losses of each epoch. Raises `BadInput` where the
    texts do not suffice, `ModelUnavailable` where `base` cannot be used.
    """
    import torch

    held = validation_part(sources)
    checkpoint = Checkpoint.at(base)
    tokenizer, model = checkpoint.tokenizer(), checkpoint.model("AutoModelForSeq2SeqLM", CPU)
    limit = min(length, checkpoint.length(tokenizer, LENGTHS.get(checkpoint.kind, LENGTH)))
    rows: list[Example] = [
        {
            "input_ids": encode(tokenizer, prefix + source, checkpoint.vocabulary, limit)[0].ids,
            "labels": encode(tokenizer, target, checkpoint.vocabulary, target_length)[0].ids,
        }
        for source, target in zip(sources, targets, strict=True)
    ]
    fit, validate = split(rows, held)
    recipe = Recipe(epochs, rate or RATES.get(checkpoint.kind, RATE), batch, seed)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        train(model, fit, validate, collator(tokenizer), recipe, device, progress, curves)
    save(model, tokenizer, folder)


def collator(tokenizer: Any) -> Any:
    """Return what pads a batch: inputs as the tokenizer does, labels with -100, which no loss is computed for."""
    import torch

    def collate(examples: Sequence[Example]) -> dict[str, Any]:
        padded = tokenizer.pad({"input_ids": [each["input_ids"] for each in examples]}, return_tensors="pt")
        longest = max(len(each["labels"]) for each in examples)
        labels = [each["labels"] + [IGNORED] * (longest - len(each["labels"])) for each in examples]
        found = {name: padded[name] for name in ("input_ids", "attention_mask")}
        return found | {"labels": torch.tensor(labels)}

    return collate
