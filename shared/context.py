"""What a command is given beside its values: who asks, the models, progress, words, its settings, the database."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, TypeVar

from shared.database import Database
from shared.errors import AllRefused, Refusal
from shared.jobs import OwnJobs
from shared.learning import Feedback
from shared.manifest import Outcome
from shared.model import AnyModel, Model, Progress
from shared.predictor import Predictor
from shared.reply import Reply
from shared.texts import Text, Texts
from shared.vault import Vault

Request = TypeVar("Request")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Asker:
    """Who asks, and where. Ids are Discord's; `guild_id` is None in a direct message; `locale` is Discord's."""

    user_id: int
    name: str
    locale: str
    guild_id: int | None = None
    channel_id: int | None = None
    permissions: int = 0
    parent_id: int | None = None
    """The channel that the thread belongs to, where this is one."""

    roles: frozenset[int] = frozenset()


@dataclass
class Tracker:
    """How far one request is, as the core shows it: place in the queue, share done, what it does now."""

    place: int = 0
    done: float | None = None
    note: str = ""
    changed: Callable[[], None] = field(default=lambda: None)

    def queue(self, place: int) -> None:
        """Note the request's place in a model's queue; 0 when it is its turn."""
        self.place = place
        self.changed()

    def step(self, done: float, note: str) -> None:
        """Note that a share `done` (0…1) of the work is behind."""
        self.done, self.note = min(max(done, 0.0), 1.0), note
        self.changed()


class Hands(Protocol):
    """What the core does for a command beyond answering one request."""

    async def labour(
        self, function: Callable[[Request, Progress], Result], request: Request, progress: Progress
    ) -> Result:
        """Run heavy work in a process of its own."""
        ...

    def folder(self, plugin: str) -> Path:
        """Return the plugin's own folder of files."""
        ...


class JobHands(Hands, Protocol):
    """What the core does for a job."""

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
        ...

    async def post(self, reply: Reply, channel: int) -> int:
        """Post to a channel, once a run."""
        ...


@dataclass(frozen=True)
class Context:
    """The command's view of the world. `settings` is the plugin's own settings object, or None."""

    plugin: str
    asker: Asker
    settings: Any
    database: Database
    texts: Texts
    predictor: Predictor
    tracker: Tracker
    timeout: float
    origin: Callable[[str], Awaitable[str]]
    set_watch: Callable[[bool], Awaitable[None]]
    vault: Vault
    jobs: OwnJobs
    hands: Hands
    left_out: list[Refusal] = field(default_factory=list)
    """Why some of several files are not in the answer; the core says so below it."""

    feedback: bool = True
    """Whether people may say here that a verdict is right or wrong."""

    async def predict(
        self, model: type[Model[Request, Result]], request: Request, *, bulk: bool = False
    ) -> Result:
        """Answer one request by a warm model. Raises the errors of `shared.errors`."""
        return await self.predictor.predict(
            model, request, timeout=self.timeout, bulk=bulk, on_place=self.tracker.queue
        )

    async def labour(self, function: Callable[[Request, Progress], Result], request: Request) -> Result:
        """Run heavy work, with progress shown: `function(request, progress)` in a process of its own, at low priority.

        `function` is a module's function, its annotations name msgspec Structs, and it imports heavy things inside
        itself. Raises the `Refusal` that it raised.
        """
        return await self.hands.labour(function, request, self.progress)

    @property
    def folder(self) -> Path:
        """The plugin's own folder of files, below the data folder; it is there."""
        return self.hands.folder(self.plugin)

    def progress(self, done: float, note: str = "") -> None:
        """Tell the asker how far a long work is: `done` in 0…1."""
        self.tracker.step(done, note)

    def text(self, msgid: str, /, **values: Any) -> str:
        """Say `msgid` in the asker's language, with `{fields}` filled in."""
        return self.texts.render(Text(msgid, values), self.asker.locale, self.plugin)

    def plural(self, msgid: str, plural: str, count: int, /, **values: Any) -> str:
        """Say a counted message in the asker's language; `{count}` is filled in."""
        return self.texts.render(Text(msgid, values, plural, count), self.asker.locale, self.plugin)

    def leave_out(self, refused: Sequence[Refusal], *, of: int) -> None:
        """Have the answer say why files, of `of` that there were, are not in it; each error names its file.

        Raises `AllRefused`, or the only one, where no other file is left to answer.
        """
        if refused and len(refused) == of:
            raise refused[0] if of == 1 else AllRefused(refused)
        self.left_out.extend(refused)

    async def source(self, model: AnyModel) -> str:
        """Say which weights of `model` answer now, for a reply's `source`."""
        return await self.origin(model.name)

    async def watch(self, on: bool) -> None:
        """Have this plugin look at each message of the asker's channel, or not any more.

        Raises `Refusal` where the bot lacks what it needs for that.
        """
        await self.set_watch(on)


