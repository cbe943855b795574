"""Trains and judges the networks for 32-pixel pictures on one honest split. Imported by the trainer only.

Near-duplicates lie on one side of the split, and a hash of the pixels decides the side, so what is held out is held
out in every later training. A second part, cut from the training part in the same way, sets temperature and threshold.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from torch.nn import Module

from plugins.image.cifar_data import LABELS, Bools, Thumbnails, read_thumbnails
from plugins.image.cifar_fitting import fit
from plugins.image.cifar_networks import CourseNetwork, StrongNetwork
from plugins.image.cifar_reader import Calibration, CifarReader, Floats, Views, softmax
from plugins.image.cifar_recipe import COURSE, CPU, GPU, Recipe
from plugins.image.settings import from_environment
from shared.device import choose_device
from shared.errors import BadInput
from shared.lookalikes import held_out
from shared.model import Part, Progress, Report
from shared.quality import classes_report

HOLDOUT: Final = 0.1
CALIBRATING: Final = 0.04
"""Share of the pictures that set temperature and threshold, beside those that are held out."""
CURVES_NOTE: Final = (
    "the test loss is that of the pictures that calibrate; the training loss, of pictures moved and cut, with smoothed "
    "labels, lies higher; epochs before a break are not shown"
)
WATCHED: Final = 1_000
"""Pictures at most of those that calibrate whose loss is watched after each epoch."""
FEWEST: Final = 20
"""Pictures of each part."""
SURE: Final = 0.95
"""Accuracy of the answers that are given: the threshold is the lowest that reaches it."""
REFERENCE: Final = {
    # `image-cifar10-course`, trained by its recipe here on the same part and judged on the same pictures.
    "course's network": {"accuracy": 0.687, "macro_f1": 0.687, "top5": 0.971},
}


def train(
    data: Path, folder: Path, progress: Progress, recipe: Recipe | None = None, name: str = "image-cifar10"
) -> Report:
    """Fit on the training part of `data`, write weights to `folder`, report on the held-out part.

    Without a recipe, that for a GPU is taken where there is one. With the setting `checkpoints`, a training that was
    broken off goes on from its last checkpoint.
    """
    device = choose_device()
    recipe = recipe or (CPU if device.name == "cpu" else GPU)
    progress(0.0, "reading")
    rows = read_thumbnails(data)
    out, calibrating, fitting = parts(rows, data)
    kept = from_environment().checkpoints
    watched = rows.part(calibrating)
    curves: dict[str, list[float]] = {"train": [], "test": []}

    def watch(loss: float, network: Module) -> None:
        assert isinstance(network, StrongNetwork | CourseNetwork)
        # The training goes on in the mode that it sets at each step.
        reader = CifarReader(network.eval(), Calibration(), "one", device.name)
        curves["train"].append(loss)
        curves["test"].append(_log_loss(reader.logits(watched.pixels[:WATCHED]), watched.labels[:WATCHED]))

    network = fit(
        rows.part(fitting),
        recipe,
        lambda done, note="": progress(0.05 + 0.85 * done, note),
        device=device.name,
        checkpoint=None if kept is None else kept / f"{name}.safetensors",
        watch=watch,
    )
    assert isinstance(network, StrongNetwork | CourseNetwork)
    progress(0.9, "calibrating")
    views: Views = "one" if recipe.network == "course" else "moved"
    raw = CifarReader(network, Calibration(), views, device.name)
    reader = CifarReader(network, calibrate(raw, rows.part(calibrating)), views, device.name)
    reader.write(folder)
    progress(0.95, "judging")
    sizes = {"training": fitting, "calibration": calibrating, "held out": out}
    details = {
        "rows": {part: int(chosen.sum()) for part, chosen in sizes.items()},
        "parameters": sum(value.numel() for value in network.parameters()),
        "epochs": recipe.epochs,
        "curves": curves,
        "curves_note": CURVES_NOTE,
        "split": "near-duplicates on one side, the side by a hash of their pixels",
    }
    # As the weights are written, in half precision.
    report = judge(CifarReader.read(folder, device), rows.part(out), details)
    progress(1.0, "done")
    return report


def train_course(data: Path, folder: Path, progress: Progress) -> Report:
    """Train the course's network likewise."""
    return train(data, folder, progress, COURSE, "image-cifar10-course")


def evaluate(reader: CifarReader, data: Path, part: Part) -> Report:
    """Judge `reader` on all pictures of `data`, or on those that training never sees."""
    rows = read_thumbnails(data)
    if part == "holdout":
        rows = rows.part(held_out(rows.pixels, HOLDOUT))
    if not len(rows):
        raise BadInput("{path} has too few pictures to train and to judge on.", path=data)
    return judge(reader, rows, {})


def parts(rows: Thumbnails, data: Path) -> tuple[Bools, Bools, Bools]:
    """Tell which rows are held out, which calibrate, which are fitted on. Raises `BadInput` where one is too small."""
    out = held_out(rows.pixels, HOLDOUT)
    # Lots do not change with the share, so what is held out is within what this holds out.
    calibrating = held_out(rows.pixels, HOLDOUT + CALIBRATING) & ~out
    fitting = ~out & ~calibrating
    if min(part.sum() for part in (out, calibrating, fitting)) < FEWEST or len(set(rows.labels[fitting])) < 2:
        raise BadInput("{path} has too few pictures to train and to judge on.", path=data)
    return out, calibrating, fitting


def calibrate(reader: CifarReader, rows: Thumbnails) -> Calibration:
    """Choose the temperature by log loss, and the lowest threshold above which `SURE` of the answers are right."""
    logits = reader.logits(rows.pixels)
    temperatures = np.geomspace(0.05, 5, 200)
    losses = [_log_loss(logits / value, rows.labels) for value in temperatures]
    temperature = float(temperatures[int(np.argmin(losses))])
    return Calibration(temperature, threshold_for(softmax(logits / temperature), rows.labels))


def threshold_for(
    probabilities: Floats, labels: np.ndarray[Any, np.dtype[np.int64]], sure: float = SURE
) -> float:
    """Return the lowest probability from which on `sure` of the answers are right; 0.5 where none is, at most 0.9."""
    most = probabilities.max(1)
    right = probabilities.argmax(1) == labels
    for threshold in np.arange(0.2, 0.91, 0.01):
        chosen = most >= threshold
        if chosen.sum() >= FEWEST / 2 and right[chosen].mean() >= sure:
            return round(float(threshold), 2)
    return 0.5


def judge(reader: CifarReader, rows: Thumbnails, details: Mapping[str, Any]) -> Report:
    """Report on pictures, in each way of looking at them too."""
    probabilities, answered = reader.judge(rows.pixels)
    truth = rows.labels
    right = probabilities.argmax(1) == truth
    sides = {
        "temperature": reader.calibration.temperature,
        "threshold": reader.calibration.threshold,
        "answered": float(answered.mean()),
        "accuracy_answered": float(right[answered].mean()) if answered.any() else 0.0,
        "per_class": {
            label: float(right[truth == place].mean())
            for place, label in enumerate(LABELS)
            if (truth == place).any()
        },
    }
    if reader.views != "one":
        once = reader.logits(rows.pixels, "one").argmax(1)
        sides["accuracy_without_views"] = float((once == truth).mean())
    return classes_report(
        truth.tolist(), probabilities, LABELS, reference=REFERENCE, details={**sides, **details}
    )


def _log_loss(logits: Floats, labels: np.ndarray[Any, np.dtype[np.int64]]) -> float:
    return float(-np.log(softmax(logits)[np.arange(len(labels)), labels] + 1e-12).mean())
