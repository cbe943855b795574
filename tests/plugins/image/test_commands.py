"""What chat sees: a picture's classes, several pictures of a message, and what decided, in both languages."""

import base64
import io
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from PIL import Image

from bot.assembly import assembled
from shared.errors import BadInput, Refusal
from shared.inputs import Upload
from shared.reply import unescape
from shared.settings import Quota, Settings
from tests.kit import pictures
from tests.kit.caller import Caller
from tests.kit.house import House, house
from tests.kit.person import File
from tests.plugins.image.photographs import disc, flower, of_timm, palace, saved, scribble, written

pytestmark = pytest.mark.asyncio(loop_scope="module")


# One bot for all: most of a test's time would be that of a worker's start.
@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def home(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    data = tmp_path_factory.mktemp("data")
    settings = Settings(
        _env_file=None, data_dir=data, http_port=None, person_quota=Quota(burst=100, per_minute=100)
    )  # type: ignore[call-arg]
    async with house(settings) as running:
        yield running


@pytest.fixture
def caller(home: House) -> Caller:
    return Caller(home.core)


def photo(data: bytes, name: str = "photo.jpg") -> Upload:
    return Upload(name, data)


async def test_a_picture_is_named_in_both_languages_with_its_chart_and_a_button(caller: Caller) -> None:
    reply = await caller("image", "classify", picture=photo(written(palace())))
    assert reply.title == "🖼️ palace"
    assert "palace · 宮殿" in reply.text
    assert reply.tone == "good"
    assert len(reply.fields) == 5
    assert reply.fields[0].name == "palace · 宮殿"
    assert reply.fields[0].value.endswith("%")
    (shown,) = reply.pictures
    assert Image.open(io.BytesIO(shown.data)).format == "JPEG"
    assert "palace" in shown.alt
    assert [(button.label, button.command) for button in reply.buttons] == [("What decided?", "decided")]
    assert reply.source is not None
    assert "default" in reply.source


async def test_who_reads_chinese_gets_chinese_first(caller: Caller) -> None:
    reply = await caller("image", "classify", picture=photo(written(palace())), locale="zh-TW")
    assert reply.title == "🖼️ 宮殿"
    assert "宮殿 · palace" in reply.text
    assert reply.buttons[0].label == "判斷依據"
    unknown = await caller("image", "classify", picture=photo(written(scribble())), locale="zh-TW")
    assert unknown.title == "🤷 沒有符合的類別"


async def test_where_nothing_fits_nothing_is_claimed(caller: Caller) -> None:
    reply = await caller("image", "classify", picture=photo(written(scribble())))
    assert reply.title == "🤷 Nothing that I know fits"
    assert reply.tone == "unsure"
    assert "guesses" in reply.text


async def test_a_button_shows_what_decided_and_offers_the_other_classes(caller: Caller) -> None:
    reply = await caller("image", "classify", picture=photo(written(palace())))
    arguments = reply.buttons[0].arguments
    assert len(arguments["picture"]) < 60_000
    decided = await caller("image", "decided", **arguments)
    assert decided.title == "🔥 What speaks for: palace"
    assert decided.pictures[0].name == "decided.jpg"
    assert 2 <= len(decided.buttons) <= 3
    assert "palace" not in [button.label for button in decided.buttons]
    other = await caller("image", "decided", **decided.buttons[0].arguments, locale="zh-TW")
    assert other.title is not None
    assert other.title.startswith("🔥 支持「")
    assert other.pictures[0].data != decided.pictures[0].data


@pytest.mark.parametrize("kept", ["not base64!", base64.b64encode(b"no picture").decode()])
async def test_a_button_that_holds_no_picture_says_so(caller: Caller, kept: str) -> None:
    with pytest.raises(Refusal):
        await caller("image", "decided", picture=kept, place=1)


async def test_several_pictures_are_one_answer_and_each_that_is_broken_is_named(caller: Caller) -> None:
    files = (
        photo(written(palace()), "hill.jpg"),
        photo(pictures.truncated_jpeg(), "half.jpg"),
        photo(written(scribble()), "noise.jpg"),
        photo(pictures.html_named_png(), "page.png"),
        photo(written(flower()), "flower.jpg"),
    )
    reply = await caller("image", "several", pictures=files)
    assert reply.title == "🖼️ 3 pictures"
    lines = unescape(reply.text).splitlines()
    assert "1. hill.jpg: **palace · 宮殿**" in lines[0]
    assert "nothing that I know fits" in lines[1]
    assert lines[2].startswith("3. flower.jpg:")
    assert "daisy · 雛菊" in lines[2]
    assert lines[3].startswith("⚠️ page.png is not a picture")
    assert lines[4].startswith("⚠️ half.jpg: The picture is damaged")
    assert len(lines) == 5
    assert len(reply.pictures) == 3
    assert [button.label for button in reply.buttons] == [f"What decided? ({n})" for n in (1, 2, 3)]
    assert reply.tone == "unsure"


async def test_pictures_that_are_all_broken_are_refused_and_all_named(caller: Caller) -> None:
    files = (
        photo(pictures.truncated_jpeg(), "half.jpg"),
        photo(pictures.svg_named_png(), "drawing.png"),
        photo(pictures.thin_png(), "thin.png"),
    )
    with pytest.raises(BadInput) as refused:
        await caller("image", "several", pictures=files)
    lines = str(refused.value).splitlines()
    assert [line.split(" ")[1].rstrip(":") for line in lines] == ["half.jpg", "thin.png", "drawing.png"]


@pytest.mark.parametrize(
    "make",
    [
        pictures.bomb_png,
        pictures.truncated_jpeg,
        pictures.wrong_size_png,
        pictures.svg_named_png,
        pictures.html_named_png,
    ],
)
async def test_a_hostile_file_gets_a_clear_no_and_the_next_is_answered(
    caller: Caller, make: Callable[[], bytes]
) -> None:
    with pytest.raises(Refusal):
        await caller("image", "classify", picture=photo(make(), "photo.png"))
    reply = await caller("image", "classify", picture=photo(written(palace())))
    assert reply.title == "🖼️ palace"


async def test_the_menu_of_a_message_answers_all_its_pictures_and_the_button_below_works(home: House) -> None:
    person = await home.person()
    message = await person.say(
        "look", files=[File("a.jpg", written(palace())), File("b.jpg", written(flower()))]
    )
    answer = await person.menu("Classify image", message)
    text = str(answer.message.embeds[0])
    assert "palace" in text
    assert "daisy" in text
    pressed = await person.press(answer, "What decided? (2)")
    assert "What speaks for: daisy" in str(pressed.message.embeds[0])
    assert pressed.message.embeds[0]["image"]["url"]


async def test_a_message_s_files_that_are_no_pictures_are_named_and_the_others_answered(home: House) -> None:
    person = await home.person(locale="zh-TW")
    files = [
        File("page.png", pictures.html_named_png()),
        File("p.jpg", written(palace())),
        File("half.jpg", pictures.truncated_jpeg()),
        File("bomb.png", pictures.bomb_png()),
        File("line.png", pictures.thin_png()),
        File("d.jpg", written(flower())),
    ]
    answer = await person.menu("Classify image", await person.say("look", files=files))
    assert not answer.ephemeral
    words = unescape(answer.message.embeds[0]["description"])
    assert "1. p.jpg: **宮殿" in words
    assert "2. d.jpg: **雛菊" in words
    assert "雛菊 · daisy" in words
    for line in (
        "⚠️ page.png 不是可讀的圖片",
        "⚠️ bomb.png 的像素太多",
        "⚠️ half.jpg：圖片",
        "⚠️ line.png：圖片",
    ):
        assert line in words
    alone = await person.menu("Classify image", await person.say("look", files=files[:2]))
    assert alone.message.embeds[0]["title"] == "🖼️ 宮殿"
    assert "⚠️ page.png 不是可讀的圖片" in unescape(alone.message.embeds[0]["description"])
    none = await person.menu("Classify image", await person.say("look", files=[files[0], files[2]]))
    assert none.ephemeral
    assert unescape(none.text).splitlines()[0].startswith("⚠️ half.jpg：圖片")
    assert unescape(none.text).splitlines()[1].startswith("⚠️ page.png 不是可讀的圖片")


async def test_an_upload_in_chat_is_answered_in_the_person_s_language(home: House) -> None:
    person = await home.person(locale="zh-TW")
    answer = await person.slash("image classify", picture=File("p.jpg", written(palace())))
    assert answer.message.embeds[0]["title"] == "🖼️ 宮殿"


async def test_models_that_are_not_asked_are_not_loaded(caller: Caller) -> None:
    await caller("image", "classify", picture=photo(written(disc())))
    status = await caller.core.predictor.engine.status()
    loaded = {model.name for model in status.models if model.loaded}
    assert "image" in loaded
    assert not loaded & {"image-cifar10", "image-cifar10-course", "image-own"}


async def test_a_model_that_was_never_trained_says_how_to_train_it(caller: Caller) -> None:
    with pytest.raises(Exception, match="hearth data folder"):
        await caller("image", "classify", picture=photo(written(disc())), model="own")


async def test_a_network_that_settings_name_answers_and_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["tench", "unicorn", "n02510455"]
    folder = saved(
        tmp_path / "net",
        of_timm("test_vit", num_classes=3),
        {"architecture": "test_vit", "num_classes": 3, "label_names": names},
    )
    monkeypatch.setenv("HEARTH_IMAGE_CLASSIFIER", "timm:test_vit")
    monkeypatch.setenv("HEARTH_IMAGE_WEIGHTS", str(folder))
    settings = Settings(_env_file=None, data_dir=tmp_path / "data", http_port=None)  # type: ignore[call-arg]
    async with assembled(settings, warm=False) as core:
        caller = Caller(core)
        reply = await caller("image", "classify", picture=photo(written(disc())), locale="zh-TW")
        assert {field.name for field in reply.fields} == {"丁鱥 · tench", "unicorn", "大貓熊 · giant panda"}
        assert reply.source == "image · timm:test_vit"
        # It reads tokens, so there is no map to show: no button, and a clear no to an old one.
        assert reply.buttons == ()
        kept = base64.b64encode(written(disc())).decode()
        with pytest.raises(Refusal, match="has no map"):
            await caller("image", "decided", picture=kept, place=1)
