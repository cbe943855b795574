"""The model store: every trained version in a folder of its own, and a pointer to the one that answers.

Laid out as `ROOT/NAME/VERSION/` with `manifest.json`, `report.json` and the weights. Several processes may
use it at once, and any of them may be killed at any moment: a version is there wholly or not at all.
"""

import math
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import Any, Final, TypeVar

import msgspec

from shared.durable import hold, locked, sync, sync_tree, write_file
from shared.errors import BadInput, ModelUnavailable, Refusal
from shared.fingerprint import Fingerprint, checksum
from shared.manifest import Change, Judgement, Manifest, Pointer
from shared.model import Report

NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,63}")
VERSION: Final = re.compile(r"\d{8}T\d{6}-[0-9a-f]{4}")
PICKLES: Final = frozenset({".pkl", ".pickle", ".dill", ".joblib", ".pt", ".pth", ".bin", ".ckpt"})
"""Kinds of file that are, or may be, a pickle: reading one would run whatever code it holds."""

STAGING: Final = ".staging-"
MANIFEST: Final = "manifest.json"
REPORT: Final = "report.json"
JUDGEMENTS: Final = "judgements.json"
POINTER: Final = "champion.json"
LIMITS: Final = {MANIFEST: 4 << 20, REPORT: 256 << 20, JUDGEMENTS: 4 << 20, POINTER: 4 << 20}
"""Bytes that are read of each file; what is longer counts as damaged."""

KEPT_CHANGES: Final = 1000
ANY: Final = "*"
T = TypeVar("T")


class UnknownVersion(Refusal):
    """There is no such version of that model."""


class Damaged(ModelUnavailable):
    """A file of the store is missing, changed or unreadable; the text says which."""


class ChampionChanged(Refusal):
    """Somebody else promoted another version meanwhile."""


@dataclass(frozen=True)
class Listing:
    """All versions of a model, oldest first; what is damaged is named with its fault."""

    manifests: tuple[Manifest, ...]
    damaged: dict[str, str]


