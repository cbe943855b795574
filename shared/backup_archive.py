"""A backup's file: one zip of data, with a manifest that names every entry, its size and its checksum.

What is read here may come from anybody. Nothing in it is ever run or unpickled; a name is judged before it is used, a
size before it is read, and a checksum before anything is written.
"""

import errno
import hashlib
import re
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import IO, BinaryIO, Final, Literal, Self

import msgspec

from shared.errors import BadInput
from shared.model import Progress
from shared.store import NAME, PICKLES, POINTER, VERSION

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
MANIFEST_LIMIT: Final = 64 << 20
ENTRIES_LIMIT: Final = 200_000
LIMIT: Final = 64 << 30
"""Bytes of everything unpacked that are read unless more is allowed."""
TABLES: Final = "tables"
MODELS: Final = "models"
PLUGINS: Final = "plugins"
PARTS: Final = (MODELS, PLUGINS)
"""The folders of files in a backup, named as in the data folder."""
CHUNK: Final = 1 << 20
LONGEST_NAME: Final = 1024
LONGEST_SEGMENT: Final = 255
_TABLE: Final = re.compile(r"[a-z][a-z0-9_]{0,62}\.jsonl")
_PLUGIN: Final = re.compile(r"[a-z][a-z0-9_-]{0,31}")
Kind = Literal["boolean", "integer", "number", "text", "bytes", "time", "json"]


class BadBackup(BadInput):
    """A file is no backup, or is damaged; the text says how."""


class Column(msgspec.Struct, frozen=True, array_like=True):
    """One column of a table."""

    name: str
    kind: Kind


class TableNote(msgspec.Struct, frozen=True):
    """One table: the plugin that it belongs to ("hearth": the core), its columns in order, and how many rows it has."""

    line: str
    columns: tuple[Column, ...]
    rows: int


class FileNote(msgspec.Struct, frozen=True):
    """One entry of the zip, unpacked."""

    size: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup is made of. `revisions` are those of each line of migrations; `files` names every other entry."""

    format: int
    hearth: str
    created: datetime
    database: str
    revisions: dict[str, str]
    tables: dict[str, TableNote]
    files: dict[str, FileNote]

    @property
    def rows(self) -> int:
        """Return how many rows there are in all."""
        return sum(note.rows for note in self.tables.values())

    @property
    def unpacked(self) -> int:
        """Return the bytes of all entries together."""
        return sum(note.size for note in self.files.values())


class _Format(msgspec.Struct):
    format: int


class ArchiveWriter:
    """Writes entries one by one, and the manifest as the last; without that a file is no backup."""

    def __init__(self, file: BinaryIO) -> None:
        self._zip = zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=4)
        self.files: dict[str, FileNote] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # One that was finished is closed; another is to be thrown away, whatever it cannot write any more.
        with suppress(OSError, ValueError):
            self._zip.close()

    @contextmanager
    def entry(self, name: str) -> Iterator["EntryWriter"]:
        """Open a new entry. Raises `BadBackup` for a name that would not be taken back."""
        check_name(name)
        if name in self.files or len(self.files) >= ENTRIES_LIMIT:
            raise BadBackup("{name} cannot be put into a backup.", name=name)
        with self._zip.open(_info(name), "w", force_zip64=True) as stream:
            writer = EntryWriter(stream)
            yield writer
        self.files[name] = FileNote(writer.size, writer.digest.hexdigest())

    def copy(self, name: str, source: BinaryIO) -> None:
        """Write all of an open file as an entry."""
        with self.entry(name) as entry:
            while chunk := source.read(CHUNK):
                entry.write(chunk)

    def finish(
        self, *, hearth: str, database: str, revisions: dict[str, str], tables: dict[str, TableNote]
    ) -> Manifest:
        """Write the manifest, and end the zip."""
        manifest = Manifest(
            format=FORMAT,
            hearth=hearth,
            created=datetime.now(UTC).replace(microsecond=0),
            database=database,
            revisions=revisions,
            tables=tables,
            files=self.files,
        )
        packed = msgspec.json.format(msgspec.json.encode(manifest), indent=1)
        self._zip.writestr(_info(MANIFEST), packed)
        self._zip.close()
        return manifest


class EntryWriter:
    """Counts and hashes what is written."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream, self.size, self.digest = stream, 0, hashlib.sha256()

    def write(self, data: bytes) -> None:
        """Append bytes."""
        self._stream.write(data)
        self.size += len(data)
        self.digest.update(data)


