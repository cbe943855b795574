"""What is fuzzed: every parser of bytes or texts from outside, with seeds, and the errors that it documents.

A target's imports are done by its `make`, so that they can be instrumented first, and only those it needs.
"""

import io
import json
import struct
import tarfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

Parse = Callable[[bytes], object]


@dataclass(frozen=True)
class Target:
    """One parser. `make(folder)` returns it, and the errors that are its answer to what it cannot read."""

    name: str
    make: Callable[[Path], tuple[Parse, tuple[type[BaseException], ...]]]
    seeds: Callable[[], Sequence[bytes]]
    share: float
    """Of a hundred inputs."""
    longest: int = 4096
    """Bytes of an input."""


def _frames(_: Path) -> tuple[Parse, tuple[type[BaseException], ...]]:
    import msgspec

    from shared.frames import (
        MALFORMED,
        Broken,
        Done,
        FrameError,
        FrameReader,
        Hello,
        Items,
        Load,
        Loaded,
        Run,
        Unload,
    )  # fmt: skip
    from shared.inputs import Table
    from shared.model import Failure

    to_worker = msgspec.msgpack.Decoder(Run | Load | Unload)
    from_worker = msgspec.msgpack.Decoder(Hello | Done | Loaded | Broken)
    items = (Items(Failure), Items(Table))

    def parse(data: bytes) -> None:
        reader, cut = FrameReader(limit=1 << 20), max(1, data[0] if data else 1)
        for at in range(1, len(data), cut):
            for body in reader.feed(data[at : at + cut]):
                message: Any = (from_worker if data[0] & 1 else to_worker).decode(body)
                if isinstance(message, Run | Done):
                    items[data[0] >> 1 & 1].decode(
                        message.batch if isinstance(message, Run) else message.results
                    )

    return parse, (FrameError, *MALFORMED)


def _frame_seeds() -> Sequence[bytes]:
    from shared.engine import Weights
    from shared.frames import Broken, Hello, Load, Loaded, Unload, encode
    from shared.model import Failure

    batch = [Failure("no", refusal=True), None]
    run, unload = encode(("run", 1, "spam", batch, None)), encode(Unload(2, "spam"))
    load = encode(Load(3, "spam", "plugins.spam.model:SpamModel", Weights(None, "default", "1")))
    hello, done = encode(Hello(1)), encode(("done", 1, batch, {0: Failure("no")}, 0.5))
    loaded, broken = encode(Loaded(3, "cpu", 1.0, 1.0)), encode(Broken(3, "no"))
    # The first byte is how the stream is cut, and by its last bit who sends.
    sent = (run, unload, load, run + unload + load + run)
    answered = (hello, done, hello + loaded + broken + done)
    return [*(b"\x40" + each for each in sent), *(b"\xff" + each for each in answered)]


def _table(_: Path) -> tuple[Parse, tuple[type[BaseException], ...]]:
    from plugins.stock.course_csv import COLUMNS
    from shared.columns import column_named
    from shared.errors import BadInput
    from shared.inputs import Upload
    from shared.parameters import Limits, read_table

    limits = Limits(1 << 20, 1 << 20)

    def parse(data: bytes) -> None:
        named = COLUMNS if data[:1] == b"\xef" else ()
        column_named(read_table(Upload("a.csv", data), limits, named), "text")

    return parse, (BadInput,)


def _course(_: Path) -> tuple[Parse, tuple[type[BaseException], ...]]:
    from plugins.stock.course_csv import read_days
    from shared.errors import BadInput

    return read_days, (BadInput,)


_DAYS: Final = (
    "日期,成交股數,成交金額,開盤價,最高價,最低價,收盤價,漲跌價差,成交筆數\r\n"
    '99/01/04,"39,511,138","2,557,720,928",65.00,65.00,64.00,64.90,+0.40,"8,300"\r\n'
    '99/01/05,"38,394,000","2,496,000,000",--,--,--,--,X0.00,0\r\n'
)


def _csv_seeds() -> Sequence[bytes]:
    titled = "2330 台積電 各日成交資訊\r\n" + _DAYS + '"說明:"\r\n'
    return [
        b'text,label\nhello,1\n"a,\nb",2\n',
        b"a;b\n1;2\n",
        _DAYS.encode(),
        _DAYS.encode("utf-8-sig"),
        titled.encode("utf-8-sig"),
        titled.encode("big5"),
        _DAYS.encode("utf-16"),
    ]


