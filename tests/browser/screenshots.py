"""Takes the screenshots of the README, as a newcomer would see the sandbox: `make screenshots`.

Drives the page with headless Chromium: picks /spam score, sends a message, presses "Wrong", switches to Chinese.
The message comes from the SMS Spam Collection where HEARTH_SHARED_DATA (or ../shared/data) has it.
"""

import csv
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("HEARTH_SHARED_DATA", ROOT.parent / "shared" / "data")) / "sms_spam.csv"
OUT = ROOT / "docs" / "screenshots"
SYSTEM_CHROMIUM = Path("/usr/bin/chromium")
FALLBACK = (
    "WINNER!! You have been chosen for a 900 pound prize. Call 09000000000 now to claim. Valid 12 hours only."
)
CHROMIUM = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
            "--disable-component-update", "--disable-sync")  # fmt: skip


def spam_message() -> str:
    """Return a real spam message, or a made-up one where the collection is not there."""
    if not DATA.is_file():
        return FALLBACK
    with DATA.open(encoding="utf-8", newline="") as source:
        found = [row["text"] for row in csv.DictReader(source) if row["label"] == "spam"]
    return next(text for text in found if 120 < len(text) < 170 and "prize" in text.lower())


@contextmanager
def sandbox() -> Iterator[str]:
    """Run `hearth sandbox` and yield the page's address."""
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [sys.executable, "-m", "bot.cli", "sandbox", "--port", "0", "--no-open", "--data-dir", folder],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT,
        )  # fmt: skip
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            assert process.stdout.readline().strip() == "ready", "the sandbox did not come up"
            yield url
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(10)
            if process.stdout is not None:
                process.stdout.close()


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run headless Chromium: Debian's, or the one that Playwright brought."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(SYSTEM_CHROMIUM) if SYSTEM_CHROMIUM.exists() else None, args=list(CHROMIUM)
        )
        try:
            yield browser
        finally:
            browser.close()


def score(page: Page, text: str) -> None:
    """Pick /spam score as a person does, and send `text`."""
    page.get_by_test_id("composer").click()
    page.keyboard.type("/spam sc")
    page.locator('[data-testid="command-item"][data-command="spam score"]').click()
    page.get_by_test_id("option-text").fill(text)
    before = page.get_by_test_id("embed-title").count()
    page.get_by_test_id("submit").click()
    page.get_by_test_id("embed-title").nth(before).wait_for()


def speak(page: Page, language: str) -> None:
    """Switch the page's language; the switch is a select, or a button that turns."""
    switch = page.get_by_test_id("locale-switch")
    if switch.evaluate("e => e.tagName") == "SELECT":
        switch.select_option(language)
    else:
        switch.click()


def main() -> None:
    """Write the screenshots to docs/screenshots."""
    OUT.mkdir(parents=True, exist_ok=True)
    text = spam_message()
    with sandbox() as url, chromium() as browser:
        page = browser.new_page(viewport={"width": 1200, "height": 900}, color_scheme="dark", locale="en-US")
        page.goto(url)
        page.get_by_test_id("bot-status").wait_for()
        score(page, text)
        page.wait_for_timeout(500)
        page.screenshot(path=OUT / "score-en.png")
        page.get_by_test_id("button").filter(has_text="Wrong").last.click()
        page.get_by_text(re.compile("Noted: wrong")).wait_for()
        page.screenshot(path=OUT / "wrong-en.png")
        speak(page, "zh-TW")
        score(page, text)
        page.get_by_text("很可能是垃圾訊息").last.wait_for()
        page.wait_for_timeout(500)
        page.screenshot(path=OUT / "score-zh.png")
        phone = browser.new_page(viewport={"width": 360, "height": 740}, color_scheme="light", locale="en-US")
        phone.goto(url)
        phone.get_by_test_id("embed-title").last.wait_for()
        phone.wait_for_timeout(500)
        phone.screenshot(path=OUT / "phone.png")


if __name__ == "__main__":
    main()
