"""The chat page as a person uses it: by keyboard, on a phone, in two languages, with hostile text."""

import pytest
from playwright.async_api import Locator, Page, expect

from tests.kit.person import Person

pytestmark = pytest.mark.browser

HOSTILE = """<img src=x onerror="document.title='taken'"> <script>document.title='taken'</script>
[gift](https://example.org/x) [no](javascript:alert(1)) **bold** ||hidden||
```ansi
\x1b[1;31mred\x1b[0m plain
```"""


async def type_command(page: Page, line: str) -> None:
    """Type into the message box, from wherever the focus is, by the `/` that opens it."""
    await page.locator("body").press("/")
    await expect(page.get_by_test_id("composer")).to_be_focused()
    await page.keyboard.type(line)


def option(page: Page, name: str) -> Locator:
    return page.get_by_test_id(f"option-{name}")


async def test_what_people_write_is_never_read_as_html(page: Page, person: Person) -> None:
    await person.say(HOSTILE)
    content = page.get_by_test_id("message-content").last
    await expect(content).to_contain_text("<script>document.title='taken'</script>")
    assert await content.locator("img, script, [onerror]").count() == 0
    assert [await link.get_attribute("href") for link in await content.locator("a").all()] == [
        "https://example.org/x"
    ]
    await expect(content).to_contain_text("gift (example.org)")
    await expect(content.locator(".ansi-31.ansi-bold")).to_have_text("red")
    assert "taken" not in await page.title()


async def test_a_command_is_picked_filled_in_and_sent_by_keyboard_alone(page: Page) -> None:
    await type_command(page, "one")
    first = page.get_by_test_id("command-item").first
    await expect(first).to_have_attribute("data-command", "deep one")
    await expect(first).to_have_attribute("aria-selected", "true")
    await page.keyboard.press("Enter")
    await expect(option(page, "n")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator(".field-error")).to_have_text("This is required.")
    await page.keyboard.type("x")
    await page.keyboard.press("Enter")
    await expect(page.locator(".field-error")).to_have_text("Write a whole number.")
    await page.keyboard.press("Backspace")
    await page.keyboard.type("7")
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("message-content").last).to_have_text("one 7")
    await expect(page.get_by_test_id("used").last).to_contain_text("/deep one")
    await expect(page.get_by_test_id("composer")).to_be_focused()


async def test_a_suggestion_for_an_earlier_text_is_not_taken(page: Page) -> None:
    await type_command(page, "suggest ")
    await page.locator('[data-testid="suggestion"][data-value="a"]').wait_for()
    await page.keyboard.type("zz")
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("message-content").last).to_have_text("zz")


async def test_a_suggestion_is_taken_by_the_arrow_keys(page: Page) -> None:
    await type_command(page, "suggest zz")
    await page.locator('[data-testid="suggestion"][data-value="zzb"]').wait_for()
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await expect(option(page, "word")).to_have_value("zzb")
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("message-content").last).to_have_text("zzb")


async def test_a_form_says_what_is_wrong_until_it_is_mended(page: Page) -> None:
    await type_command(page, "form")
    await page.keyboard.press("Enter")
    await page.keyboard.press("Enter")
    modal = page.get_by_test_id("modal")
    await page.get_by_test_id("modal-input-story").fill("ab")
    await page.get_by_test_id("modal-submit").click()
    await expect(modal.get_by_text("At least 3 characters.")).to_be_visible()
    await page.get_by_test_id("modal-input-story").fill("abc")
    await expect(modal.get_by_text("At least 3 characters.")).to_have_count(0)
    await page.get_by_test_id("modal-input-colour").click()
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await page.get_by_test_id("modal-input-papers").set_input_files(
        {"name": "a.txt", "mimeType": "text/plain", "buffer": b"paper"}
    )
    await page.get_by_test_id("modal-submit").click()
    await expect(page.get_by_test_id("message-content").last).to_have_text(
        '["abc", ["b"], [["a.txt", "paper"]]]'
    )
    await expect(modal).to_have_count(0)


async def test_the_menu_of_a_message_opens_by_key_and_gives_the_focus_back(
    page: Page, person: Person
) -> None:
    await person.say("free prize")
    message = page.get_by_test_id("message").last
    await message.focus()
    await page.keyboard.press("Shift+F10")
    await expect(page.get_by_test_id("menu-item").first).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.get_by_test_id("context-menu")).to_have_count(0)
    await expect(message).to_be_focused()
    await page.keyboard.press("Shift+F10")
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("message-content").last).to_contain_text("free prize")
    await expect(page.get_by_test_id("used").last).to_contain_text("Inspect message")


async def test_a_name_opens_the_commands_for_its_user(page: Page, person: Person) -> None:
    await person.say("here I am")
    await page.get_by_test_id("author").last.click()
    await page.get_by_test_id("menu-item").filter(has_text="Inspect user").click()
    await expect(page.get_by_test_id("message-content").last).to_have_text("member-1")


async def test_a_private_answer_is_shown_to_its_asker_only_and_can_be_dismissed(page: Page) -> None:
    await type_command(page, "panel")
    await page.keyboard.press("Enter")
    await page.keyboard.press("Enter")
    await page.locator('[data-testid="button"][data-label="Whisper"]').click()
    private = page.get_by_test_id("message-content").filter(has_text="for admin only")
    await expect(private).to_be_visible()
    await page.get_by_test_id("user-switch").select_option(label="Member 1")
    await expect(page.get_by_test_id("channel-admin")).to_have_count(0)
    await expect(page.get_by_text("panel", exact=True)).to_be_visible()
    # Not in what is read aloud either.
    await expect(page.get_by_text("for admin only")).to_have_count(0)
    await page.get_by_test_id("user-switch").select_option(label="Admin")
    await page.get_by_test_id("dismiss").click()
    await expect(private).to_have_count(0)


async def test_the_language_is_that_of_the_page_and_of_what_the_bot_is_told(page: Page) -> None:
    await page.get_by_test_id("locale-switch").select_option("zh-TW")
    await expect(page.locator("html")).to_have_attribute("lang", "zh-TW")
    await type_command(page, "問")
    await expect(page.get_by_test_id("command-item").first).to_contain_text("打招呼")
    await page.keyboard.press("Enter")
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("message-content").last).to_have_text("greeted in zh-TW")
    await page.reload()
    await expect(page.locator("html")).to_have_attribute("lang", "zh-TW")


async def test_on_a_phone_the_channels_are_a_drawer_that_holds_the_focus(page: Page) -> None:
    await page.set_viewport_size({"width": 360, "height": 740})
    assert await page.evaluate("document.documentElement.scrollWidth") <= 360
    drawer = page.locator("#side")
    await expect(drawer).to_be_hidden()
    opener = page.locator(".drawer-button")
    await opener.click()
    await expect(page.get_by_test_id("channel-general")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(drawer).to_be_hidden()
    await expect(opener).to_be_focused()
    await opener.click()
    await page.get_by_test_id("channel-models").click()
    await expect(drawer).to_be_hidden()
    await expect(page.locator("h1").filter(has_text="models")).to_be_visible()
