"""What a command is given beside its values: who asks, the models, progress, words, its settings, the database."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from shared.database import Database
from shared.errors import AllRefused, Refusal
from shared.model import AnyModel, Model
from shared.predictor import Predictor
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
    left_out: list[Refusal] = field(default_factory=list)
    """Why some of several files are not in the answer; the core says so below it."""

    async def predict(
        self, model: type[Model[Request, Result]], request: Request, *, bulk: bool = False
    ) -> Result:
        """Answer one request by a warm model. Raises the errors of `shared.errors`."""
        return await self.predictor.predict(
            model, request, timeout=self.timeout, bulk=bulk, on_place=self.tracker.queue
        )

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


@dataclass(frozen=True)
class JobContext:
    """A job's view of the world."""

    plugin: str
    settings: Any
    database: Database
    predictor: Predictor
