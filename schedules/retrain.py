"""The job that has a model learn from feedback: enough of it, a training at low priority, the gate, the news.

One row a model. A run that was killed is taken up where its traces say that it was: a version that is stored is not
trained once more. The joined data file holds what people wrote; it is there only while a training runs.
"""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

import msgspec
import structlog

from schedules.retrain_book import Book, Training, newest_of, votes_in, votes_since
from schedules.retrain_gate import Again, judge_again
from schedules.retrain_news import tell
from shared.context import JobContext
from shared.database import now_ms
from shared.durable import hold
from shared.errors import Fault, Refusal
from shared.learning import ENOUGH, Feedback
from shared.learning_file import Made, Order, write
from shared.plugin import Job
from shared.promotion import said
from shared.settings import Settings
from shared.store import Store

FOLDER: Final = "retrain"
"""Where the joined files lie while a training runs; whoever trains holds it."""
ATTEMPTS: Final = 3
HOUR_MS: Final = 3_600_000
WAIT_SECONDS: Final = 3.0
PATIENCE_SECONDS: Final = 1800.0
LICENCE: Final = "the base's own; feedback given by people to improve the model"
log = structlog.get_logger("hearth.retrain")


class Arguments(msgspec.Struct):
    """Which model."""

    model: str


@dataclass(frozen=True)
class Retraining:
    """One look at one model."""

    ctx: JobContext
    feedback: Feedback
    book: Book
    base: Path

    @property
    def settings(self) -> Settings:
        """Return the core's settings."""
        found: Settings = self.ctx.settings
        return found

    @property
    def model(self) -> str:
        """Return the model's name."""
        return self.book.model

    async def run(self) -> None:
        """Train if there is reason to; tell what earlier runs did not come to tell."""
        trainings = await self.book.all()
        for each in reversed(trainings):
            if each.ended_ms is not None and not each.told:
                await self._tell(each)
        begun = next((each for each in trainings if each.ended_ms is None), None)
        last = next((each for each in trainings if each.ended_ms is not None), None)
        if begun is None and not self.ctx.asked and not await self._may_be_due(last):
            return
        async with self._alone() as mine:
            if mine:
                await self._train(begun, last)

    async def _train(self, begun: Training | None, last: Training | None) -> None:
        if begun is not None:
            if (version := await asyncio.to_thread(self._stored, begun)) is not None:
                return await self._adopt(begun, version)
            if begun.attempts >= ATTEMPTS:
                return await self._end(begun.id, None, f"it broke off {begun.attempts} times")
        votes = await votes_in(self.ctx.database, self.feedback.table)
        joined = self._folder / f"{self.model}.csv"
        try:
            made = await self.ctx.labour(
                write,
                Order(base=str(self.base), votes=votes, labels=list(self.feedback.labels), out=str(joined)),
            )
            since = last.newest_ms if last else 0
            if begun is None and not self.ctx.asked and not self._enough(made, since):
                self._look_again_after(newest_of(votes))
                return None
            if begun is None:
                id = await self.book.begin(made, newest_of(votes))
            else:
                id = begun.id
                await self.book.again(id, made, newest_of(votes))
            try:
                outcome = await self.ctx.train(
                    self.feedback.model, joined, judge=self.base, licence=LICENCE, fewest=ENOUGH
                )
            except Refusal as error:
                # Trying again with the same rows is of no use.
                return await self._end(id, None, str(error))
            judgement = outcome.judgement
            return await self._end(id, outcome.version, said(judgement) if judgement else "it was not judged")
        finally:
            joined.unlink(missing_ok=True)

    async def _adopt(self, begun: Training, version: str) -> None:
        """Go on with a version that an earlier attempt stored before it was killed."""
        store = Store(self.settings.models_dir)
        judgements = await asyncio.to_thread(store.judgements, self.model, version)
        if judgements:
            return await self._end(begun.id, version, said(judgements[-1]))
        await self.book.again(begun.id)
        again = Again(
            model=f"{self.feedback.model.__module__}:{self.feedback.model.__qualname__}",
            version=version,
            store=str(store.root),
            judge=str(self.base),
            fewest=ENOUGH,
            hub=self.settings.hub.get(self.model),
            device=self.settings.device,
            threads=self.settings.threads or len(os.sched_getaffinity(0)),
        )
        return await self._end(begun.id, version, said(await self.ctx.labour(judge_again, again)))

    async def _end(self, id: int, version: str | None, reason: str) -> None:
        await self.book.end(id, version, reason)
        log.info("retrained", model=self.model, version=version, reason=reason)
        for each in await self.book.all():
            if each.id == id:
                await self._tell(each)

    async def _tell(self, each: Training) -> None:
        await tell(self.ctx, each)
        await self.book.told(each.id)

    async def _may_be_due(self, last: Training | None) -> bool:
        gap = self.settings.retrain_gap_hours * HOUR_MS
        if last is not None and now_ms() - last.begun_ms < gap:
            return False
        since = max(last.newest_ms if last else 0, self._looked)
        return await votes_since(self.ctx.database, self.feedback.table, since) > 0

    def _enough(self, made: Made, since_ms: int) -> bool:
        fresh = sum(at > since_ms for at in made.times_ms)
        return made.rows > 0 and fresh >= self.settings.retrain_after

    def _stored(self, begun: Training) -> str | None:
        """Return the version that was trained on the rows of `begun`, if it came to be stored."""
        listing = Store(self.settings.models_dir).listing(self.model)
        return next(
            (
                manifest.version
                for manifest in reversed(listing.manifests)
                if manifest.data is not None
                and manifest.data.sha256 == begun.data_sha256
                and manifest.created.timestamp() * 1000 >= begun.begun_ms
            ),
            None,
        )

    @property
    def _folder(self) -> Path:
        folder = self.ctx.folder / FOLDER
        folder.mkdir(exist_ok=True)
        return folder

    @property
    def _looked(self) -> int:
        """When the newest vote was given that was there at the last look which found too little."""
        try:
            return int(json.loads((self._folder / f"{self.model}.looked").read_text())["newest_ms"])
        except (OSError, ValueError, KeyError, TypeError):
            return 0

    def _look_again_after(self, newest_ms: int) -> None:
        (self._folder / f"{self.model}.looked").write_text(json.dumps({"newest_ms": newest_ms}))

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[bool]:
        """Let one model train at a time. Who was asked for waits; the others look again later."""
        loop = asyncio.get_running_loop()
        until = loop.time() + PATIENCE_SECONDS
        while (held := hold(self._folder)) is None:
            if not self.ctx.asked:
                yield False
                return
            if loop.time() > until:
                raise Fault("Another model is being trained.")
            await asyncio.sleep(WAIT_SECONDS)
        try:
            yield True
        finally:
            os.close(held)


async def run(ctx: JobContext) -> None:
    """Have the model that the job names learn, where there is enough to learn."""
    model = msgspec.convert(ctx.arguments, Arguments).model
    feedback = ctx.learners.get(model)
    if feedback is None:
        raise Refusal("No model {model} learns from feedback.", model=model)
    settings: Settings = ctx.settings
    if not settings.feedback:
        return
    base = settings.training.get(model, feedback.starter)
    if base is None:
        raise Refusal("{model} has no rows to start from: set HEARTH_TRAINING.", model=model)
    await Retraining(ctx, feedback, Book(ctx.database, model), base).run()


RETRAIN: Final = Job(
    name="retrain",
    run=run,
    summary="Have a model learn from feedback",
    retries=2,
    timeout=timedelta(hours=12),
)
"""Its rows, one a model, are written by `bot.jobs.declare_all`."""
