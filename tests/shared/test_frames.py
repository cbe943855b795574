"""Frames and items: whatever the stream's cuts and whatever is in them."""

import string

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.engine import Weights
from shared.frames import Done, FrameError, FrameReader, Items, Load, Loaded, Run, encode
from shared.model import Failure
from tests.kit.models import Ask, Said

texts = st.text(string.printable + "中文字😀\0", max_size=50)
weights = st.builds(Weights, st.none() | texts, texts, st.sampled_from(["store", "hub", "default", "none"]))
bodies = st.lists(st.builds(Ask, texts), max_size=5).map(
    lambda asks: msgspec.Raw(msgspec.msgpack.encode(asks))
)
messages = st.one_of(
    st.builds(Run, st.integers(0, 2**40), texts, bodies),
    st.builds(Load, st.integers(0, 9), texts, texts, weights),
    st.builds(
        Done,
        st.integers(0, 9),
        bodies,
        st.dictionaries(st.integers(-1, 40), st.builds(Failure, texts, st.booleans())),
        st.floats(0, 9),
    ),
    st.builds(Loaded, st.integers(0, 9), texts, st.floats(0, 9), st.floats(-9, 9)),
)


@given(st.lists(messages, max_size=6), st.data())
def test_any_cut_of_the_stream_gives_the_same_frames(
    sent: list[Run | Load | Done | Loaded], data: st.DataObject
) -> None:
    stream = b"".join(encode(message) for message in sent)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    reader, got = FrameReader(), []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        got += reader.feed(stream[start:end])
    decoder = msgspec.msgpack.Decoder(Run | Load | Done | Loaded)
    assert [decoder.decode(frame) for frame in got] == sent


def test_one_byte_at_a_time_is_enough() -> None:
    stream, reader = encode("first") + encode("second"), FrameReader()
    frames = [frame for byte in stream for frame in reader.feed(bytes([byte]))]
    assert [msgspec.msgpack.decode(frame) for frame in frames] == ["first", "second"]


def test_a_buffer_that_is_used_again_does_not_change_what_was_read() -> None:
    buffer, reader = bytearray(encode("first")), FrameReader()
    (frame,) = reader.feed(memoryview(buffer))
    (half,) = [buffer[:3]]
    assert reader.feed(memoryview(half)) == []
    buffer[:] = bytes(len(buffer))
    assert msgspec.msgpack.decode(frame) == "first"
    assert [msgspec.msgpack.decode(f) for f in reader.feed(encode("first")[3:])] == ["first"]


@given(st.integers(11, 2**32 - 1))
def test_a_frame_over_the_limit_is_refused_before_it_is_read(length: int) -> None:
    with pytest.raises(FrameError):
        FrameReader(limit=10).feed(length.to_bytes(4, "big"))


def test_an_item_that_cannot_be_written_fails_alone() -> None:
    items = Items(Ask)
    written = [items.encode(Ask(text)) for text in ("fine", "half a pair: \ud800")]
    assert isinstance(written[0], msgspec.Raw)
    assert isinstance(written[1], Failure)
    assert "surrogates" in written[1].reason


def test_an_item_of_another_type_fails_alone() -> None:
    mixed = msgspec.Raw(msgspec.msgpack.encode([Ask("fine"), {"text": 7}, None, Ask("too")]))
    first, second, third, fourth = Items(Ask).decode(mixed)
    assert (first, third, fourth) == (Ask("fine"), None, Ask("too"))
    assert isinstance(second, Failure)
    assert "Expected `str`, got `int`" in second.reason


@given(st.lists(st.builds(Said, texts, texts, st.integers(-(2**63), 2**64 - 1), st.integers(0, 2**63))))
def test_items_come_back_as_they_were(said: list[Said]) -> None:
    items = Items(Said)
    written = [items.encode(each) for each in said]
    assert items.decode(msgspec.Raw(msgspec.msgpack.encode(written))) == said


def test_an_integer_of_more_than_64_bits_is_refused() -> None:
    assert isinstance(Items(Said).encode(Said("", "", 2**64, 0)), Failure)
