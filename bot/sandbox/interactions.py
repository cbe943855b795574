"""The life of an interaction: sent, acknowledged within 3 s, answered while its token lives, or failed."""

import asyncio
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from bot.sandbox import components
from bot.sandbox.attachments import EPHEMERAL_FLAG, Upload
from bot.sandbox.errors import Json, PageError, Problems, invalid, known
from bot.sandbox.interaction import (
    Callback,
    Interaction,
    Kind,
    callback_answer,
    checked_choices,
    full_name,
    metadata,
)
from bot.sandbox.messages import MENU_ANSWER, PLAIN, SLASH_ANSWER, Message, Messages, Origin
from bot.sandbox.snowflake import Snowflakes
from bot.sandbox.validate import LAYOUT_FLAG, LOADING_FLAG, Draft, draft
from bot.sandbox.world import Channel, World

_ANSWERS: Final[dict[Kind, frozenset[Callback]]] = {
    Kind.COMMAND: frozenset({Callback.MESSAGE, Callback.THINKING, Callback.MODAL}),
    Kind.COMPONENT: frozenset(
        {Callback.MESSAGE, Callback.THINKING, Callback.DEFER_UPDATE, Callback.UPDATE, Callback.MODAL}
    ),
    Kind.AUTOCOMPLETE: frozenset({Callback.CHOICES}),
    Kind.MODAL_SUBMIT: frozenset(
        {Callback.MESSAGE, Callback.THINKING, Callback.DEFER_UPDATE, Callback.UPDATE}
    ),
}
NO_ANSWER: Final = "The application did not respond"


@dataclass
class OpenModal:
    """A modal that a person has before them."""

    id: str
    user_id: str
    interaction: Interaction
    body: Json


class Wire(Protocol):
    """Where interactions go to and what comes of them is shown."""

    def interaction(self, interaction: Interaction) -> None:
        """Send an interaction to the bot."""

    def happened(self, event: str, interaction: Interaction, detail: Json) -> None:
        """Tell the page what became of an interaction."""


