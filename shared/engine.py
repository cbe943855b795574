"""What runs batches: an engine, local or spread over machines. Batches are formed by `shared.batching`, not here."""

from collections.abc import Sequence
from typing import Any, Literal, Protocol

import msgspec

Origin = Literal["store", "hub", "default", "none"]
"""Where weights come from: the store's champion, a hub model, the ones that ship, or no weights needed."""


class Weights(msgspec.Struct, frozen=True):
    """Weights of a model: their folder (None where it needs none), their version, and where they come from.

    `seal` is the sha256 of the manifest of a version of the store: who fetches that from elsewhere knows by it that
    it is the same.
    """

    folder: str | None
    version: str
    origin: Origin
    seal: str | None = None


class ReplicaStatus(msgspec.Struct, frozen=True):
    """One of several processes that answer for a model: on which node, since how many restarts."""

    node: str
    pid: int
    version: str
    ready: bool
    in_flight: int
    restarts: int


class ModelStatus(msgspec.Struct, frozen=True):
    """A model as its engine knows it; times in milliseconds a batch, memory in MiB that its load added.

    `replicas` are named by engines that have several.
    """

    name: str
    version: str
    origin: Origin
    loaded: bool
    in_flight: int
    batches: int
    items: int
    mean_ms: float
    rss_mib: float
    replicas: list[ReplicaStatus] = []


class EngineStatus(msgspec.Struct, frozen=True):
    """An engine's state. `restarts` counts workers that died and were started again."""

    engine: str
    worker_pid: int | None
    alive: bool
    restarts: int
    rss_mib: float
    device: str
    models: list[ModelStatus]


class Engine(Protocol):
    """Runs whole batches of one model each."""

    async def start(self) -> None:
        """Start, and load what is to be warm."""
        ...

    async def run(self, model: str, batch: Sequence[Any], deadlines: Sequence[float]) -> Sequence[Any]:
        """Answer a batch, in order: for each item its result, a `Failure`, or a `HearthError` of it alone.

        `deadlines` are in the loop's time. Raises `ModelUnavailable` where the model cannot be loaded.
        """
        ...

    def replicas(self, model: str) -> int:
        """Return how many batches of `model` are worked on at once, at least 1; asked before each batch is cut."""
        ...

    async def load(self, model: str, weights: Weights) -> None:
        """Load other weights beside those that answer now, and swap. Raises `ModelUnavailable`; the old then stay."""
        ...

    async def unload(self, model: str) -> None:
        """Free a model's memory; it is loaded again when it is next asked."""
        ...

    async def status(self) -> EngineStatus:
        """Return the engine's state."""
        ...

    async def close(self) -> None:
        """Stop every process of the engine."""
        ...
