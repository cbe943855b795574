"""Articles come in by every door: typed, as a form, an address, a file, a message's menu, and the command line."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bot.parse import Remote, message_article
from shared.settings import Settings
from tests.kit.answer import Answer
from tests.kit.house import House, house
from tests.kit.person import File
from tests.kit.web import CHINESE, ENGLISH, HOST, SIMPLIFIED, Web, page, pdf

REPOSITORY = Path(__file__).parents[2]
FOLDER = REPOSITORY / "tests" / "fixtures" / "articles"
TITLE = "Ferry terminal to close"


@pytest_asyncio.fixture
async def web() -> AsyncIterator[Web]:
    async with Web() as running:
        yield running


@pytest_asyncio.fixture
async def home(tmp_path: Path) -> AsyncIterator[House]:
    settings = Settings(
        _env_file=None,
        data_dir=tmp_path / "data",
        http_port=None,
        plugin_folders=(FOLDER,),
        disabled_plugins=frozenset({"article", "fact", "sentiment", "spam"}),
        fetch_allow=(f"{HOST}/32",),
        fetch_seconds=3,
    )
    async with house(settings) as running:
        yield running


def shown(answer: Answer) -> dict[str, Any]:
    """Return what the plugin showed of its article."""
    (embed,) = answer.message.embeds
    fields = {field["name"]: field["value"].replace("\\", "") for field in embed.get("fields", [])}
    return {
        "title": embed["title"].replace("\\", ""),
        "text": embed["description"].replace("\\", ""),
        **fields,
    }


async def test_a_text_an_address_and_a_form_are_all_read(home: House, web: Web) -> None:
    person = await home.person()
    text = shown(await person.slash("reading show", article=" ".join(ENGLISH)))
    assert (text["source"], text["title"]) == ("text", "untitled")
    for typed in ("{}", "<{}>", "[the news]({})"):
        address = typed.format(web.url("/article"))
        fetched = shown(await person.slash("reading show", article=address))
        assert fetched["text"].startswith(ENGLISH[0])
        assert (fetched["title"], fetched["source"], fetched["site"]) == (TITLE, "html", "Harbour Post")
        assert fetched["url"] == web.url("/article")
    form = await person.slash("reading show")
    assert shown(await person.submit(form, article=web.url("/big5")))["text"].startswith(CHINESE[0])


async def test_files_of_every_kind_are_read(home: House) -> None:
    person = await home.person()
    for file, source, first in (
        (File("a.txt", "\n".join(CHINESE).encode("big5")), "file", CHINESE[0]),
        (File("a.txt", "\n".join(SIMPLIFIED).encode("gbk")), "file", SIMPLIFIED[0]),
        (File("a.txt", "\n".join(CHINESE).encode("utf-16")), "file", CHINESE[0]),
        (File("a.html", page(ENGLISH, TITLE).encode()), "html", ENGLISH[0]),
        (File("a.pdf", pdf(ENGLISH)), "pdf", ENGLISH[0]),
    ):
        answer = shown(await person.slash("reading show", {"article-file": file}))
        assert answer["source"] == source
        assert answer["text"].replace("\n", " ").startswith(first)


async def test_bad_files_and_addresses_get_a_sentence_each_and_the_worker_lives_on(
    home: House, web: Web
) -> None:
    person = await home.person()
    pid = (await home.core.predictor.engine.status()).worker_pid
    inside = web.url(f"/to?where=http://127.0.0.2:{web.port}/")
    said = {
        "That is no text": {"article-file": File("a.txt", bytes(range(256)) * 50)},
        "at most 200,000 can be read": {"article-file": File("a.txt", b"one more sentence here. " * 130_000)},
        "too many parts": {"article-file": File("a.html", b"<html>" + b"<p>a" * 500_000)},
        "does not lead to a public page": {"article": inside},
        "did not send the page within 3 s": {"article": web.url("/drip")},
        "larger than 5 MiB": {"article": web.url("/bomb")},
        "without a subscription": {"article": web.url("/paywall")},
        "No article was found": {"article": web.url("/login")},
        "asks programs not to read": {"article": web.url("/private/article")},
        "must begin with http": {"article": web.url("/article").replace("//", "//user:secret@")},
    }
    for words, options in said.items():
        answer = await person.slash("reading show", options, within=30)
        assert words in answer.text
        assert answer.ephemeral
    sentences = File("a.txt", "。".join("字" * 99_999).encode())
    assert shown(await person.slash("reading show", {"article-file": sentences}))["length"] == "199997"
    assert (await home.core.predictor.engine.status()).worker_pid == pid
    assert web.canary == []


async def test_errors_are_said_in_chinese_to_who_reads_chinese(home: House, web: Web) -> None:
    person = await home.person(locale="zh-TW")
    assert "訂閱" in (await person.slash("reading show", article=web.url("/paywall"))).text
    assert "並非通往公開的網頁" in (await person.slash("reading show", article="http://10.0.0.1/")).text


async def test_a_fetch_can_be_cancelled(home: House, web: Web) -> None:
    person = await home.person()
    asking = asyncio.create_task(person.slash("reading show", article=web.url("/drip"), within=20))
    waiting = await person.sees(lambda message: "Cancel" in message.buttons)
    await person.press(waiting, "Cancel")
    assert "Cancelled" in (await asking).text


async def test_the_menu_of_a_message_reads_what_the_message_is_about(home: House, web: Web) -> None:
    person = await home.person()

    async def read(text: str = "", *files: File) -> dict[str, Any]:
        return shown(await person.menu("Show article", await person.say(text, files=files)))

    link, file = web.url("/article"), File("a.html", page(CHINESE, "舊渡輪碼頭將關閉").encode())
    assert (await read(" ".join(ENGLISH)))["source"] == "text"
    assert (await read(f"have you seen this? {link}"))["url"] == link
    assert (await read(f"<{link}>"))["url"] == link
    assert (await read("", file))["text"].startswith(CHINESE[0])
    assert (await read(f"saved from {link}", file))["source"] == "html"
    long = " ".join(ENGLISH) + f" Source: {link}"
    assert (await read(long, file))["text"] == long
    nothing = await person.menu("Show article", await person.say("", files=[File("a.bin", b"\0\1\2")]))
    assert "no text to read" in nothing.text


def message(content: str = "", **more: Any) -> dict[str, Any]:
    return {"content": content, **more}


def attached(name: str, kind: str | None = None) -> list[dict[str, Any]]:
    found: dict[str, Any] = {"filename": name, "url": f"https://cdn.example.org/{name}", "size": 10}
    return [{**found, "content_type": kind} if kind else found]


@pytest.mark.parametrize(
    ("raw", "read"),
    [
        (message("some words"), "some words"),
        (message("https://example.com/a"), "https://example.com/a"),
        (message("look https://example.com/a and https://example.com/b"), "look https://example.com/a and https://example.com/b"),
        (message("", attachments=attached("a.PDF")), "a.PDF"),
        (message("see", attachments=attached("a", "text/plain; charset=utf-8")), "a"),
        (message("see", attachments=attached("a.png", "image/png")), "see"),
        (message("", attachments=[*attached("a.png", "image/png"), *attached("b.txt")]), "b.txt"),
        (message("a long text. " * 20, attachments=attached("a.txt")), "a long text. " * 20),
        (message("", embeds=[{"title": "News", "description": "What happened."}]), "News\n\nWhat happened."),
        (message(""), ""),
    ],
)  # fmt: skip
def test_what_a_message_gives_to_read(raw: dict[str, Any], read: str) -> None:
    found = message_article(raw)
    assert (found.name if isinstance(found, Remote) else found) == read


async def test_the_command_line_reads_texts_files_and_addresses(web: Web, tmp_path: Path) -> None:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("HEARTH_", "DISCORD_"))}
    environment |= {
        "HEARTH_DATA_DIR": str(tmp_path / "data"),
        "HEARTH_PLUGIN_FOLDERS": json.dumps([str(FOLDER)]),
        "HEARTH_DISABLED_PLUGINS": '["article", "fact", "sentiment", "spam"]',
        "HEARTH_FETCH_ALLOW": json.dumps([f"{HOST}/32"]),
    }
    (tmp_path / "report.pdf").write_bytes(pdf(ENGLISH, title="Report"))

    def call(*arguments: str) -> tuple[dict[str, Any], str]:
        done = subprocess.run(
            [sys.executable, "-m", "bot.cli", "call", "reading", "show", *arguments, "--json"],
            cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        return json.loads(done.stdout or "{}"), done.stderr

    def found(reply: dict[str, Any]) -> tuple[str, str]:
        return reply["fields"]["source"], reply["title"]

    fetched, _ = await asyncio.to_thread(call, web.url("/article"))
    assert found(fetched) == ("html", TITLE)
    read, _ = await asyncio.to_thread(call, f"article={tmp_path / 'report.pdf'}")
    assert found(read) == ("pdf", "Report")
    nothing, said = await asyncio.to_thread(call, "missing.pdf")
    assert not nothing
    assert "There is no file missing.pdf" in said
