"""One replica as the engine sees it: its actor, what it works on, and the calls to it.

A life of a replica ends when its actor is lost, by a fault, with its node, or because it is stuck. What comes from an
earlier life is dropped.
"""

import asyncio
import contextlib
import functools
import itertools
from collections.abc import Callable
from typing import Any, Final

import msgspec
import ray
import structlog
from ray.exceptions import ActorUnavailableError, RayActorError, RayError, RayTaskError

from bot import __version__
from bot.flight import Batch, Died, KnownModel, first
from bot.ray_actor import Up
from shared.engine import ReplicaStatus, Weights
from shared.errors import HearthError, ModelFailed, ModelUnavailable
from shared.frames import Broken, Done, Load, Loaded, body_of, encode

LARGE: Final = 1 << 20
"""Bytes from which a frame is handed to Ray in a thread, for it is copied to shared memory."""

AGAIN_SECONDS: Final = 0.2
log = structlog.get_logger("hearth.engine")


class Lost(Exception):
    """The actor was lost while it did this."""


class Replica:
    """Sends batches and orders to one actor; `on_change` is told when it comes up or is lost."""

    def __init__(self, model: KnownModel, make: Callable[[], Any], on_change: Callable[[], None]) -> None:
        self.model, self._make, self._on_change = model, make, on_change
        self.flying: dict[int, Batch] = {}
        self.weights: Weights | None = None
        self.ready = False
        self.trouble: ModelUnavailable | None = None
        self.retry, self.gone = asyncio.Event(), asyncio.Event()
        self.changing = asyncio.Lock()
        self.up = Up("", 0, "")
        self.device, self.rss_mib = "", 0.0
        self.restarts, self.used = 0, 0.0
        self._actor: Any = None
        self._endings: set[asyncio.Future[None]] = set()
        self._life = 0
        self._numbers = itertools.count(1)
        self._done = msgspec.msgpack.Decoder(Done)
        self._loaded: msgspec.msgpack.Decoder[Loaded | Broken] = msgspec.msgpack.Decoder(Loaded | Broken)

    @property
    def status(self) -> ReplicaStatus:
        """Return its state."""
        version = self.weights.version if self.weights else ""
        return ReplicaStatus(self.up.node, self.up.pid, version, self.ready, len(self.flying), self.restarts)

    async def come_up(self) -> None:
        """Wait until its process runs, for as long as that takes: Ray may have no room for it yet.

        Raises `ModelUnavailable` where it cannot, such as on a machine that has not the same Hearth.
        """
        if self._actor is None:
            self._actor = await asyncio.to_thread(self._make)
        while True:
            try:
                up = msgspec.msgpack.decode(body_of(await self._actor.hello.remote()), type=Up)
                break
            # It is being started again.
            except ActorUnavailableError:
                await asyncio.sleep(AGAIN_SECONDS)
            except (RayError, msgspec.MsgspecError) as error:
                self.kill()
                raise ModelUnavailable(
                    "The model's process could not be started: {reason}", reason=_in_short(error)
                ) from error
        if up.version != (ours := __version__):
            self.kill()
            raise ModelUnavailable(
                "{node} has Hearth {theirs}, and this is {ours}.", node=up.node, theirs=up.version, ours=ours
            )
        self.up = up
        self.gone.clear()
        self._when_done(self._actor.watch.remote(), self._watched, self._life)

    async def load(self, weights: Weights, seconds: float) -> None:
        """Load weights beside those that answer, and swap. Raises `ModelUnavailable`, or `Lost` where it is lost."""
        order = Load(next(self._numbers), self.model.name, self.model.path, weights)
        async with self.changing:
            life = self._life
            try:
                async with asyncio.timeout(seconds):
                    body = await self._actor.load.remote(encode(order))
            except TimeoutError:
                log.error("outlasts its time", model=self.model.name)
                self.kill()
                raise Lost from None
            except RayActorError as error:
                self.lose(life, error)
                raise Lost from None
            except RayError as error:
                raise ModelUnavailable(
                    "The model could not be loaded: {reason}", reason=_in_short(error)
                ) from error
            if life != self._life:
                raise Lost
            match self._loaded.decode(body_of(body)):
                case Loaded(device=device, rss_mib=rss, added_mib=added):
                    self.weights, self.device, self.rss_mib = weights, device, rss
                    self.model.now_has(weights, added, asyncio.get_running_loop().time())
                case Broken(reason=reason):
                    raise ModelUnavailable("The model could not be loaded: {reason}", reason=reason)

    def open(self) -> None:
        """Let it answer."""
        self.ready, self.trouble = True, None
        self._on_change()

    async def run(self, batch: Batch, frame: bytes) -> Died | None:
        """Send a batch and wait for its end; return how it died where it did."""
        life, submit = self._life, self._actor.run.remote
        self.flying[batch.id], self.used = batch, batch.started
        try:
            answer = await asyncio.to_thread(submit, frame) if len(frame) > LARGE else submit(frame)
            if life == self._life:
                self._when_done(answer, self._answered, life, batch)
            await batch.future
        except Died as died:
            return died
        finally:
            self.flying.pop(batch.id, None)
        return None

    def kill(self, stuck: Batch | None = None) -> None:
        """End its process, and do not wait to hear of that: its node may be beyond reach."""
        actor, self._actor = self._actor, None
        self.lose(self._life, None, stuck)
        if actor is not None:
            ending = asyncio.get_running_loop().run_in_executor(None, _end, actor)
            self._endings.add(ending)
            ending.add_done_callback(self._endings.discard)

    async def stop(self) -> None:
        """End its process for good."""
        self.kill()
        await asyncio.gather(*self._endings)

    def lose(self, life: int, error: BaseException | None, stuck: Batch | None = None) -> None:
        """Take this life for over: what was under way is tried again by who waits for it."""
        if life != self._life:
            return
        if error is not None:
            log.error("replica lost", model=self.model.name, node=self.up.node, error=_in_short(error))
        self._life += 1
        self.ready, self.weights = False, None
        self.gone.set()
        for batch in self.flying.values():
            if not batch.future.done():
                # Two may have been taken in hand, in either order; whichever it was, it is found when tried alone.
                batch.future.set_exception(Died(guilty=stuck in (None, batch), stuck=batch is stuck))
        self.flying.clear()
        self._on_change()

    def _when_done(self, ref: Any, then: Callable[..., None], *values: Any) -> None:
        """Call `then` in the loop with the future that Ray has set in a thread of its own."""
        loop = asyncio.get_running_loop()

        def tell(future: Any) -> None:
            # The loop may have ended before Ray.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(functools.partial(then, *values, future))

        ref.future().add_done_callback(tell)

    def _watched(self, life: int, future: Any) -> None:
        self.lose(life, future.exception())

    def _answered(self, life: int, batch: Batch, future: Any) -> None:
        if life != self._life or batch.future.done():
            return
        match future.exception():
            case None:
                self._land(batch, future.result())
            case RayActorError() as error:
                self.lose(life, error)
            case RayTaskError() as error:
                fault = ModelFailed("The model failed on this request.")
                fault.add_note(_in_short(error))
                self._fail(batch, fault)
            case error:
                # A large answer whose node is gone, or no room for one: another replica may do better.
                log.error("batch lost", model=self.model.name, error=_in_short(error))
                self._fail(batch, Died(guilty=False))
        # The next one in line is being worked on from now.
        if (following := first(self.flying)) is not None:
            following.started = asyncio.get_running_loop().time()

    def _land(self, batch: Batch, answer: bytes) -> None:
        self.flying.pop(batch.id, None)
        try:
            batch.land(self._done.decode(body_of(answer)))
        except msgspec.MsgspecError as error:
            log.error("replica sent nonsense", model=self.model.name, error=_in_short(error))
            self._fail(batch, ModelFailed("The model failed on this request."))

    def _fail(self, batch: Batch, error: HearthError | Died) -> None:
        self.flying.pop(batch.id, None)
        batch.future.set_exception(error)


def _end(actor: Any) -> None:
    # Gone already, or Ray itself is.
    with contextlib.suppress(Exception):
        ray.kill(actor)


def _in_short(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
