"""Opens the classifier that answers: EfficientNet-Lite0, which ships, or one of torchvision or timm by settings or hub.

Of weights from outside only safetensors are read, which hold no code. Imported by the worker and the trainer only.
"""

import json
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import msgspec
import torch
from safetensors.torch import load_file
from torch import nn

from plugins.image.classifier import Classifier, Preparation
from plugins.image.familiar import Familiarity
from plugins.image.labels import Labels
from plugins.image.lite import FOLDER, WithFeatures, shipped
from plugins.image.settings import ImageSettings, from_environment
from shared.device import prepare_torch
from shared.errors import ModelUnavailable
from shared.lite0 import MIDDLE, SIDE, SPREAD, WIDTH
from shared.model import Device

CONFIG: Final = "config.json"
MAX_CONFIG: Final = 8 * 2**20
MAX_CLASSES: Final = 50_000
FALLBACK: Final = 0.4
"""The threshold for a network whose own was never measured."""


class Calibration(msgspec.Struct, frozen=True):
    """What `calibration.json` beside the weights that ship says; see their card for how it was measured."""

    temperature: float
    threshold: float


class Pretrained(msgspec.Struct, frozen=True):
    """What timm's `config.json` says of the pictures that a network was trained on."""

    input_size: tuple[int, int, int] | None = None
    test_input_size: tuple[int, int, int] | None = None
    crop_pct: float | None = None
    test_crop_pct: float | None = None
    interpolation: str | None = None
    mean: tuple[float, float, float] | None = None
    std: tuple[float, float, float] | None = None
    label_names: list[str] | None = None


class Config(msgspec.Struct, frozen=True):
    """The parts of timm's `config.json` that are read; one may be written for a network of torchvision too."""

    architecture: str | None = None
    num_classes: int | None = None
    label_names: list[str] | None = None
    label_descriptions: dict[str, str] | None = None
    pretrained_cfg: Pretrained = Pretrained()
    model_args: dict[str, Any] = {}


def chosen(folder: Path | None, device: Device, settings: ImageSettings | None = None) -> Classifier:
    """Open the network that settings name, else that of `folder`: the one that ships, or a hub model's.

    Raises `ModelUnavailable`, which says what is wrong.
    """
    settings = settings or from_environment()
    torch.set_num_threads(device.threads)
    outside = folder if folder is not None and folder != FOLDER else None
    if settings.classifier is None and settings.weights is None and outside is None:
        found = _shipped(device)
    else:
        found = _other(settings.classifier, settings.weights or outside, device, outside)
    if settings.threshold is not None:
        # What a person sets decides alone: at 0 everything is named.
        found.threshold, found.familiar = settings.threshold, None
    return found


def _shipped(device: Device) -> Classifier:
    calibration = msgspec.json.decode((FOLDER / "calibration.json").read_bytes(), type=Calibration)
    preparation = Preparation(SIDE, 0.875, mean=(MIDDLE / 255,) * 3, spread=(SPREAD / 255,) * 3)
    return Classifier(
        WithFeatures(shipped()),
        Labels.imagenet(),
        preparation,
        threshold=calibration.threshold,
        temperature=calibration.temperature,
        familiar=Familiarity.read(FOLDER, WIDTH),
        device=device.name,
    )


def _other(wanted: str | None, weights: Path | None, device: Device, outside: Path | None) -> Classifier:
    if weights is None:
        raise ModelUnavailable(
            "HEARTH_IMAGE_CLASSIFIER names {model}, but no weights: set HEARTH_IMAGE_WEIGHTS or HEARTH_HUB.",
            model=wanted or "",
        )
    try:
        config = _config(weights if weights.is_dir() else weights.parent)
        source, _, name = (wanted or f"timm:{config.architecture or ''}").partition(":")
        count = _count(config)
        prepare_torch()
        network, preparation = (_torchvision if source == "torchvision" else _timm)(name, count, config)
        state = OrderedDict(load_file(_file(weights)))
        # Some networks look there for the version of their layout, which safetensors do not keep.
        state._metadata = getattr(network.state_dict(), "_metadata", {})  # type: ignore[attr-defined]
        network.load_state_dict(state)
        return Classifier(
            network,
            _labels(config, count),
            preparation,
            name=f"{source}:{name}" if weights != outside else "",
            threshold=FALLBACK,
            device=device.name,
        )
    except ModelUnavailable:
        raise
    # Two libraries build networks here, of hundreds of kinds, each with errors of its own.
    except Exception as error:
        raise ModelUnavailable(
            "{path} cannot be used as a classifier of pictures: {reason}",
            path=weights,
            reason=" ".join(f"{type(error).__name__}: {error}".split())[:300],
        ) from error


