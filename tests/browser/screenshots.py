"""Takes the screenshots of the README, as a newcomer would see the sandbox: `make screenshots`.

`make screenshots ARGS='stock reviews'` takes those alone; the parts are tour, stock, post, reviews, jobs,
retrain, rules and lessons.

Drives the page with headless Chromium: every plugin's first command, in English and in Chinese. The spam message comes
from the SMS Spam Collection where HEARTH_SHARED_DATA (or ../shared/data) has it.
"""

import csv
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

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
def hearth(*arguments: str, settings: Mapping[str, str] | None = None) -> Iterator[Iterator[str]]:
    """Run a command of Hearth that serves, and yield the lines that it prints."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bot.cli", *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT, env={**os.environ, **(settings or {})},
    )  # fmt: skip
    assert process.stdout is not None
    try:
        yield (line.strip() for line in process.stdout)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(10)
        process.stdout.close()


@contextmanager
def sandbox(settings: Mapping[str, str] | None = None) -> Iterator[str]:
    """Run `hearth sandbox` and yield the page's address."""
    with (
        tempfile.TemporaryDirectory() as folder,
        hearth("sandbox", "--port", "0", "--no-open", "--data-dir", folder, settings=settings) as lines,
    ):
        url = next(lines)
        assert next(lines) == "ready", "the sandbox did not come up"
        yield url


@contextmanager
def exchange(*arguments: str) -> Iterator[Mapping[str, str]]:
    """Run `hearth stock exchange` and yield the settings that have it asked."""
    with hearth("stock", "exchange", "--port", "0", *arguments) as lines:
        line = next(line for line in lines if line.startswith("HEARTH_STOCK_URL"))
        yield dict(setting.split("=", 1) for setting in shlex.split(line))


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
        elif field.evaluate("e => e.tagName") == "SELECT":
            field.select_option(label=value)
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


def opened(browser: Browser, url: str, height: int = 900) -> Page:
    """Open the page in English."""
    page = browser.new_page(viewport={"width": 1200, "height": height}, color_scheme="dark", locale="en-US")
    page.set_default_timeout(180_000)
    page.goto(url)
    page.get_by_test_id("bot-status").wait_for()
    return page


def tour(browser: Browser) -> None:
    """Take every plugin's first command, but for those that have a part of their own."""
    text = spam_message()
    with sandbox() as url, tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "reviews.csv"
        table.write_text(samples.REVIEWS_CSV, encoding="utf-8", newline="")
        note = samples.note(Path(folder) / "note.jpg")
        thing = samples.thing(Path(folder) / "palace.jpg")
        portrait = samples.portrait(Path(folder) / "me.jpg")
        page = opened(browser, url)
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


def stock(browser: Browser) -> None:
    """Take a forecast."""
    with exchange() as settings, sandbox(settings) as url:
        page = opened(browser, url)
        run(page, "stock forecast", {"code": "2330"})
        shot(page, "stock-en")
        speak(page, "zh-TW")
        run(page, "stock forecast", {"code": "2330", "days": "10"})
        shot(page, "stock-zh")


def post(browser: Browser) -> None:
    """Take a scheduled post that scores the forecast of the day before: the second, for the first had none to score."""
    with exchange("--replay", "60") as settings, sandbox(settings) as url:
        page = opened(browser, url, 1000)
        run(page, "stock subscribe", {"code": "2330", "time": "every 1m"})
        page.get_by_test_id("embed-title").filter(has_text="forecast from").nth(1).wait_for(timeout=300_000)
        shot(page, "stock-post-en")


def reviews(browser: Browser) -> None:
    """Take topics of made-up reviews, in two languages."""
    with sandbox() as url, tempfile.TemporaryDirectory() as folder:
        page = opened(browser, url, 1250)
        for language, locale in (("en", "en-US"), ("zh", "zh-TW")):
            table = Path(folder) / f"inn-{language}.csv"
            table.write_bytes(samples.inn_csv(language))
            if language != "en":
                speak(page, locale)
            run(page, "reviews cluster", {"table": str(table)})
            shot(page, f"reviews-{language}")
            button = {"en": "Over time", "zh": "隨時間"}[language]
            before = page.get_by_test_id("embed-title").count()
            page.get_by_test_id("button").filter(has_text=button).last.click()
            page.get_by_test_id("embed-title").nth(before).wait_for()
        shot(page, "trend-zh")


