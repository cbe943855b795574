"""Whatever people send is checked, made clean, or refused in one clear sentence."""

import io
import struct
import zlib
from collections.abc import Callable
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pillow

from shared.command import Article, Image, Images, LongText, Range, Table, command
from shared.context import Context
from shared.errors import BadInput
from shared.inputs import Upload
from shared.parameters import Limits, Raw, check, clean_text
from shared.pictures import decode
from shared.reply import Reply
from tests.kit import pictures

LIMITS = Limits(bytes=1_000_000, pixels=1_000_000)


@command()
async def everything(
    ctx: Context,
    text: LongText,
    name: Annotated[str, Range(2, 10)] = "some",
    count: Annotated[int, Range(1, 30)] = 1,
    share: Annotated[float, Range(0, 1)] = 0.5,
    loud: bool = False,
    way: Literal["up", "down"] = "up",
    article: Article | None = None,
    image: Image | None = None,
    images: Images = (),
    table: Table | None = None,
) -> Reply:
    """Take a value of every kind"""
    return Reply()


async def checked(**raw: Raw | None) -> dict[str, Any]:
    return (await check(everything, {"text": "some text", **raw}, LIMITS)).values


def picture(kind: str = "PNG", size: tuple[int, int] = (8, 6)) -> bytes:
    out = io.BytesIO()
    Pillow.new("RGB", size).save(out, kind)
    return out.getvalue()


def bomb() -> bytes:
    """Return a PNG of 60,000 x 60,000 pixels in a few bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )


async def test_defaults_stand_in_for_what_was_left_out() -> None:
    values = await checked()
    assert values["count"] == 1
    assert values["way"] == "up"
    assert values["image"] is None


async def test_strings_of_the_command_line_become_typed_values() -> None:
    values = await checked(count="7", share="0.25", loud="yes", way="down")
    assert (values["count"], values["share"], values["loud"], values["way"]) == (7, 0.25, True, "down")


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        ({"text": ""}, "empty"),
        ({"text": " \n\t\0 "}, "empty"),
        ({"text": "x" * 6001}, "6,001 characters"),
        ({"count": 31}, "between 1 and 30"),
        ({"count": "many"}, "must be a number"),
        ({"share": "nan"}, "between 0 and 1"),
        ({"loud": "perhaps"}, "yes or no"),
        ({"way": "left"}, "one of: up, down"),
        ({"name": "x"}, "too short"),
        ({"nothing": 1}, "no option named nothing"),
        ({"image": "text"}, "must be a file"),
        ({"image": Upload("a.png", b"")}, "0 bytes"),
        ({"image": Upload("a.png", b"GIF89a")}, "not a picture"),
        ({"image": Upload("a.png", b"<svg onload=x>")}, "not a picture"),
        ({"image": Upload("a.png", b"x" * 1_000_001)}, "larger than"),
        ({"image": Upload("a.png", bomb())}, "too many pixels"),
        ({"image": Upload("a.png", picture(size=(1001, 1000)))}, "too many pixels"),
        ({"images": tuple(Upload("a.png", picture()) for _ in range(11))}, "one to ten"),
        ({"table": Upload("a.csv", b"a,b\n1,2\n3\n")}, "line 3: 1 values where the header has 2"),
        ({"table": Upload("a.csv", b"a,a\n1,2\n")}, "different names"),
        ({"table": Upload("a.csv", b"a,b\n")}, "rows below it"),
        ({"table": Upload("a.csv", b"\xff\x00\x01\x80")}, "UTF-8"),
        ({"article": "https://example.org/x"}, "paste the text itself"),
    ],
)
async def test_bad_input_is_refused_in_a_sentence_that_says_why(raw: dict[str, Raw], says: str) -> None:
    with pytest.raises(BadInput) as refused:
        await checked(**raw)
    assert says in str(refused.value)


async def test_of_several_pictures_those_that_cannot_be_read_are_named_and_the_others_taken() -> None:
    large = BadInput("{file} is larger than {limit} MiB.", file="large.png", limit=25)
    given = (Upload("page.png", b"<html>"), Upload("a.png", picture()), large, Upload("b.png", b""))
    found = await check(everything, {"text": "some text", "images": given}, LIMITS)
    assert [image.name for image in found.values["images"]] == ["a.png"]
    assert [str(error).split()[0] for error in found.refused] == ["page.png", "large.png", "b.png"]


async def test_pictures_none_of_which_can_be_read_are_refused_together() -> None:
    with pytest.raises(BadInput) as refused:
        await checked(images=(Upload("page.png", b"<html>"), Upload("b.png", b"")))
    first, second = str(refused.value).splitlines()
    assert first.startswith("⚠️ page.png is not a picture")
    assert second.startswith("⚠️ b.png is empty")


async def test_a_missing_option_is_named() -> None:
    with pytest.raises(BadInput, match="option text is missing"):
        await check(everything, {}, LIMITS)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"])
async def test_pictures_are_told_by_their_bytes_not_their_names(kind: str) -> None:
    values = await checked(image=Upload("misleading.txt", picture(kind)))
    assert (values["image"].format, values["image"].width, values["image"].height) == (kind, 8, 6)


@pytest.mark.parametrize("make", [pictures.truncated_jpeg, pictures.wrong_size_png])
async def test_a_picture_is_measured_by_its_header_and_not_decoded(make: Callable[[], bytes]) -> None:
    data = make()
    image = (await checked(image=Upload("a.png", data)))["image"]
    assert image.width * image.height > 0
    assert image.data == data
    # Whoever decodes it sees that it is broken.
    with pytest.raises(BadInput, match="damaged or cut short"):
        decode(data)


async def test_a_table_is_read_with_its_header() -> None:
    table = (await checked(table=Upload("a.csv", '\ufeffname,note\n甲,"a, b"\n'.encode())))["table"]
    assert table.columns == ("name", "note")
    assert table.rows == (("甲", "a, b"),)


async def test_an_article_may_be_a_text_file_in_big5() -> None:
    values = await checked(article=Upload("a.txt", "新聞內容很長".encode("big5")))
    assert values["article"].text == "新聞內容很長"


@pytest.mark.parametrize("text", ["😀😀", "مرحبا", "@everyone", "**bold** `code`", "\x1b[31mred"])
async def test_strange_texts_are_taken_as_they_are_without_control_characters(text: str) -> None:
    assert (await checked(text=text))["text"] == text.replace("\x1b", "")


@given(st.text(max_size=300))
def test_cleaning_twice_changes_nothing_more(text: str) -> None:
    once = clean_text(text)
    assert clean_text(once) == once
    assert "\0" not in once


@given(st.binary(max_size=400))
async def test_no_bytes_at_all_break_the_readers_of_files(data: bytes) -> None:
    for name in ("image", "table", "article"):
        try:
            await checked(**{name: Upload("file", data)})
        except BadInput:
            continue


@given(
    st.binary(max_size=60),
    st.sampled_from(["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"]),
    st.integers(0, 200),
)
async def test_damaged_pictures_are_refused_or_read(noise: bytes, kind: str, at: int) -> None:
    data = bytearray(picture(kind))
    data[at : at + len(noise)] = noise
    try:
        image = (await checked(image=Upload("file", bytes(data))))["image"]
    except BadInput:
        return
    assert image.width * image.height <= LIMITS.pixels
