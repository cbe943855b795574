"""What chat sees: faces by seed, buttons, morphs, and faces cut out of pictures, in both languages."""

import io
import zipfile
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio
from PIL import Image

from shared.errors import Refusal
from shared.inputs import Upload
from shared.reply import Reply
from shared.settings import Quota, Settings
from tests.kit import pictures
from tests.kit.caller import Caller
from tests.kit.house import House, house

pytestmark = pytest.mark.asyncio(loop_scope="module")


# One bot for all: most of a test's time would be that of a worker's start.
@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def home(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    settings = Settings(
        _env_file=None,  # type: ignore[call-arg]
        data_dir=tmp_path_factory.mktemp("data"),
        http_port=None,
        person_quota=Quota(burst=100, per_minute=100),
    )
    async with house(settings) as running:
        yield running


@pytest.fixture
def caller(home: House) -> Caller:
    return Caller(home.core)


async def sheet(caller: Caller) -> bytes:
    """Return a page with two drawn faces, as a person would upload it."""
    page = Image.new("RGB", (700, 400), (235, 240, 250))
    drawn = await caller("animeface", "generate", count=2, seed=7, truncation=0.5)
    for file, at in zip(drawn.files, (60, 420), strict=True):
        page.paste(Image.open(io.BytesIO(file.data)).resize((200, 200)), (at, 100))
    return pictures.written(page)


def shown(reply: Reply) -> Image.Image:
    return Image.open(io.BytesIO(reply.pictures[0].data))


async def test_the_same_seed_gives_the_same_face_alone_or_among_others(caller: Caller) -> None:
    several = await caller("animeface", "generate", count=3, seed=5)
    again = await caller("animeface", "generate", count=3, seed=5)
    alone = await caller("animeface", "generate", count=1, seed=6)
    other = await caller("animeface", "generate", count=1, seed=5, truncation=1.0)
    assert [file.data for file in several.files] == [file.data for file in again.files]
    assert several.pictures[0].data == again.pictures[0].data
    assert [file.name for file in several.files] == ["face-5.png", "face-6.png", "face-7.png"]
    assert alone.files[0].data == several.files[1].data
    assert other.files[0].data != several.files[0].data


async def test_a_seed_that_was_drawn_is_named_so_that_it_can_be_asked_again(caller: Caller) -> None:
    reply = await caller("animeface", "generate", count=1)
    seed = next(int(field.value) for field in reply.fields if field.name == "Seed")
    assert str(seed) in reply.text
    again = await caller("animeface", "generate", count=1, seed=seed)
    assert again.files[0].data == reply.files[0].data


async def test_more_than_nine_faces_come_in_an_archive(caller: Caller) -> None:
    nine = await caller("animeface", "generate", count=9, seed=1)
    assert len(nine.files) + len(nine.pictures) == 10
    ten = await caller("animeface", "generate", count=10, seed=1)
    (archive,) = ten.files
    with zipfile.ZipFile(io.BytesIO(archive.data)) as opened:
        assert len(opened.namelist()) == 10
        assert opened.read("face-1.png") == nine.files[0].data


@pytest.mark.parametrize(
    ("count", "seed", "truncation"), [(17, 1, 0.7), (0, 1, 0.7), (1, -1, 0.7), (1, 1, 1.4)]
)
async def test_what_is_out_of_bounds_is_refused(
    caller: Caller, count: int, seed: int, truncation: float
) -> None:
    with pytest.raises(Refusal):
        await caller("animeface", "generate", count=count, seed=seed, truncation=truncation)


async def test_buttons_draw_new_faces_and_faces_like_one(caller: Caller) -> None:
    reply = await caller("animeface", "generate", count=2, seed=40)
    assert [button.label for button in reply.buttons] == ["Again", "More like 1", "More like 2"]
    again, _, second = reply.buttons
    new = await caller("animeface", again.command, **again.arguments)
    assert len(new.files) == 2
    assert new.files[0].data != reply.files[0].data
    assert second.arguments["around"] == 41
    like = await caller("animeface", second.command, **second.arguments, seed=3)
    same = await caller("animeface", second.command, **second.arguments, seed=3)
    assert len(like.files) == 4
    assert [file.data for file in like.files] == [file.data for file in same.files]
    assert len({file.data for file in like.files} | {reply.files[1].data}) == 5
    assert "seed:41" in like.text


async def test_a_morph_is_a_moving_picture_from_one_face_to_the_other(caller: Caller) -> None:
    reply = await caller("animeface", "morph", first=5, second=6)
    (picture,) = reply.pictures
    assert picture.name.endswith(".gif")
    moving = Image.open(io.BytesIO(picture.data))
    assert moving.format == "GIF"
    assert getattr(moving, "n_frames", 1) > 10
    again = await caller("animeface", "morph", first=5, second=6)
    assert again.pictures[0].data == picture.data
    assert reply.buttons[1].arguments["first"] == 6


async def test_who_reads_chinese_is_answered_in_it(caller: Caller) -> None:
    reply = await caller("animeface", "generate", count=1, seed=5, locale="zh-TW")
    assert reply.title == "🎨 1 張動漫頭像"
    assert [button.label for button in reply.buttons] == ["再來一次", "更多類似 1 的"]


async def test_faces_are_boxed_and_cut_out(caller: Caller) -> None:
    reply = await caller("animeface", "crop", picture=Upload("page.png", await sheet(caller)))
    assert reply.title == "✂️ 2 anime faces found"
    assert [file.name for file in reply.files] == ["face-01.png", "face-02.png"]
    assert {Image.open(io.BytesIO(file.data)).size for file in reply.files} == {(96, 96)}
    assert shown(reply).format == "JPEG"


async def test_a_picture_without_a_face_is_answered_so(caller: Caller) -> None:
    reply = await caller("animeface", "crop", picture=Upload("a.png", pictures.written(pictures.photo())))
    assert (reply.tone, reply.files, reply.pictures) == ("unsure", (), ())
    tiny = await caller("animeface", "crop", picture=Upload("a.png", pictures.one_pixel_png()))
    assert tiny.tone == "unsure"


@pytest.mark.parametrize(
    "make",
    [
        pictures.bomb_png,
        pictures.truncated_jpeg,
        pictures.wrong_size_png,
        pictures.svg_named_png,
        pictures.html_named_png,
        pictures.thin_png,
    ],
)
async def test_a_hostile_file_gets_a_clear_no(caller: Caller, make: Callable[[], bytes]) -> None:
    with pytest.raises(Refusal):
        await caller("animeface", "crop", picture=Upload("picture.png", make()))


async def test_odd_pictures_are_searched_like_others(caller: Caller) -> None:
    odd = (pictures.long_webp(), pictures.sixteen_bit_png(), pictures.cmyk_jpeg(), pictures.transparent_png())
    for data in odd:
        reply = await caller("animeface", "crop", picture=Upload("odd.png", data))
        assert reply.tone in ("unsure", "good")


async def test_faces_and_buttons_work_in_chat(home: House) -> None:
    person = await home.person()
    answer = await person.slash("animeface generate", count=2, seed=9)
    assert "9" in answer.text
    assert [each["filename"] for each in answer.message.attachments] == ["face-9.png", "face-10.png"]
    assert answer.message.embeds[0]["image"]["url"]
    like = await person.press(answer, "More like 2")
    assert "seed 10" in like.text
