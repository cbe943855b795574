"""Opens folders as transformers writes them: only local files, only safetensors, never anybody's code.

Everything that needs transformers goes through here, in the worker and the trainer alone: importing it takes seconds
and much memory.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, Final, NamedTuple, Self

from shared.device import prepare_torch
from shared.errors import ModelUnavailable
from shared.model import Device

CONFIG: Final = "config.json"
INDEX: Final = "model.safetensors.index.json"
MAX_CONFIG: Final = 4 << 20
MAX_INDEX: Final = 64 << 20
LENGTH: Final = 512
"""Tokens that a classifier reads at once, at most."""
TEMPERATURE: Final = "hearth_temperature"
"""What a classifier's logits are divided by, where the config names it: fine-tuning sets it, for calibration."""
KNOWN: Final = 0.75
"""Share of the model's tokens that its tokenizer must know; models are padded to round numbers."""
_TWO_EXTRA: Final = frozenset(
    {"roberta", "xlm-roberta", "xlm-roberta-xl", "camembert", "mpnet", "longformer"}
)
"""Kinds of model that number positions from 2 on, so that two of the stated ones are of no use."""


def is_transformer(folder: Path) -> bool:
    """Tell whether a folder holds a model as transformers writes it: a config with architectures, and safetensors."""
    try:
        config = _read(folder / CONFIG, MAX_CONFIG)
    except ModelUnavailable:
        return False
    return bool(config.get("architectures")) and any(folder.glob("model*.safetensors"))


def import_transformers() -> Any:
    """Import transformers, which then neither warns nor draws progress bars, and asks no hub."""
    prepare_torch()
    # Read when the libraries are imported, or first used.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("TRANSFORMERS_NO_ADVISORY_WARNINGS", "1")
    import transformers

    logging: Any = transformers.utils.logging
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    return transformers


@dataclass(frozen=True)
class Checkpoint:
    """A folder that was looked at: what its config says, and that its weights are safetensors."""

    folder: Path
    config: Mapping[str, Any]

    @classmethod
    def at(cls, folder: Path) -> Self:
        """Look at a folder. Raises `ModelUnavailable`, which says what is wrong with it."""
        config = _read(folder / CONFIG, MAX_CONFIG)
        if not config.get("architectures"):
            raise unusable(folder, f"{CONFIG} names no architecture")
        if not any(folder.glob("model*.safetensors")):
            raise unusable(folder, "it has no model.safetensors")
        # Both can name files of other kinds, which may be pickles.
        if config.get("transformers_weights") is not None:
            raise unusable(folder, f"{CONFIG} names a file of weights")
        if (folder / INDEX).exists():
            shards = _read(folder / INDEX, MAX_INDEX).get("weight_map")
            names = set(map(str, shards.values())) if isinstance(shards, dict) else {""}
            if any(PurePath(name).name != name or not name.endswith(".safetensors") for name in names):
                raise unusable(folder, f"{INDEX} names what is no safetensors file beside it")
        return cls(folder, config)

    @property
    def kind(self) -> str:
        """Return the kind of model, such as "bert" or "t5"."""
        return str(self.config.get("model_type", ""))

    @property
    def vocabulary(self) -> int:
        """Return how many tokens the model knows."""
        stated = self.config.get("vocab_size")
        return stated if isinstance(stated, int) else 0

    def tokenizer(self) -> Any:
        """Open the tokenizer; always one that knows where in the text each token lies."""
        transformers = import_transformers()
        try:
            found = transformers.AutoTokenizer.from_pretrained(  # nosec B615 # a local folder, no download
                str(self.folder), local_files_only=True, trust_remote_code=False
            )
        # Whatever the libraries raise at files that they cannot use.
        except Exception as error:
            raise unusable(self.folder, f"its tokenizer: {_said(error)}") from error
        if not found.is_fast or None in (found.pad_token_id, found.unk_token_id):
            raise unusable(self.folder, "its tokenizer gives no offsets, or knows no padding or unknown word")
        # Without its files, transformers makes one that knows no word at all.
        if len(found) < KNOWN * self.vocabulary:
            raise unusable(self.folder, f"its tokenizer knows {len(found)} of {self.vocabulary} tokens")
        return found

    def model(self, auto: str, device: Device, *, new_head: bool = False, **settings: Any) -> Any:
        """Open the model by an auto class of transformers, on `device`, in evaluation mode.

        In half precision on a GPU that has bfloat16, else in float32. With `new_head` the folder may lack, or have in
        another size, what is not of the encoder; `settings` go into the config. Raises `ModelUnavailable`.
        """
        transformers = import_transformers()
        try:
            model, loading = getattr(transformers, auto).from_pretrained(
                str(self.folder),
                local_files_only=True,
                trust_remote_code=False,
                use_safetensors=True,
                dtype=precision(device),
                output_loading_info=True,
                ignore_mismatched_sizes=new_head,
                **settings,
            )
        except Exception as error:
            raise unusable(self.folder, error) from error
        # A mismatch is (name, shape there, shape wanted).
        lacking = {*loading["missing_keys"], *(name for name, *_ in loading["mismatched_keys"])}
        if new_head:
            encoder, pooler = f"{model.base_model_prefix}.", f"{model.base_model_prefix}.pooler."
            lacking = {name for name in lacking if name.startswith(encoder) and not name.startswith(pooler)}
        if lacking:
            names = ", ".join(sorted(lacking)[:3])
            raise unusable(self.folder, f"it was not trained for this, as it lacks {names}")
        return model.to(device.name).eval()

    def length(self, tokenizer: Any, cap: int) -> int:
        """Return how many tokens the model reads at once, `cap` at most."""
        stated = [self.config.get(name) for name in ("max_position_embeddings", "n_positions")]
        known = [
            value for value in (*stated, tokenizer.model_max_length) if isinstance(value, int) and value > 8
        ]
        least = min([cap, *known])
        return least - 2 if self.kind in _TWO_EXTRA and least == stated[0] else least


