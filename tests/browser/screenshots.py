"""Takes the screenshots of the README, as a newcomer would see the sandbox: `make screenshots`.

Drives the page with headless Chromium: every plugin's first command, in English and in Chinese. The spam message comes
from the SMS Spam Collection where HEARTH_SHARED_DATA (or ../shared/data) has it.
"""

import csv
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser import samples

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


def run(page: Page, command: str, options: Mapping[str, str]) -> None:
    """Ask for a command as `ask` does, and wait for the answer."""
    before = page.get_by_test_id("embed-title").count()
    ask(page, command, options)
    page.get_by_test_id("embed-title").nth(before).wait_for()


def ask(page: Page, command: str, options: Mapping[str, str]) -> None:
    """Pick a command as a person does, fill its options in, and send it; a file is given by its path."""
    page.get_by_test_id("composer").click()
    page.keyboard.type(f"/{command}")
    page.locator(f'[data-testid="command-item"][data-command="{command}"]').click()
    for name, value in options.items():
        field = page.get_by_test_id(f"option-{name}")
        if not field.count():
            page.locator(f'[data-testid="add-option"][data-option="{name}"]').click()
        if field.get_attribute("type") == "file":
            field.set_input_files(value)
        else:
            field.fill(value)
    page.get_by_test_id("submit").click()


def score(page: Page, text: str) -> None:
    """Have /spam score look at a text."""
    run(page, "spam score", {"text": text})


def summarise(page: Page, article: str) -> None:
    """Have /article summarise read an article that is pasted into its modal."""
    page.get_by_test_id("composer").click()
    page.keyboard.type("/article summarise")
    page.locator('[data-testid="command-item"][data-command="article summarise"]').click()
    before = page.get_by_test_id("embed-title").count()
    page.get_by_test_id("submit").click()
    page.get_by_test_id("modal-input-article").fill(article)
    page.get_by_test_id("modal-submit").click()
    page.get_by_test_id("embed-title").nth(before).wait_for()


def enable_roll_call(page: Page) -> None:
    """Enable the roll call in the server, as an administrator does."""
    ask(page, "plugins enable", {"plugin": "rollcall"})
    page.get_by_test_id("message-content").get_by_text("is on in this server").last.wait_for()


def call_the_roll(page: Page, portrait: str, title: str, agree: str) -> None:
    """Enrol (`agree` is the button's label), open a session and check in by a photo."""
    run(page, "rollcall enrol", {"photos": portrait})
    page.get_by_test_id("button").filter(has_text=agree).last.click()
    page.wait_for_timeout(1500)
    run(page, "rollcall start", {"title": title})
    run(page, "rollcall here", {"photo": portrait})


def speak(page: Page, language: str) -> None:
    """Switch the page's language; the switch is a select, or a button that turns."""
    switch = page.get_by_test_id("locale-switch")
    if switch.evaluate("e => e.tagName") == "SELECT":
        switch.select_option(language)
    else:
        switch.click()


def shot(page: Page, name: str) -> None:
    """Write what is seen, once pictures are there."""
    page.wait_for_timeout(700)
    page.screenshot(path=OUT / f"{name}.png")


def main() -> None:
    """Write the screenshots to docs/screenshots."""
    OUT.mkdir(parents=True, exist_ok=True)
    text = spam_message()
    with sandbox() as url, chromium() as browser, tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "reviews.csv"
        table.write_text(samples.REVIEWS_CSV, encoding="utf-8", newline="")
        note = samples.note(Path(folder) / "note.jpg")
        thing = samples.thing(Path(folder) / "palace.jpg")
        portrait = samples.portrait(Path(folder) / "me.jpg")
        page = browser.new_page(viewport={"width": 1200, "height": 900}, color_scheme="dark", locale="en-US")
        page.goto(url)
        page.get_by_test_id("bot-status").wait_for()
        score(page, text)
        shot(page, "score-en")
        page.get_by_test_id("button").filter(has_text="Wrong").last.click()
        page.get_by_text(re.compile("Noted: wrong")).wait_for()
        page.screenshot(path=OUT / "wrong-en.png")
        summarise(page, samples.ARTICLE_EN)
        shot(page, "article-en")
        page.get_by_test_id("button").filter(has_text="Show the source passages").last.click()
        page.get_by_text("Source passages").last.wait_for()
        shot(page, "passages-en")
        run(page, "fact check", {"article": samples.POST_EN})
        shot(page, "fact-en")
        run(page, "sentiment read", {"text": samples.REVIEW_EN})
        shot(page, "sentiment-en")
        run(page, "sentiment table", {"table": str(table)})
        shot(page, "table-en")
        run(page, "image classify", {"picture": str(thing)})
        shot(page, "image-en")
        run(page, "digits read", {"picture": str(note)})
        shot(page, "digits-en")
        run(page, "animeface generate", {"count": "16", "seed": "7"})
        shot(page, "animeface-en")
        enable_roll_call(page)
        call_the_roll(page, str(portrait), "Morning class", "I agree")
        shot(page, "rollcall-en")
        run(page, "rollcall close", {})
        speak(page, "zh-TW")
        score(page, text)
        page.get_by_text("很可能是垃圾訊息").last.wait_for()
        shot(page, "score-zh")
        summarise(page, samples.ARTICLE_ZH)
        shot(page, "article-zh")
        run(page, "fact check", {"article": samples.ARTICLE_ZH})
        shot(page, "fact-zh")
        run(page, "sentiment read", {"text": samples.REVIEW_ZH})
        shot(page, "sentiment-zh")
        run(page, "image classify", {"picture": str(thing)})
        page.get_by_test_id("button").filter(has_text="判斷依據").last.click()
        page.wait_for_timeout(2500)
        shot(page, "image-zh")
        run(page, "digits read", {"picture": str(note)})
        shot(page, "digits-zh")
        run(page, "animeface generate", {"count": "16", "seed": "7"})
        shot(page, "animeface-zh")
        call_the_roll(page, str(portrait), "週一早上的課", "我同意")
        shot(page, "rollcall-zh")
        phone = browser.new_page(viewport={"width": 360, "height": 740}, color_scheme="light", locale="en-US")
        phone.goto(url)
        phone.get_by_test_id("embed-title").last.wait_for()
        shot(phone, "phone")


if __name__ == "__main__":
    main()
