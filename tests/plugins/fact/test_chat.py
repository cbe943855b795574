"""What people read: through the command, and through every door of the sandbox."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio
from sqlalchemy import select

from plugins.fact.commands import whole
from plugins.fact.tables import feedback
from shared.inputs import Article, Upload
from shared.settings import Settings
from tests.kit.caller import Caller
from tests.kit.house import House, house
from tests.kit.person import File
from tests.kit.privacy import forget
from tests.kit.web import HOST, Web
from tests.plugins.fact.test_model import FAKE_ARTICLE, REAL_ARTICLE, REAL_POST

CHINESE = "震驚！專家表示喝熱水可以殺死病毒，已有三萬人治癒，請趕快轉發給親友！！"
STYLE = "not whether it is true"


async def test_the_answer_says_how_it_reads_shows_why_and_never_takes_a_side(caller: Caller) -> None:
    for text, title in (
        (FAKE_ARTICLE, "Reads like unreliable posts"),
        (REAL_ARTICLE, "Reads like reliable reporting"),
    ):
        reply = await caller("fact", "check", article=text)
        assert title in (reply.title or "")
        assert STYLE in reply.text
        assert reply.tone == "neutral"
        assert reply.source == "fact · default"
        (picture,) = reply.pictures
        assert picture.data.startswith(b"\x89PNG")
        assert reply.fields[0].name == "Probability of unreliable"


async def test_the_checklist_speaks_of_this_very_text(caller: Caller) -> None:
    reply = await caller("fact", "check", article=FAKE_ARTICLE)
    assert "⚠️ Gives no date" in reply.text
    assert "Urges or alarms (Share this)" in reply.text
    assert "🔍 Search other outlets for: “BREAKING" in reply.text
    reply = await caller("fact", "check", article=REAL_ARTICLE)
    assert "✔️ Names a source" in reply.text


async def test_chinese_gets_no_verdict_but_the_checklist(caller: Caller) -> None:
    reply = await caller("fact", "check", article=CHINESE, locale="zh-TW")
    assert "不下判斷" in (reply.title or "")
    assert "只學過英文" in reply.text
    assert reply.tone == "unsure"
    assert not reply.pictures
    assert not reply.fields
    for line in (
        "沒有指名消息來源",
        "依據的是沒有名字的人（專家表示）",
        "催促或危言聳聽",
        "數字沒有來源（三萬",
    ):
        assert line in reply.text
    assert "不是真假" in reply.text
    english = await caller("fact", "check", article=CHINESE)
    assert "I have only learned English posts and articles" in english.text


async def test_a_person_who_reads_chinese_gets_all_of_it_in_chinese(caller: Caller) -> None:
    reply = await caller("fact", "check", article=FAKE_ARTICLE, locale="zh-TW")
    assert "寫法像不可靠的貼文" in (reply.title or "")
    assert "不可靠" in reply.text
    assert [button.label for button in reply.buttons] == ["我知道：可靠", "我知道：不可靠"]
    assert "check yourself" not in reply.text


async def test_what_is_unlike_the_training_gets_no_verdict(caller: Caller) -> None:
    reply = await caller("fact", "check", article="brlk zxqv wpdn qqlt mnbr vvxz kjhg plmk rtzu wvbn")
    assert "No verdict" in (reply.title or "")
    assert "unlike the texts that I learned from" in reply.text
    assert STYLE in reply.text


async def test_a_file_is_read_too(caller: Caller) -> None:
    reply = await caller("fact", "check", article=Upload("news.txt", FAKE_ARTICLE.encode("utf-16")))
    assert "Reads like unreliable posts" in (reply.title or "")


async def test_markdown_and_mentions_of_the_text_do_no_harm(caller: Caller) -> None:
    text = "@everyone **STOP** reading [this](http://evil.example) said Jane Doe, “<@123> is the source of it all”"
    reply = await caller("fact", "check", article=text)
    for harmful in ("@everyone", "**STOP**", "[this](http", "<@123>"):
        assert harmful not in reply.text


def test_the_title_of_a_page_stands_before_its_text_once() -> None:
    page = Article("The body.", title="The title")
    assert whole(page) == "The title\n\nThe body."
    assert whole(replace(page, text="The title\n\nThe body.")) == "The title\n\nThe body."
    assert whole(Article("The body.")) == "The body."
    assert len(whole(Article("x" * 200_000, title="t"))) == 20_000


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def home(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    folder = tmp_path_factory.mktemp("house")
    settings = Settings(_env_file=None, data_dir=folder, http_port=None, fetch_allow=(f"{HOST}/32",))  # type: ignore[call-arg]
    async with house(settings) as found:
        yield found


@pytest.mark.asyncio(loop_scope="module")
async def test_slash_command_and_file(home: House) -> None:
    person = await home.person()
    answer = await person.slash("fact check", article=REAL_POST, within=60)
    assert "Reads like reliable reporting" in answer.message.embeds[0]["title"]
    attached = await person.slash(
        "fact check", article_file=File("news.txt", FAKE_ARTICLE.encode()), within=60
    )
    assert "Reads like unreliable posts" in attached.message.embeds[0]["title"]


@pytest.mark.asyncio(loop_scope="module")
async def test_an_address_is_read_and_its_site_and_date_are_named(home: House) -> None:
    async with Web() as web:
        answer = await (await home.person()).slash("fact check", article=web.url("/article"), within=60)
    (embed,) = answer.message.embeds
    fields = {field["name"]: field["value"].replace("\\", "") for field in embed["fields"]}
    assert fields["Site"] == "Harbour Post"
    assert fields["Published"].startswith("2026-10-05")
    assert "Names a source" in embed["description"]


@pytest.mark.asyncio(loop_scope="module")
async def test_an_article_left_out_opens_a_modal(home: House) -> None:
    person = await home.person()
    opened = await person.slash("fact check")
    assert opened.modal is not None
    answer = await person.submit(opened.modal, article=FAKE_ARTICLE, within=60)
    assert "Reads like unreliable posts" in answer.message.embeds[0]["title"]


@pytest.mark.asyncio(loop_scope="module")
async def test_the_menu_of_a_message_checks_it_and_feedback_is_kept_exported_and_forgotten(
    home: House,
) -> None:
    person = await home.person(locale="zh-TW")
    answer = await person.menu("Check this news", await person.say(CHINESE), within=60)
    assert "不下判斷" in answer.message.embeds[0]["title"]
    thanks = await person.press(answer.message, "我知道：不可靠")
    assert thanks.ephemeral
    assert "已記下：不可靠" in thanks.text
    async with home.core.database.begin() as connection:
        (row,) = (await connection.execute(select(feedback))).all()
    assert (row.text, row.label) == (CHINESE, "fake")
    exported = await person.slash("privacy export")
    assert exported.message.attachments[0]["filename"] == "hearth-export.zip"
    await forget(person)
    async with home.core.database.begin() as connection:
        assert not (await connection.execute(select(feedback))).all()
