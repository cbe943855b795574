"""What fuzzing begins with: small whole examples of each format that comes from outside."""

import io
import json
import struct
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final


def frame_seeds() -> Sequence[bytes]:
    """Return streams of frames to and from a worker."""
    from shared.engine import Weights
    from shared.frames import Broken, Hello, Load, Loaded, Unload, encode
    from shared.model import Failure

    batch = [Failure("no", refusal=True), None]
    run, unload = encode(("run", 1, "spam", batch, None)), encode(Unload(2, "spam"))
    load = encode(Load(3, "spam", "plugins.spam.model:SpamModel", Weights(None, "1", "default")))
    hello, done = encode(Hello(1)), encode(("done", 1, batch, {0: Failure("no")}, 0.5))
    loaded, broken = encode(Loaded(3, "cpu", 1.0, 1.0)), encode(Broken(3, "no"))
    # The first byte is how the stream is cut, and by its last bit who sends.
    sent = (run, unload, load, run + unload + load + run)
    answered = (hello, done, hello + loaded + broken + done)
    return [*(b"\x40" + each for each in sent), *(b"\xff" + each for each in answered)]


_DAYS: Final = (
    "日期,成交股數,成交金額,開盤價,最高價,最低價,收盤價,漲跌價差,成交筆數\r\n"
    '99/01/04,"39,511,138","2,557,720,928",65.00,65.00,64.00,64.90,+0.40,"8,300"\r\n'
    '99/01/05,"38,394,000","2,496,000,000",--,--,--,--,X0.00,0\r\n'
)


def csv_seeds() -> Sequence[bytes]:
    """Return tables, the exchange's own among them."""
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


def picture_seeds() -> Sequence[bytes]:
    """Return a small picture in every kind and mode."""
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


def html_seeds() -> Sequence[bytes]:
    """Return web pages."""
    said = "<p>The council approved a new tram line along the river on Monday, with eleven stops.</p>" * 12
    page = (
        "<!doctype html><html><head><meta charset=utf-8><title>Tram</title>"
        '<meta property="og:site_name" content="News"><script type="application/ld+json">{"@type":"NewsArticle",'
        '"author":{"name":"A"},"datePublished":"2024-01-02"}</script></head><body><article><h1>Tram</h1>'
        f"{said}<table><tr><td>1</td></tr></table><ul><li>one</li></ul><!-- c --></article></body></html>"
    )
    return [page.encode(), page.replace("utf-8", "big5").encode(), b"<svg><p>x", b"<table>" * 20]


def pdf_seeds() -> Sequence[bytes]:
    """Return a PDF as it is and with its streams packed."""
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


def text_seeds() -> Sequence[bytes]:
    """Return texts in several encodings."""
    words = "這家店的餐點很好吃,服務也很親切。The tram is late. 電車は遅れている。"
    encodings = ("utf-8", "utf-16", "gb18030", "utf-8-sig")
    return [words.encode(each) for each in encodings] + [
        "這家店的餐點很好吃".encode("big5"),
        "电车很好".encode("gb2312"),
    ]


def idx_seeds() -> Sequence[bytes]:
    """Return pictures and labels as MNIST has them."""
    import gzip

    pictures = struct.pack(">BBBBIII", 0, 0, 8, 3, 2, 3, 3) + bytes(range(18))
    labels = struct.pack(">BBBBI", 0, 0, 8, 1, 4) + bytes(4)
    return [pictures, labels, gzip.compress(pictures), gzip.compress(labels)]


def tar_of(data: bytes) -> bytes:
    """Return an archive whose batch and whose names are these bytes."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name in ("test_batch", "batches.meta"):
            info = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def cifar_seeds() -> Sequence[bytes]:
    """Return pickles as CIFAR-10 has them, and one that would run a program."""
    import pickle

    import numpy as np

    batch = {b"data": np.zeros((1, 3072), np.uint8), b"labels": [3], b"label_names": [b"cat", b"dog"]}
    small = {b"data": np.zeros((2, 2), np.uint8), b"labels": [1, 2], b"label_names": [b"a"]}
    seeds = [b"P" + pickle.dumps(each, protocol) for each in (batch, small) for protocol in (0, 2, 4)]
    return [*seeds, b"A" + tar_of(pickle.dumps(small, 2))[:4096], b"Pcos\nsystem\n(S'true'\ntR."]


def npz_seeds() -> Sequence[bytes]:
    """Return packs of pictures and digits."""
    import numpy as np

    def saved(**arrays: Any) -> bytes:
        out = io.BytesIO()
        np.savez_compressed(out, **arrays)
        return out.getvalue()

    pack = saved(jpeg=np.arange(9, dtype=np.uint8), index=np.array([[0, 4, 1], [4, 5, 0]], np.int64))
    digits = saved(images=np.zeros((2, 28, 28), np.uint8), labels=np.array([1, 2], np.int64))
    return [b"P" + pack, b"D" + digits, b"P" + saved(jpeg=np.array([{}], object), index=np.zeros(3))]


def exchange_seeds() -> Sequence[bytes]:
    """Return months of trading, as JSON and as a page."""
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


def review_seeds() -> Sequence[bytes]:
    """Return pages of reviews of both sources."""
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


def schedule_seeds() -> Sequence[bytes]:
    """Return schedules as people write them."""
    texts = (
        "14:45", "weekdays 14:45|Europe/London", "mon,thu 9:00", "every 10m", "每 10 分鐘", "*/5 8-17 * * 1-5",
        "0 0 31 2 *", "週一至週五 09:30|Asia/Tokyo", "0 */2 1,15 jan-mar mon", "every 2 hours",
    )  # fmt: skip
    return [text.encode() for text in texts]


def robots_seeds() -> Sequence[bytes]:
    """Return files of robots.txt."""
    return [
        b"User-agent: *\nDisallow: /a\nAllow: /a/b$\nCrawl-delay: 2\nSitemap: https://x.example/s.xml\n",
        b"user-agent: hearth\nuser-agent: other\nDisallow: /*?c=\nRequest-rate: 1/5m 0900-1700\nVisit-time: 1-2",
        "\ufeffUser-agent: Hearth/1\r\nDisallow: /%E5%A5%BD*".encode(),
    ]


def address_seeds() -> Sequence[bytes]:
    """Return texts with addresses."""
    return [
        b"https://example.org/a?b=c#d",
        b"<https://example.org/>",
        b"[words](https://example.org/a_(b))",
        "看這個 https://例子.tw/新聞 好嗎".encode(),
        b"http://[::1]:80/ http://1.2.3.4",
    ]


def backup_seeds() -> Sequence[bytes]:
    """Return a backup, and a zip that is none."""
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


def manifest_seeds() -> Sequence[bytes]:
    """Return a pointer to a champion, and a manifest."""
    found = next((Path(__file__).parents[1] / "plugins").glob("spam/weights/**/manifest.json"), None)
    pointer = b'P{"version": "20260101T000000Z-1", "history": []}'
    return [pointer, b"M" + (b"{}" if found is None else found.read_bytes()[:4000])]


def interaction_seeds() -> Sequence[bytes]:
    """Return interactions of every kind."""
    from benchmarks.fuzz_dispatch import seeds

    return seeds()