class Interactions:
    """All live interactions; the oldest give way when `cap` is reached."""

    def __init__(
        self,
        world: World,
        messages: Messages,
        snowflakes: Snowflakes,
        *,
        ack_seconds: float,
        token_seconds: float,
        cap: int,
    ) -> None:
        self._world, self._messages, self._snowflakes = world, messages, snowflakes
        self._ack_seconds, self._token_seconds, self._cap = ack_seconds, token_seconds, cap
        self._by_id: OrderedDict[str, Interaction] = OrderedDict()
        self._by_token: dict[str, Interaction] = {}
        self._modals: OrderedDict[str, OpenModal] = OrderedDict()
        self.wires: list[Wire] = []

    def open(
        self,
        kind: Kind,
        user_id: str,
        channel: Channel,
        data: Json,
        locale: str,
        *,
        source: Message | None = None,
        trigger: Json | None = None,
    ) -> Interaction:
        """Send a new interaction to the bot and start its clock."""
        loop = asyncio.get_running_loop()
        self._prune(loop.time())
        interaction = Interaction(
            id=self._snowflakes.next(),
            token=secrets.token_urlsafe(48),
            type=kind,
            user_id=user_id,
            channel=channel,
            data=data,
            locale=locale,
            expires=loop.time() + self._token_seconds,
            source=source,
            trigger=trigger,
        )
        self._by_id[interaction.id] = self._by_token[interaction.token] = interaction
        interaction.timer = loop.call_later(self._ack_seconds, self._unanswered, interaction)
        for wire in self.wires:
            wire.interaction(interaction)
        return interaction

    def close(self) -> None:
        """Stop all clocks."""
        for interaction in self._by_id.values():
            if interaction.timer is not None:
                interaction.timer.cancel()

    def open_modal(self, modal_id: str, user_id: str) -> OpenModal:
        """Return a modal that a person has before them."""
        found = self._modals.get(modal_id)
        if found is None or found.user_id != user_id:
            raise PageError("That form is no longer open.", "data.modal_id", 404)
        return found

    def modal_sent(self, modal: OpenModal) -> None:
        """Close a modal."""
        self._modals.pop(modal.id, None)

    # What the bot calls.

    def callback(self, interaction_id: str, token: str, body: Json, uploads: Mapping[int, Upload]) -> Json:
        """Take the bot's acknowledgement; return the body that `with_response` asks for.

        Raises Discord's 10062 (gone or too late), 40060 (a second one) and 50035.
        """
        interaction = self._by_id.get(interaction_id)
        if interaction is None or not hmac.compare_digest(interaction.token.encode(), token.encode()):
            raise known(10062)
        if interaction.failed or self._is_over(interaction):
            raise known(10062)
        if interaction.callback is not None:
            raise known(40060)
        kind = body.get("type")
        allowed = _ANSWERS[interaction.type]
        if interaction.source is None:
            allowed = allowed - {Callback.DEFER_UPDATE, Callback.UPDATE}
        how = next((each for each in allowed if each == kind), None)
        data = body.get("data") or {}
        if how is None or not isinstance(data, dict):
            fault = ", ".join(str(int(each)) for each in sorted(allowed))
            raise invalid("type", "BASE_TYPE_CHOICES", f"Value must be one of {{{fault}}}.")
        message = self._answer(interaction, how, data, uploads)
        assert interaction.timer is not None, "every open interaction has a clock"
        interaction.timer.cancel()
        interaction.callback = how
        if how is Callback.THINKING:
            left = interaction.expires - asyncio.get_running_loop().time()
            interaction.timer = asyncio.get_running_loop().call_later(left, self._expired, interaction)
        self._say(
            "interaction_answered",
            interaction,
            {"callback_type": how, "message_id": message.id if message else None},
        )
        return callback_answer(interaction, message, self._messages)

    def by_token(self, application_id: str, token: str) -> Interaction:
        """Return the interaction whose webhook is called. Raises 10015 (not acknowledged yet), 50027 (over)."""
        if application_id != self._world.application_id:
            raise known(10015)
        interaction = self._by_token.get(token)
        if interaction is None or self._is_over(interaction):
            raise known(50027)
        if interaction.callback is None or interaction.failed:
            raise known(10015)
        return interaction

    def original(self, interaction: Interaction) -> Message:
        """Return the message that answers an interaction. Raises 10008."""
        if interaction.original is None or interaction.original.deleted:
            raise known(10008)
        return interaction.original

    def message(self, interaction: Interaction, message_id: str) -> Message:
        """Return a message that an interaction's webhook may touch. Raises 10008."""
        if message_id == "@original":
            return self.original(interaction)
        message = self._messages.get(interaction.channel.id, message_id)
        own = message.id in interaction.messages or message is interaction.original
        if not own and (message.interaction_id is None or message.visible_to is not None):
            raise known(10008)
        return message

    def edit(self, message: Message, body: Json, uploads: Mapping[int, Upload]) -> Message:
        """Edit an answer; the first edit takes the place of "thinking…"."""
        change = draft(body, uploads, layout=bool(message.body["flags"] & LAYOUT_FLAG))
        if message.loading:
            change.refuse_empty()
            self._stop_clock(message)
            return self._messages.settle_loading(message, change)
        return self._messages.edit(message, change)

    def follow_up(self, interaction: Interaction, body: Json, uploads: Mapping[int, Upload]) -> Message:
        """Send a further answer. The first after "thinking…" takes its place."""
        said = draft(body, uploads)
        said.refuse_empty()
        original = interaction.original
        if original is not None and original.loading and not original.deleted:
            self._stop_clock(original)
            return self._messages.settle_loading(original, said)
        message = self._messages.create(
            interaction.channel,
            self._world.application_id,
            said,
            self._origin(interaction, said.ephemeral, PLAIN),
        )
        interaction.messages.append(message.id)
        return message

    def delete(self, message: Message) -> None:
        """Delete an answer."""
        if message.loading:
            self._stop_clock(message)
        self._messages.delete(message)

    # Inside.

    def _answer(
        self, interaction: Interaction, how: Callback, data: Json, uploads: Mapping[int, Upload]
    ) -> Message | None:
        match how:
            case Callback.MESSAGE | Callback.THINKING:
                if how is Callback.THINKING:
                    flags = data.get("flags")
                    said = Draft(flags=flags & EPHEMERAL_FLAG if isinstance(flags, int) else 0)
                else:
                    said = draft(data, uploads, prefix="data")
                    said.refuse_empty()
                answer_type = PLAIN
                if interaction.type == Kind.COMMAND:
                    answer_type = SLASH_ANSWER if interaction.data["type"] == 1 else MENU_ANSWER
                message = self._messages.create(
                    interaction.channel,
                    self._world.application_id,
                    said,
                    self._origin(interaction, said.ephemeral, answer_type),
                    flags=LOADING_FLAG if how is Callback.THINKING else 0,
                )
                interaction.original = message
                interaction.messages.append(message.id)
                return message
            case Callback.DEFER_UPDATE | Callback.UPDATE:
                assert interaction.source is not None, "checked by the caller"
                if interaction.source.deleted:
                    raise known(10008)
                interaction.original = interaction.source
                if how is Callback.UPDATE:
                    layout = bool(interaction.source.body["flags"] & LAYOUT_FLAG)
                    self._messages.edit(
                        interaction.source, draft(data, uploads, layout=layout, prefix="data"), quietly=True
                    )
                return interaction.source
            case Callback.CHOICES:
                self._say("autocomplete", interaction, {"choices": checked_choices(data)})
            case Callback.MODAL:
                self._show_modal(interaction, data)
        return None

    def _show_modal(self, interaction: Interaction, data: Json) -> None:
        problems = Problems()
        body = components.modal(data, problems)
        problems.settle()
        modal = OpenModal(self._snowflakes.next(), interaction.user_id, interaction, body)
        self._modals[modal.id] = modal
        while len(self._modals) > self._cap:
            self._modals.popitem(last=False)
        self._say("modal", interaction, {"modal_id": modal.id, "channel_id": interaction.channel.id, **body})

    def _origin(self, interaction: Interaction, ephemeral: bool, kind: int) -> Origin:
        told = metadata(interaction, self._world)
        if interaction.original is not None and interaction.original is not interaction.source:
            told["original_response_message_id"] = interaction.original.id
        legacy = None
        if interaction.type == Kind.COMMAND and kind != PLAIN:
            legacy = {
                "id": interaction.id,
                "type": Kind.COMMAND,
                "name": full_name(interaction.data),
                "user": self._world.users[interaction.user_id].payload(),
            }
        return Origin(interaction.id, told, legacy, kind, interaction.user_id if ephemeral else None)

    def _say(self, event: str, interaction: Interaction, detail: Json) -> None:
        told = {"visible_to": interaction.user_id, "interaction_id": interaction.id, **detail}
        for wire in self.wires:
            wire.happened(event, interaction, told)

    def _unanswered(self, interaction: Interaction) -> None:
        interaction.failed = True
        self._say(
            "interaction_failed", interaction, {"reason": "timeout", "message": NO_ANSWER, "message_id": None}
        )

    def _expired(self, interaction: Interaction) -> None:
        if interaction.original is not None and interaction.original.loading:
            self._say(
                "interaction_failed",
                interaction,
                {"reason": "expired", "message": NO_ANSWER, "message_id": interaction.original.id},
            )

    def _stop_clock(self, message: Message) -> None:
        interaction = self._by_id.get(message.interaction_id or "")
        if interaction is not None and interaction.timer is not None:
            interaction.timer.cancel()

    def _is_over(self, interaction: Interaction) -> bool:
        return asyncio.get_running_loop().time() >= interaction.expires

    def _prune(self, now: float) -> None:
        while self._by_id:
            oldest = next(iter(self._by_id.values()))
            if oldest.expires > now and len(self._by_id) < self._cap:
                return
            del self._by_id[oldest.id]
            del self._by_token[oldest.token]
            if oldest.timer is not None:
                oldest.timer.cancel()
            if oldest.callback is None and not oldest.failed:
                self._unanswered(oldest)
            else:
                self._expired(oldest)
