"""People have articles summarised through every door, see where each sentence stands, and say what they think of it."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import select

from plugins.article.tables import feedback
from shared.errors import BadInput
from shared.language import sentences
from shared.reply import Button, Reply, unescape
from shared.settings import Settings
from tests.kit.caller import Caller
from tests.kit.house import House, house
from tests.kit.person import File
from tests.kit.privacy import forget
from tests.kit.web import CANARY_HOST, HOST, Web, page, pdf
from tests.kit.web import ENGLISH as PARAGRAPHS
from tests.plugins.article.articles import CHINESE, ENGLISH

FLAT = " ".join(ENGLISH.split())


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def home(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """Return one house for all tests, for its worker takes seconds to load; the other plugins are not in it."""
    values = Settings(  # type: ignore[call-arg]
        _env_file=None,
        data_dir=tmp_path_factory.mktemp("house"),
        http_port=None,
        disabled_plugins=frozenset({"fact", "sentiment", "spam"}),
        fetch_allow=(f"{HOST}/32",),
    )
    async with house(values) as running:
        yield running


@pytest.fixture
def caller(home: House) -> Caller:
    return Caller(home.core)


def bullets(text: str) -> list[str]:
    return [unescape(line[2:]) for line in text.splitlines() if line.startswith("• ")]


def button(reply: Reply, command: str, **arguments: object) -> Button:
    return next(
        each
        for each in reply.buttons
        if each.command == command and all(each.arguments[name] == value for name, value in arguments.items())
    )


async def test_a_summary_quotes_the_article_and_says_what_it_saves(caller: Caller) -> None:
    reply = await caller("article", "summarise", article=ENGLISH)
    quotes = bullets(reply.text)
    assert len(quotes) == 3
    assert all(quote in FLAT for quote in quotes)
    assert reply.title is not None
    assert "Harbour bridge to close" in unescape(reply.title)
    assert {field.name for field in reply.fields} == {"Reading time", "Time saved"}
    assert "word for word" in reply.text
    assert reply.source is not None
    assert "summary" in reply.source
    assert not reply.private


async def test_a_chinese_article_is_summarised_in_chinese_words(caller: Caller) -> None:
    reply = await caller("article", "summarise", article=CHINESE, sentences="2", locale="zh-TW")
    quotes = bullets(reply.text)
    assert len(quotes) == 2
    assert all(quote in CHINESE for quote in quotes)
    assert "一字不改" in reply.text
    assert [each.label for each in reply.buttons] == ["顯示原文段落", "摘要很好", "摘要不好"]


async def test_a_paragraph_is_made_where_bullets_are_not_wanted(caller: Caller) -> None:
    reply = await caller("article", "summarise", article=ENGLISH, bullets="no")
    paragraph = unescape(reply.text.split("\n\n")[0])
    assert "•" not in paragraph
    assert len(sentences(paragraph)) == 3


async def test_a_share_is_taken_instead_of_a_number(caller: Caller) -> None:
    short = await caller("article", "summarise", article=ENGLISH, share="10")
    long = await caller("article", "summarise", article=ENGLISH, share="60")
    assert 1 <= len(bullets(short.text)) < len(bullets(long.text))
    with pytest.raises(BadInput, match="not both"):
        await caller("article", "summarise", article=ENGLISH, share="10", sentences="2")


async def test_options_out_of_bounds_are_refused(caller: Caller) -> None:
    wrong = (("sentences", "0"), ("sentences", "21"), ("share", "4"), ("share", "61"), ("language", "fr"))
    for name, value in wrong:
        given: dict[str, Any] = {"article": ENGLISH, name: value}
        with pytest.raises(BadInput, match=name):
            await caller("article", "summarise", **given)


async def test_a_text_that_is_short_already_comes_back_with_a_word_on_it(caller: Caller) -> None:
    reply = await caller("article", "summarise", article="Trains run again from Monday. Tickets stay valid.")
    assert bullets(reply.text) == ["Trains run again from Monday.", "Tickets stay valid."]
    assert "short already" in reply.text
    assert "Time saved" not in {field.name for field in reply.fields}


async def test_markdown_and_mentions_of_an_article_do_nothing(caller: Caller) -> None:
    text = "@everyone **buy** [this](http://a.example/) now, says the `shop` of ours. Nobody <@1> has to buy || at all."
    reply = await caller("article", "summarise", article=text)
    for mark in ("**buy**", "](http", "`shop`", "<@1>", "||"):
        assert mark not in reply.text
    assert bullets(reply.text)[0].startswith("@everyone **buy**")


async def test_only_a_beginning_that_was_read_is_told(caller: Caller) -> None:
    text = " ".join(f"Sentence number {n} speaks of item {n * 7 % 1000} again." for n in range(3000))
    reply = await caller("article", "summarise", article=text)
    assert "Only the first" in reply.text


async def test_the_source_button_shows_each_sentence_in_its_context(caller: Caller) -> None:
    reply = await caller("article", "summarise", article=ENGLISH)
    shown = await caller("article", "sources", **button(reply, "sources").arguments)
    assert shown.private
    text = unescape(shown.text)
    for number, quote in enumerate(bullets(reply.text), 1):
        assert f"**{number}.**" in text
        assert quote in text
    assert "What follows" not in text
    around = [
        line.replace("**", "").removeprefix("> ")[3:].strip(" …")
        for line in text.splitlines()
        if line[:1] == ">"
    ]
    assert all(line in FLAT for line in around)
    assert any(len(line) > len(quote) + 20 for line, quote in zip(around, bullets(reply.text), strict=True))


async def test_the_source_command_refuses_what_it_did_not_write(caller: Caller) -> None:
    for wrong in ("nonsense", '{"a": 1}', '[["a"]]', "[[1, 2, 3, 4]]"):
        with pytest.raises(BadInput, match="summarise the text again"):
            await caller("article", "sources", passages=wrong)


async def test_an_opinion_is_kept_once_exported_and_forgotten(home: House) -> None:
    person = await home.person()
    answer = await person.slash("article summarise", article=ENGLISH)
    thanks = await person.press(answer.message, "Bad summary")
    assert thanks.ephemeral
    assert "Noted" in thanks.text
    await person.press(answer.message, "Good summary")
    async with home.core.database.begin() as connection:
        (row,) = (await connection.execute(select(feedback))).all()
    assert row.label == "good"
    assert row.text.endswith(ENGLISH.strip())
    assert 0 < row.probability < 1
    exported = await person.slash("privacy export")
    assert exported.message.attachments[0]["filename"] == "hearth-export.zip"
    await forget(person)
    async with home.core.database.begin() as connection:
        assert not (await connection.execute(select(feedback))).all()


async def test_slash_menu_modal_and_file_all_give_a_summary(home: House) -> None:
    person = await home.person()
    quote = "will close to all traffic in April"
    assert quote in unescape((await person.slash("article summarise", article=FLAT)).text)
    message = await person.say(FLAT[:2000])
    assert quote in unescape((await person.menu("Summarise", message)).text)
    opened = await person.slash("article summarise", sentences=2)
    assert opened.modal is not None
    answer = await person.submit(opened.modal, article=FLAT[:3900])
    assert quote in unescape(answer.text)
    assert answer.text.count("• ") == 2
    file = File("notice.txt", ENGLISH.encode())
    assert quote in unescape((await person.slash("article summarise", {"article-file": file})).text)


async def test_chinese_goes_in_and_out_of_a_file_in_big5(home: House) -> None:
    person = await home.person(locale="zh-TW")
    file = File("notice.txt", CHINESE.encode("big5"))
    answer = await person.slash("article summarise", {"article-file": file})
    assert "南環段的動工典禮" in answer.text
    shown = await person.press(answer.message, "顯示原文段落")
    assert shown.ephemeral
    assert "**1.**" in shown.text


async def test_a_long_summary_is_split_or_attached(home: House) -> None:
    person = await home.person()
    lines = [
        f"The {n}th chapter of the report speaks at length of item {n * 7 % 1000}, of its long history, of its price "
        f"in {1900 + n} and of the {n * 3} people who still remember how it was made in those days."
        for n in range(300)
    ]
    answer = await person.slash(
        "article summarise", {"article-file": File("a.txt", " ".join(lines).encode())}, share=60
    )
    assert answer.message.attachments or len(answer.messages) > 1


async def test_an_address_is_read_and_its_title_site_and_link_are_named(home: House) -> None:
    person = await home.person()
    async with Web() as web:
        answer = await person.slash("article summarise", article=web.url("/article"))
        inside = f"/to?where=http://{CANARY_HOST}:{web.port}/secret"
        refused = await person.slash("article summarise", article=web.url(inside))
    (embed,) = answer.message.embeds
    assert "Ferry terminal to close" in unescape(embed["title"])
    fields = {field["name"]: unescape(field["value"]) for field in embed["fields"]}
    assert fields["Site"] == "Harbour Post"
    assert fields["Published"].startswith("2026-10-05")
    assert fields["Link"] == f"<{web.url('/article')}>"
    source = " ".join(PARAGRAPHS)
    quotes = bullets(embed["description"])
    assert len(quotes) == 3
    assert all(quote in source for quote in quotes)
    assert refused.ephemeral
    assert not refused.message.embeds
    assert web.canary == []


@pytest.mark.parametrize("kind", ["html", "pdf"])
async def test_a_file_of_a_page_is_read(home: House, kind: str) -> None:
    person = await home.person()
    data = page(PARAGRAPHS, "A page").encode() if kind == "html" else pdf(PARAGRAPHS, title="A page")
    answer = await person.slash("article summarise", {"article-file": File(f"a.{kind}", data)})
    source = " ".join(PARAGRAPHS)
    quotes = bullets(answer.message.embeds[0]["description"])
    assert quotes
    assert all(quote in source for quote in quotes)
