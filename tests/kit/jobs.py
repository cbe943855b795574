"""Runs of jobs without Discord: what a job posts is kept, and heavy work is really done in a process of its own."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bot.hands import CoreHands
from bot.trainer import train
from shared.context import JobContext
from shared.database import Database
from shared.errors import Refusal
from shared.jobs import Jobs, OwnJobs
from shared.manifest import Outcome
from shared.model import AnyModel, Progress
from shared.predictor import Predictor
from shared.reply import Reply
from shared.store import Store
from shared.texts import Texts
from shared.vault import Vault


@dataclass
class Hands(CoreHands):
    """Keeps posts as (channel, reply)."""

    gone: frozenset[int] = frozenset()
    """Channels that are not there."""

    posts: list[tuple[int, Reply]] = field(default_factory=list)

    async def train(
        self,
        model: AnyModel,
        data: Path,
        judge: Path | None,
        licence: str,
        progress: Progress,
        fewest: int = 0,
    ) -> Outcome:
        """Train a model, store it, and let the gate judge it."""
        path, store = f"{model.__module__}:{model.__qualname__}", Store(self.data_dir / "models")
        return await train(path, data, store, progress, judge=judge, licence=licence, fewest=fewest)

    async def post(self, reply: Reply, channel: int) -> int:
        """Keep a post. Raises `Refusal` for a channel that is gone."""
        if channel in self.gone:
            raise Refusal("The job's channel is not there any more, or the bot may not see it.")
        self.posts.append((channel, reply))
        return len(self.posts)


def job_context(
    plugin: str,
    database: Database,
    root: Path,
    *,
    settings: Any = None,
    predictor: Predictor | None = None,
    arguments: Mapping[str, Any] | None = None,
    guild: int | None = None,
    channel: int | None = None,
    locale: str = "en-US",
    due: datetime | None = None,
    texts: Texts | None = None,
) -> tuple[JobContext, Hands]:
    """Make what one attempt at a run is given; with its files below `root`; without `predictor` it asks no model."""
    hands = Hands(root)
    context = JobContext(
        plugin=plugin,
        settings=settings,
        database=database,
        texts=texts or Texts({}),
        predictor=predictor or Predictor.__new__(Predictor),
        vault=Vault(bytes(32)),
        jobs=OwnJobs(Jobs(database), plugin, guild or 0, None, locale),
        hands=hands,
        arguments=arguments or {},
        guild_id=guild,
        channel_id=channel,
        locale=locale,
        due=due or datetime.now(UTC),
        attempt=1,
        timeout=60.0,
    )
    return context, hands
