"""Trains and judges the networks for digits. Imported by the trainer and the command line only.

MNIST's own test files are what is held out, where a folder holds them; else a part of the rows that their content
chooses. A small part of the training rows is kept from fitting: it sets the temperature and the threshold.
"""

import hashlib
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from plugins.digits.augmentation import Bending
from plugins.digits.beside import make_beside, packaged_pictures, read_pictures
from plugins.digits.centring import settled
from plugins.digits.data import NONE, Digits, extra_fonts, extra_pictures, read_pack, read_part
from plugins.digits.fitting import Recipe, fit, plain_loss
from plugins.digits.judging import calibrate, judge
from plugins.digits.networks import Strong
from plugins.digits.nondigits import packaged_fonts
from plugins.digits.reader import Calibration, Reader
from plugins.digits.settings import from_environment
from plugins.digits.whether import fit_whether
from shared.errors import BadInput
from shared.model import Device, Part, Progress, Report

if TYPE_CHECKING:
    from plugins.digits.model import DigitsModel

HOLDOUT: Final = 1 / 7
CALIBRATING: Final = 1 / 30
FEWEST: Final = 100
BESIDE: Final = 40_000
"""Images beside the data set, for each training; fewer where the data set is small."""
RECIPES: Final = {
    "dense": Recipe("dense", epochs=20, head_rate=1e-3),
    "cnn": Recipe("cnn", epochs=12, head_rate=2e-3),
    "strong": Recipe("strong", epochs=14),
}
SEED: Final = 1
CURVES_NOTE: Final = (
    "the test loss is that of the training images that calibrate, by the average of the weights; the training loss, of "
    "bent images, lies higher; epochs before a break are not shown"
)
CALM: Final = Bending(turn=4.0, scale=0.04, shear=0.06, move=0.4, elastic=0.3, spoiled=0.05)
"""How images are bent in the last epochs, which are nearer to what is read: it sharpens what was learned."""
CALM_SHARE: Final = 0.3
CALM_RATE: Final = 0.2
"""Epochs and rates of the last part, as shares of those of the first."""


def train(
    model: "type[DigitsModel]", data: Path, folder: Path, progress: Progress, recipe: Recipe | None = None
) -> Report:
    """Fit on the training part of `data`, write weights to `folder`, report on the held-out part."""
    settings = from_environment()
    recipe = recipe or RECIPES[model.network]
    recipe = replace(recipe, epochs=settings.epochs or recipe.epochs)
    progress(0.0, "reading")
    rows, out = _parts(data)
    fonts, pictures = packaged_fonts(), packaged_pictures()
    if data.is_dir():
        fonts, pictures = fonts + extra_fonts(data), pictures + read_pictures(extra_pictures(data))
    calibrating = _calibrating(len(rows))
    digits, apart = rows.at(~calibrating), rows.at(calibrating)
    if len(digits) < FEWEST or len(set(digits.labels.tolist()) - {NONE}) < 10 or not len(out):
        raise BadInput("{path} has too few images to train and to judge on.", path=data)
    progress(0.01, "making images without a digit")
    beside = make_beside(min(BESIDE, 2 * len(digits)), digits, fonts, pictures, SEED)
    digits, beside = _sorted_out(digits, beside)
    curves: dict[str, list[float]] = {"train": [], "test": []}
    network: nn.Module | None = None
    for stage, (part, share) in enumerate(((recipe, 0.65), (calmed(recipe), 0.2))):
        kept = (
            None
            if settings.checkpoints is None
            else settings.checkpoints / f"{model.name}-{stage}.safetensors"
        )
        start = 0.05 + 0.65 * stage
        network = fit(
            part,
            digits,
            beside,
            partial(_within, progress, start, share),
            checkpoint=kept,
            start=network,
            watch=partial(_watch, curves, settled_digits(apart)),
        )
    assert network is not None
    reader = Reader(model.network, network, Calibration(), Device())
    if isinstance(network, Strong):
        progress(0.9, "learning what is no digit")
        fit_whether(network, reader, digits, beside, fonts, pictures, SEED)
    progress(0.92, "calibrating")
    more = make_beside(min(4_000, 4 * len(apart)), digits, fonts, pictures, SEED + 1)
    reader = Reader(model.network, network, calibrate(reader, apart, more.at(more.labels == NONE)), Device())
    reader.write(folder)
    progress(0.95, "judging")
    details = {
        "rows": {
            "training": len(digits),
            "beside": len(beside),
            "calibrating": len(apart),
            "held out": len(out),
        },
        "fonts": len(fonts),
        "epochs": recipe.epochs,
        "curves": curves,
        "curves_note": CURVES_NOTE,
        "parameters": sum(value.numel() for value in network.parameters()),
    }
    report = judge(Reader.open(folder, model.name, Device()), out, details)
    progress(1.0, "done")
    return report


