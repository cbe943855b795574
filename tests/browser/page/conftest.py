"""The chat page in headless Chromium, on a sandbox with a plain bot; skipped where there is no Chromium."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import discord
import pytest
import pytest_asyncio
from discord import app_commands
from playwright.async_api import Browser, Page, async_playwright

from bot.sandbox.server import Sandbox
from tests.bot.sandbox.plain_bot import Interaction, PlainBot, connected
from tests.kit.person import Person

CHROMIUM = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
            "--disable-component-update", "--disable-sync")  # fmt: skip
WORDS = {"greet": "問候", "Say hello": "打招呼"}


class Words(app_commands.Translator):
    """Traditional Chinese for the one command that has it."""

    async def translate(
        self,
        string: app_commands.locale_str,
        locale: discord.Locale,
        context: app_commands.TranslationContextTypes,
    ) -> str | None:
        return WORDS.get(string.message) if locale is discord.Locale.taiwan_chinese else None


class GreetingBot(PlainBot):
    """A plain bot that greets in the language that it is told."""

    async def setup_hook(self) -> None:
        @self.tree.command(description="Say hello")
        async def greet(interaction: Interaction) -> None:
            await interaction.response.send_message(f"greeted in {interaction.locale}")

        await self.tree.set_translator(Words())
        await super().setup_hook()


@pytest_asyncio.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """A sandbox with a bot on it."""
    async with Sandbox() as started, connected(started, GreetingBot()):
        yield started


@pytest_asyncio.fixture
async def person(sandbox: Sandbox) -> AsyncIterator[Person]:
    """Somebody who writes from elsewhere."""
    async with Person.of(sandbox, "member-1") as member:
        yield member


@pytest_asyncio.fixture
async def browser() -> AsyncIterator[Browser]:
    """Headless Chromium."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    async with async_playwright() as playwright:
        if found is None and not Path(playwright.chromium.executable_path).exists():
            pytest.skip("no Chromium here (Debian: apt-get install chromium)")
        started = await playwright.chromium.launch(executable_path=found, args=list(CHROMIUM))
        yield started
        await started.close()


@pytest_asyncio.fixture
async def page(sandbox: Sandbox, browser: Browser) -> AsyncIterator[Page]:
    """The page, opened in English by the administrator; fails where the console names a fault."""
    faults: list[str] = []
    opened = await browser.new_page(locale="en-US", color_scheme="dark")
    opened.set_default_timeout(10_000)
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    await opened.goto(sandbox.page_url)
    await opened.locator('[data-testid="bot-status"][data-state="online"]').wait_for()
    yield opened
    assert not faults
