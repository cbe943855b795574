"""Documents are read in the worker: pages, PDFs and texts; hostile ones are refused, and the worker lives on."""

import asyncio
import io
import time
from collections.abc import AsyncIterator

import msgspec
import pytest
import pytest_asyncio
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader, PdfWriter

from shared.alarm import OutOfTime, at_most
from shared.articles import Articles
from shared.documents import read
from shared.errors import BadInput, Refusal
from shared.fetch import Fetcher
from shared.inputs import MAX_ARTICLE, Article, Upload
from shared.markup import lighten
from shared.pages import article_of, line, prose
from shared.pdfs import reflow, text_of_pdf
from shared.predictor import Predictor
from shared.reader import Document, Guess, Page, Reader
from tests.kit.web import CHINESE, ENGLISH, SIMPLIFIED, Web, page, pdf
from tests.kit.worker import status_of, warm

TITLE = "Ferry terminal to close"
DATA = '<script type="application/ld+json">'
FEW = "<p>" + " ".join(ENGLISH) + "</p>"


@pytest_asyncio.fixture
async def predictor() -> AsyncIterator[Predictor]:
    async with warm(Reader) as running:
        yield running


@pytest_asyncio.fixture
async def web() -> AsyncIterator[Web]:
    async with Web() as running:
        yield running


@pytest_asyncio.fixture
async def articles(predictor: Predictor, web: Web) -> AsyncIterator[Articles]:
    async with Fetcher(reach=web.reach) as fetcher:
        yield Articles(fetcher, lambda: predictor)


# Pages of the web.


async def test_an_article_comes_with_all_that_its_page_says_of_itself(web: Web, articles: Articles) -> None:
    assert await articles.address(web.url("/article")) == Article(
        "\n".join(ENGLISH),
        title=TITLE,
        url=web.url("/article"),
        site="Harbour Post",
        author="Rosa Lindqvist",
        published="2026-10-05",
        source="html",
    )


@pytest.mark.parametrize(
    ("path", "text"),
    [("/big5", CHINESE), ("/unsaid", CHINESE), ("/lie", CHINESE), ("/gbk", SIMPLIFIED)],
)
async def test_chinese_pages_are_read_whatever_they_say_of_their_encoding(
    web: Web, articles: Articles, path: str, text: list[str]
) -> None:
    article = await articles.address(web.url(path))
    assert article.text == "\n".join(text)
    assert article.title in ("舊渡輪碼頭將關閉", "旧渡轮码头将关闭")


async def test_pdfs_and_texts_are_read_from_the_web_too(web: Web, articles: Articles) -> None:
    report = await articles.address(web.url("/report.pdf"))
    assert (report.source, report.title, report.published) == ("pdf", "Report on the piles", "2026-10-05")
    assert ENGLISH[1] in report.text.replace("\n", " ")
    assert (await articles.address(web.url("/download"))).source == "pdf"
    notes = await articles.address(web.url("/notes.txt"))
    assert (notes.source, notes.text, notes.site) == ("file", "\n".join(ENGLISH), "127.0.0.1")


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/paywall", "only its beginning"),
        ("/login", "No article was found"),
        ("/index", "No article was found"),
        ("/scripts", "No article was found"),
        ("/status/404", "no such page"),
    ],
)
async def test_a_page_that_is_no_article_is_refused(
    web: Web, articles: Articles, path: str, says: str
) -> None:
    with pytest.raises(Refusal, match=says):
        await articles.address(web.url(path))


@pytest.mark.parametrize(
    "mark",
    [
        '<script type="application/ld+json">{"isAccessibleForFree": false}</script>',
        '<script type="application/ld+json">{"isAccessibleForFree":"https://schema.org/False"}</script>',
        '<meta itemprop="isAccessibleForFree" content="false">',
    ],
)
def test_a_page_that_is_not_free_is_refused_where_little_is_shown_and_read_where_much_is(mark: str) -> None:
    with pytest.raises(BadInput, match="without a subscription"):
        article_of(page(ENGLISH[:2], TITLE, head=mark), None)
    more = [f"{sentence} That was paragraph {n}." for n, sentence in enumerate(ENGLISH * 3)]
    assert prose(article_of(page(more, TITLE, head=mark), None).text) > 1500