def _timm(name: str, count: int, config: Config) -> tuple[nn.Module, Preparation]:
    import timm

    architecture = name.partition(".")[0]
    if not architecture or not timm.is_model(architecture):
        raise ValueError(f"timm has no network {name!r}")
    # Numbers alone: a word could be the path of a file that is then unpickled.
    arguments: dict[str, Any] = {k: v for k, v in config.model_args.items() if isinstance(v, int | float)}
    arguments |= {"pretrained": False, "num_classes": count}
    network: nn.Module = timm.create_model(architecture, **arguments)
    return network, _prepared(config.pretrained_cfg, getattr(network, "pretrained_cfg", None) or {})


def _torchvision(name: str, count: int, config: Config) -> tuple[nn.Module, Preparation]:
    from torchvision import models

    if name not in models.list_models(module=models):
        raise ValueError(f"torchvision has no classifier {name!r}")
    more = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
    network = models.get_model(name, weights=None, num_classes=count, **more)
    preset = models.get_model_weights(name).DEFAULT.transforms()
    known = {
        "input_size": (3, preset.crop_size[0], preset.crop_size[0]),
        "crop_pct": min(1.0, preset.crop_size[0] / preset.resize_size[0]),
        "interpolation": preset.interpolation.value,
        "mean": preset.mean,
        "std": preset.std,
    }
    return network, _prepared(config.pretrained_cfg, known)


def _prepared(said: Pretrained, known: Mapping[str, Any]) -> Preparation:
    """Return how pictures are prepared: as the config says, else as the library does for this network."""

    def either(*names: str) -> Any:
        return next(
            (
                value
                for name in names
                for value in (getattr(said, name, None), known.get(name))
                if value is not None
            ),
            None,
        )

    found = Preparation()
    if size := either("test_input_size", "input_size"):
        found = replace(found, side=size[-1])
    if share := either("test_crop_pct", "crop_pct"):
        found = replace(found, share=min(1.0, share))
    if (mean := either("mean")) and (spread := either("std")):
        found = replace(found, mean=tuple(mean), spread=tuple(spread))
    return replace(found, bilinear=either("interpolation") == "bilinear")


def _config(folder: Path) -> Config:
    path = folder / CONFIG
    if not path.is_file():
        return Config()
    if path.stat().st_size > MAX_CONFIG:
        raise ValueError(f"{CONFIG} is too large")
    return msgspec.convert(json.loads(path.read_text(encoding="utf-8")), type=Config, strict=False)


def _count(config: Config) -> int:
    names = config.label_names or config.pretrained_cfg.label_names
    count = config.num_classes or (len(names) if names else 1000)
    if not 1 < count <= MAX_CLASSES or (names and len(names) != count):
        raise ValueError(f"{count} classes with {len(names or [])} names")
    return count


def _labels(config: Config, count: int) -> Labels:
    names = config.label_names or config.pretrained_cfg.label_names
    if not names and count == 1000:
        return Labels.imagenet()
    if not names:
        return Labels.of([f"class {place}" for place in range(count)])
    described = config.label_descriptions or {}
    known = Labels.imagenet()
    return Labels.of([name if known.place(name) is not None else described.get(name, name) for name in names])


def _file(weights: Path) -> Path:
    if weights.is_file() and weights.suffix == ".safetensors":
        return weights
    files = sorted(weights.glob("*.safetensors")) if weights.is_dir() else []
    if len(files) != 1:
        raise ValueError(
            f"{len(files)} files end in .safetensors, where one is wanted; other kinds may hold code"
        )
    return files[0]
