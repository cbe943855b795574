"""What chat sees: the verdict with its words, the picture and the buttons, through every door, in both languages."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from sqlalchemy import select

from plugins.sentiment.tables import feedback
from shared.settings import Settings
from tests.kit.caller import Caller
from tests.kit.house import House, house
from tests.kit.person import File

GLAD = "What a wonderful film, beautifully acted; I loved it and it is one of the best I have seen."
SAD = "A boring, awful waste of time: the worst acting and the dullest story I have ever seen."
GUEST = "房間很髒，服務態度很差，隔音也不好，非常失望，不會再來了。"


@pytest_asyncio.fixture
async def home(hearth_settings: Settings) -> AsyncIterator[House]:
    async with house(hearth_settings) as running:
        yield running


async def test_a_glad_text_is_positive_and_its_words_say_why(caller: Caller) -> None:
    reply = await caller("sentiment", "read", text=GLAD)
    assert reply.title is not None
    assert reply.title.endswith("Positive")
    assert reply.tone == "good"
    assert "**wonderful**" in reply.text
    assert [field.name for field in reply.fields][:2] == ["Probability of positive", "Speak for positive"]
    assert "wonderful" in reply.fields[1].value
    assert [button.label for button in reply.buttons] == ["Right", "It is negative", "It is mixed"]
    assert reply.pictures[0].data.startswith(b"\x89PNG")
    assert reply.source is not None
    assert "default" in reply.source


async def test_a_sad_chinese_text_is_negative_in_chinese_words(caller: Caller) -> None:
    reply = await caller("sentiment", "read", text=GUEST, locale="zh-TW")
    assert reply.title is not None
    assert reply.title.endswith("負面")
    assert reply.tone == "bad"
    assert "偏負面的字詞" in [field.name for field in reply.fields]
    assert [button.label for button in reply.buttons] == ["正確", "其實是正面", "其實好壞參半"]


@pytest.mark.parametrize("text", ["Zxqv blorp wibble frumious jabberwock", "😀🎉", "１２３４５", "\u202e…"])
async def test_what_the_model_does_not_know_is_unclear(caller: Caller, text: str) -> None:
    reply = await caller("sentiment", "read", text=text)
    assert reply.title is not None
    assert reply.title.endswith("Unclear")
    assert reply.tone == "unsure"
    assert "knows few of these words" in reply.text


async def test_marks_of_the_text_itself_are_harmless(caller: Caller) -> None:
    reply = await caller("sentiment", "read", text="@everyone **awful** film ```boring```")
    assert "@everyone" not in reply.text.replace("\\@", "")
    assert "\\*\\*" in reply.text


async def test_feedback_is_kept_once_a_text_exported_and_forgotten(caller: Caller) -> None:
    reply = await caller("sentiment", "read", text=SAD)
    for index in (0, 2):
        arguments = dict(reply.buttons[index].arguments)
        said = await caller("sentiment", reply.buttons[index].command, **arguments)
        assert said.private
    async with caller.core.database.begin() as connection:
        rows = (await connection.execute(select(feedback.c.text, feedback.c.label))).all()
    assert [tuple(row) for row in rows] == [(SAD, "mixed")]
    plugin = caller.core.plugins.get("sentiment")
    assert plugin is not None
    assert plugin.card.keeps


async def test_the_slash_command_opens_a_form_where_the_text_is_left_out(home: House) -> None:
    person = await home.person()
    asked = await person.slash("sentiment read")
    answer = await person.submit(asked, text=SAD)
    (embed,) = answer.message.embeds
    assert "Negative" in embed["title"]
    assert embed["image"]["url"]


async def test_the_menu_of_a_message_reads_it_and_a_button_keeps_what_was_said(home: House) -> None:
    person = await home.person(locale="zh-TW")
    message = await person.say(GUEST)
    answer = await person.menu("Sentiment", message)
    assert "負面" in answer.message.embeds[0]["title"]
    thanks = await person.press(answer, "正確")
    assert thanks.ephemeral
    assert "謝謝" in thanks.text


async def test_a_table_is_uploaded_and_comes_back(home: House) -> None:
    person = await home.person()
    data = f'id,review\n1,"{GLAD}"\n2,"{SAD}"\n'.encode()
    answer = await person.slash("sentiment table", table=File("mine.csv", data))
    assert "2 reviews judged" in answer.message.embeds[0]["title"]
    (attached,) = [each for each in answer.message.attachments if each["filename"].endswith(".csv")]
    lines = (await person.download(attached)).decode("utf-8-sig").splitlines()
    assert [line.split(",")[-2] for line in lines] == ["sentiment", "positive", "negative"]


async def test_the_course_s_model_is_not_loaded_beside_the_one_that_answers(caller: Caller) -> None:
    await caller("sentiment", "read", text=GLAD)
    status = await caller.core.predictor.engine.status()
    loaded = {model.name: model.loaded for model in status.models}
    assert loaded["sentiment"]
    assert not loaded["sentiment-bilstm"]
