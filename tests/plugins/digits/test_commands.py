"""What chat sees: the number, what is unsure, and a clear no, in both languages and through the sandbox's door."""

from collections.abc import AsyncIterator, Callable

import numpy as np
import pytest
import pytest_asyncio

from shared.errors import Refusal
from shared.inputs import Upload
from shared.pictures import encode
from shared.settings import Quota, Settings
from tests.kit import pictures
from tests.kit.caller import Caller
from tests.kit.house import House, house
from tests.kit.person import File
from tests.plugins.digits.drawn import written

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


def page(*lines: str) -> bytes:
    return encode(written(list(lines)))


def doubtful() -> bytes:
    """Return a 4, and beside it what is an 8 on its left and a 5 on its right."""
    four, five, eight = (written([value], size=4.0) for value in "458")
    wide = min(five.shape[1], eight.shape[1])
    both = np.concatenate([eight[:, : wide // 2], five[:, wide // 2 : wide]], 1)
    return encode(np.concatenate([four, both], 1))


async def test_a_number_is_read_with_its_picture_and_where_the_weights_come_from(caller: Caller) -> None:
    reply = await caller("digits", "read", picture=Upload("n.png", page("205")))
    assert reply.title == "🔢 205"
    assert "205" in reply.text
    assert [field.name for field in reply.fields] == ["Digits", "Least probable", "Unsure"]
    assert reply.fields[0].value == "3"
    assert reply.pictures[0].data.startswith(b"\x89PNG")
    assert "205" in reply.pictures[0].alt
    assert reply.source is not None
    assert "default" in reply.source


async def test_several_lines_are_kept_apart(caller: Caller) -> None:
    reply = await caller("digits", "read", picture=Upload("n.png", page("205", "34")))
    assert "205\n34" in reply.text
    assert reply.title == "🔢 2 lines of digits"


async def test_what_is_unsure_is_named_with_its_other_readings(caller: Caller) -> None:
    reply = await caller("digits", "read", picture=Upload("n.png", doubtful()))
    assert reply.tone == "unsure"
    assert "Not sure of:" in reply.text
    assert "• digit 2: **" in reply.text
    assert ", or " in reply.text


async def test_a_picture_without_a_digit_is_refused_with_advice(caller: Caller) -> None:
    empty = encode(np.full((120, 160, 3), 240, np.uint8))
    reply = await caller("digits", "read", picture=Upload("n.png", empty))
    assert reply.title == "No digits found"
    assert (reply.tone, reply.pictures) == ("bad", ())
    assert "dark on bright" in reply.text


async def test_answers_are_in_chinese_for_who_reads_it(caller: Caller) -> None:
    reply = await caller("digits", "read", picture=Upload("n.png", page("20", "3")), locale="zh-TW")
    assert reply.title == "🔢 2 行數字"
    assert [field.name for field in reply.fields] == ["數字個數", "最低機率", "不確定"]
    empty = await caller("digits", "read", picture=Upload("n.png", page(" ")), locale="zh-TW")
    assert empty.title == "找不到數字"


@pytest.mark.parametrize(
    "make", [pictures.bomb_png, pictures.svg_named_png, pictures.html_named_png, pictures.truncated_jpeg]
)
async def test_a_hostile_file_gets_a_clear_no_and_the_next_is_read(
    caller: Caller, make: Callable[[], bytes]
) -> None:
    with pytest.raises(Refusal):
        await caller("digits", "read", picture=Upload("photo.png", make()))
    reply = await caller("digits", "read", picture=Upload("n.png", page("7")))
    assert reply.title == "🔢 7"


async def test_an_upload_in_chat_is_answered_with_the_boxed_picture(home: House) -> None:
    person = await home.person()
    answer = await person.slash("digits read", picture=File("n.png", page("86")))
    (embed,) = answer.message.embeds
    assert embed["title"] == "🔢 86"
    assert embed["image"]["url"]


async def test_the_course_s_networks_are_not_loaded_beside_the_one_that_answers(caller: Caller) -> None:
    await caller("digits", "read", picture=Upload("n.png", page("1")))
    status = await caller.core.predictor.engine.status()
    loaded = {model.name: model.loaded for model in status.models}
    assert loaded["digits"]
    assert not loaded["digits-dense"]
    assert not loaded["digits-cnn"]