class Archive:
    """A backup that is open for reading: `with Archive.open(path) as archive`. Raises `BadBackup` throughout."""

    def __init__(self, zip: zipfile.ZipFile, manifest: Manifest) -> None:
        self._zip, self.manifest = zip, manifest

    @classmethod
    @contextmanager
    def open(cls, path: Path, limit: int = LIMIT) -> Iterator[Self]:
        """Read the manifest, and compare it with the entries that are there."""
        with _readable():
            zip = zipfile.ZipFile(path)
        with zip:
            yield cls(zip, _checked(zip, limit))

    def verify(self, progress: Progress = lambda _done, _note="": None) -> None:
        """Read every entry, and compare it with its checksum."""
        done, total = 0, max(1, self.manifest.unpacked)
        for name in self.manifest.files:
            with self.stream(name) as stream:
                while chunk := stream.read(CHUNK):
                    done += len(chunk)
                    progress(done / total, name)

    @contextmanager
    def stream(self, name: str) -> Iterator["Checked"]:
        """Open an entry; at its end it is compared with its checksum, and leaving before the end is as well a fault."""
        note = self.manifest.files[name]
        with _readable(name), self._zip.open(name) as stream:
            checked = Checked(stream, name, note)
            yield checked
            checked.end()


class Checked:
    """An entry that is being read. It gives no more bytes than the manifest says."""

    def __init__(self, stream: IO[bytes], name: str, note: FileNote) -> None:
        self._stream, self._name, self._note = stream, name, note
        self._size, self._digest = 0, hashlib.sha256()

    def read(self, size: int) -> bytes:
        """Return at most `size` bytes, none at the end."""
        return self._counted(self._stream.read(size))

    def line(self, limit: int) -> bytes:
        """Return the next line with its end, nothing after the last one."""
        line = self._counted(self._stream.readline(limit + 1))
        if len(line) > limit:
            raise BadBackup("{name} has a line that is too long.", name=self._name)
        return line

    def end(self) -> None:
        """Raise `BadBackup` unless everything was read and is as it was written."""
        if self._size != self._note.size or self._digest.hexdigest() != self._note.sha256:
            raise BadBackup("{name} has changed since the backup was made.", name=self._name)

    def _counted(self, data: bytes) -> bytes:
        self._size += len(data)
        self._digest.update(data)
        if self._size > self._note.size:
            raise BadBackup("{name} is longer than the manifest says.", name=self._name)
        return data


def check_name(name: str) -> None:
    """Raise `BadBackup` unless an entry of this name has a place of its own below the data folder."""
    path = PurePosixPath(name)
    segments = name.split("/")
    fits = (
        len(name) <= LONGEST_NAME
        and all(0 < len(each.encode("utf-8", "replace")) <= LONGEST_SEGMENT for each in segments)
        and not any(each in (".", "..") or each.startswith(".") for each in segments)
        and not re.search(r"[\x00-\x1f\x7f\\:]", name)
        and name.isprintable()
        and path.suffix.lower() not in PICKLES
    )
    match segments:
        case [only] if only == MANIFEST:
            known = True
        case [first, table] if first == TABLES:
            known = bool(_TABLE.fullmatch(table))
        case [first, model, pointer] if first == MODELS and pointer == POINTER:
            known = bool(NAME.fullmatch(model))
        case [first, model, version, _, *_] if first == MODELS:
            known = bool(NAME.fullmatch(model) and VERSION.fullmatch(version))
        case [first, plugin, _, *_] if first == PLUGINS:
            known = bool(_PLUGIN.fullmatch(plugin))
        case _:
            known = False
    if not (fits and known):
        raise BadBackup("{name!r} is no name of something in a backup.", name=name[:200])


