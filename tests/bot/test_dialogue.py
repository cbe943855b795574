"""People talk to the bot through the sandbox: every way in, every kind of answer, in both languages."""

import asyncio
import io
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from PIL import Image as Pillow
from sqlalchemy import func, select

from bot.states import States
from plugins.spam.tables import feedback
from shared.reply import unescape
from shared.settings import Quota, Settings
from shared.tables import audit, button, pending
from tests.kit.answer import Unanswered
from tests.kit.house import House, house
from tests.kit.person import File
from tests.kit.privacy import forget

FOLDER = Path(__file__).parents[1] / "fixtures" / "folder"
SPAM = (
    "WINNER!! As a valued customer you have been selected to receive a 900 pound prize. Call 09061701461 now"
)


def settings(tmp_path: Path, **changes: Any) -> Settings:
    values = {"data_dir": tmp_path / "data", "http_port": None, "plugin_folders": (FOLDER,), **changes}
    return Settings(_env_file=None, **values)


@pytest_asyncio.fixture
async def home(tmp_path: Path) -> AsyncIterator[House]:
    # With all plugins there are more menus than Discord has room for.
    few = frozenset({"image"})
    async with house(settings(tmp_path, message_content=True, disabled_plugins=few)) as running:
        yield running


def png(width: int = 30, height: int = 20) -> bytes:
    out = io.BytesIO()
    Pillow.new("RGB", (width, height), "orange").save(out, "PNG")
    return out.getvalue()


async def rows(home: House, table: Any) -> int:
    async with home.core.database.begin() as connection:
        return int((await connection.execute(select(func.count()).select_from(table))).scalar_one())


async def test_spam_is_scored_with_reasons_a_picture_and_buttons(home: House) -> None:
    person = await home.person()
    answer = await person.slash("spam score", text=SPAM)
    (embed,) = answer.message.embeds
    assert "Likely spam" in embed["title"]
    assert "WINNER" in embed["description"]
    assert embed["image"]["url"]
    assert "default" in embed["footer"]["text"]
    assert answer.message.buttons == ["Right", "Wrong"]


async def test_an_ordinary_message_looks_fine(home: House) -> None:
    answer = await (await home.person()).slash("spam score", text="ok, see you at eight then, bring the kids")
    assert "Looks fine" in answer.message.embeds[0]["title"]


async def test_the_answer_is_in_chinese_for_who_reads_chinese(home: House) -> None:
    answer = await (await home.person(locale="zh-TW")).slash("spam score", text=SPAM)
    assert "很可能是垃圾訊息" in answer.message.embeds[0]["title"]
    assert answer.message.buttons == ["正確", "錯誤"]


async def test_a_text_that_the_model_cannot_know_is_called_a_guess(home: House) -> None:
    answer = await (await home.person()).slash("spam score", text="恭喜您中獎了，請立刻點擊領取獎金")
    assert "guess at best" in answer.message.embeds[0]["description"]


async def test_the_menu_of_a_message_scores_it(home: House) -> None:
    person = await home.person()
    message = await person.say(SPAM)
    answer = await person.menu("Spam score", message)
    assert "Likely spam" in answer.message.embeds[0]["title"]


async def test_wrong_is_stored_exported_and_forgotten(home: House) -> None:
    person = await home.person()
    answer = await person.slash("spam score", text=SPAM)
    thanks = await person.press(answer.message, "Wrong")
    assert thanks.ephemeral
    assert "Noted: wrong" in thanks.text
    await person.press(answer.message, "Right")
    async with home.core.database.begin() as connection:
        (row,) = (await connection.execute(select(feedback))).all()
    assert (row.text, row.label) == (SPAM, "spam")
    exported = await person.slash("privacy export")
    assert exported.ephemeral
    assert exported.message.attachments[0]["filename"] == "hearth-export.zip"
    await forget(person)
    assert await rows(home, feedback) == 0
    assert await rows(home, button) == 0


