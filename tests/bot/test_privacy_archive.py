"""The archive fits into a message, says what did not, and lets nothing that a row holds run."""

import io
import os
import zipfile
from datetime import UTC, datetime

from bot.privacy_kinds import CORE_KINDS
from bot.privacy_page import Page, archive, since
from shared.texts import Texts

HOSTILE = '"><img src=x onerror=alert(1)>\u202e{name} %s \x00'


def page(locale: str = "en-US") -> Page:
    rows = [{"id": HOSTILE, "user_id": 7, "arguments": HOSTILE, "expires_ms": 10**18, "blob": b"\xff\x00"}]
    return Page(Texts({}), locale, 7, CORE_KINDS, {"core/button": rows}, datetime(2026, 1, 2, tzinfo=UTC))


def unpacked(data: bytes) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(data))


def test_nothing_that_a_row_holds_becomes_markup() -> None:
    text = page().html([HOSTILE], [HOSTILE])
    assert "<img" not in text
    assert text.count("&lt;img") == 4
    assert "default-src 'none'" in text
    assert "/wA=" in text, "bytes are base64"


def test_files_that_do_not_fit_are_named_and_the_small_ones_are_there() -> None:
    files = {
        "reviews/large.csv": os.urandom(60_000),
        "reviews/small.csv": b"a,b\n",
        "notes/<x>.txt": b"hello",
    }
    data = archive(page("zh-TW"), files, 40_000)
    assert len(data) <= 40_000
    there = unpacked(data)
    assert there.read("reviews/files/small.csv") == b"a,b\n"
    assert there.read("notes/files/<x>.txt") == b"hello"
    assert "reviews/files/large.csv" not in there.namelist()
    said = there.read("index.html").decode()
    assert "檔案太大" in said
    assert "reviews/large.csv" in said
    assert "notes/files/&lt;x&gt;.txt" in said


def test_all_fits_where_there_is_room() -> None:
    there = unpacked(archive(page(), {"reviews/large.csv": bytes(60_000)}))
    assert len(there.read("reviews/files/large.csv")) == 60_000
    assert "Too large" not in there.read("index.html").decode()


def test_since_when_is_that_of_the_oldest_row_or_unknown() -> None:
    assert since([{"created_ms": 5, "seen_ms": 1}, {"at_ms": 3}, {"text": "x"}]) == 3
    assert since([{"expires_ms": 1}]) is None
    assert since([]) is None
