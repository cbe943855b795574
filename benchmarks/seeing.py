"""What sees: the plugins' shipped models at 32 callers, decoding apart, and the memory that each takes."""

import asyncio
import io
import statistics
import subprocess
import sys
import time
from typing import Final

import structlog
from matplotlib import cbook
from PIL import Image, ImageDraw

from benchmarks.contenders import hearth, loaded
from benchmarks.reading import seconds
from benchmarks.worker import Measured, Subject, rounds_of
from plugins.animeface.model import AnimeFace, FacesRequest
from plugins.digits.model import DigitsModel, DigitsRequest
from plugins.image.cifar import ImageCifar
from plugins.image.model import ImageModel, ImageRequest
from plugins.rollcall.faces import FaceModel, FaceRequest
from shared.fonts import BOLD, face
from shared.model import AnyModel
from shared.pictures import decode

CALLERS: Final = 32
ROUNDS: Final = 2
SIDE: Final = (1280, 960)
MEMORY: Final = """
import importlib, psutil, sys
from pathlib import Path
import torch
from shared.device import prepare_torch
from shared.model import Device
prepare_torch()
module, name = sys.argv[1].split(":")
before = psutil.Process().memory_info().rss
model = getattr(importlib.import_module(module), name)
kept = model.load(model.default, Device(threads=1))
print((psutil.Process().memory_info().rss - before) / 2**20)
"""


def portrait() -> bytes:
    """Return a photograph with one face (public domain), as large as phones send them in chat."""
    with Image.open(str(cbook.get_sample_data("grace_hopper.jpg", asfileobj=False))) as image:
        return _jpeg(image.convert("RGB").resize(SIDE, Image.Resampling.BICUBIC))


def number() -> bytes:
    """Return a picture of a written number."""
    image = Image.new("RGB", (480, 160), (240, 236, 225))
    ImageDraw.Draw(image).text((40, 20), "2 0 2 6 7", font=face(0, 96, BOLD), fill=(40, 40, 60))
    return _jpeg(image)


def subjects() -> list[Subject]:
    """Return the models with a request each, as people send them."""
    return [
        Subject("image", ImageModel, ImageRequest(data=portrait())),
        Subject("image-cifar10", ImageCifar, ImageRequest(data=portrait())),
        Subject("digits", DigitsModel, DigitsRequest(number())),
        Subject("face", FaceModel, FaceRequest(data=portrait(), draw=False)),
        Subject("animeface, 16 faces", AnimeFace, FacesRequest(seeds=list(range(16)))),
    ]


async def measure(subject: Subject) -> Measured:
    """Measure one model at 32 callers."""
    async with hearth(subject.model) as ours:
        (found,) = await rounds_of(subject, loaded(subject.model), (ours,), ROUNDS, (CALLERS,))
    return found


def mebibytes(model: AnyModel) -> float:
    """Return what loading a model adds to a process that has torch already."""
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, f"{model.__module__}:{model.__qualname__}"],
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout.split()[-1])


def section() -> str:
    """Measure, and return the section's Markdown."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    rows = []
    for subject in subjects():
        found = asyncio.run(measure(subject))
        bare = statistics.median(each.bare.throughput for each in found.rounds)
        rows.append(
            f"| {subject.title} | {bare:,.1f} | {found.median(lambda r: r.load.throughput):,.1f} "
            f"| **{found.median(lambda r: r.share):.2f}** | {found.median(lambda r: r.bare.single_ms):.0f} "
            f"| {mebibytes(subject.model):,.0f} |"
        )
    photo = portrait()
    decoding = [1000 * seconds(lambda longest=longest: decode(photo, longest)) for longest in (None, 480)]  # type: ignore[misc]
    return "\n".join(
        [
            f"A photograph of {SIDE[0]} × {SIDE[1]} pixels with one face, a picture with five digits, and sixteen "
            f"anime faces. {CALLERS} callers ask again as soon as they are answered; the bare model runs full batches "
            "in a plain loop just before and after. Both decode each picture.",
            "",
            "| model | bare, requests/s | Hearth, requests/s | share of bare | one alone, ms | memory, MiB |",
            "|---|--:|--:|--:|--:|--:|",
            *rows,
            "",
            f"Decoding the photograph takes {decoding[0]:.0f} ms; {decoding[1]:.0f} ms where 480 pixels are enough.",
        ]
    )


def _jpeg(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=88)
    return out.getvalue()


if __name__ == "__main__":
    started = time.perf_counter()
    sys.stdout.write(section() + f"\n({time.perf_counter() - started:.0f} s)\n")
