"""Takes every interaction: acknowledges it, finds the command, and sees to it that an answer or an error comes.

The order is the promise: first the acknowledgement (or the modal, which is one), then admission by quota, then
downloads and checks, then the plugin. Whatever is raised on the way becomes words in `bot.explain`.
"""

import asyncio
import contextlib
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import aiohttp
import discord
import structlog

from bot.core import Core
from bot.downloads import read
from bot.exchange import Exchange
from bot.explain import Explained, explain
from bot.groups import Group
from bot.metrics import Metrics
from bot.parse import (
    Call,
    Given,
    asker_of,
    menu_call,
    merge_variants,
    modal,
    modal_values,
    needs_modal,
    slash_call,
)
from bot.payload import MENU_LIMIT, MORE, Menu, menus
from bot.pending import Ledger
from bot.render import render
from shared.command import Command
from shared.context import Asker, Tracker
from shared.database_trouble import DatabaseTrouble
from shared.errors import Busy, Denied, HearthError, QuotaExceeded, Refusal
from shared.reply import Button, Reply
from shared.texts import Text

PATIENCE: Final = 0.8
"""Seconds before progress, and the Cancel button, are shown."""
PROGRESS_EVERY: Final = 1.0
SHOWN_A_SECOND: Final = 20
"""How many are told how far their request is, at most, in the time of `PROGRESS_EVERY`."""
NOTED_SECONDS: Final = 0.5
"""How long an acknowledgement waits at most until the request is noted, of the 3 s that Discord gives."""
BUTTON: Final = "b"
MODAL: Final = "m"
MORE_MENU: Final = "more"
REMEMBERED: Final = 1000
BREAK_OFF_SECONDS: Final = 20.0
"""How long one who is to be forgotten waits for their requests to end."""
LOOK_SECONDS: Final = 2.0
TELL_SECONDS: Final = 1.5
"""How long a stop waits for those that it interrupted to be told."""
log = structlog.get_logger("hearth.dispatch")


@dataclass(frozen=True)
class _Running:
    task: asyncio.Task[Reply]
    user_id: int
    ended: asyncio.Event = field(default_factory=asyncio.Event)


