"""What a newcomer does first: scores a message in the page, says that the verdict is wrong, and reads it in Chinese."""

import re
from pathlib import Path

import pytest

from tests.browser import samples
from tests.browser.screenshots import FALLBACK, SYSTEM_CHROMIUM, chromium, run, sandbox, score, speak

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not SYSTEM_CHROMIUM.exists(), reason="Debian's chromium is not installed"),
]


def test_a_newcomer_scores_a_message_says_wrong_and_switches_to_chinese() -> None:
    with sandbox() as url, chromium() as browser:
        page = browser.new_page(locale="en-US")
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
        page.goto(url)
        score(page, FALLBACK)
        assert "Likely spam" in page.get_by_test_id("embed-title").last.inner_text()
        page.get_by_test_id("button").filter(has_text="Wrong").last.click()
        page.get_by_text(re.compile("Noted: wrong")).wait_for()
        speak(page, "zh-TW")
        score(page, FALLBACK)
        page.get_by_text("很可能是垃圾訊息").last.wait_for()
        assert page.get_by_test_id("button").filter(has_text="錯誤").count() == 1
        assert faults == []


def test_pictures_are_uploaded_in_the_page_and_answered_by_pictures(tmp_path: Path) -> None:
    note = samples.note(tmp_path / "note.jpg")
    broken = tmp_path / "broken.png"
    broken.write_bytes(note.read_bytes()[:3000])
    with sandbox() as url, chromium() as browser:
        page = browser.new_page(locale="en-US")
        page.goto(url)
        run(page, "digits read", {"picture": str(note)})
        answer = page.get_by_test_id("embed").last
        assert {"2026", "58134"} <= set(answer.inner_text().split())
        shown = answer.locator("img").first
        shown.wait_for()
        assert shown.evaluate("image => image.decode().then(() => image.naturalWidth)") > 400
        page.get_by_test_id("composer").click()
        page.keyboard.type("/digits read")
        page.locator('[data-testid="command-item"][data-command="digits read"]').click()
        page.get_by_test_id("option-picture").set_input_files(str(broken))
        page.get_by_test_id("submit").click()
        page.get_by_test_id("message-content").get_by_text("damaged or cut short").wait_for()
        run(page, "image classify", {"picture": str(samples.thing(tmp_path / "palace.jpg"))})
        assert "palace" in page.get_by_test_id("embed-title").last.inner_text()
