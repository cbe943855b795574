"""Bodies are unfolded as they come, and never further than their bound."""

import gzip
import tracemalloc
import zlib
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.bodies import BrokenBody, TooLarge, read_body


async def chunks(data: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


def raw_deflate(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(data) + compressor.flush()


ways = st.sampled_from(
    [
        ("", bytes), ("identity", bytes), ("gzip", gzip.compress), ("x-gzip", gzip.compress),
        ("deflate", zlib.compress), ("deflate", raw_deflate), (" GZIP ", gzip.compress),
    ]
)  # fmt: skip


@given(st.binary(max_size=2000), st.integers(1, 50), ways, st.integers(2, 500))
async def test_what_was_folded_comes_out_the_same(
    data: bytes, times: int, way: tuple[str, type[bytes]], size: int
) -> None:
    encoding, fold = way
    folded = fold(data * times)
    assert await read_body(chunks(folded, size), encoding, 10**6) == data * times


async def test_gzip_of_several_members_is_read_to_its_end() -> None:
    folded = gzip.compress(b"one ") + gzip.compress(b"two") + b"\0" * 20
    assert await read_body(chunks(folded, 7), "gzip", 100) == b"one two"


@pytest.mark.parametrize("encoding", ["", "gzip", "deflate"])
async def test_a_body_of_exactly_the_bound_is_read_and_one_byte_more_is_not(encoding: str) -> None:
    fold = {"": bytes, "gzip": gzip.compress, "deflate": zlib.compress}[encoding]
    data = bytes(range(250)) * 4
    assert await read_body(chunks(fold(data), 64), encoding, 1000) == data
    with pytest.raises(TooLarge):
        await read_body(chunks(fold(data + b"x"), 64), encoding, 1000)
    assert await read_body(chunks(fold(data + b"x"), 64), encoding, 1000, cut=True) == data


async def test_a_bomb_is_given_up_without_being_unfolded() -> None:
    bomb = gzip.compress(gzip.compress(b"\0" * 200 * 2**20))
    inner = gzip.decompress(bomb)
    tracemalloc.start()
    try:
        with pytest.raises(TooLarge):
            await read_body(chunks(inner, 1 << 16), "gzip", 2**20)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 8 * 2**20


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "compress", "nonsense"])
async def test_other_encodings_are_refused(encoding: str) -> None:
    with pytest.raises(BrokenBody):
        await read_body(chunks(b"anything", 4), encoding, 100)


@given(st.binary(max_size=300), st.sampled_from(["gzip", "deflate"]), st.integers(1, 50))
async def test_any_bytes_are_unfolded_or_refused(data: bytes, encoding: str, size: int) -> None:
    try:
        body = await read_body(chunks(data, size), encoding, 10_000)
    except (BrokenBody, TooLarge):
        return
    assert len(body) <= 10_000
