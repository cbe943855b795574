"""What is fuzzed: every parser of bytes or texts from outside, with seeds, and the errors that it documents.

A target's imports are done by its `make`, so that they can be instrumented first, and only those it needs.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.fuzz_seeds import (
    address_seeds,
    backup_seeds,
    cifar_seeds,
    csv_seeds,
    exchange_seeds,
    frame_seeds,
    html_seeds,
    idx_seeds,
    interaction_seeds,
    manifest_seeds,
    npz_seeds,
    pdf_seeds,
    picture_seeds,
    review_seeds,
    robots_seeds,
    schedule_seeds,
    tar_of,
    text_seeds,
)

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


def _charset(_: Path) -> tuple[Parse, tuple[type[BaseException], ...]]:
    from shared.charsets import decode

    def parse(data: bytes) -> None:
        # By its length, so that seeds are plain texts.
        decode(data, ((None, "big5", "utf-16", "gb2312", "x-nonsense")[len(data) % 5],))

    return parse, ()


def _idx(folder: Path) -> tuple[Parse, tuple[type[BaseException], ...]]:
    from plugins.digits.idx import read_idx
    from shared.errors import BadInput

    path = folder / "a.idx"

    def parse(data: bytes) -> None:
        path.write_bytes(data)
        read_idx(path, 3)
        read_idx(path, 1)

    return parse, (BadInput,)


def _cifar(folder: Path) -> tuple[Parse, tuple[type[BaseException], ...]]:
    from plugins.image.cifar_archive import read_batches, read_names
    from shared.errors import BadInput

    path = folder / "a.tar"

    def parse(data: bytes) -> None:
        # By the first byte: the whole archive, or one of its pickles.
        if data[:1] == b"A":
            path.write_bytes(data[1:])
        else:
            path.write_bytes(tar_of(data[1:]))
        list(read_batches(path))
        read_names(path)

    return parse, (BadInput,)


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


def _exchange(_: Path) -> tuple[Parse, tuple[type[BaseException], ...]]:
    from plugins.stock.exchange_page import Overloaded, Unreadable, read_month

    def parse(data: bytes) -> None:
        read_month(data[1:], "json" if data[:1] == b"J" else "html", "2330", "2010-01")

    return parse, (Unreadable, Overloaded)


def _reviews(_: Path) -> tuple[Parse, tuple[type[BaseException], ...]]:
    import datetime

    from plugins.reviews.sources import read_maps, read_places
    from shared.polite import Unreadable

    today = datetime.date(2026, 1, 1)

    def parse(data: bytes) -> object:
        return read_places(data[1:]) if data[:1] == b"P" else read_maps(data[1:], today)

    return parse, (Unreadable,)


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


def _addresses(_: Path) -> tuple[Parse, tuple[type[BaseException], ...]]:
    from shared.addresses import address_in, only_address_in

    def parse(data: bytes) -> None:
        text = data.decode("utf-8", "replace")
        address_in(text)
        only_address_in(text)

    return parse, ()


def _backup(folder: Path) -> tuple[Parse, tuple[type[BaseException], ...]]:
    from shared.backup_archive import Archive, BadBackup

    path = folder / "a.zip"

    def parse(data: bytes) -> None:
        path.write_bytes(data)
        with Archive.open(path) as archive:
            archive.verify()

    return parse, (BadBackup,)


def _manifest(folder: Path) -> tuple[Parse, tuple[type[BaseException], ...]]:
    from shared.manifest import Manifest, Pointer
    from shared.store import MANIFEST, POINTER, Damaged, read_json

    places = folder / MANIFEST, folder / POINTER

    def parse(data: bytes) -> None:
        path = places[data[:1] == b"P"]
        path.write_bytes(data[1:])
        read_json(path, Pointer if data[:1] == b"P" else Manifest)

    return parse, (Damaged,)


def _interaction(folder: Path) -> tuple[Parse, tuple[type[BaseException], ...]]:
    from benchmarks.fuzz_dispatch import Dispatching

    return Dispatching(folder).handle, ()


TARGETS: Final = (
    Target("frames", _frames, frame_seeds, 11),
    Target("CSV tables", _table, csv_seeds, 11),
    Target("CSV of trading days", _course, csv_seeds, 8),
    Target("image headers", _image, picture_seeds, 8),
    Target("images decoded", _picture, picture_seeds, 5, 2048),
    Target("web pages", _document("html"), html_seeds, 2, 2048),
    Target("PDF", _document("pdf"), pdf_seeds, 2, 2048),
    Target("texts of any encoding", _document("text"), text_seeds, 4, 1024),
    Target("charsets", _charset, text_seeds, 4, 512),
    Target("idx", _idx, idx_seeds, 6, 256),
    Target("CIFAR archives", _cifar, cifar_seeds, 4),
    Target("npz packs", _npz, npz_seeds, 4, 2048),
    Target("exchange pages", _exchange, exchange_seeds, 6, 2048),
    Target("review pages", _reviews, review_seeds, 6, 2048),
    Target("schedules", _schedule, schedule_seeds, 5, 64),
    Target("dates", _dates, schedule_seeds, 4, 64),
    Target("robots.txt", _robots, robots_seeds, 1, 1024),
    Target("addresses in texts", _addresses, address_seeds, 3, 512),
    Target("backups", _backup, backup_seeds, 2, 2048),
    Target("model manifests", _manifest, manifest_seeds, 1, 4096),
    Target("interaction payloads", _interaction, interaction_seeds, 1, 2048),
)