@dataclass(frozen=True, kw_only=True)
class JobContext:
    """A job's view of the world: one attempt at one run of it.

    `arguments` are what the job was added with; `guild_id` is None for a job of the whole bot. `due` is when the run
    was due, in UTC, which may be a while ago; `attempt` counts from 1. `locale` is that of who added the job.
    """

    plugin: str
    settings: Any
    database: Database
    texts: Texts
    predictor: Predictor
    vault: Vault
    jobs: OwnJobs
    hands: JobHands
    arguments: Mapping[str, Any]
    guild_id: int | None
    channel_id: int | None
    locale: str
    due: datetime
    attempt: int
    timeout: float
    said: Callable[[float, str], None] = field(default=lambda _done, _note: None)
    asked: bool = False
    """Somebody asked for this run, it is not by schedule."""

    learners: Mapping[str, Feedback] = field(default_factory=dict)
    """The models that learn from feedback, by name; for the core's own jobs."""

    async def predict(self, model: type[Model[Request, Result]], request: Request) -> Result:
        """Answer one request by a warm model, after those of chat. Raises the errors of `shared.errors`."""
        return await self.predictor.predict(model, request, timeout=self.timeout, bulk=True)

    async def labour(self, function: Callable[[Request, Progress], Result], request: Request) -> Result:
        """Run `function(request, progress)` in a process of its own; see `Context.labour`."""
        return await self.hands.labour(function, request, self.progress)

    async def train(
        self, model: AnyModel, data: Path, *, judge: Path | None = None, licence: str, fewest: int = 0
    ) -> Outcome:
        """Train a model in a process of its own, store it, and let it through the gate or not.

        The gate judges on the held-out rows of `judge`, by default those of `data`; on fewer than `fewest` it lets none
        through. Raises `BadInput` where the data cannot be used.
        """
        return await self.hands.train(model, data, judge, licence, self.progress, fewest)

    async def post(self, reply: Reply, channel: int | None = None) -> int:
        """Post to a channel, by default to the job's, and return the message's id.

        What the same run posted in an earlier attempt, as its first, second … post, is not posted again. Raises
        `Refusal` where there is no such channel, or the bot may not write there.
        """
        if (target := channel or self.channel_id) is None:
            raise Refusal("This job has no channel to post to.")
        return await self.hands.post(reply, target)

    def progress(self, done: float, note: str = "") -> None:
        """Note how far a long work is: `done` in 0…1."""
        self.said(done, note)

    def text(self, msgid: str, /, **values: Any) -> str:
        """Say `msgid` in the job's language, with `{fields}` filled in."""
        return self.texts.render(Text(msgid, values), self.locale, self.plugin)

    def plural(self, msgid: str, plural: str, count: int, /, **values: Any) -> str:
        """Say a counted message in the job's language; `{count}` is filled in."""
        return self.texts.render(Text(msgid, values, plural, count), self.locale, self.plugin)

    @property
    def folder(self) -> Path:
        """The plugin's own folder of files, below the data folder; it is there."""
        return self.hands.folder(self.plugin)