def _image(_: Path) -> tuple[Parse, tuple[type[BaseException], ...]]:
    from shared.errors import BadInput
    from shared.inputs import Upload
    from shared.parameters import Limits, read_image

    limits = Limits(1 << 20, 40_000_000)
    return lambda data: read_image(Upload("a.png", data), limits), (BadInput,)


def _picture(_: Path) -> tuple[Parse, tuple[type[BaseException], ...]]:
    from shared.errors import BadInput
    from shared.inputs import Upload
    from shared.parameters import Limits, read_image
    from shared.pictures import decode

    # As in life: what the bot lets pass by its header is decoded in the worker; smaller, for speed.
    limits = Limits(1 << 20, 1_000_000)

    def parse(data: bytes) -> None:
        read_image(Upload("a.png", data), limits)
        decode(data, longest=64)

    return parse, (BadInput,)


def _picture_seeds() -> Sequence[bytes]:
    from PIL import Image

    image = Image.linear_gradient("L").resize((12, 9))
    seeds = []
    for mode in ("RGB", "L", "P", "RGBA", "1"):
        for kind in ("PNG", "GIF", "BMP", "TIFF", "WEBP", "JPEG", "AVIF"):
            out = io.BytesIO()
            try:
                image.convert(mode).save(out, kind)
            # Not every kind has every mode.
            except (OSError, ValueError, KeyError):
                continue
            seeds.append(out.getvalue())
    return seeds


def _document(guess: Any) -> Callable[[Path], tuple[Parse, tuple[type[BaseException], ...]]]:
    def make(_: Path) -> tuple[Parse, tuple[type[BaseException], ...]]:
        from shared.documents import read
        from shared.errors import BadInput
        from shared.reader import Document

        def parse(data: bytes) -> None:
            charset = (None, "big5", "utf-8", "gb18030", "shift_jis", "nonsense")[len(data) % 6]
            read(Document(data, guess, charset, "https://news.example.org/a"))

        return parse, (BadInput,)

    return make


def _html_seeds() -> Sequence[bytes]:
    said = "<p>The council approved a new tram line along the river on Monday, with eleven stops.</p>" * 12
    page = (
        "<!doctype html><html><head><meta charset=utf-8><title>Tram</title>"
        '<meta property="og:site_name" content="News"><script type="application/ld+json">{"@type":"NewsArticle",'
        '"author":{"name":"A"},"datePublished":"2024-01-02"}</script></head><body><article><h1>Tram</h1>'
        f"{said}<table><tr><td>1</td></tr></table><ul><li>one</li></ul><!-- c --></article></body></html>"
    )
    return [page.encode(), page.replace("utf-8", "big5").encode(), b"<svg><p>x", b"<table>" * 20]


def _pdf_seeds() -> Sequence[bytes]:
    from pypdf import PdfWriter

    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length 48>>stream\nBT /F1 12 Tf 20 100 Td (A tram line is built.) Tj ET\nendstream",
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    out, places = bytearray(b"%PDF-1.4\n"), []
    for number, each in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj" % number + each + b"endobj\n"
    start = len(out)
    out += b"xref\n0 6\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % at for at in places)
    out += b"trailer<</Size 6/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % start
    writer, packed = PdfWriter(), io.BytesIO()
    writer.append(io.BytesIO(bytes(out)))
    for page in writer.pages:
        page.compress_content_streams()
    writer.write(packed)
    return [bytes(out), packed.getvalue()]


def _charset(_: Path) -> tuple[Parse, tuple[type[BaseException], ...]]:
    from shared.charsets import decode

    def parse(data: bytes) -> None:
        # By its length, so that seeds are plain texts.
        decode(data, ((None, "big5", "utf-16", "gb2312", "x-nonsense")[len(data) % 5],))

    return parse, ()


def _text_seeds() -> Sequence[bytes]:
    words = "這家店的餐點很好吃,服務也很親切。The tram is late. 電車は遅れている。"
    encodings = ("utf-8", "utf-16", "gb18030", "utf-8-sig")
    return [words.encode(each) for each in encodings] + [
        "這家店的餐點很好吃".encode("big5"),
        "电车很好".encode("gb2312"),
    ]