class Store:
    """The versions of all models below one folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def names(self) -> list[str]:
        """Return the models that have a folder here."""
        if not self.root.is_dir():
            return []
        return sorted(p.name for p in self.root.iterdir() if NAME.fullmatch(p.name) and p.is_dir())

    def versions(self, name: str) -> list[str]:
        """Return the versions of a model, oldest first, damaged ones too."""
        folder = self._folder(name)
        if not folder.is_dir():
            return []
        return sorted(p.name for p in folder.iterdir() if _is_version(p))

    def listing(self, name: str) -> Listing:
        """Read the manifest of every version; a broken one never hides the others."""
        manifests, damaged = [], {}
        for version in self.versions(name):
            try:
                manifests.append(self.manifest(name, version))
            except Damaged as error:
                damaged[version] = str(error)
        return Listing(tuple(manifests), damaged)

    def manifest(self, name: str, version: str) -> Manifest:
        """Read a version's manifest. Raises `UnknownVersion` or `Damaged`."""
        path = self._version(name, version) / MANIFEST
        found = read_json(path, Manifest)
        if (found.model, found.version) != (name, version):
            raise Damaged(
                "{path} is the manifest of {found}.", path=path, found=f"{found.model} {found.version}"
            )
        return found

    def report(self, name: str, version: str) -> Report:
        """Read a version's whole report. Raises `UnknownVersion` or `Damaged`."""
        return read_json(self._version(name, version) / REPORT, Report)

    def open(self, name: str, version: str) -> Path:
        """Return a version's folder once every file in it has the checksum that the manifest states.

        Raises `UnknownVersion` or `Damaged`. Reads all the files.
        """
        folder = self._version(name, version)
        _verify(folder, self.manifest(name, version).files)
        return folder

    def adopt(self, name: str, version: str, staged: Path) -> Path:
        """Turn a staged copy, which another store has published, into that version; return its folder.

        Raises `Damaged` where the copy is not whole. A version of that name that is here already is replaced.
        """
        folder = self._folder(name) / version
        found = read_json(staged / MANIFEST, Manifest)
        if (found.model, found.version) != (name, version) or not VERSION.fullmatch(version):
            raise Damaged(
                "{path} is the manifest of {found}.",
                path=staged / MANIFEST,
                found=f"{found.model} {found.version}",
            )
        _verify(staged, found.files)
        sync_tree(staged)
        with self._locked(name):
            if folder.exists():
                folder.rename(folder.with_name(f"{STAGING}{secrets.token_hex(8)}"))
            staged.rename(folder)
            sync(folder.parent)
            self._sweep(folder.parent)
        return folder

    def follow(self, name: str, pointer: Pointer) -> bool:
        """Take over another store's champion and its history, unless ours changed later; tell whether it was taken.

        Raises `Damaged` or `UnknownVersion` where its version is not here, or not whole.
        """
        if pointer.champion is not None:
            self.open(name, pointer.champion)
        self._folder(name).mkdir(parents=True, exist_ok=True)
        with self._locked(name):
            ours = self._mended(name)
            if ours.changed >= pointer.changed:
                return False
            self._write(name, self._folder(name) / POINTER, pointer)
        return True

    def judgements(self, name: str, version: str) -> list[Judgement]:
        """Return how a version fared at the gate, oldest first."""
        path = self._version(name, version) / JUDGEMENTS
        return read_json(path, list[Judgement]) if path.exists() else []

    def pointer(self, name: str) -> Pointer:
        """Return who is champion, who was before, and every change. Raises `Damaged`."""
        path = self._folder(name) / POINTER
        if not path.exists():
            return Pointer()
        pointer = read_json(path, Pointer)
        if wrong := [v for v in pointer.trail if not VERSION.fullmatch(v)]:
            raise Damaged("{path} names {version!r}, which is no version.", path=path, version=wrong[0])
        return pointer

    def champion(self, name: str) -> str | None:
        """Return the version that answers; None where none was promoted. Raises `Damaged`."""
        return self.pointer(name).champion

    def champion_stamp(self, name: str) -> tuple[int, int] | None:
        """Return what differs after each change of the champion. One look at the file system, no reading."""
        try:
            status = (self._folder(name) / POINTER).stat()
        except FileNotFoundError:
            return None
        return status.st_mtime_ns, status.st_ino

    @contextmanager
    def stage(self, name: str) -> Iterator[Path]:
        """Lend an empty folder to write a new version's weights to; `publish` it, or it is gone afterwards."""
        folder = self._folder(name)
        folder.mkdir(parents=True, exist_ok=True)
        # Under the lock: between its making and its being held, nobody may take the folder for abandoned.
        with self._locked(name):
            self._sweep(folder)
            staged = Path(tempfile.mkdtemp(prefix=STAGING, dir=folder))
            staged.chmod(0o755)
            held = hold(staged)
        try:
            yield staged
        finally:
            shutil.rmtree(staged, ignore_errors=True)
            if held is not None:
                os.close(held)

    def publish(
        self,
        name: str,
        staged: Path,
        *,
        report: Report,
        data: Fingerprint | None,
        licence: str,
        code: str,
        parent: str | None,
        origin: str = "trained",
    ) -> Manifest:
        """Turn a staged folder into a version. Raises `BadInput` where it holds what is never loaded."""
        folder = self._folder(name)
        report = _storable(report)
        (staged / REPORT).write_bytes(msgspec.json.encode(report))
        (staged / MANIFEST).unlink(missing_ok=True)
        files = {relative: checksum(path) for relative, path in _files(staged).items()}
        with self._locked(name):
            now = datetime.now(UTC)
            manifest = Manifest(
                model=name,
                version=_next_version(self.versions(name), now),
                created=now,
                n=report.n,
                metrics=report.metrics,
                baseline=report.baseline,
                baseline_name=report.baseline_name,
                data=data,
                licence=licence,
                code=code,
                parent=parent,
                origin=origin,
                files=files,
            )
            (staged / MANIFEST).write_bytes(_pretty(manifest))
            sync_tree(staged)
            staged.rename(folder / manifest.version)
            sync(folder)
            sync(self.root)
        return manifest

    def judge(self, name: str, version: str, judgement: Judgement) -> None:
        """Write down how a version fared at the gate."""
        folder = self._version(name, version)
        with self._locked(name):
            self._write(name, folder / JUDGEMENTS, [*self.judgements(name, version), judgement])

    def promote(self, name: str, version: str, *, expect: str | None = ANY, note: str = "") -> None:
        """Make `version` the champion.

        With `expect` (a version, or None), only where that is still champion: raises `ChampionChanged`
        otherwise. Raises `UnknownVersion`, or `Damaged` where the version's files are not what they were.
        """
        self.open(name, version)
        with self._locked(name):
            pointer = self._mended(name)
            if expect != ANY and pointer.champion != expect:
                raise ChampionChanged(
                    "{champion} is champion of {model} now.", champion=pointer.champion, model=name
                )
            if pointer.champion != version:
                self._point(name, pointer, [*pointer.trail, version], "promote", note)

    def rollback(self, name: str, *, note: str = "") -> str | None:
        """Go back to the champion before, and return it; None means the weights that ship with the model.

        Versions that are damaged are passed over. Raises `Refusal` where there is nothing to go back from.
        """
        with self._locked(name):
            pointer = self.pointer(name)
            if not pointer.trail:
                raise Refusal("{model} has no champion to go back from.", model=name)
            trail = pointer.trail[:-1]
            while trail and not self._intact(name, trail[-1]):
                trail.pop()
            self._point(name, pointer, trail, "rollback", note)
            return trail[-1] if trail else None

    def sweep(self) -> list[Path]:
        """Remove what killed writers left behind; returns what was removed."""
        removed = []
        for name in self.names():
            with self._locked(name):
                removed += self._sweep(self._folder(name))
        return removed

    def _sweep(self, folder: Path) -> list[Path]:
        removed = []
        for path in folder.glob(f"{STAGING}*"):
            if path.is_file():
                # Files are written under the lock, which we hold: so its writer is dead.
                path.unlink()
                removed.append(path)
            elif (held := hold(path)) is not None:
                # A folder is held by its writer for as long as that lives.
                shutil.rmtree(path, ignore_errors=True)
                os.close(held)
                removed.append(path)
        return removed

    def _point(self, name: str, before: Pointer, trail: list[str], action: Any, note: str) -> None:
        version = trail[-1] if trail else None
        change = Change(
            at=datetime.now(UTC), action=action, version=version, before=before.champion, note=note
        )
        pointer = Pointer(trail=trail, changes=[*before.changes, change][-KEPT_CHANGES:])
        self._write(name, self._folder(name) / POINTER, pointer)

    def _write(self, name: str, path: Path, content: Any) -> None:
        # Not beside the file: a version's folder must never hold what a killed process left there.
        write_file(path, _pretty(content), self._folder(name) / f"{STAGING}{secrets.token_hex(8)}")

    def _mended(self, name: str) -> Pointer:
        """Read the pointer; one that is damaged is put aside, so that promoting repairs it."""
        try:
            return self.pointer(name)
        except Damaged:
            path = self._folder(name) / POINTER
            path.replace(path.with_suffix(".damaged"))
            return Pointer()

    def _intact(self, name: str, version: str) -> bool:
        try:
            self.open(name, version)
        except (Damaged, UnknownVersion):
            return False
        return True

    def _folder(self, name: str) -> Path:
        if not NAME.fullmatch(name):
            raise BadInput("{name!r} is no name of a model.", name=name[:80])
        return self.root / name

    def _version(self, name: str, version: str) -> Path:
        folder = self._folder(name)
        if not VERSION.fullmatch(version):
            raise BadInput(
                "{version!r} is no version; one looks like 20261124T221530-ab12.", version=version[:80]
            )
        if not _is_version(folder / version):
            raise UnknownVersion("{model} has no version {version}.", model=name, version=version)
        return folder / version

    @contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        folder = self._folder(name)
        if not folder.is_dir():
            raise Refusal("The store has no version of {model}.", model=name)
        with locked(folder / ".lock"):
            yield


