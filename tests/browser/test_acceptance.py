"""What a newcomer does first: scores a message in the page, says that the verdict is wrong, and reads it in Chinese."""

import re

import pytest

from tests.browser.screenshots import FALLBACK, SYSTEM_CHROMIUM, chromium, sandbox, score, speak

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