def test_what_a_page_says_of_itself_is_one_line_of_bounded_length() -> None:
    found = article_of(page(ENGLISH, "A title\n\x07 " + "so long " * 200), None)
    assert found.title is not None
    assert found.title.startswith("A title so long")
    assert len(found.title) == 300
    assert line("\u202e\x00 \n", 10) is None


# Files.


async def test_files_are_read_by_what_they_hold(predictor: Predictor) -> None:
    files: list[tuple[str, bytes, str, str, list[str]]] = [
        ("notes.txt", "\n".join(ENGLISH).encode(), "file", "notes.txt", ENGLISH),
        ("notes.md", "\n".join(ENGLISH).encode("utf-16"), "file", "notes.md", ENGLISH),
        ("筆記.txt", "\n".join(CHINESE).encode("big5"), "file", "筆記.txt", CHINESE),
        ("笔记.txt", "\n".join(SIMPLIFIED).encode("gbk"), "file", "笔记.txt", SIMPLIFIED),
        ("notes.log", "\n".join(CHINESE).encode("utf-16-le"), "file", "notes.log", CHINESE),
        ("saved.html", page(ENGLISH, TITLE).encode(), "html", TITLE, ENGLISH),
        ("saved.txt", page(ENGLISH, TITLE).encode(), "html", TITLE, ENGLISH),
        ("saved.htm", page(CHINESE, "標題", charset="big5").encode("big5"), "html", "標題", CHINESE),
        ("report.pdf", pdf(ENGLISH, title="Report"), "pdf", "Report", ENGLISH),
        ("report.txt", pdf(ENGLISH), "pdf", "report.txt", ENGLISH),
    ]
    async with Fetcher() as fetcher:
        articles = Articles(fetcher, lambda: predictor)
        for name, data, source, title, text in files:
            article = await articles.file(Upload(name, data))
            assert (article.source, article.title, article.url) == (source, title, None)
            # WinAnsi, which the PDF is in, has no typographic quotes here.
            assert all(each in article.text.replace("\n", " ") for each in text if "“" not in each), name


UNREADABLE = [
    ("a.txt", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20, "That is no text"),
    ("a.txt", b"MZ" + bytes(range(256)) * 20, "That is no text"),
    ("a.html", bytes(range(256)) * 20, "That is no text"),
    ("a.docx", b"PK\x03\x04\x14\0\6\0\x08\0" + bytes(range(256)) * 20, "That is no text"),
    ("a.pdf", b"not a PDF at all", "damaged"),
    ("a.pdf", b"%PDF-1.7\n" + bytes(range(256)) * 20, "damaged"),
    ("a.pdf", pdf(ENGLISH)[:700], "damaged"),
    ("a.pdf", pdf([]), "holds no text"),
    ("a.pdf", pdf(["x"], pages=401), "more than 400 pages"),
    ("a.pdf", pdf(["many words in a row " * 40], pages=300), "at most 200,000"),
    ("a.txt", b" \n\t \n", "The text is empty"),
    ("a.html", b"<html><body></body></html>", "No article was found"),
    ("a.txt", b"A sentence of a long text. " * 120_000, "The text has 3,240,000 characters; at most 200,000"),
    ("a.txt", "字。".encode("big5") * 700_000, "The text has 1,400,000 characters; at most 200,000"),
]


async def test_files_that_cannot_be_read_are_refused_in_a_sentence(predictor: Predictor) -> None:
    async with Fetcher() as fetcher:
        articles = Articles(fetcher, lambda: predictor)
        for name, data, says in UNREADABLE:
            with pytest.raises(BadInput, match=says):
                await articles.file(Upload(name, data))
        # A hundred thousand sentences of one character are not too much.
        assert len((await articles.file(Upload("a.txt", "。".join("字" * 100_000).encode()))).text) == 199_999


