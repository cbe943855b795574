"""The two photographs that scikit-learn ships, drawings, and small networks with weights made up on the spot."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from safetensors.torch import save_file
from sklearn.datasets import load_sample_image

from shared.device import prepare_torch
from shared.fonts import face

Pixels = NDArray[np.uint8]


def flower() -> Pixels:
    """Return a photograph of a yellow flower with petals."""
    return np.asarray(load_sample_image("flower.jpg"))


def palace() -> Pixels:
    """Return a photograph of a palace on a hill above a lake."""
    return np.asarray(load_sample_image("china.jpg"))


def written(pixels: Pixels, kind: str = "JPEG") -> bytes:
    """Return the bytes of a file."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, kind)
    return out.getvalue()


def scribble(side: int = 200) -> Pixels:
    """Return noise, which is nothing that anybody has a name for."""
    return np.random.default_rng(3).integers(0, 256, (side, side, 3), np.uint8)


def disc() -> Pixels:
    """Return a disc on a plain ground."""
    image = Image.new("RGB", (160, 120), (200, 220, 240))
    ImageDraw.Draw(image).ellipse((50, 30, 110, 90), fill=(180, 30, 30))
    return np.asarray(image)


def lettered(text: str) -> Pixels:
    """Return dark letters on a pale ground."""
    image = Image.new("RGB", (160, 160), (240, 235, 220))
    ImageDraw.Draw(image).text((30, 5), text, font=face(1, 110, 400), fill=(20, 20, 40))
    return np.asarray(image)


def saved(folder: Path, network: torch.nn.Module, config: dict[str, Any] | None = None) -> Path:
    """Write a network's weights into a folder, with a config where one is given."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file({k: v.contiguous() for k, v in network.state_dict().items()}, folder / "model.safetensors")
    if config is not None:
        (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder


def of_timm(name: str, **more: Any) -> torch.nn.Module:
    """Return a network of timm with random weights."""
    # Before this, torchvision, which timm imports, cannot be imported beside a CPU build of torch.
    prepare_torch()
    import timm

    network: torch.nn.Module = timm.create_model(name, pretrained=False, **more)
    return network


def of_torchvision(name: str) -> torch.nn.Module:
    """Return a network of torchvision with random weights."""
    prepare_torch()
    from torchvision import models

    network: torch.nn.Module = models.get_model(name, weights=None)
    return network