def _next_version(taken: Sequence[str], now: datetime) -> str:
    """Name a version by its time, later than all others even when two come in one second or the clock went back."""
    if taken:
        now = max(now, _moment(taken[-1]) + timedelta(seconds=1))
    return f"{now:%Y%m%dT%H%M%S}-{secrets.token_hex(2)}"


def _moment(version: str) -> datetime:
    return datetime.strptime(version[:15], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)


def _is_version(path: Path) -> bool:
    """Tell a version's folder from all else, links and impossible dates included."""
    try:
        return (
            bool(VERSION.fullmatch(path.name) and _moment(path.name))
            and path.is_dir()
            and not path.is_symlink()
        )
    except ValueError:
        return False


def _storable(report: Report) -> Report:
    """Leave out metrics that are no numbers, which JSON cannot hold. Raises `BadInput` where a loss is none."""
    if not all(map(math.isfinite, report.losses)):
        raise BadInput("The report has a loss that is no number.")
    metrics = {k: v for k, v in report.metrics.items() if all(map(math.isfinite, (v.value, v.low, v.high)))}
    baseline = {k: v for k, v in report.baseline.items() if math.isfinite(v)}
    return msgspec.structs.replace(report, metrics=metrics, baseline=baseline)


def _verify(folder: Path, stated: dict[str, str]) -> None:
    """Raise `Damaged` unless all files below `folder` are stated, and have the checksums that are."""
    try:
        found = _files(folder)
    except BadInput as error:
        raise Damaged(error.text.msgid, **error.text.values) from None
    if extra := sorted(found.keys() - stated.keys() - {MANIFEST, JUDGEMENTS}):
        raise Damaged("{path} is not in the manifest.", path=folder / extra[0])
    for relative, sha256 in stated.items():
        path = found.get(relative)
        if path is None:
            raise Damaged("{path} is missing.", path=folder / relative)
        if checksum(path) != sha256:
            raise Damaged("{path} has changed since it was written.", path=path)


def _files(folder: Path) -> dict[str, Path]:
    """Map the POSIX path of each file below `folder` to it. Raises `BadInput` for what is never loaded."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise BadInput("{path} is neither a file nor a folder.", path=path)
        if path.suffix.lower() in PICKLES:
            raise BadInput(
                "{path} may be a pickle, which is never loaded; use safetensors, ONNX, skops or JSON.",
                path=path,
            )
        if path.is_file():
            found[PurePosixPath(path.relative_to(folder)).as_posix()] = path
    return found


def read_json(path: Path, kind: type[T]) -> T:
    """Read one of the store's own files, none longer than its limit. Raises `Damaged`."""
    limit = LIMITS[path.name]
    try:
        with path.open("rb") as file:
            content = file.read(limit + 1)
        if len(content) > limit:
            raise Damaged("{path} is too long.", path=path)
        return msgspec.json.decode(content, type=kind)
    except FileNotFoundError:
        raise Damaged("{path} is missing.", path=path) from None
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Damaged("{path} cannot be read: {reason}", path=path, reason=str(error)) from None


def _pretty(content: Any) -> bytes:
    return msgspec.json.format(msgspec.json.encode(content), indent=2)