async def test_a_text_left_out_opens_a_modal(home: House) -> None:
    person = await home.person()
    opened = await person.slash("spam score")
    assert opened.modal is not None
    answer = await person.submit(opened.modal, text=SPAM)
    assert "Likely spam" in answer.message.embeds[0]["title"]


async def test_a_modal_keeps_the_options_that_were_given(home: House) -> None:
    person = await home.person()
    opened = await person.slash("trial repeat", times=2)
    assert opened.modal is not None
    answer = await person.submit(opened.modal, text="twice")
    assert answer.message.content == "twice\ntwice"
    assert answer.ephemeral


@pytest.mark.parametrize(
    "text",
    [
        "😀😀😀",
        "مرحبا بالعالم",
        "a\0b",
        "@everyone free @here",
        "**b** `c` ||d|| [x](http://y.z)",
        "\x1b[31mred",
    ],
)
async def test_strange_texts_are_answered_and_never_ping(home: House, text: str) -> None:
    answer = await (await home.person()).slash("spam score", text=text)
    assert answer.message.embeds[0]["title"]
    assert not answer.message.raw["mention_everyone"]
    assert not re.search(r"(?<!\\)[\]*`|]", answer.message.embeds[0]["description"].replace("**", ""))


async def test_an_empty_text_is_refused_in_a_sentence_only_the_asker_sees(home: House) -> None:
    answer = await (await home.person(locale="zh-TW")).slash("spam score", text=" \u200b ")
    assert answer.ephemeral
    assert "文字是空的" in answer.message.content


async def test_pictures_are_checked_before_the_plugin_runs(home: House) -> None:
    person = await home.person()
    assert (await person.slash("trial size", image=File("a.png", png()))).message.content == "PNG 30x20"
    for name, data, says in (
        ("empty.png", b"", "0 bytes"),
        ("page.png", b"<html>", "not a picture"),
        ("huge.png", png(8000, 6000), "too many pixels"),
    ):
        refused = await person.slash("trial size", image=File(name, data))
        assert refused.ephemeral
        assert says in refused.message.content.replace("\\", "")


async def test_a_file_over_the_limit_is_refused_before_it_is_read(tmp_path: Path) -> None:
    async with house(settings(tmp_path, download_limit=2000)) as home:
        answer = await (await home.person()).slash("trial size", image=File("a.png", b"x" * 3000))
        assert "larger than" in answer.message.content


async def test_of_several_pictures_each_that_is_refused_is_named_and_the_others_arrive(
    tmp_path: Path,
) -> None:
    async with house(settings(tmp_path, download_limit=2000, pixel_limit=10_000)) as home:
        person = await home.person(locale="zh-TW")
        refused = {
            "images-2": File("page.png", b"<!doctype html><html>"),
            "images-3": File("heavy.png", b"\x89PNG" + b"x" * 3000),
            "images-4": File("wide.png", png(200, 100)),
        }
        answer = await person.slash("trial count", {"images": File("a.png", png()), **refused})
        assert not answer.ephemeral
        assert unescape(answer.message.content).splitlines() == [
            "1 pictures",
            "⚠️ page.png 不是可讀的圖片：請傳 PNG、JPEG、WebP、GIF、BMP 或 TIFF。",
            "⚠️ heavy.png 超過 0 MiB。",
            "⚠️ wide.png 的像素太多，請縮小後再傳。",
        ]
        none = await person.slash("trial count", {"images": File("empty.png", b""), **refused})
        assert none.ephemeral
        assert [line.split()[1] for line in unescape(none.message.content).splitlines()] == [
            "empty.png", "page.png", "heavy.png", "wide.png",
        ]  # fmt: skip


async def test_several_pictures_and_a_table_arrive(home: House) -> None:
    person = await home.person()
    pictures = {
        "images": File("a.png", png()),
        "images-2": File("b.png", png()),
        "images-3": File("c.png", png()),
    }
    assert (await person.slash("trial count", pictures)).message.content == "3 pictures"
    answer = await person.slash("trial rows", table=File("t.csv", b"a,b\n1,2\n3,4\n"))
    assert answer.message.content == "2 rows of a, b"


