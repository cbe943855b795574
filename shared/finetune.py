"""Fine-tunes transformers: AdamW, a linear rise and fall of the rate, clipped gradients, the best epoch kept.

The loop is the same for classifiers and for models that write; `fine_tune_classifier` is the course's way with BERT.
"""

import hashlib
import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from shared.checkpoint import LENGTH, TEMPERATURE, Checkpoint, encode, save
from shared.errors import BadInput, ModelFailed
from shared.model import Device, Progress
from shared.splits import group_near_duplicates, normalise

WARM_UP: Final = 0.1
"""Share of the steps in which the learning rate rises."""
DECAY: Final = 0.01
CLIP: Final = 1.0
VALIDATION: Final = 0.1
POOL: Final = 32
"""Batches that are drawn together and sorted by length, so that little is padded."""
IGNORED: Final = -100
"""The label that no loss is computed for."""
TEMPERATURES: Final = tuple(round(1.05**step, 4) for step in range(34))
"""1 to 5: fine-tuned models are too sure, seldom too unsure."""
CPU: Final = Device("cpu")
"""Where weights are opened for training, in float32, whatever they are trained on."""

Example = Mapping[str, list[int]]
"""Token ids under `input_ids`, and under `labels` a class (one number) or the token ids to write."""
Collate = Callable[[Sequence[Example]], dict[str, Any]]


@dataclass(frozen=True)
class Recipe:
    """How to train: epochs, peak learning rate, rows a batch, and the seed of all that is drawn."""

    epochs: int
    rate: float
    batch: int
    seed: int


def fine_tune_classifier(
    base: Path,
    texts: Sequence[str],
    labels: Sequence[int],
    names: Sequence[str],
    folder: Path,
    progress: Progress,
    device: Device,
    *,
    epochs: int = 3,
    rate: float = 2e-5,
    batch: int = 16,
    length: int = 256,
    seed: int = 1,
    curves: dict[str, list[float]] | None = None,
) -> None:
    """Train the classifier of `base` to give `texts` their `labels` (places in `names`), and write it to `folder`.

    A tenth of the texts, near-duplicates together, chooses the best epoch and the temperature. Where `base` tells the
    same labels already, in whatever order, that order stays. `curves` takes in the losses of each epoch. Raises
    `BadInput` where the texts do not suffice, `ModelUnavailable` where `base` cannot be used.
    """
    import torch

    held = validation_part(texts, labels)
    checkpoint = Checkpoint.at(base)
    tokenizer = checkpoint.tokenizer()
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        ordered = _ordered(checkpoint, names)
        places = [ordered.index(name) for name in names]
        model = checkpoint.model(
            "AutoModelForSequenceClassification",
            CPU,
            new_head=True,
            id2label=dict(enumerate(ordered)),
            label2id={name: index for index, name in enumerate(ordered)},
            problem_type="single_label_classification",
        )
        limit = min(length, checkpoint.length(tokenizer, LENGTH))
        rows = [
            {
                "input_ids": encode(tokenizer, text, checkpoint.vocabulary, limit)[0].ids,
                "labels": [places[label]],
            }
            for text, label in zip(texts, labels, strict=True)
        ]
        fit, validate = split(rows, held)

        def collate(examples: Sequence[Example]) -> dict[str, Any]:
            padded = tokenizer.pad({"input_ids": [e["input_ids"] for e in examples]}, return_tensors="pt")
            found = {name: padded[name] for name in ("input_ids", "attention_mask")}
            return found | {"labels": torch.tensor([e["labels"][0] for e in examples])}

        train(model, fit, validate, collate, Recipe(epochs, rate, batch, seed), device, progress, curves)
        setattr(model.config, TEMPERATURE, _temperature(model, validate, collate, batch, device))
    save(model, tokenizer, folder)


def train(
    model: Any,
    fit: Sequence[Example],
    validate: Sequence[Example],
    collate: Collate,
    recipe: Recipe,
    device: Device,
    progress: Progress,
    curves: dict[str, list[float]] | None = None,
) -> list[float]:
    """Train `model` in place and leave it at its best epoch; returns the validation loss before, and after each.

    `curves` takes in the losses of each epoch as "train" (a batch's in the mean) and "test".

    In mixed precision on a GPU. The same seed gives the same model on one CPU. Raises `ModelFailed` where no epoch
    ends with a loss that is a number.
    """
    import torch

    model.to(device.name)
    optimizer = torch.optim.AdamW(_grouped(model), lr=recipe.rate)
    steps = recipe.epochs * math.ceil(len(fit) / recipe.batch)
    warm = max(1, round(WARM_UP * steps))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / warm, max(0.0, (steps - step) / max(1, steps - warm)))
    )
    half, scaler = _mixed(device)
    drawn = random.Random(recipe.seed)  # noqa: S311
    losses = [validation_loss(model, validate, collate, recipe.batch, device)]
    best: tuple[float, dict[str, Any]] | None = None
    done = 0
    for epoch in range(recipe.epochs):
        model.train()
        total, batches = torch.zeros((), device=device.name), 0
        for chosen in _shuffled(fit, recipe.batch, drawn):
            with torch.autocast(device.name.partition(":")[0], dtype=half, enabled=half is not None):
                loss = model(**_there(collate(chosen), device)).loss
            optimizer.zero_grad(set_to_none=True)
            scaler.scale(loss).backward()
            scaler.unscale_(optimizer)
            torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
            scaler.step(optimizer)
            scaler.update()
            schedule.step()
            # Not read before the epoch ends: a GPU need not wait for it.
            total, batches = total + loss.detach().float(), batches + 1
            done += 1
            progress(done / steps, f"epoch {epoch + 1} of {recipe.epochs}, validation loss {losses[-1]:.3f}")
        losses.append(validation_loss(model, validate, collate, recipe.batch, device))
        if curves is not None:
            curves.setdefault("train", []).append(float(total) / max(1, batches))
            curves.setdefault("test", []).append(losses[-1])
        if math.isfinite(losses[-1]) and (best is None or losses[-1] < best[0]):
            best = losses[-1], {k: v.detach().cpu().clone() for k, v in model.state_dict().items()}
    if best is None:
        raise ModelFailed("The training diverged: try a lower learning rate.")
    model.load_state_dict(best[1])
    model.eval()
    return losses


