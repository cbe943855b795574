"""A model store that many machines see, at any address that fsspec knows: a folder, S3 or what speaks like it.

Laid out as `shared.store` is: `NAME/VERSION/` with its files, and `NAME/champion.json`. A version is there when its
manifest is, which is written last. What is fetched is verified: each file against the manifest, and the manifest
against the seal that whoever asks for it knows.
"""

import hashlib
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

import msgspec

from shared.durable import write_file
from shared.errors import HearthError, ModelUnavailable
from shared.fingerprint import checksum
from shared.manifest import Manifest, Pointer
from shared.store import LIMITS, MANIFEST, PICKLES, POINTER, VERSION, Damaged, Store, UnknownVersion


class RemoteStore:
    """The versions and champions at `url`, such as "s3://bucket/prefix" or "file:///srv/hearth".

    All methods wait for the network: call them in a thread. Credentials and endpoints are those of the protocol's own
    environment (`AWS_ACCESS_KEY_ID`, `AWS_ENDPOINT_URL` and so on). Raises `ModelUnavailable` where it cannot be
    reached.
    """

    def __init__(self, url: str) -> None:
        # Imported late: who has no remote store pays nothing.
        from fsspec.core import url_to_fs

        try:
            self._files, self._root = url_to_fs(url, use_listings_cache=False, skip_instance_cache=True)
            self._local = "file" in self._files.protocol
        except (ImportError, ValueError) as error:
            raise ModelUnavailable("The model store cannot be used: {reason}", reason=str(error)) from None

    def publish(self, store: Store, name: str, version: str) -> bool:
        """Upload a version that is not there yet; tell whether it was not. Raises `Damaged`, `UnknownVersion`."""
        folder = store.open(name, version)
        with _reached():
            if self._files.exists(self._path(name, version, MANIFEST)):
                return False
            for relative in store.manifest(name, version).files:
                self._upload(folder / relative, self._path(name, version, relative))
            self._write(self._path(name, version, MANIFEST), (folder / MANIFEST).read_bytes())
        return True

    def fetch(self, name: str, version: str, seal: str | None, cache: Store) -> Path:
        """Return a version's folder in `cache`, fetched where it is not there or not whole.

        `seal` is the sha256 that its manifest must have. Raises `Damaged` where anything is not what it should be.
        """
        if (folder := _in_cache(cache, name, version, seal)) is not None:
            return folder
        content = self._read(self._path(name, version, MANIFEST), LIMITS[MANIFEST])
        if content is None:
            raise ModelUnavailable(
                "The model store has no version {version} of {model}.", version=version, model=name
            )
        if seal not in (None, hashlib.sha256(content).hexdigest()):
            path = f"{name}/{version}/{MANIFEST}"
            raise Damaged("{path} has changed since it was written.", path=path)
        files = _files_of(content, name, version)
        with cache.stage(name) as staged:
            (staged / MANIFEST).write_bytes(content)
            for relative in files:
                place = staged / relative
                place.parent.mkdir(parents=True, exist_ok=True)
                try:
                    with _reached():
                        self._files.get_file(self._path(name, version, relative), str(place))
                except FileNotFoundError:
                    raise Damaged("{path} is missing.", path=f"{name}/{version}/{relative}") from None
            # Which compares all checksums.
            return cache.adopt(name, version, staged)

    def pointer(self, name: str) -> Pointer:
        """Return who is champion there."""
        content = self._read(self._path(name, POINTER), LIMITS[POINTER])
        if content is None:
            return Pointer()
        try:
            pointer = msgspec.json.decode(content, type=Pointer)
        except msgspec.MsgspecError as error:
            raise Damaged(
                "{path} cannot be read: {reason}", path=f"{name}/{POINTER}", reason=str(error)
            ) from None
        if wrong := [each for each in pointer.trail if not VERSION.fullmatch(each)]:
            raise Damaged(
                "{path} names {version!r}, which is no version.", path=f"{name}/{POINTER}", version=wrong[0]
            )
        return pointer

    def exchange(self, store: Store, name: str) -> bool:
        """Bring the later change of the champion to the other side, with its versions; tell whether ours changed."""
        ours, theirs = store.pointer(name), self.pointer(name)
        if ours.changed == theirs.changed:
            return False
        if theirs.changed > ours.changed:
            # The one before too, so that there is something to go back to.
            for version in theirs.trail[-2:]:
                self.fetch(name, version, None, store)
            return store.follow(name, theirs)
        for version in ours.trail[-2:]:
            self.publish(store, name, version)
        with _reached():
            self._write(self._path(name, POINTER), msgspec.json.encode(ours))
        return False

    def _path(self, *parts: str) -> str:
        return "/".join((self._root, *parts))

    def _upload(self, file: Path, path: str) -> None:
        self._make_folder_of(path)
        self._files.put_file(str(file), path)

    def _write(self, path: str, content: bytes) -> None:
        """Write a small file so that nobody reads half of it: objects appear whole, and files are renamed."""
        self._make_folder_of(path)
        if self._local:
            place = Path(path)
            write_file(place, content, place.with_name(f".{place.name}-{secrets.token_hex(8)}"))
        else:
            self._files.pipe_file(path, content)

    def _make_folder_of(self, path: str) -> None:
        # Objects need none, and asking for one may mean to make a bucket.
        if self._local:
            self._files.makedirs(path.rpartition("/")[0], exist_ok=True)

    def _read(self, path: str, limit: int) -> bytes | None:
        with _reached():
            try:
                content: bytes = self._files.cat_file(path, start=0, end=limit + 1)
            except FileNotFoundError:
                return None
        if len(content) > limit:
            raise Damaged("{path} is too long.", path=path)
        return content


@contextmanager
def _reached() -> Iterator[None]:
    """Tell of all that a file system may raise as of a store that is away."""
    try:
        yield
    except (HearthError, FileNotFoundError):
        raise
    # Errors of S3's client are of no kind that could be named without importing it.
    except Exception as error:
        reason = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
        raise ModelUnavailable("The model store cannot be reached: {reason}", reason=reason) from error


def _in_cache(cache: Store, name: str, version: str, seal: str | None) -> Path | None:
    try:
        folder = cache.open(name, version)
    except (Damaged, UnknownVersion):
        return None
    return folder if seal in (None, checksum(folder / MANIFEST)) else None


def _files_of(content: bytes, name: str, version: str) -> Iterable[str]:
    """Read a manifest that came from elsewhere; each file lies within the version's folder, and is never a pickle."""
    path = f"{name}/{version}/{MANIFEST}"
    try:
        manifest = msgspec.json.decode(content, type=Manifest)
    except msgspec.MsgspecError as error:
        raise Damaged("{path} cannot be read: {reason}", path=path, reason=str(error)) from None
    if (manifest.model, manifest.version) != (name, version):
        raise Damaged(
            "{path} is the manifest of {found}.", path=path, found=f"{manifest.model} {manifest.version}"
        )
    for relative in manifest.files:
        parts = PurePosixPath(relative).parts
        if not parts or "\\" in relative or relative != "/".join(parts) or {"..", "/"} & set(parts):
            raise Damaged(
                "{path} names {file!r}, which is no file of a version.", path=path, file=relative[:200]
            )
        if PurePosixPath(relative).suffix.lower() in PICKLES:
            raise Damaged("{path} may be a pickle, which is never loaded.", path=relative[:200])
    return manifest.files