async def test_a_picture_of_a_message_is_measured_from_its_menu(tmp_path: Path) -> None:
    # With all plugins there are more menus than Discord has room for.
    few = settings(tmp_path, disabled_plugins=frozenset({"article", "fact", "image", "sentiment"}))
    async with house(few) as home:
        person = await home.person()
        message = await person.say("look", files=[File("a.png", png())])
        assert (await person.menu("Size of picture", message)).message.content == "PNG 30x20"
        bare = await person.say("no picture here")
        assert "no picture" in (await person.menu("Size of picture", bare)).message.content


async def test_long_answers_are_split_or_attached(home: House) -> None:
    person = await home.person()
    answer = await person.slash("trial repeat", text="x" * 90, times=100)
    assert len(await person.history()) > 1 or answer.message.attachments
    longest = await person.slash("trial repeat", text="y" * 90, times=500)
    assert longest.message.attachments[0]["filename"] == "answer.txt"


async def test_a_bug_in_a_plugin_is_told_with_an_id_and_without_details(home: House) -> None:
    answer = await (await home.person()).slash("trial fails", how="bug")
    assert answer.ephemeral
    assert "went wrong" in answer.message.content
    assert "id: `" in answer.message.content
    assert "secret detail" not in answer.message.content


async def test_buttons_run_other_commands_publicly_or_privately(home: House) -> None:
    person = await home.person()
    answer = await person.slash("trial rich")
    assert answer.message.attachments[0]["filename"] == "notes.txt"
    assert (await person.press(answer.message, "Again")).message.content == "pong"
    whisper = await person.press(answer.message, "Whisper")
    assert whisper.ephemeral
    assert whisper.text == "hush"


async def test_a_button_whose_time_is_over_says_so(home: House) -> None:
    person = await home.person()
    answer = await person.slash("trial rich")
    async with home.core.database.begin() as connection:
        await connection.execute(button.update().values(expires_ms=0))
    assert "too old" in (await person.press(answer.message, "Again")).text


async def test_long_work_shows_progress_and_can_be_cancelled_by_its_asker_alone(home: House) -> None:
    person, other = await home.person(), await home.person("member-2")
    asked = asyncio.create_task(person.slash("trial slow", seconds=30.0))
    shown = await person.sees(lambda m: "Cancel" in m.buttons)
    assert "%" in shown.content
    refused = await other.press(shown, "Cancel")
    assert "Only the one who asked" in refused.text
    await person.press(shown, "Cancel")
    assert (await asked).message.content == "Cancelled."


async def test_who_waits_behind_others_is_told_the_place_in_the_queue(tmp_path: Path) -> None:
    async with house(settings(tmp_path, person_quota=Quota(burst=100, per_minute=100))) as home:
        person = await home.person()
        asked = [
            asyncio.create_task(person.slash("trial deed", what="sleep", seconds=0.15, within=60))
            for _ in range(40)
        ]
        shown = await person.sees(lambda m: "in the queue" in m.content)
        assert re.search(r"Place \d+ in the queue", shown.content)
        assert "Cancel" in shown.buttons
        answers = await asyncio.gather(*asked)
        assert {answer.message.content for answer in answers} == {"did sleep"}


async def test_a_language_that_hearth_does_not_speak_gives_way_to_the_servers(tmp_path: Path) -> None:
    async with house(settings(tmp_path), guild_locale="zh-TW") as home:
        french = await (await home.person(locale="fr")).slash("spam score", text=SPAM)
        assert "很可能是垃圾訊息" in french.message.embeds[0]["title"]
        english = await (await home.person("member-2", locale="en-GB")).slash("spam score", text=SPAM)
        assert "Likely spam" in english.message.embeds[0]["title"]