def validation_loss(
    model: Any, rows: Sequence[Example], collate: Collate, batch: int, device: Device
) -> float:
    """Return the mean loss a label over `rows`, in evaluation mode."""
    import torch

    model.eval()
    total, count = 0.0, 0
    with torch.inference_mode():
        for at in range(0, len(rows), batch):
            inputs = collate(rows[at : at + batch])
            labels = int((inputs["labels"] != IGNORED).sum())
            total += labels * float(model(**_there(inputs, device)).loss)
            count += labels
    return total / max(1, count)


def validation_part(texts: Sequence[str], labels: Sequence[int] | None = None) -> list[bool]:
    """Choose a tenth of each label's texts, near-duplicates together, by a hash of their content.

    Raises `BadInput` where a label has too few different texts for both parts.
    """
    groups = group_near_duplicates(texts)
    kinds: dict[int, set[int]] = {}
    for index, group in enumerate(groups):
        # A group goes by its first text, also where its texts are of different labels.
        if index == group:
            kinds.setdefault(labels[index] if labels is not None else 0, set()).add(group)
    held: set[int] = set()
    for found in kinds.values():
        if len(found) < 2:
            raise BadInput("There are too few different texts to fine-tune on.")
        drawn = sorted(found, key=lambda group: hashlib.sha256(normalise(texts[group]).encode()).digest())
        held.update(drawn[: max(1, round(VALIDATION * len(drawn)))])
    if not kinds or (labels is not None and len(kinds) < 2):
        raise BadInput("There are too few different texts to fine-tune on.")
    return [group in held for group in groups]


def split(rows: Sequence[Example], held: Sequence[bool]) -> tuple[list[Example], list[Example]]:
    """Part rows into those to train on and those held out."""
    fit = [row for row, out in zip(rows, held, strict=True) if not out]
    return fit, [row for row, out in zip(rows, held, strict=True) if out]


def _ordered(checkpoint: Checkpoint, names: Sequence[str]) -> list[str]:
    """Return the names in the order of the base's own labels, where those are the same: its head then means them."""
    labels = checkpoint.config.get("id2label")
    # JSON has numbers in words: "10" comes after "9".
    by_place = (
        sorted(labels.items(), key=lambda each: (len(each[0]), each[0])) if isinstance(labels, dict) else []
    )
    own = [str(label).lower() for _, label in by_place]
    if sorted(own) != sorted(name.lower() for name in names):
        return list(names)
    return sorted(names, key=lambda name: own.index(name.lower()))


def _shuffled(rows: Sequence[Example], batch: int, drawn: random.Random) -> list[list[Example]]:
    """Return the rows in batches of like length, in an order drawn anew."""
    order = list(range(len(rows)))
    drawn.shuffle(order)
    found = []
    for at in range(0, len(order), batch * POOL):
        pool = sorted(order[at : at + batch * POOL], key=lambda index: len(rows[index]["input_ids"]))
        found += [[rows[index] for index in pool[i : i + batch]] for i in range(0, len(pool), batch)]
    drawn.shuffle(found)
    return found


def _grouped(model: Any) -> list[dict[str, Any]]:
    """Spare biases and norms, which have one dimension, the weight decay."""
    decayed = [p for p in model.parameters() if p.requires_grad and p.ndim > 1]
    spared = [p for p in model.parameters() if p.requires_grad and p.ndim <= 1]
    return [{"params": decayed, "weight_decay": DECAY}, {"params": spared, "weight_decay": 0.0}]


def _temperature(model: Any, rows: Sequence[Example], collate: Collate, batch: int, device: Device) -> float:
    """Return the temperature under which the validation labels are likeliest (Guo et al. 2017)."""
    import torch

    logits, truth = [], []
    with torch.inference_mode():
        for at in range(0, len(rows), batch):
            inputs = collate(rows[at : at + batch])
            logits.append(model(**_there(inputs, device)).logits.double().cpu().numpy())
            truth += inputs["labels"].tolist()
    scores = np.concatenate(logits)

    def loss(temperature: float) -> float:
        scaled = scores / temperature
        scaled -= scaled.max(axis=1, keepdims=True)
        chosen = scaled[np.arange(len(truth)), truth]
        return float((np.log(np.exp(scaled).sum(axis=1)) - chosen).mean())

    return min(TEMPERATURES, key=loss)


def _mixed(device: Device) -> tuple[Any, Any]:
    """Return the half precision to train in, None for none, and the scaler that keeps float16 from vanishing."""
    import torch

    on_gpu = device.name.startswith("cuda")
    half = (torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16) if on_gpu else None
    return half, torch.amp.GradScaler("cuda", enabled=half is torch.float16)


def _there(inputs: Mapping[str, Any], device: Device) -> dict[str, Any]:
    return {name: value.to(device.name) for name, value in inputs.items()}
