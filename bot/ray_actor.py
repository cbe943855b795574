"""A replica of one model as a Ray actor: takes the frames that the local worker takes, by calls in place of a socket.

Frames are `bytes`, which Ray passes on as they are: nothing of ours is pickled. Two threads answer in turn, so that the
model works on while the batch before is sent back and the next one taken apart; one loads beside them, and one waits
for ever, so that the end of this process is known at once to whoever waits for that call.
"""

import os
import sys
import threading
from typing import Final

import msgspec
import ray

from bot import __version__
from bot.node_weights import NodeWeights
from bot.tracing import traces_of
from bot.warm import WarmModels
from shared.frames import Load, Run, body_of, encode

RUN: Final = "run"
LOAD: Final = "load"
WATCH: Final = "watch"
GROUPS: Final = {RUN: 2, LOAD: 1, WATCH: 1}


class Setup(msgspec.Struct, frozen=True):
    """What a replica is told at its start.

    `paths` are the bot's own import paths: plugins in further folders are found where a node has the same folders.
    `store` is the address of the model store; `cache` the node's folder for what it fetches; `hub` the hub model.
    """

    device: str
    threads: int
    paths: list[str]
    store: str | None = None
    cache: str | None = None
    hub: str | None = None


class Up(msgspec.Struct, frozen=True):
    """A replica's greeting: the address of its node, its process, and which Hearth that has."""

    node: str
    pid: int
    version: str


class Replica:
    """Holds one model. It begins without: `load` gives it weights, and again when Ray has started it anew."""

    def __init__(self, setup: bytes) -> None:
        told = msgspec.msgpack.decode(setup, type=Setup)
        sys.path.extend(path for path in told.paths if path not in sys.path and os.path.isdir(path))
        # Ray has set it by the share of CPUs; read when torch and the like are imported.
        os.environ["OMP_NUM_THREADS"] = str(told.threads)
        traces = traces_of(os.environ, "hearth-worker")
        self._models = WarmModels(
            told.device, told.threads, traces, NodeWeights(told.store, told.cache, told.hub)
        )
        self._turn = threading.Lock()
        self._runs = msgspec.msgpack.Decoder(Run)
        self._loads = msgspec.msgpack.Decoder(Load)

    @ray.method(concurrency_group=RUN)
    def run(self, frame: bytes) -> bytes:
        """Answer a batch (a frame of `Run`) by a frame of `Done`."""
        run = self._runs.decode(body_of(frame))
        with self._turn:
            done = self._models.run(run)
        return encode(done)

    @ray.method(concurrency_group=LOAD)
    def hello(self) -> bytes:
        """Say where this is, as a frame of `Up`."""
        return encode(Up(str(ray.util.get_node_ip_address()), os.getpid(), __version__))

    @ray.method(concurrency_group=LOAD)
    def load(self, frame: bytes) -> bytes:
        """Load weights (a frame of `Load`) beside those that answer, and swap; a frame of `Loaded` or `Broken`."""
        return encode(self._models.carry_out(self._loads.decode(body_of(frame))))

    @ray.method(concurrency_group=WATCH)
    def watch(self) -> None:
        """Never return."""
        threading.Event().wait()