async def test_quota_refuses_politely_and_says_when(tmp_path: Path) -> None:
    strict = settings(tmp_path, person_quota=Quota(burst=2, per_minute=1))
    async with house(strict) as home:
        person = await home.person()
        for _ in range(2):
            assert (await person.slash("trial ping")).message.content == "pong"
        refused = await person.slash("trial ping")
        assert refused.ephemeral
        assert "Try again in" in refused.message.content
        assert (await (await home.person("member-2")).slash("trial ping")).message.content == "pong"


async def test_only_who_may_can_rule_and_switch_plugins(home: House) -> None:
    person, admin = await home.person(), await home.person("admin")
    refused = await person.slash("trial rule")
    assert "Only those who may" in refused.message.content
    assert (await admin.slash("trial rule")).message.content == "ruled"
    await admin.slash("plugins disable", plugin="trial")
    assert "switched off here" in (await person.slash("trial ping")).message.content
    await admin.slash("plugins enable", plugin="trial")
    assert (await person.slash("trial ping")).message.content == "pong"
    assert await rows(home, audit) == 2


async def test_the_list_of_plugins_names_what_was_set_aside(home: House) -> None:
    answer = await (await home.person("admin")).slash("plugins list")
    names = [field["name"] for field in answer.message.embeds[0]["fields"]]
    assert any("spam: on" in name for name in names)
    broken = next(f for f in answer.message.embeds[0]["fields"] if "broken" in f["name"])
    assert "broken on purpose" in broken["value"].replace("\\", "")


async def test_a_plugin_that_is_off_for_all_leaves_discord_within_seconds(home: House) -> None:
    person = await home.person()
    assert "trial" in [c["name"] for c in person.commands]
    await States(home.core.database).switch("trial", False, None, None)
    async with asyncio.timeout(10):
        while "trial" in [c["name"] for c in person.commands]:
            await asyncio.sleep(0.1)


async def test_answers_after_the_tokens_life_go_to_the_channel(tmp_path: Path) -> None:
    async with house(settings(tmp_path), token_seconds=2.0) as home:
        person = await home.person()
        asked = asyncio.create_task(person.slash("trial slow", seconds=4.0))
        late = await person.sees(lambda m: "done at last" in m.content)
        assert person.id in late.content
        with pytest.raises(Unanswered):
            await asked


async def test_a_watched_channel_points_out_spam_and_leaves_the_rest_alone(home: House) -> None:
    admin, person = await home.person("admin"), await home.person()
    assert "pointed out" in (await admin.slash("spam watch", state="on")).message.content
    await person.say("ok see you at eight then")
    spam = await person.say(SPAM)
    found = await person.sees(lambda m: "reads like spam" in m.content)
    assert found.raw["message_reference"]["message_id"] == spam.id
    await admin.slash("spam watch", state="off")
    await person.say(SPAM)
    await asyncio.sleep(0.5)
    assert sum("reads like spam" in m.content for m in await person.history()) == 1


async def test_a_watch_without_the_intent_says_what_is_missing(tmp_path: Path) -> None:
    async with house(settings(tmp_path)) as home:
        answer = await (await home.person("admin")).slash("spam watch", state="on")
        assert "message content intent" in answer.message.content


async def test_the_same_commands_are_not_registered_twice(tmp_path: Path) -> None:
    async with house(settings(tmp_path)) as home:
        assert not await home.bot.client.sync()


async def test_a_dropped_gateway_is_resumed(home: House) -> None:
    person = await home.person()
    home.sandbox.drop_gateway()
    await home.sandbox.wait_for_bot()
    assert (await person.slash("trial ping")).message.content == "pong"


async def test_nothing_is_left_pending_after_the_answers(home: House) -> None:
    person = await home.person()
    answers = await asyncio.gather(*(person.slash("trial ping") for _ in range(15)))
    assert {a.message.content for a in answers} == {"pong"}
    async with asyncio.timeout(5):
        while await rows(home, pending):
            await asyncio.sleep(0.05)
