"""Downloads MNIST's four files for `hearth data mnist`: bounded in size, and checked before they count as files."""

import asyncio
import hashlib
import os
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import aiohttp

from shared.errors import BadInput

MIRROR: Final = "https://ossci-datasets.s3.amazonaws.com/mnist"
"""PyTorch's mirror of the official files, whose own address asks for a password since 2020."""
SECONDS: Final = 300
CHUNK: Final = 1 << 16


@dataclass(frozen=True)
class Remote:
    """A file: its name, the sha256 of what is unpacked from it, and its unpacked size in bytes."""

    name: str
    sha256: str
    size: int


FILES: Final = (
    Remote(
        "train-images-idx3-ubyte",
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        47_040_016,
    ),
    Remote(
        "train-labels-idx1-ubyte", "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5", 60_008
    ),
    Remote(
        "t10k-images-idx3-ubyte",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        7_840_016,
    ),
    Remote(
        "t10k-labels-idx1-ubyte", "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2", 10_008
    ),
)


async def download(
    session: aiohttp.ClientSession, folder: Path, remote: Remote, mirror: str = MIRROR
) -> bool:
    """Bring a file into `folder`; tell whether it had to be fetched. Raises `BadInput` where it is wrong."""
    path = folder / f"{remote.name}.gz"
    if path.is_file() and _right(path.read_bytes(), remote):
        return False
    data = await _get(session, f"{mirror.rstrip('/')}/{path.name}", remote.size)
    if not _right(data, remote):
        raise BadInput("{name} is not the file that it should be: its checksum differs.", name=path.name)
    folder.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.new")
    await asyncio.to_thread(beside.write_bytes, data)
    os.replace(beside, path)
    return True


async def _get(session: aiohttp.ClientSession, address: str, limit: int) -> bytes:
    """Return what an address sends; a packed file is hardly larger than what is in it, so that is the limit."""
    try:
        async with asyncio.timeout(SECONDS), session.get(address) as response:
            response.raise_for_status()
            data = bytearray()
            async for chunk in response.content.iter_chunked(CHUNK):
                data += chunk
                if len(data) > limit + CHUNK:
                    raise BadInput("{address} sends more than it should.", address=address)
            return bytes(data)
    except (aiohttp.ClientError, TimeoutError) as error:
        raise BadInput(
            "{address} cannot be fetched: {reason}",
            address=address,
            reason=f"{type(error).__name__}: {error}",
        ) from None


def _right(packed: bytes, remote: Remote) -> bool:
    """Tell whether a packed file holds the bytes that it should; no more is unpacked than that."""
    unpacking = zlib.decompressobj(16 + zlib.MAX_WBITS)
    try:
        data = unpacking.decompress(packed, remote.size + 1)
    except zlib.error:
        return False
    return len(data) == remote.size and hashlib.sha256(data).hexdigest() == remote.sha256
