"""Where a model's weights come from: the store's champion, then a hub model, then the default that ships."""

import os
import re
from pathlib import Path
from typing import Final

import structlog

from shared.engine import Weights
from shared.errors import BadInput, HearthError, ModelUnavailable
from shared.fingerprint import checksum
from shared.model import AnyModel
from shared.store import MANIFEST, Store

HUB_NAME: Final = re.compile(r"(?P<repository>[\w.-]{1,96}/[\w.-]{1,96})@(?P<revision>[\w./-]{1,100})")
HUB_FILES: Final = ("*.json", "*.txt", "*.model")
"""What is fetched from a hub model beside its weights: nothing in it can run code. `.model` is sentencepiece's."""
WEIGHTS: Final = ("*.safetensors", "*.onnx")
"""Weights that hold no code; the first kind that a hub model has is fetched."""
OTHER_FORMATS: Final = ("onnx/*", "openvino/*", "coreml/*", "original/*")
"""Folders in which hub models keep the same weights once more, for other runtimes."""

log = structlog.get_logger("hearth.weights")


def resolve(model: AnyModel, store: Store, hub: str | None = None) -> Weights:
    """Find the weights that `model` answers with. `hub` is "org/name@revision", or None.

    Reads and checks every file of the champion, and may wait for the network: call it in a thread. What
    cannot be used is logged and passed over.
    """
    return _from_store(model.name, store) or _from_hub(model.name, store, hub) or shipped(model)


def shipped(model: AnyModel) -> Weights:
    """Return the weights in the model's package; without a folder where it ships none."""
    if model.default is None:
        return Weights(folder=None, version="none", origin="none")
    return Weights(folder=str(model.default), version="default", origin="default")


def _from_store(name: str, store: Store) -> Weights | None:
    try:
        trail = store.pointer(name).trail
    except HearthError as error:
        log.error("champion unknown", model=name, error=str(error))
        return None
    # A champion before a damaged one is the next best thing.
    for version in reversed(trail):
        try:
            folder = store.open(name, version)
            seal = checksum(folder / MANIFEST)
            return Weights(folder=str(folder.absolute()), version=version, origin="store", seal=seal)
        except HearthError as error:
            log.error("version not usable", model=name, version=version, error=str(error))
    return None


def _from_hub(name: str, store: Store, hub: str | None) -> Weights | None:
    if hub is None:
        return None
    try:
        folder = fetch(hub, store.root / ".hub")
    # With whatever the hub's client raises, the bot runs on with the weights that ship.
    except Exception as error:
        log.warning("hub model not used", model=name, hub=hub, error=_in_short(error))
        return None
    repository = hub.partition("@")[0]
    return Weights(folder=str(folder), version=f"{repository}@{folder.name[:12]}", origin="hub")


def base_folder(wanted: str, cache: Path) -> Path:
    """Return the folder of a model to start a training from: `wanted` is a folder, or "org/name@revision".

    The latter is fetched into `cache`, or found there, and may wait for the network. Raises `BadInput` where it is
    neither, `ModelUnavailable` where it cannot be had.
    """
    if (folder := Path(wanted).expanduser()).is_dir():
        return folder
    if HUB_NAME.fullmatch(wanted) is None:
        raise BadInput("{base!r} is neither a folder nor of the form org/name@revision.", base=wanted[:200])
    try:
        return fetch(wanted, cache)
    except HearthError:
        raise
    # The hub's client raises errors of its own, of its HTTP library and of the system.
    except Exception as error:
        raise ModelUnavailable(
            "The base model {base} cannot be had: {reason}", base=wanted, reason=_in_short(error)
        ) from error


def fetch(hub: str, cache: Path) -> Path:
    """Download "org/name@revision" into `cache`, or find it there, and return its folder, named by its commit.

    Raises `ValueError` where no revision is pinned, `ModelUnavailable` where it has no weights that are ever loaded,
    and the client's errors.
    """
    match = HUB_NAME.fullmatch(hub)
    if match is None:
        raise ValueError(f"{hub!r} is not of the form org/name@revision")
    # Read when the client is first imported.
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    import huggingface_hub

    for kind in WEIGHTS:
        folder = Path(
            huggingface_hub.snapshot_download(
                match["repository"],
                revision=match["revision"],
                cache_dir=cache,
                allow_patterns=[kind, *HUB_FILES],
                ignore_patterns=list(OTHER_FORMATS),
                etag_timeout=5,
            )
        )
        if any(folder.glob(kind)):
            return folder
    raise ModelUnavailable(
        "{hub} holds no weights as safetensors or ONNX; other kinds may hold code and are never loaded.",
        hub=hub,
    )


def _in_short(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