def _checked(zip: zipfile.ZipFile, limit: int) -> Manifest:
    """Return the manifest, once the entries are those that it names."""
    infos = zip.infolist()
    if len(infos) > ENTRIES_LIMIT:
        raise BadBackup("The backup has more than {limit} entries.", limit=ENTRIES_LIMIT)
    for info in infos:
        _check_entry(info)
    names = {info.filename: info for info in infos}
    if len(names) < len(infos):
        raise BadBackup("An entry is in the backup twice.")
    manifest = _manifest(zip, names.pop(MANIFEST, None))
    for name, info in names.items():
        note = manifest.files.get(name)
        if note is None or note.size != info.file_size:
            raise BadBackup("{name} is not what the manifest says.", name=name)
    if missing := manifest.files.keys() - names.keys():
        raise BadBackup("{name} is missing.", name=min(missing))
    if manifest.unpacked > limit:
        raise BadBackup(
            "Unpacked, the backup is larger than {limit} GiB: allow more by --most.",
            limit=f"{limit / 2**30:g}",
        )
    _check_tables(manifest)
    return manifest


def _check_entry(info: zipfile.ZipInfo) -> None:
    check_name(info.filename)
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG) or info.is_dir():
        raise BadBackup("{name} is no plain file.", name=info.filename)
    if info.flag_bits & 0x1 or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise BadBackup("{name} is packed in a way that is not read.", name=info.filename)


def _check_tables(manifest: Manifest) -> None:
    stated = {f"{TABLES}/{name}.jsonl" for name in manifest.tables}
    if stated != {name for name in manifest.files if name.startswith(f"{TABLES}/")}:
        raise BadBackup("The tables are not those that the manifest names.")
    if wrong := {note.line for note in manifest.tables.values()} - manifest.revisions.keys():
        raise BadBackup("{name} has tables, but no revision.", name=min(wrong)[:80])
    names = [PurePosixPath(name).parts[1] for name in manifest.files if name.startswith(f"{PLUGINS}/")]
    for name in (*names, *manifest.revisions):
        if not _PLUGIN.fullmatch(name):
            raise BadBackup("{name!r} is no name of a plugin.", name=name[:80])


def _manifest(zip: zipfile.ZipFile, info: zipfile.ZipInfo | None) -> Manifest:
    if info is None:
        raise BadBackup("It has no manifest: this is no backup of Hearth's, or its making was broken off.")
    if info.file_size > MANIFEST_LIMIT:
        raise BadBackup("The manifest is too long.")
    with _readable(MANIFEST), zip.open(info) as stream:
        packed = stream.read(MANIFEST_LIMIT + 1)
    with _readable(MANIFEST):
        found = msgspec.json.decode(packed, type=_Format).format
        if found > FORMAT:
            raise BadBackup(
                "The backup is of format {found}, made by a newer Hearth; this one reads up to {known}.",
                found=found,
                known=FORMAT,
            )
        return msgspec.json.decode(packed, type=Manifest)


@contextmanager
def _readable(name: str = "") -> Iterator[None]:
    try:
        yield
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise BadBackup("{file}: {reason}", file=error.filename, reason=error.strerror or "") from None
    except OSError as error:
        # A place before the file's beginning, of which a directory that was tampered with may speak.
        if error.errno != errno.EINVAL:
            raise
        raise BadBackup("The backup is damaged: {where}{reason}", where="", reason=error.strerror) from None
    except (
        zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, msgspec.MsgspecError, UnicodeDecodeError,
        RecursionError,
    ) as error:  # fmt: skip
        where = f"{name}: " if name else ""
        reason = " ".join(str(error).split())[:200]
        raise BadBackup("The backup is damaged: {where}{reason}", where=where, reason=reason) from None


def _info(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, datetime.now(UTC).timetuple()[:6])
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = (stat.S_IFREG | 0o600) << 16
    return info
