"""The lessons on perceptrons as people see them, in both languages; the worker computes and draws."""

import io

import pytest
from PIL import Image

from shared.errors import BadInput
from shared.inputs import Upload
from shared.settings import Settings
from tests.kit.caller import Caller
from tests.kit.house import house
from tests.kit.person import File

OWN = "x,y,label\n" + "\n".join(
    f"{x},{y},{'tall' if 3 * y > x else 'small'}" for x in (100, 200) for y in (10, 90)
)


async def test_perceptrons_answer_with_a_film_and_three_sentences(caller: Caller) -> None:
    learned = await caller("lesson", "perceptron", data="and")
    assert learned.tone == "good"
    with Image.open(io.BytesIO(learned.pictures[0].data)) as film:
        assert film.format == "GIF"
        assert 1 < getattr(film, "n_frames", 0) <= 60
    failed = await caller("lesson", "perceptron", data="xor")
    assert failed.tone == "bad"
    assert "not linearly separable" in failed.text
    assert len(failed.pictures[0].data) < 3_000_000
    course = await caller("lesson", "perceptron", data="or", bias="course")
    assert "course's notes" in course.text
    assert "(0, 0)" in course.text
    own = await caller("lesson", "perceptron", table=Upload("own.csv", OWN.encode()), epochs=500)
    assert own.tone == "good"
    assert "4 points" in own.pictures[0].alt
    wild = await caller("lesson", "xor", activation="relu", rate=10, data="moons", hidden=16)
    assert wild.tone == "bad"
    assert "learning rate" in wild.text
    with pytest.raises(BadInput, match="between 1 and 16"):
        await caller("lesson", "xor", hidden=17)


async def test_people_see_the_lessons_in_their_language(hearth_settings: Settings) -> None:
    async with house(hearth_settings) as home:
        person, other = await home.person(), await home.person("member-2", locale="zh-TW")
        answer = await person.slash("lesson xor", epochs=300, within=60)
        assert "by autograd in PyTorch, and in 301 epochs" in answer.text
        assert "0 of 4 points" in answer.text
        assert "PyTorch 自動微分" in (await other.slash("lesson xor", epochs=1, within=60)).text
        refused = await other.slash("lesson perceptron", table=File("點.csv", b"a,b\n1,2\n"), within=60)
        assert "4 到 2,000 列" in refused.text
