"""A person who chats with the bot in the sandbox: types commands, presses buttons, fills in forms, and reads.

async with Person.of(sandbox, "member-1") as person:
    answer = await person.slash("spam score", text="You have won a prize!")
    assert "spam" in answer.text
    again = await person.press(answer, "wrong")
"""

import asyncio
import io
import ssl
from collections import OrderedDict
from collections.abc import Callable, Generator, Mapping, Sequence
from types import TracebackType
from typing import Any, Final, Protocol, Self
from urllib.parse import quote, urlsplit

import aiohttp

from tests.kit.answer import TIMEOUT, Answer, Json, Message, Modal, Refused, Unanswered
from tests.kit.typed import File, Typed, command_named

REMEMBERED: Final = 10_000


class Reachable(Protocol):
    """A sandbox."""

    @property
    def page_url(self) -> str:
        """The address of its page, with the token."""


class Person:
    """One of the sandbox's people, by username. Speaks `locale`, in `channel` unless told otherwise."""

    def __init__(
        self,
        page_url: str,
        name: str,
        *,
        locale: str = "en-US",
        channel: str = "general",
        tls: ssl.SSLContext | None = None,
    ) -> None:
        parts = urlsplit(page_url)
        self._base = f"{parts.scheme}://{parts.netloc}"
        self._token = parts.fragment.removeprefix("token=")
        self.name, self.locale, self.channel = name, locale, channel
        self._tls = tls
        self.id = ""
        self.commands: list[Json] = []
        """What the bot registered, as it is now."""
        self.state: Json = {}
        """The page's state as it was when the person came."""
        self.bot_online = False
        self.cut_off = asyncio.Event()
        """Set once the sandbox has stopped, or has closed the connection because it was not read."""
        self._answers: OrderedDict[str, Answer] = OrderedDict()
        self._versions: OrderedDict[str, list[Message]] = OrderedDict()
        self._following: OrderedDict[str, list[Answer]] = OrderedDict()
        """The answers that are shown in a message of another interaction, by that message."""
        self._channels: dict[str, str] = {}
        self._news = asyncio.Event()

    @classmethod
    def of(cls, sandbox: Reachable, name: str, **more: Any) -> Self:
        """Return a person of a sandbox: `async with Person.of(…) as person`, or `await` it and `close` it later."""
        return cls(sandbox.page_url, name, **more)

    async def __aenter__(self) -> Self:
        # Nothing is limited here but by the sandbox: hundreds of commands may be typed at once.
        connector = aiohttp.TCPConnector(limit=0, ssl=self._tls or True)
        headers = {"X-Sandbox-Token": self._token}
        self._http = aiohttp.ClientSession(self._base, headers=headers, connector=connector)
        try:
            self._socket = await self._http.ws_connect(
                "/page/events", protocols=("hearth-sandbox", self._token), max_msg_size=0, heartbeat=30
            )
            hello = await self._socket.receive()
            if hello.type is not aiohttp.WSMsgType.TEXT:
                raise AssertionError(f"not let in: {hello.extra or hello.data}")
            self._reader = asyncio.create_task(self._read())
            self.state = await self._call("GET", "/page/state")
        except BaseException:
            await self._http.close()
            raise
        self.commands, self.bot_online = self.state["commands"], self.state["bot_online"]
        self.id = next(user["id"] for user in self.state["users"] if user["username"] == self.name)
        self._channels = {c["name"]: c["id"] for c in self.state["channels"] if c["name"]}
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._reader.cancel()
        await asyncio.gather(self._reader, return_exceptions=True)
        await self._socket.close()
        await self._http.close()

    def __await__(self) -> Generator[Any, None, Self]:
        return self.__aenter__().__await__()

    async def close(self) -> None:
        """Go away."""
        await self.__aexit__(None, None, None)

    # Doing.

    async def say(
        self,
        text: str = "",
        *,
        files: Sequence[File] = (),
        reply_to: Message | None = None,
        channel: str | None = None,
    ) -> Message:
        """Write a message."""
        payload: Json = {"as": self.id, "content": text}
        if reply_to is not None:
            payload["reply_to"] = reply_to.id
        path = f"/page/channels/{self.channel_id(channel)}/messages"
        return Message(await self._post(path, payload, files))

    async def slash(
        self,
        command: str,
        options: Mapping[str, Any] | None = None,
        *,
        channel: str | None = None,
        within: float = TIMEOUT,
        **more: Any,
    ) -> Answer:
        """Send a slash command, such as `spam score`, and wait for its answer or for the form that it opens.

        Options by name, `_` for `-`; a `File`, a `Person`, the name of a channel or role where the option is one.
        Raises `Refused` where Discord's client would not send it, `Unanswered` where the bot does not answer.
        """
        typed = Typed(self.state)
        data = typed.command(self.commands, command, {**(options or {}), **more})
        answer = await self._interact(2, data, typed.files, channel)
        return await answer.until(Answer.is_settled, within)

    async def complete(
        self, command: str, option: str, typed: str, *, within: float = TIMEOUT, **others: Any
    ) -> list[Json]:
        """Begin to type an option, and return what the bot suggests."""
        data = Typed(self.state).command(self.commands, command, {**others, option: typed})
        focused = data
        while "value" not in focused:
            focused = next(o for o in focused["options"] if "value" not in o or o["name"] == option)
        focused["focused"] = True
        answer = await self._interact(4, data, [], None)
        await answer.until(lambda a: a.choices is not None, within)
        return answer.choices or []

    async def menu(
        self, label: str, target: "Message | Answer | Person", *, within: float = TIMEOUT
    ) -> Answer:
        """Choose a command from the menu of a message or of a user."""
        kind = 2 if isinstance(target, Person) else 3
        command = command_named(self.commands, label, kind)
        place = None
        if isinstance(target, Answer):
            target = target.message
        if isinstance(target, Message):
            place = target.channel_id
        data = {"id": command["id"], "name": label, "type": kind, "target_id": target.id}
        answer = await self._interact(2, data, [], place)
        return await answer.until(Answer.is_settled, within)

    async def press(
        self, message: Message | Answer, label_or_custom_id: str, *, within: float = TIMEOUT
    ) -> Answer:
        """Press a button."""
        return await self._use(message, label_or_custom_id, None, within)

    async def choose(
        self,
        message: Message | Answer,
        values: Sequence[str],
        *,
        select: str | None = None,
        within: float = TIMEOUT,
    ) -> Answer:
        """Choose from a select: the only one, or the one of this placeholder or custom id."""
        shown = message.message if isinstance(message, Answer) else message
        if select is None:
            select = next(str(c["custom_id"]) for c in shown.components if c["type"] in (3, 5, 6, 7, 8))
        return await self._use(shown, select, list(values), within)

    async def submit(self, modal: Modal | Answer, *, within: float = TIMEOUT, **values: Any) -> Answer:
        """Fill in a form, by the inputs' custom ids or labels (`_` for what is no letter), and send it."""
        if isinstance(modal, Answer):
            if modal.modal is None:
                raise AssertionError("no form was opened")
            modal = modal.modal
        typed = Typed(self.state)
        components = [typed.filled(modal, name, value) for name, value in values.items()]
        data = {"modal_id": modal.id, "custom_id": modal.custom_id, "components": components}
        answer = await self._interact(5, data, typed.files, modal.raw["channel_id"])
        return await answer.until(Answer.is_settled, within)

    async def edit(self, message: Message, text: str) -> Message:
        """Edit one's own message."""
        path = f"/page/channels/{message.channel_id}/messages/{message.id}"
        return Message(await self._call("PATCH", path, json={"as": self.id, "content": text}))

    async def delete(self, message: Message) -> None:
        """Delete one's own message, or dismiss one that only this person sees."""
        path = f"/page/channels/{message.channel_id}/messages/{message.id}"
        await self._call("DELETE", path, params={"as": self.id})

    async def react(self, message: Message, emoji: str, *, added: bool = True) -> None:
        """Add a reaction, or take it away."""
        path = f"/page/channels/{message.channel_id}/messages/{message.id}/reactions/{quote(emoji)}"
        await self._call("PUT" if added else "DELETE", path, params={"as": self.id})

    async def open_direct(self) -> str:
        """Open the direct conversation with the bot; return its channel's id, for `channel=`."""
        channel = await self._call("POST", "/page/dms", json={"as": self.id})
        return str(channel["id"])

    # Reading.

    async def history(self, channel: str | None = None, *, limit: int = 50) -> list[Message]:
        """Return the newest messages of a channel that this person sees, oldest first."""
        path = f"/page/channels/{self.channel_id(channel)}/messages"
        found = await self._call("GET", path, params={"as": self.id, "limit": str(limit)})
        return [Message(each) for each in found["messages"]]

    async def sees(self, wanted: Callable[[Message], bool], within: float = TIMEOUT) -> Message:
        """Wait for a message, old or new since the person came, that `wanted` holds of; return it."""
        try:
            async with asyncio.timeout(within):
                while True:
                    for versions in reversed(self._versions.values()):
                        if versions and wanted(versions[-1]):
                            return versions[-1]
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise Unanswered(f"no such message within {within:g} s") from None

    async def waits_for_command(self, name: str, within: float = TIMEOUT) -> Json:
        """Wait until the bot has registered a command or menu of this name, and is connected."""
        try:
            async with asyncio.timeout(within):
                while True:
                    for command in self.commands:
                        if command["name"] == name and self.bot_online:
                            return command
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise Unanswered(f"no command “{name}” within {within:g} s") from None

    async def download(self, attachment: Json) -> bytes:
        """Return the bytes of a file."""
        async with self._http.get(attachment["url"]) as response:
            response.raise_for_status()
            return await response.read()

    def versions(self, message_id: str) -> list[Message]:
        """Return all that a message has said, oldest first; empty once it is deleted."""
        return self._versions.get(message_id, [])

    def channel_id(self, channel: str | None = None) -> str:
        """Return the id of a channel by its name, or of the one where this person is."""
        channel = channel or self.channel
        return self._channels.get(channel, channel)

    # Inside.

    async def _use(
        self, message: Message | Answer, name: str, values: list[str] | None, within: float
    ) -> Answer:
        shown = message.message if isinstance(message, Answer) else message
        component = shown.component(name)
        self._versions.setdefault(shown.id, [shown])
        data = {
            "message_id": shown.id,
            "custom_id": component.get("custom_id"),
            "component_type": component["type"],
        }
        if values is not None:
            data["values"] = Typed(self.state).chosen(component["type"], values)
        answer = await self._interact(3, data, [], shown.channel_id)
        return await answer.until(Answer.is_settled, within)

    async def _interact(self, kind: int, data: Json, files: Sequence[File], channel: str | None) -> Answer:
        payload = {
            "as": self.id,
            "locale": self.locale,
            "channel_id": self.channel_id(channel),
            "type": kind,
            "data": data,
        }
        answered = await self._post("/page/interactions", payload, files)
        return self._answer(answered["interaction_id"])

    async def _post(self, path: str, payload: Json, files: Sequence[File]) -> Json:
        if not files:
            return await self._call("POST", path, json=payload)
        form = aiohttp.FormData(quote_fields=False)
        form.add_field("payload_json", aiohttp.JsonPayload(payload))
        for number, file in enumerate(files):
            form.add_field(f"files[{number}]", io.BytesIO(file.data), filename=file.name)
        return await self._call("POST", path, data=form)

    async def _call(self, method: str, path: str, **more: Any) -> Json:
        async with self._http.request(method, path, **more) as response:
            if response.status == 204:
                return {}
            body: Json = await response.json()
            if response.status >= 400:
                raise Refused(response.status, body["message"], body.get("field"))
            return body

    def _answer(self, interaction_id: str) -> Answer:
        # Events may come before the call that caused them has returned.
        answer = self._answers.get(interaction_id)
        if answer is None:
            answer = self._answers[interaction_id] = Answer(interaction_id, self)
            while len(self._answers) > REMEMBERED:
                self._answers.popitem(last=False)
        return answer

    def _tell_followers(self, message_id: str) -> None:
        for answer in self._following.get(message_id, []):
            answer.changed()

    async def _read(self) -> None:
        async for frame in self._socket:
            event = frame.json()
            name, data = event["t"], event["d"]
            if data.get("visible_to") in (None, self.id):
                self._take(name, data)
        # Nothing can be heard here any more.
        self.cut_off.set()
        await self._http.close()

    def _take(self, name: str, data: Json) -> None:
        match name:
            case "message_create" | "message_update":
                self._versions.setdefault(data["id"], []).append(Message(data))
                while len(self._versions) > REMEMBERED:
                    self._versions.popitem(last=False)
                if (interaction_id := data["interaction_id"]) is not None:
                    self._answer(interaction_id).add(data["id"])
                self._tell_followers(data["id"])
            case "message_delete":
                if (gone := self._versions.pop(data["id"], None)) and gone[-1].raw["interaction_id"]:
                    self._answer(gone[-1].raw["interaction_id"]).changed()
                self._tell_followers(data["id"])
            case "interaction_answered":
                answer = self._answer(data["interaction_id"])
                if data["callback_type"] in (6, 7):
                    self._following.setdefault(data["message_id"], []).append(answer)
                    while len(self._following) > REMEMBERED:
                        self._following.popitem(last=False)
                answer.acknowledged(data["callback_type"], data["message_id"])
            case "interaction_failed":
                answer = self._answer(data["interaction_id"])
                answer.failed = data["reason"]
                answer.changed()
            case "modal":
                answer = self._answer(data["interaction_id"])
                answer.modal = Modal(data["modal_id"], data["custom_id"], data["title"], data)
            case "autocomplete":
                answer = self._answer(data["interaction_id"])
                answer.choices = data["choices"]
            case "commands":
                self.commands = data["commands"]
            case "bot_status":
                self.bot_online = data["online"]
        self._news.set()


__all__ = ["File", "Person"]
