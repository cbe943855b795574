"""Trains and judges generators of faces on one honest split. Imported by the trainer only.

Near-duplicates lie on one side of the split, and a hash of the pixels decides the side. How good a generator is is said
by `plugins.animeface.kid` on pictures that it never saw, beside a rival and the floor.
"""

import base64
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
from torch import nn

from plugins.animeface.generator import Draws, Painter, Pictures, grid, truncated
from plugins.animeface.kid import (
    Extract,
    Floats,
    distance,
    nearest,
    pooled_features,
    random_features,
    row_losses,
)
from plugins.animeface.networks_lite import LiteFeatures
from plugins.animeface.settings import from_environment
from plugins.animeface.training_checkpoints import Pieces
from plugins.animeface.training_data import HOLDOUT, Faces, read_faces
from plugins.animeface.training_latents import gaussian_faces
from plugins.animeface.training_loop import Recipe, Training
from shared.device import choose_device
from shared.errors import BadInput
from shared.lookalikes import held_out
from shared.model import Device, Part, Progress, Report
from shared.pictures import encode

Kind = TypeVar("Kind", bound=Pieces)
FIRST_SEED: Final = 1_000_000
MOST: Final = 2_000
"""Pictures of each kind that are judged at most: what is compared is their square in number."""
MOST_TRAINED: Final = 10_000
"""Training pictures among which copies are looked for."""
RIVAL: Final = "Gaussian over 128 principal components of pixels"
COMPONENTS: Final = 128
SHOWN_TRUNCATION: Final = 0.7
SHOWN: Final = 64
FEWEST: Final = 8
FEATURES: Final = (
    "kid: pooled features of the packaged EfficientNet-Lite0 at 96 pixels, not Inception; the shipped generator was "
    "trained against maps of that network, so this is partial to it. kid_random: random convolutions, seen by none."
)


def train(data: Path, folder: Path, progress: Progress, recipe: Recipe | None = None) -> Report:
    """Train the generator that ships, or its like; see `train_in_pieces`."""
    return train_in_pieces(
        data,
        folder,
        progress,
        "animeface",
        lambda pictures: Training(recipe or Recipe(), pictures),
        lambda training: (training.network, Painter(training.average).write),
        Painter.read,
    )


def train_in_pieces(
    data: Path,
    folder: Path,
    progress: Progress,
    name: str,
    begin: Callable[[Pictures], Kind],
    ready: Callable[[Kind], tuple[nn.Module, Callable[[Path], None]]],
    read: Callable[[Path, Device], Draws],
) -> Report:
    """Train for so many minutes as the setting says, write weights to `folder`, report on the held-out part.

    With the setting `checkpoints` the next call goes on from where this one ends. `ready` returns the generator, and
    what writes its weights.
    """
    settings = from_environment()
    faces = Faces.read(data, lambda done, note="": progress(0.05 * done, note))
    training = begin(faces.training)
    checkpoint = None if settings.checkpoints is None else settings.checkpoints / f"{name}.safetensors"
    resumed = checkpoint is not None and training.resume(checkpoint)
    progress(0.05, "training")
    training.run(60 * settings.minutes, lambda done, note="": progress(0.05 + 0.85 * done, note), checkpoint)
    generator, write = ready(training)
    write(folder)
    progress(0.9, "judging")
    details = {
        "rows": {"training": len(faces.training), "held out": len(faces.held)},
        "parameters": sum(value.numel() for value in generator.parameters()),
        "steps": training.step,
        "resumed": resumed,
        "losses": training.curves.rows,
        "split": "near-duplicates on one side, the side by a hash of their pixels",
    }
    # As the weights are written, in half precision.
    report = judge(read(folder, choose_device()), faces.held, faces.training, details)
    progress(1.0, "done")
    return report


def evaluate(painter: Draws, data: Path, part: Part) -> Report:
    """Judge on all pictures of `data`, or on those that training never sees."""
    pictures = read_faces(data)
    out = held_out(pictures, HOLDOUT)
    judged = pictures[out] if part == "holdout" else pictures
    if len(judged) < FEWEST or (~out).sum() < FEWEST:
        raise BadInput("{path} has too few pictures to train and to judge on.", path=data)
    return judge(painter, judged, pictures[~out], {"part": part})


def judge(painter: Draws, real: Pictures, others: Pictures, details: Mapping[str, Any]) -> Report:
    """Report the distance to `real`, that of a rival fitted on `others`, and the floor: other real pictures.

    Where `others` are the rows that were trained on and `real` are not of them, the distances to the nearest of them
    tell how much is memorised.
    """
    random = np.random.default_rng(FIRST_SEED)
    trained = _some(others, random, MOST_TRAINED)
    real, others = _some(real, random, MOST), _some(others, random, MOST)
    latents = [painter.latent(FIRST_SEED + at) for at in range(len(real))]
    drawn = painter.draw(latents)
    near_mean = painter.draw([truncated(each, SHOWN_TRUNCATION) for each in latents])
    rival = gaussian_faces(others, len(real), COMPONENTS, FIRST_SEED)
    half = len(real) // 2
    mixed = random.permutation(len(real))
    whole = details.get("part") == "all"
    metrics, baseline, floor, shown = {}, {}, {}, {}
    pooled = pooled_features(LiteFeatures())
    losses: list[float] = []
    memory: dict[str, Any] = {}
    kinds: dict[str, Extract] = {"kid": pooled, "kid_random": random_features()}
    for name, extract in kinds.items():
        truth, found = extract(real), extract(drawn)
        metrics[name] = distance(found, truth)
        baseline[name] = distance(extract(rival), truth).value
        shown[name] = distance(extract(near_mean), truth).value
        # Rows of the training part are among all rows, so the floor of those is one half against the other.
        sides = (truth[mixed[:half]], truth[mixed[half:]]) if whole else (extract(others), truth)
        floor[name] = distance(*sides).value
        if name == "kid":
            losses = row_losses(found, truth)
            if not whole:
                memory = {"memorisation": _memorisation(found, truth, pooled(trained))}
    return Report(
        n=len(real),
        metrics=metrics,
        baseline=baseline,
        baseline_name=RIVAL,
        reference={"floor: real pictures against real": floor},
        losses=losses,
        details={
            "features": FEATURES,
            f"at_truncation_{SHOWN_TRUNCATION}": shown,
            **memory,
            **details,
            "samples_webp_base64": _samples(painter),
        },
    )


def _memorisation(drawn: Floats, held: Floats, known: Floats) -> dict[str, Any]:
    """Compare how near the features of drawn and held-out pictures are to those of the nearest training picture.

    Copies would lie nearer than pictures that were never trained on.
    """
    of_drawn, of_held = nearest(drawn, known), nearest(held, known)
    close = float(np.quantile(of_held, 0.01))
    return {
        "training_pictures": len(known),
        "median_distance_drawn": float(np.median(of_drawn)),
        "median_distance_held_out": float(np.median(of_held)),
        "least_distance_drawn": float(of_drawn.min()),
        "share_nearer_than_the_nearest_hundredth_of_held_out": float((of_drawn < close).mean()),
    }


def _samples(painter: Draws) -> str:
    faces = painter.draw([truncated(painter.latent(seed), SHOWN_TRUNCATION) for seed in range(SHOWN)])
    return base64.b64encode(encode(grid(list(faces), gap=0), "webp", 80)).decode()


def _some(pictures: Pictures, random: np.random.Generator, most: int) -> Pictures:
    """Return `most` pictures at most, by lot."""
    if len(pictures) <= most:
        return pictures
    chosen: Pictures = pictures[np.sort(random.permutation(len(pictures))[:most])]
    return chosen