def precision(device: Device) -> Any:
    """Return the torch dtype to answer in: bfloat16 on a GPU that has it, for float16 overflows in T5."""
    import torch

    half = device.name.startswith("cuda") and torch.cuda.is_bf16_supported()
    return torch.bfloat16 if half else torch.float32


class Encoded(NamedTuple):
    """Token ids, with the model's own marks around them, and each one's place in the text (0, 0 for marks)."""

    ids: list[int]
    offsets: list[tuple[int, int]]


def encode(
    tokenizer: Any, text: str, vocabulary: int, length: int, overlap: int | None = None
) -> list[Encoded]:
    """Make token ids of a text: the first `length` of them, or with `overlap` windows of so many.

    What looks like one of the model's marks in the text is text.
    """
    found = tokenizer(
        text,
        truncation=True,
        max_length=length,
        stride=overlap or 0,
        return_overflowing_tokens=overlap is not None,
        return_offsets_mapping=True,
        split_special_tokens=True,
    )
    ids, places = found["input_ids"], found["offset_mapping"]
    if overlap is None:
        ids, places = [ids], [places]
    marks = frozenset(tokenizer.all_special_ids)

    def plain(token: int, place: tuple[int, int]) -> int:
        strange = token >= vocabulary or (token in marks and place[0] < place[1])
        return int(tokenizer.unk_token_id) if strange else token

    return [
        Encoded([plain(*each) for each in zip(*window, strict=True)], [tuple(place) for place in window[1]])
        for window in zip(ids, places, strict=True)
    ]


def save(model: Any, tokenizer: Any, folder: Path) -> None:
    """Write a model, as float32 safetensors, and its tokenizer; what `Checkpoint.at` then opens."""
    folder.mkdir(parents=True, exist_ok=True)
    model.to("cpu").float().save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _read(path: Path, limit: int) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
        content = json.loads(data) if len(data) <= limit else None
    except FileNotFoundError:
        raise unusable(path.parent, f"it has no {path.name}") from None
    except (OSError, ValueError, RecursionError) as error:
        raise unusable(path.parent, f"{path.name} cannot be read: {_said(error)}") from None
    if not isinstance(content, dict):
        raise unusable(path.parent, f"{path.name} is too long or holds no object")
    return content


def unusable(folder: Path, reason: str | BaseException) -> ModelUnavailable:
    """Say in one line why a folder cannot be used, without the place where it lies."""
    said = (reason if isinstance(reason, str) else _said(reason)).replace(str(folder), folder.name)
    return ModelUnavailable("{folder} cannot be used: {reason}.", folder=folder.name, reason=said)


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