def test_a_pdf_with_a_password_is_said_to_be_locked() -> None:
    def locked(password: str) -> bytes:
        writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf(ENGLISH))))
        writer.encrypt(password, owner_password="owner", algorithm="RC4-128")
        out = io.BytesIO()
        writer.write(out)
        return out.getvalue()

    with pytest.raises(BadInput, match="locked with a password"):
        text_of_pdf(locked("secret"))
    # Locked against changes only: everybody may read it.
    assert ENGLISH[0] in text_of_pdf(locked("")).text.replace("\n", " ")


@pytest.mark.parametrize(
    ("lines", "paragraphs"),
    [
        ("one line of it\nand another.\n\nA new one.", "one line of it and another.\nA new one."),
        ("a word that is hyphen-\nated here", "a word that is hyphenated here"),
        ("the year 1999-\n2000 was long", "the year 1999- 2000 was long"),
        ("港務局星期一表示，舊渡\n輪碼頭將關閉。", "港務局星期一表示，舊渡輪碼頭將關閉。"),
        ("a line that goes on\nto its end.\nA line of another", "a line that goes on to its end.\nA line of another"),
        ("", ""),
    ],
)  # fmt: skip
def test_the_lines_of_a_printed_page_become_paragraphs(lines: str, paragraphs: str) -> None:
    assert reflow(lines) == paragraphs


# Hostile documents.

MANY = 300_000
BOMBS = {
    "a million tags": "<p>a" * 1_000_000,
    "tags below the bound": "<div class='post-content' id='article'>a sentence. </div>" * 24_000,
    "spans": "<article><p>" + "<span>word </span>" * 24_000,
    "deep": "<div>" * MANY + FEW,
    "deep within the bound": "<div><span>" * 24_000 + FEW,
    "nested tables": "<table><tr><td>x" * 16_000,
    "nested lists": "<ul><li>x" * 24_000,
    "misnested": "<a><table><i>" * 16_000,
    "attributes": "<p " + " ".join(f"a{n}=x" for n in range(MANY)) + ">" + FEW,
    "attributes in many tags": ("<p " + " ".join(f"a{n}" for n in range(55)) + ">x") * 20_000,
    "a huge attribute": "<p class='" + "x" * 4_000_000 + "'>" + FEW,
    "quotes that do not end": "<p a=\"'" * 40_000 + FEW,
    "scripts that do not end": "<script>" * MANY + FEW,
    "styles that do not end": "<svg><style" * MANY + FEW,
    "comments that do not end": "<!-- " * MANY + FEW,
    "entities": "<p>" + "&amp;" * 800_000,
    "entities of its own": "<!DOCTYPE html [<!ENTITY a 'aaaaaaaaaa'>"
    + "".join(f"<!ENTITY b{n} '&a;&a;&a;'>" for n in range(1000)) + "]>" + FEW + "&b9;",
    "an entity of a file": '<!DOCTYPE html [<!ENTITY x SYSTEM "file:///etc/passwd">]><p>&x;</p>' + FEW,
    "data within data": "<script type='application/ld+json'>" + "[" * 49_000 + "</script>" + FEW,
    "many dates": FEW + "<p>12/03/2024 Monday 3 May 2019 </p>" * 24_000,
    "one long word": "<p>" + "a" * 4_000_000,
    "white space": "<p>a." + " \n" * 2_000_000 + FEW,
    "a long title": "<title>" + "a - " * 700_000 + "</title>" + FEW,
    "metas": "<head>" + "<meta property='article:published_time' content='2024-99-99'>" * 49_000 + "</head>" + FEW,
    "nulls": "<p>" + "a" * 2_000_000 + "\0" * 1900 + FEW,
}  # fmt: skip


async def test_every_bomb_gets_a_clear_answer_and_the_worker_lives_on(predictor: Predictor) -> None:
    pids = {(await predictor.engine.status()).worker_pid}
    for name, bomb in BOMBS.items():
        document = Document(f"<html><body>{bomb}".encode()[: 5 * 2**20], "html", url="https://example.org/x")
        page_ = await predictor.predict(Reader, document, timeout=60)
        assert page_.trouble or page_.text or page_.length > MAX_ARTICLE, name
        assert "root:" not in page_.text, name
        pids.add((await predictor.engine.status()).worker_pid)
    assert len(pids) == 1
    assert (await status_of(predictor, Reader)).items == len(BOMBS)


