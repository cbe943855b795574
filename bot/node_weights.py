"""Finds weights on the machine where a replica runs, which need not be the bot's."""

import os
import shutil
from pathlib import Path
from typing import Final

from shared.engine import Weights
from shared.errors import ModelUnavailable
from shared.model import AnyModel
from shared.remote_store import RemoteStore
from shared.store import Store
from shared.weights import fetch

KEPT: Final = 4
"""Versions of a model that a node keeps."""


class NodeWeights:
    """Fetches from the model store at `url` into `cache`, and from the hub; each thing once a machine."""

    def __init__(self, url: str | None, cache: str | None, hub: str | None) -> None:
        self._url, self._hub = url, hub
        self._cache = Path(cache).expanduser() if cache else _own_cache()

    def __call__(self, model: AnyModel, weights: Weights) -> Path | None:
        """Return the folder of `weights`, its checksums verified where they are known. Raises `HearthError`."""
        match weights.origin:
            case "none":
                return None
            case "default":
                # The same package lies elsewhere here.
                return model.default
            case "hub":
                return self._from_hub(weights)
            case "store":
                return self._from_store(model.name, weights)

    def _from_hub(self, weights: Weights) -> Path:
        if weights.folder is not None and (folder := Path(weights.folder)).is_dir():
            return folder
        if self._hub is None:
            raise ModelUnavailable("There is no folder {folder} on this node.", folder=weights.folder)
        return fetch(self._hub, self._cache / ".hub")

    def _from_store(self, name: str, weights: Weights) -> Path | None:
        if weights.seal is None or weights.folder is None:
            return None if weights.folder is None else Path(weights.folder)
        if self._url is not None:
            cache = Store(self._cache)
            folder = RemoteStore(self._url).fetch(name, weights.version, weights.seal, cache)
            for old in cache.versions(name)[:-KEPT]:
                if old != weights.version:
                    shutil.rmtree(folder.with_name(old), ignore_errors=True)
            return folder
        # A folder that all nodes see under the same name.
        return Store(Path(weights.folder).parents[1]).open(name, weights.version)


def _own_cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "hearth" / "models"