class Dispatcher:
    """Answers interactions. One for the whole process."""

    def __init__(self, core: Core, ledger: Ledger, metrics: Metrics) -> None:
        self._core, self._ledger, self._metrics = core, ledger, metrics
        self._running: dict[int, _Running] = {}
        # What a modal or the "More…" menu comes back to; the oldest are forgotten first.
        self._remembered: OrderedDict[str, Any] = OrderedDict()
        self._stopping = False
        self._idle = asyncio.Event()
        self._idle.set()

    async def handle(self, interaction: discord.Interaction) -> None:
        """Answer one interaction, whatever it is; never raises."""
        with self._core.traces.trace("interaction", type=interaction.type.name):
            await self._handle(interaction)

    async def _handle(self, interaction: discord.Interaction) -> None:
        received = time.perf_counter()
        asker = self._core.rules.spoken_to(asker_of(interaction))
        try:
            data: Mapping[str, Any] = interaction.data or {}
            match interaction.type:
                case discord.InteractionType.application_command:
                    await self._command(interaction, asker, data, received)
                case discord.InteractionType.component:
                    await self._component(interaction, asker, data, received)
                case discord.InteractionType.modal_submit:
                    await self._modal(interaction, asker, data, received)
        except Refusal as error:
            await self._say_at_once(interaction, explain(error, self._core.texts, asker.locale, "hearth"))
        except discord.HTTPException as error:
            log.error("interaction lost", interaction=interaction.id, code=error.code, status=error.status)
            self._metrics.answered("discord", "http", "lost", 0.0)
        # The last net: a mistake of ours must not leave the asker without a word.
        except Exception as error:
            explained = explain(error, self._core.texts, asker.locale, "hearth", interaction=interaction.id)
            await self._say_at_once(interaction, explained)

    async def _command(
        self, interaction: discord.Interaction, asker: Asker, data: Mapping[str, Any], received: float
    ) -> None:
        if data.get("type", 1) == 1:
            await self._start(interaction, asker, slash_call(data), received)
            return
        offered = menus(self._core.groups())
        if data["name"] == MORE and len(offered) > MENU_LIMIT:
            await self._offer_more(interaction, asker, data, offered[MENU_LIMIT - 1 :])
            return
        menu = next((m for m in offered if m.label == data["name"]), None)
        if menu is None:
            raise Refusal("That command is not here any more. Type / to see what there is.")
        await self._start(interaction, asker, menu_call(menu, data), received)

    async def _offer_more(
        self, interaction: discord.Interaction, asker: Asker, data: Mapping[str, Any], rest: list[Menu]
    ) -> None:
        texts, view = self._core.texts, discord.ui.View(timeout=None)
        options = []
        for index, menu in enumerate(rest[:25]):
            translations = texts.localizations("menu", menu.label, menu.group.domain)
            options.append(
                discord.SelectOption(label=translations.get(asker.locale, menu.label), value=str(index))
            )
        view.add_item(discord.ui.Select(custom_id=f"{MORE_MENU}:{interaction.id}", options=options))
        view.stop()
        self._remember(f"{MORE_MENU}:{interaction.id}", (rest, data))
        words = texts.render("What shall be done with this message?", asker.locale)
        await interaction.response.send_message(words, view=view, ephemeral=True)

    async def _component(
        self, interaction: discord.Interaction, asker: Asker, data: Mapping[str, Any], received: float
    ) -> None:
        kind, _, key = str(data.get("custom_id", "")).partition(":")
        match kind:
            case "cancel":
                await self._cancel(interaction, asker, key)
            case "more":
                rest, target = self._recall(f"{MORE_MENU}:{key}")
                menu = rest[int(data["values"][0])]
                await self._start(interaction, asker, menu_call(menu, target), received)
            # The second letter says whether only the presser sees the answer, which Discord must know at once.
            case "b0" | "b1":
                looking = asyncio.create_task(self._ledger.press(key))
                # So that it is noted before it is acknowledged, as commands are.
                await asyncio.wait([looking], timeout=NOTED_SECONDS)
                if looking.done() and not looking.exception() and (press := looking.result()) is not None:
                    call = Call(press.plugin, press.command, press.arguments)
                    await self._start(interaction, asker, call, received)
                    return
                exchange = Exchange(interaction, private=kind == "b1")
                await self._acknowledge(exchange, received)
                press = await looking
                if press is None:
                    gone = Refusal("This button is too old. Run the command again.")
                    await self._fail(exchange, gone, asker, "hearth", "button", received)
                    return
                call = Call(press.plugin, press.command, press.arguments)
                await self._start(interaction, asker, call, received, exchange)
            case _:
                raise Refusal("This button is too old. Run the command again.")

    async def _modal(
        self, interaction: discord.Interaction, asker: Asker, data: Mapping[str, Any], received: float
    ) -> None:
        key = str(data.get("custom_id", ""))
        call: Call = self._recall(key)
        typed = modal_values(data)
        await self._start(interaction, asker, Call(call.group, call.command, {**call.raw, **typed}), received)

    async def _start(
        self,
        interaction: discord.Interaction,
        asker: Asker,
        call: Call,
        received: float,
        exchange: Exchange | None = None,
    ) -> None:
        group, command = self._core.find(call.group, call.command)
        raw = merge_variants(command, call.raw)
        if exchange is None:
            if needs_modal(command, raw) and interaction.type is discord.InteractionType.application_command:
                self._core.allow(group, command, asker)
                key = f"{MODAL}:{interaction.id}"
                self._remember(key, Call(call.group, call.command, raw))
                form = modal(group, command, raw, key, self._core.texts, asker.locale)
                # Its submission comes to `handle`; discord.py would keep each form that nobody sends, for ever.
                form.stop()
                await interaction.response.send_modal(form)
                self._metrics.acknowledged(time.perf_counter() - received)
                return
            exchange = Exchange(interaction, command.private)
            noted = asyncio.Event()
            admitted = asyncio.create_task(self._admitted(interaction, asker, group, command, noted))
            # Were it acknowledged first, one who is killed in between would leave it "thinking" for ever.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(NOTED_SECONDS):
                    await noted.wait()
            lost, refused = await asyncio.gather(
                self._acknowledge(exchange, received), admitted, return_exceptions=True
            )
            if isinstance(lost, OSError | aiohttp.ClientError):
                # Discord may have taken it all the same: the answer will find out.
                log.warning("acknowledgement not confirmed", error=repr(lost)[:200])
            elif isinstance(lost, BaseException):
                await self._ledger.done(interaction.id)
                raise lost
        else:
            refused = await self._admitted(interaction, asker, group, command, asyncio.Event())
        if isinstance(refused, BaseException):
            await self._fail(exchange, refused, asker, group.name, command.name, received)
            if exchange.over:
                await self._ledger.done(interaction.id)
            return
        await self._answer(exchange, asker, group, command, raw, received)

    async def _acknowledge(self, exchange: Exchange, received: float) -> None:
        with self._core.traces.span("acknowledge"):
            await exchange.acknowledge()
        self._metrics.acknowledged(time.perf_counter() - received)

    async def _admitted(
        self,
        interaction: discord.Interaction,
        asker: Asker,
        group: Group,
        command: Command,
        noted: asyncio.Event,
    ) -> Exception | None:
        """Return why the request may not go on, if so: that must not stop the acknowledgement.

        Sets `noted` once it is noted, or never will be.
        """
        try:
            with self._core.traces.span("admit"):
                if self._stopping:
                    raise Refusal("The bot is restarting. Please run the command again in a moment.")
                self._core.allow(group, command, asker)
                await self._ledger.note(
                    asker,
                    f"{group.name} {command.name}",
                    interaction_id=interaction.id,
                    application_id=interaction.application_id,
                    token=interaction.token,
                )
                noted.set()
                await self._ledger.take(asker, self._core.access.buckets(group, command, asker))
        except Exception as error:
            if isinstance(error, QuotaExceeded):
                self._metrics.quota_refused()
            return error
        finally:
            noted.set()
        return None

    async def _answer(
        self,
        exchange: Exchange,
        asker: Asker,
        group: Group,
        command: Command,
        raw: Mapping[str, Given],
        received: float,
    ) -> None:
        tracker, key = Tracker(), exchange.interaction.id
        work = asyncio.create_task(self._work(exchange.interaction, asker, group, command, raw, tracker))
        self._running[key] = _Running(work, asker.user_id)
        self._idle.clear()
        progress = asyncio.create_task(self._show_progress(exchange, asker, group, tracker))
        outcome = "ok"
        try:
            try:
                reply = await work
            except asyncio.CancelledError:
                if not work.cancelled() or asyncio.current_task().cancelling():  # type: ignore[union-attr]
                    raise
                outcome = "cancelled"
                words = (
                    Text("The bot is restarting. Please run the command again in a moment.")
                    if self._stopping
                    else Text("Cancelled.")
                )
                reply = Reply(text=self._core.texts.render(words, asker.locale), private=exchange.private)
            finally:
                work.cancel()
                await _ended(progress)
            with self._core.traces.span("deliver", outcome=outcome):
                await self._deliver(exchange, asker, group, reply)
            self._metrics.answered(group.name, command.name, outcome, time.perf_counter() - received)
        # A plugin may raise anything.
        except Exception as error:
            await self._fail(exchange, error, asker, group.domain, command.name, received, group=group.name)
        finally:
            # What is not over, since Discord is out of reach and this process ends, its next life tells.
            if exchange.over:
                await self._ledger.done(key)
            self._running.pop(key).ended.set()
            if not self._running:
                self._idle.set()

    async def _work(
        self,
        interaction: discord.Interaction,
        asker: Asker,
        group: Group,
        command: Command,
        raw: Mapping[str, Given],
        tracker: Tracker,
    ) -> Reply:
        with self._core.traces.span("command", command=f"{group.name} {command.name}"):
            limit = self._core.settings.download_limit
            values = {name: await read(interaction, value, limit) for name, value in raw.items()}
            return await self._core.run(group, command, values, asker, tracker)

    async def _show_progress(self, exchange: Exchange, asker: Asker, group: Group, tracker: Tracker) -> None:
        changed = asyncio.Event()
        tracker.changed = changed.set
        await asyncio.sleep(PATIENCE)
        texts, cancel = self._core.texts, self._core.texts.render("Cancel", asker.locale)
        while True:
            changed.clear()
            words = []
            if tracker.place > 0:
                place = Text("⏳ Place {place} in the queue.", {"place": tracker.place})
                words.append(texts.render(place, asker.locale))
            elif tracker.done is None:
                words.append(texts.render("⏳ Working on it…", asker.locale))
            if tracker.done is not None:
                filled = round(tracker.done * 20)
                words.append(f"`{'█' * filled}{'░' * (20 - filled)}` {tracker.done:.0%}")
            if tracker.note:
                words.append(texts.render(tracker.note, asker.locale, group.domain))
            await exchange.show_progress(" ".join(words), cancel)
            # Many who wait would otherwise have the bot busy with telling them so.
            await asyncio.sleep(PROGRESS_EVERY * max(1.0, len(self._running) / SHOWN_A_SECOND))
            await changed.wait()

    async def _deliver(self, exchange: Exchange, asker: Asker, group: Group, reply: Reply) -> None:
        limit = getattr(exchange.interaction, "filesize_limit", None) or 10 * 2**20
        messages = render(reply, limit)
        keys = await self._ledger.keep_buttons(group.name, reply.buttons, asker.user_id)
        ids = []
        for key, button in zip(keys, reply.buttons, strict=True):
            target = group.command(button.command)
            ids.append(f"{BUTTON}{int(bool(target and target.private))}:{key}")
        await exchange.deliver(messages, ids, reply.private)
        if skipped := messages[0].skipped:
            words = Text("Too large to send here: {files}", {"files": ", ".join(skipped)})
            note = Reply(text=self._core.texts.render(words, asker.locale), private=True)
            await exchange.deliver(render(note, limit), [], private=True)

    async def _fail(
        self,
        exchange: Exchange,
        error: BaseException,
        asker: Asker,
        domain: str,
        command: str,
        received: float,
        group: str | None = None,
    ) -> None:
        explained = explain(error, self._core.texts, asker.locale, domain, command=f"{domain} {command}")
        outcome = "refused" if explained.error_id is None else "fault"
        self._metrics.answered(group or domain, command, outcome, time.perf_counter() - received)
        if exchange.reached:
            return
        reply = explained.reply()
        if isinstance(error, Denied | QuotaExceeded) and asker.guild_id is not None:
            reply = replace(reply, buttons=(self._why(group or domain, command, asker),))
        keys: list[str] = []
        try:
            keys = await self._ledger.keep_buttons("hearth", reply.buttons, asker.user_id)
        except DatabaseTrouble as trouble:
            # The asker is to read why, though nothing be left to press.
            log.warning("button not kept", error=str(trouble))
            reply = replace(reply, buttons=())
        try:
            await exchange.deliver(render(reply, 0), [f"{BUTTON}1:{key}" for key in keys], private=True)
        except discord.HTTPException as lost:
            log.error("error not told", code=lost.code, error_id=explained.error_id)

    def _why(self, group: str, command: str, asker: Asker) -> Button:
        label = self._core.texts.render("Why?", asker.locale)
        return Button(label, "why", {"group": group, "command": command}, keep_hours=1)

    async def _cancel(self, interaction: discord.Interaction, asker: Asker, key: str) -> None:
        running = self._running.get(int(key)) if key.isdigit() else None
        if running is None:
            await interaction.response.defer()
            return
        if running.user_id != asker.user_id:
            raise Refusal("Only the one who asked can cancel that.")
        await interaction.response.defer()
        running.task.cancel()

    async def _say_at_once(self, interaction: discord.Interaction, explained: Explained) -> None:
        """Answer an interaction that may, or may not, have been acknowledged."""
        with contextlib.suppress(discord.HTTPException, OSError, aiohttp.ClientError):
            if interaction.response.is_done():
                await interaction.followup.send(explained.text, ephemeral=True)
            else:
                await interaction.response.send_message(explained.text, ephemeral=True)

    def _remember(self, key: str, value: Any) -> None:
        self._remembered[key] = value
        while len(self._remembered) > REMEMBERED:
            self._remembered.popitem(last=False)

    def _recall(self, key: str) -> Any:
        if key not in self._remembered:
            raise Refusal("This form is too old. Run the command again.")
        return self._remembered.pop(key)

    async def withdraw(self, user: int) -> int:
        """Break off what runs for a person, but for the request that asks; return how many requests that were.

        When this returns they have ended, so that nothing of theirs is written any more. Raises `Busy`.
        """
        mine = asyncio.current_task()
        theirs = [each for each in self._running.values() if each.user_id == user and each.task is not mine]
        count = sum(each.task.cancel() for each in theirs)
        try:
            async with asyncio.timeout(BREAK_OFF_SECONDS):
                for each in theirs:
                    await each.ended.wait()
        except TimeoutError:
            raise Busy("A request of yours is still being answered. Try again in a moment.") from None
        return count

    async def end_forgotten(self) -> None:
        """Break off, for ever, requests that are not noted any more: another bot has forgotten their person."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if not self._running:
                continue
            before = dict(self._running)
            try:
                noted = await self._ledger.noted(list(before))
            # A database that is away for a while must not end the bot; requests say so themselves.
            except HearthError as error:
                log.error("requests not looked at", error=str(error))
                continue
            for key, running in before.items():
                if key not in noted:
                    running.task.cancel()

    async def stop(self, seconds: float) -> None:
        """Take no more requests; give those under way `seconds`, then tell their askers to ask again."""
        self._stopping = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._idle.wait()
        for running in list(self._running.values()):
            running.task.cancel()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(TELL_SECONDS):
                await self._idle.wait()


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