def _idx(folder: Path) -> tuple[Parse, tuple[type[BaseException], ...]]:
    from plugins.digits.idx import read_idx
    from shared.errors import BadInput

    path = folder / "a.idx"

    def parse(data: bytes) -> None:
        path.write_bytes(data)
        read_idx(path, 3)
        read_idx(path, 1)

    return parse, (BadInput,)


def _idx_seeds() -> Sequence[bytes]:
    import gzip

    pictures = struct.pack(">BBBBIII", 0, 0, 8, 3, 2, 3, 3) + bytes(range(18))
    labels = struct.pack(">BBBBI", 0, 0, 8, 1, 4) + bytes(4)
    return [pictures, labels, gzip.compress(pictures), gzip.compress(labels)]


def _cifar(folder: Path) -> tuple[Parse, tuple[type[BaseException], ...]]:
    from plugins.image.cifar_archive import read_batches, read_names
    from shared.errors import BadInput

    path = folder / "a.tar"

    def parse(data: bytes) -> None:
        # By the first byte: the whole archive, or one of its pickles.
        if data[:1] == b"A":
            path.write_bytes(data[1:])
        else:
            path.write_bytes(_tar(data[1:]))
        list(read_batches(path))
        read_names(path)

    return parse, (BadInput,)


def _tar(data: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name in ("test_batch", "batches.meta"):
            info = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def _cifar_seeds() -> Sequence[bytes]:
    import pickle

    import numpy as np

    batch = {b"data": np.zeros((1, 3072), np.uint8), b"labels": [3], b"label_names": [b"cat", b"dog"]}
    small = {b"data": np.zeros((2, 2), np.uint8), b"labels": [1, 2], b"label_names": [b"a"]}
    seeds = [b"P" + pickle.dumps(each, protocol) for each in (batch, small) for protocol in (0, 2, 4)]
    return [*seeds, b"A" + _tar(pickle.dumps(small, 2))[:4096], b"Pcos\nsystem\n(S'true'\ntR."]


def _npz(folder: Path) -> tuple[Parse, tuple[type[BaseException], ...]]:
    from plugins.digits.data import read_pack
    from shared.errors import BadInput
    from shared.packs import files_of, read_arrays

    path = folder / "a.npz"
    limits = {"jpeg": 1 << 20, "index": 1 << 16}

    def parse(data: bytes) -> None:
        path.write_bytes(data[1:])
        if data[:1] == b"D":
            read_pack(path)
            return
        arrays = read_arrays(path, limits)
        files = files_of(path, "jpeg", arrays["jpeg"], arrays["index"], (3,), "three numbers")
        files.file(len(files) - 1)

    return parse, (BadInput,)


def _npz_seeds() -> Sequence[bytes]:
    import numpy as np

    def saved(**arrays: Any) -> bytes:
        out = io.BytesIO()
        np.savez_compressed(out, **arrays)
        return out.getvalue()

    pack = saved(jpeg=np.arange(9, dtype=np.uint8), index=np.array([[0, 4, 1], [4, 5, 0]], np.int64))
    digits = saved(images=np.zeros((2, 28, 28), np.uint8), labels=np.array([1, 2], np.int64))
    return [b"P" + pack, b"D" + digits, b"P" + saved(jpeg=np.array([{}], object), index=np.zeros(3))]


def _exchange(_: Path) -> tuple[Parse, tuple[type[BaseException], ...]]:
    from plugins.stock.exchange_page import Overloaded, Unreadable, read_month

    def parse(data: bytes) -> None:
        read_month(data[1:], "json" if data[:1] == b"J" else "html", "2330", "2010-01")

    return parse, (Unreadable, Overloaded)


def _exchange_seeds() -> Sequence[bytes]:
    fields = ["日期", "成交股數", "成交金額", "開盤價", "最高價", "最低價", "收盤價", "漲跌價差", "成交筆數"]
    row = ["99/01/04", "39,511,138", "2,557,720,928", "65.00", "65.00", "64.00", "64.90", "+0.40", "8,300"]
    whole = {"stat": "OK", "title": "99年01月 2330 台積電", "fields": fields, "data": [row]}
    cells = "".join(f"<th>{each}</th>" for each in fields), "".join(f"<td>{each}</td>" for each in row)
    page = f"<table><tr><th>99年01月 2330</th></tr><tr>{cells[0]}</tr><tr>{cells[1]}</tr></table>"
    return [
        b"J" + json.dumps(whole, ensure_ascii=False).encode(),
        b"J" + json.dumps({"stat": "很抱歉,沒有符合條件的資料!"}, ensure_ascii=False).encode(),
        b"H" + page.encode(),
        b"J<html>page</html>",
    ]


def _reviews(_: Path) -> tuple[Parse, tuple[type[BaseException], ...]]:
    import datetime

    from plugins.reviews.sources import read_maps, read_places
    from shared.polite import Unreadable

    today = datetime.date(2026, 1, 1)

    def parse(data: bytes) -> object:
        return read_places(data[1:]) if data[:1] == b"P" else read_maps(data[1:], today)

    return parse, (Unreadable,)


def _review_seeds() -> Sequence[bytes]:
    entry: list[Any] = [None] * 33
    entry[1], entry[3], entry[4], entry[10], entry[27], entry[32] = (
        "3 週前",
        "好吃",
        5,
        "id",
        1700000000,
        "zh",
    )
    place = {
        "name": "a",
        "rating": 4,
        "text": {"text": "good", "languageCode": "en"},
        "publishTime": "2024-01-02",
    }
    return [
        b"M)]}'\n" + json.dumps([None, None, [entry, entry[:5]]], ensure_ascii=False).encode(),
        b"P" + json.dumps({"reviews": [place, {"originalText": place["text"]}]}).encode(),
    ]


def _schedule(_: Path) -> tuple[Parse, tuple[type[BaseException], ...]]:
    from datetime import UTC, datetime

    from shared.errors import BadInput
    from shared.schedule import Schedule

    after = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

    def parse(data: bytes) -> None:
        text, _, zone = data.decode("utf-8", "surrogatepass" if data[:1] == b"s" else "replace").partition(
            "|"
        )
        read = Schedule.read(text, zone or "Asia/Taipei")
        read.next(after)
        str(read.said())

    return parse, (BadInput, UnicodeDecodeError)


def _schedule_seeds() -> Sequence[bytes]:
    texts = (
        "14:45", "weekdays 14:45|Europe/London", "mon,thu 9:00", "every 10m", "每 10 分鐘", "*/5 8-17 * * 1-5",
        "0 0 31 2 *", "週一至週五 09:30|Asia/Tokyo", "0 */2 1,15 jan-mar mon", "every 2 hours",
    )  # fmt: skip
    return [text.encode() for text in texts]


def _dates(_: Path) -> tuple[Parse, tuple[type[BaseException], ...]]:
    import datetime

    from plugins.reviews.dates import read_ago, read_date

    today = datetime.date(2026, 1, 1)

    def parse(data: bytes) -> None:
        text = data.decode("utf-8", "replace")
        read_date(text)
        read_ago(text, today)

    return parse, ()


def _robots(_: Path) -> tuple[Parse, tuple[type[BaseException], ...]]:
    import asyncio

    from yarl import URL

    from shared.errors import Refusal
    from shared.robots import Robots

    url = URL("https://news.example.org/a/b?c=%20d")

    def parse(data: bytes) -> None:
        async def get(_: URL) -> tuple[int, bytes]:
            return 200, data

        asyncio.run(Robots(get, "Hearth").check(url))

    return parse, (Refusal,)


def _robots_seeds() -> Sequence[bytes]:
    return [
        b"User-agent: *\nDisallow: /a\nAllow: /a/b$\nCrawl-delay: 2\nSitemap: https://x.example/s.xml\n",
        b"user-agent: hearth\nuser-agent: other\nDisallow: /*?c=\nRequest-rate: 1/5m 0900-1700\nVisit-time: 1-2",
        "\ufeffUser-agent: Hearth/1\r\nDisallow: /%E5%A5%BD*".encode(),
    ]


def _addresses(_: Path) -> tuple[Parse, tuple[type[BaseException], ...]]:
    from shared.addresses import address_in, only_address_in

    def parse(data: bytes) -> None:
        text = data.decode("utf-8", "replace")
        address_in(text)
        only_address_in(text)

    return parse, ()


def _address_seeds() -> Sequence[bytes]:
    return [
        b"https://example.org/a?b=c#d",
        b"<https://example.org/>",
        b"[words](https://example.org/a_(b))",
        "看這個 https://例子.tw/新聞 好嗎".encode(),
        b"http://[::1]:80/ http://1.2.3.4",
    ]


def _backup(folder: Path) -> tuple[Parse, tuple[type[BaseException], ...]]:
    from shared.backup_archive import Archive, BadBackup

    path = folder / "a.zip"

    def parse(data: bytes) -> None:
        path.write_bytes(data)
        with Archive.open(path) as archive:
            archive.verify()

    return parse, (BadBackup,)


def _backup_seeds() -> Sequence[bytes]:
    from shared.backup_archive import ArchiveWriter, Column, TableNote

    out, stored = io.BytesIO(), io.BytesIO()
    with ArchiveWriter(out) as writer:
        for name in ("tables/note.jsonl", "models/spam/champion.json", "plugins/reviews/cache/a"):
            with writer.entry(name) as entry:
                entry.write(b'[1,"a"]\n')
        note = TableNote("hearth", (Column("id", "integer"),), 1)
        writer.finish(hearth="1", database="sqlite", revisions={"hearth": "0001"}, tables={"note": note})
    with zipfile.ZipFile(stored, "w") as archive:
        archive.writestr("manifest.json", "{}")
    return [out.getvalue(), stored.getvalue()]


def _manifest(folder: Path) -> tuple[Parse, tuple[type[BaseException], ...]]:
    from shared.manifest import Manifest, Pointer
    from shared.store import MANIFEST, POINTER, Damaged, read_json

    places = folder / MANIFEST, folder / POINTER

    def parse(data: bytes) -> None:
        path = places[data[:1] == b"P"]
        path.write_bytes(data[1:])
        read_json(path, Pointer if data[:1] == b"P" else Manifest)

    return parse, (Damaged,)


def _manifest_seeds() -> Sequence[bytes]:
    found = next((Path(__file__).parents[1] / "plugins").glob("spam/weights/**/manifest.json"), None)
    pointer = b'P{"version": "20260101T000000Z-1", "history": []}'
    return [pointer, b"M" + (b"{}" if found is None else found.read_bytes()[:4000])]


def _interaction(folder: Path) -> tuple[Parse, tuple[type[BaseException], ...]]:
    from benchmarks.fuzz_dispatch import Dispatching

    return Dispatching(folder).handle, ()


def _interaction_seeds() -> Sequence[bytes]:
    from benchmarks.fuzz_dispatch import seeds

    return seeds()


TARGETS: Final = (
    Target("frames", _frames, _frame_seeds, 11),
    Target("CSV tables", _table, _csv_seeds, 11),
    Target("CSV of trading days", _course, _csv_seeds, 8),
    Target("image headers", _image, _picture_seeds, 8),
    Target("images decoded", _picture, _picture_seeds, 5, 2048),
    Target("web pages", _document("html"), _html_seeds, 2, 2048),
    Target("PDF", _document("pdf"), _pdf_seeds, 2, 2048),
    Target("texts of any encoding", _document("text"), _text_seeds, 4, 1024),
    Target("charsets", _charset, _text_seeds, 4, 512),
    Target("idx", _idx, _idx_seeds, 6, 256),
    Target("CIFAR archives", _cifar, _cifar_seeds, 4),
    Target("npz packs", _npz, _npz_seeds, 4, 2048),
    Target("exchange pages", _exchange, _exchange_seeds, 6, 2048),
    Target("review pages", _reviews, _review_seeds, 6, 2048),
    Target("schedules", _schedule, _schedule_seeds, 5, 64),
    Target("dates", _dates, _schedule_seeds, 4, 64),
    Target("robots.txt", _robots, _robots_seeds, 1, 1024),
    Target("addresses in texts", _addresses, _address_seeds, 3, 512),
    Target("backups", _backup, _backup_seeds, 2, 2048),
    Target("model manifests", _manifest, _manifest_seeds, 1, 4096),
    Target("interaction payloads", _interaction, _interaction_seeds, 1, 2048),
)