def settled_digits(rows: Digits) -> tuple[Tensor, Tensor]:
    """Return the images of digits as the network reads them (n × 1 × 28 × 28 in 0…1), and their labels."""
    digits = rows.at(rows.labels != NONE)
    return torch.from_numpy(np.asarray(settled(digits.images), np.float32)).unsqueeze(1), torch.from_numpy(
        digits.labels
    )


def _watch(
    curves: dict[str, list[float]], apart: tuple[Tensor, Tensor], loss: float, network: nn.Module
) -> None:
    images, labels = apart
    with torch.inference_mode():
        answers = torch.cat([network(part) for part in torch.split(images, 500)])
    curves["train"].append(loss)
    curves["test"].append(plain_loss([answers], labels))


def calmed(recipe: Recipe) -> Recipe:
    """Return the recipe of the last part of a training: short, slow, and with images that are bent little."""
    return replace(
        recipe,
        epochs=max(1, round(recipe.epochs * CALM_SHARE)),
        rate=recipe.rate * CALM_RATE,
        head_rate=recipe.head_rate * CALM_RATE,
        bending=CALM,
    )


def _within(progress: Progress, start: float, share: float, done: float, note: str = "") -> None:
    progress(start + share * done, note)


def evaluate(reader: Reader, data: Path, part: Part) -> Report:
    """Judge on MNIST's test files of a folder, or on all rows or the held-out ones of other data."""
    if data.is_dir():
        test = read_part(data, "t10k")
        rows = test if test is not None else _parts(data)[part == "holdout"]
    else:
        rows = read_pack(data) if part == "all" else _parts(data)[1]
    return judge(reader, rows, {})


def _parts(data: Path) -> tuple[Digits, Digits]:
    """Return the training part and the held-out part. Raises `BadInput`."""
    if data.is_dir():
        rows, out = read_part(data, "train"), read_part(data, "t10k")
        if rows is None:
            raise BadInput("{path} holds no train-images-idx3-ubyte with its labels.", path=data)
        if out is not None:
            return rows, out
    else:
        rows = read_pack(data)
    held = _held_out(rows.images)
    return rows.at(~held), rows.at(held)


def _held_out(images: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Choose rows by a hash of each image, so that one that is held out is held out for ever.

    Not by likeness: digits of one kind are all alike, ones above all.
    """
    lots = [hashlib.blake2b(image.tobytes(), digest_size=8).digest() for image in images]
    return np.array([int.from_bytes(lot, "big") / 2**64 < HOLDOUT for lot in lots])


def _calibrating(rows: int) -> NDArray[np.bool_]:
    chosen = np.zeros(rows, bool)
    chosen[np.random.default_rng(SEED).permutation(rows)[: max(1, round(rows * CALIBRATING))]] = True
    return chosen


def _sorted_out(rows: Digits, beside: Digits) -> tuple[Digits, Digits]:
    """Bring images into the form that is read, and those without a digit to the images beside."""
    ready = Digits(np.asarray(np.rint(settled(rows.images) * 255), np.uint8), rows.labels)
    none = ready.at(rows.labels == NONE)
    more = Digits(np.concatenate([beside.images, none.images]), np.concatenate([beside.labels, none.labels]))
    return ready.at(rows.labels != NONE), more