def test_what_parsers_choke_on_does_not_come_to_them() -> None:
    assert lighten("<p>" * 50_000) is not None
    assert lighten("<p>" * 50_001) is None
    assert lighten("a" * 3_000_001) is None
    heavy = "<p " + " ".join(f"a{n}=x" for n in range(1000)) + ">text</p>"
    assert lighten(heavy) == "<p>text</p>"


@pytest.mark.parametrize(
    ("html", "light"),
    [
        ("<p>a</p><script>var x = '<p>b</p>';</script><p>c</p>", "<p>a</p><p>c</p>"),
        ("<p>a<!-- <p>b --> c</p>", "<p>a c</p>"),
        ("<STYLE>p {}</Style ><p>a</p>", "<p>a</p>"),
        ("<a title='x > y' href=\"z\">a</a>", "<a title='x > y' href=\"z\">a</a>"),
        ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
        ("<p>a<script>b", "<p>a"),
        ("<p>a<svg>b", "<p>ab"),
        ("<p>a <b class='x'>b</B><wbr>c <blockquote>", "<p>a bc <blockquote>"),
        ("<p>a<!-- b", "<p>a"),
        ("<p a=\"b>c", "<p a=\"b>c"),
        ("<p", "<p"),
        ("", ""),
        (f"{DATA}{{}}</script>", f"{DATA}{{}}</script>"),
    ],
)  # fmt: skip
def test_a_page_is_made_light_without_losing_text(html: str, light: str) -> None:
    assert lighten(html) == light


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "<p>",
                "</p>",
                "<b a='",
                "'>",
                '"',
                ">",
                "<",
                "<!--",
                "-->",
                "<script>",
                "</script>",
                "<svg",
                "text ",
                "。",
            ]
        ),
        max_size=40,
    )
)
def test_any_markup_is_read_or_refused(parts: list[str]) -> None:
    light = lighten("".join(parts))
    assert light is not None
    assert len(light) <= sum(map(len, parts))
    for each in ("".join(parts), FEW + "".join(parts)):
        try:
            read(Document(each.encode(), "html"))
        except BadInput:
            continue


@settings(deadline=None)
@given(st.binary(max_size=500), st.sampled_from(["html", "pdf", "text", "unknown"]))
def test_any_bytes_are_read_or_refused(data: bytes, guess: Guess) -> None:
    for each in (data, b"%PDF-1.4\n" + data):
        try:
            read(Document(each, guess))
        except BadInput:
            continue


@settings(deadline=None)
@given(st.integers(0, 2000), st.binary(min_size=1, max_size=30))
def test_damaged_pdfs_are_read_or_refused(at: int, noise: bytes) -> None:
    data = bytearray(pdf(ENGLISH, title="Report"))
    data[at : at + len(noise)] = noise
    try:
        read(Document(bytes(data), "pdf"))
    except BadInput:
        return


def test_a_document_that_takes_too_long_is_given_up() -> None:
    def reads_for_ever(document: Document) -> Page:
        while True:
            try:
                time.sleep(0.01)
            # As parsers do.
            except Exception:
                continue

    (answer,) = Reader(reads_for_ever, seconds=0.2).predict([Document(b"")])
    assert isinstance(answer, Page)
    assert "takes too long" in answer.trouble


def test_an_alarm_rings_again_where_it_was_caught_and_never_after_its_block() -> None:
    caught = 0

    def catches_the_first() -> None:
        nonlocal caught
        while True:
            try:
                time.sleep(0.01)
            except OutOfTime:
                caught += 1
                if caught == 2:
                    raise

    with pytest.raises(OutOfTime), at_most(0.05):
        catches_the_first()
    with at_most(0.05):
        pass
    time.sleep(0.1)


async def test_in_another_thread_no_alarm_is_set() -> None:
    def work() -> str:
        with at_most(0.001):
            time.sleep(0.05)
        return "done"

    assert await asyncio.to_thread(work) == "done"


def test_documents_and_pages_cross_to_the_worker() -> None:
    page_ = Page("", "text", trouble="That PDF has more than {pages} pages.", values={"pages": 400})
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(page_), type=Page) == page_
