"""One interaction's life on Discord: acknowledged at once, progress shown, answered, or posted when too late."""

import asyncio
import io
from collections.abc import Sequence
from typing import Any, Final

import aiohttp
import discord
import structlog

from bot.render import Message
from shared.reply import Button

GONE: Final = frozenset({10008, 10015, 10062, 50027})
"""Discord's codes for an interaction that can no longer be answered through its token."""
CANCEL: Final = "cancel"
FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 15.0
"""Seconds between attempts to reach Discord."""
log = structlog.get_logger("hearth.exchange")
_STYLES: Final = {
    "plain": discord.ButtonStyle.secondary,
    "primary": discord.ButtonStyle.primary,
    "good": discord.ButtonStyle.success,
    "bad": discord.ButtonStyle.danger,
}


class Exchange:
    """Speaks for one interaction. Not safe for two tasks at once, but for `cancel`."""

    def __init__(self, interaction: discord.Interaction, private: bool) -> None:
        self.interaction, self.private = interaction, private
        self.reached = False
        """Whether the answer was shown to the asker."""
        self.over = False
        """Whether nothing is left to do: it was shown, or Discord will not take it."""

    async def acknowledge(self) -> None:
        """Tell Discord, within its 3 s, that an answer will follow. Raises `discord.HTTPException`."""
        await self.interaction.response.defer(ephemeral=self.private, thinking=True)

    async def show_progress(self, text: str, cancel: str) -> None:
        """Show how far the work is, with a button that cancels it."""
        view = _view()
        view.add_item(
            discord.ui.Button(
                label=cancel, custom_id=f"{CANCEL}:{self.interaction.id}", style=_STYLES["plain"]
            )
        )
        view.stop()
        try:
            await self.interaction.edit_original_response(
                content=text, view=view, allowed_mentions=discord.AllowedMentions.none()
            )
        except (discord.HTTPException, OSError, aiohttp.ClientError) as error:
            # The answer itself finds out whether the interaction is gone.
            log.info("progress not shown", error=repr(error)[:200])

    async def deliver(self, messages: Sequence[Message], buttons: Sequence[str], private: bool) -> None:
        """Send the answer. `buttons` are the ids of the messages' buttons, in order.

        While Discord cannot be reached it is tried again. Past the token's 15 minutes it goes to the channel, or
        privately to the asker. Raises `discord.HTTPException` where that fails too, `OSError` or
        `aiohttp.ClientError` where Discord is out of reach even then.
        """
        try:
            if not await self._in_time(messages, buttons, private):
                await self._late(messages, list(buttons), private or self.private)
        except discord.HTTPException:
            self.over = True
            raise
        self.reached = self.over = True

    async def _in_time(self, messages: Sequence[Message], buttons: Sequence[str], private: bool) -> bool:
        """Answer through the token; tell whether that was possible."""
        pause = FIRST_PAUSE
        while not self.interaction.is_expired():
            try:
                await self._by_token(messages, list(buttons), private)
            except discord.HTTPException as error:
                if error.code in GONE:
                    return False
                if not self.interaction.is_expired():
                    raise
            except (OSError, aiohttp.ClientError) as error:
                log.warning("Discord out of reach", error=repr(error)[:200], again_in=pause)
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
            else:
                return True
        return False

    async def _by_token(self, messages: Sequence[Message], buttons: list[str], private: bool) -> None:
        rest = list(messages)
        if private and not self.private:
            # What everybody sees "thinking" cannot turn private: take it away, and follow up privately.
            await self.interaction.delete_original_response()
        else:
            await self.interaction.edit_original_response(**_edit(rest.pop(0), buttons))
        for message in rest:
            await self.interaction.followup.send(
                ephemeral=private or self.private, **send_message(message, buttons)
            )

    async def _late(self, messages: Sequence[Message], buttons: list[str], private: bool) -> None:
        user = self.interaction.user
        target: discord.abc.Messageable = user
        if not private and self.interaction.channel_id is not None:
            target = self.interaction.client.get_partial_messageable(self.interaction.channel_id)
        for index, message in enumerate(messages):
            content = send_message(message, buttons)
            if target is not user and index == 0:
                words = content.get("content") or ""
                content["content"] = f"{user.mention} {words}"[:2000]
                content["allowed_mentions"] = discord.AllowedMentions(
                    users=[user], everyone=False, roles=False
                )
            await target.send(**content)


def _view() -> discord.ui.View:
    return discord.ui.View(timeout=None)


def _content(message: Message, buttons: list[str]) -> tuple[dict[str, Any], list[discord.File]]:
    files = []
    embeds = []
    if not message.plain:
        embed = discord.Embed(
            title=message.title, description=message.description or None, colour=message.colour
        )
        for each in message.fields:
            embed.add_field(name=each.name, value=each.value, inline=each.inline)
        if message.footer:
            embed.set_footer(text=message.footer)
        embeds.append(embed)
    for index, picture in enumerate(message.pictures):
        name = f"{index + 1}-{picture.name}"
        files.append(discord.File(io.BytesIO(picture.data), filename=name, description=picture.alt[:1024]))
        if index and not message.plain:
            embeds.append(discord.Embed(colour=message.colour))
        if not message.plain:
            embeds[-1].set_image(url=f"attachment://{name}")
    files += [discord.File(io.BytesIO(file.data), filename=file.name) for file in message.files]
    called = message.mention
    content: dict[str, Any] = {
        # A mention inside an embed calls nobody.
        "content": message.description[:2000] if message.plain else f"<@{called}>" if called else None,
        "embeds": embeds[:10],
        "allowed_mentions": discord.AllowedMentions(
            users=[discord.Object(called)] if called else False,
            everyone=False,
            roles=False,
            replied_user=False,
        ),
    }
    if message.buttons:
        content["view"] = _buttons(message.buttons, buttons)
    return content, files


def _buttons(buttons: Sequence[Button], ids: list[str]) -> discord.ui.View:
    view = _view()
    for each in buttons:
        view.add_item(
            discord.ui.Button(
                label=each.label[:80], style=_STYLES[each.style], emoji=each.emoji, custom_id=ids.pop(0)
            )
        )
    # Presses come to the dispatcher by their id, restarts included; discord.py need not keep the view.
    view.stop()
    return view


def send_message(message: Message, buttons: list[str]) -> dict[str, Any]:
    """Return the arguments of discord.py's `send` for `message`; takes its buttons' ids from `buttons`."""
    content, files = _content(message, buttons)
    return {**content, "files": files}


def _edit(message: Message, buttons: list[str]) -> dict[str, Any]:
    content, files = _content(message, buttons)
    # The Cancel button goes with the progress that it belonged to.
    return {"view": None, **content, "attachments": files}