def jobs(browser: Browser) -> None:
    """Take the list of jobs."""
    with sandbox() as url:
        page = opened(browser, url, 1450)
        for schedule, text in (
            ("weekdays 9:00", "Stand-up in five minutes"),
            ("mon,thu 17:30", "Water the plants"),
        ):
            ask(page, "jobs add", {"job": "core/say", "schedule": schedule, "text": text})
            page.get_by_test_id("message").get_by_text("Next:").last.wait_for()
        run(page, "jobs list", {})
        shot(page, "jobs-en")
        speak(page, "zh-TW")
        run(page, "jobs list", {})
        shot(page, "jobs-zh")


def retrain(browser: Browser) -> None:
    """Take the news of a model that was trained again, for two people said that it is wrong."""
    with sandbox() as url:
        page = opened(browser, url, 1050)
        people = page.get_by_test_id("user-switch").locator("option").all_inner_texts()
        for person in people[:2]:
            page.get_by_test_id("user-switch").select_option(label=person)
            page.wait_for_timeout(1500)
            for text in samples.MISREAD:
                noted = page.get_by_text(re.compile("Noted: wrong"))
                before = noted.count()
                score(page, text)
                page.get_by_test_id("button").filter(has_text="Wrong").last.click()
                noted.nth(before).wait_for()
                page.wait_for_timeout(1000)
        page.get_by_test_id("user-switch").select_option(label=people[0])
        page.get_by_test_id("channel-models").click()
        page.get_by_text("the old version stays").last.wait_for(timeout=180_000)
        shot(page, "retrain-en")
        speak(page, "zh-TW")
        run(page, "models history", {"model": "spam"})
        shot(page, "history-zh")


def rules(browser: Browser) -> None:
    """Take a refusal by a rule with the answer to "Why?", and what the administrator sees."""
    with sandbox() as url:
        page = opened(browser, url, 1250)
        people = page.get_by_test_id("user-switch")
        for language, locale, why in (("en", "en-US", "Why?"), ("zh", "zh-TW", "為什麼？")):
            people.select_option(index=0)
            page.wait_for_timeout(1500)
            if language != "en":
                speak(page, locale)
            run(page, "hearth channel", {"plugin": "spam", "channel": "#models"})
            run(page, "hearth cooldown", {"plugin": "spam", "seconds": "30" if language == "en" else "60"})
            run(page, "hearth show", {"plugin": "spam"})
            run(page, "audit list", {})
            shot(page, f"audit-{language}")
            people.select_option(index=1)
            page.wait_for_timeout(1500)
            ask(page, "spam score", {"text": "See you at eight."})
            button = page.get_by_test_id("button").filter(has_text=why)
            button.last.click()
            page.get_by_test_id("message").filter(has_text="⛔").last.wait_for()
            shot(page, f"why-{language}")


def lessons(browser: Browser) -> None:
    """Take the lessons that are seen best."""
    with sandbox() as url:
        page = opened(browser, url, 1100)
        for language, locale in (("en", "en-US"), ("zh", "zh-TW")):
            if language != "en":
                speak(page, locale)
            for lesson in ("xor", "reduce", "cluster"):
                run(page, f"lesson {lesson}", {})
                shot(page, f"lesson-{lesson}-{language}")


PARTS: Final[dict[str, Callable[[Browser], None]]] = {
    "tour": tour,
    "stock": stock,
    "post": post,
    "reviews": reviews,
    "jobs": jobs,
    "retrain": retrain,
    "rules": rules,
    "lessons": lessons,
}


def main() -> None:
    """Write the screenshots of the parts that are named, or of all, to docs/screenshots."""
    wanted = sys.argv[1:] or list(PARTS)
    if unknown := set(wanted) - set(PARTS):
        sys.exit(f"There is no part {', '.join(sorted(unknown))}: {', '.join(PARTS)}")
    OUT.mkdir(parents=True, exist_ok=True)
    with chromium() as browser:
        for name in wanted:
            PARTS[name](browser)


if __name__ == "__main__":
    main()
