"""The lessons as people see them, in both languages; the worker computes and draws."""

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


async def test_lessons_answer_with_a_picture_and_say_what_it_may_not_be_used_for(caller: Caller) -> None:
    learned = await caller("lesson", "perceptron", data="and")
    assert learned.tone == "good"
    with Image.open(io.BytesIO(learned.pictures[0].data)) as film:
        assert film.format == "GIF"
        assert 1 < getattr(film, "n_frames", 0) <= 60
    failed = await caller("lesson", "perceptron", data="xor", epochs=10)
    assert failed.tone == "bad"
    assert "not linearly separable" in failed.text
    assert len(failed.pictures[0].data) < 3_000_000
    course = await caller("lesson", "perceptron", data="or", bias="course", epochs=10)
    assert "course's notes" in course.text
    assert "(0, 0)" in course.text
    own = await caller("lesson", "perceptron", table=Upload("own.csv", OWN.encode()), epochs=500)
    assert own.tone == "good"
    assert "4 points" in own.pictures[0].alt
    single = await caller("lesson", "xor", hidden=1, epochs=5)
    assert "One hidden unit draws one line" in single.text
    wild = await caller("lesson", "xor", activation="relu", rate=10, data="moons", hidden=16, epochs=60)
    assert wild.tone == "bad"
    assert "learning rate" in wild.text
    with pytest.raises(BadInput, match="between 1 and 16"):
        await caller("lesson", "xor", hidden=17)
    await pictures_side_by_side(caller)


async def pictures_side_by_side(caller: Caller) -> None:
    table = "a,b,c,label\n" + "\n".join(f"{n},{n * n % 17},{n % 5},{'xy'[n % 2]}" for n in range(40))
    laid = await caller("lesson", "reduce", table=Upload("own.csv", table.encode()), neighbours=8)
    assert [field.name for field in laid.fields] == ["PCA", "t-SNE", "UMAP", "Options"]
    assert "explained variance" in laid.fields[0].value
    assert "40 rows, 3 numbers each" in laid.text
    assert "do not read distances between clusters" in laid.text
    # Two squares of nine points, corner to corner; each is measured in its own spread.
    rows = (f"{n % 3 + n // 9 * 6},{n // 3 % 3 + n // 9 * 6}" for n in range(18))
    points = Upload("two.csv", "\n".join(("x,y", *rows)).encode())
    found = await caller("lesson", "cluster", table=points, eps=1, min_samples=3, min_cluster_size=5)
    assert "clusters 2 → 1" in found.fields[1].value
    assert "ringed" in found.pictures[0].alt
    for reply in (laid, found):
        with Image.open(io.BytesIO(reply.pictures[0].data)) as picture:
            assert picture.width > 1000


async def test_people_see_the_lessons_in_their_language(hearth_settings: Settings) -> None:
    async with house(hearth_settings) as home:
        person, other = await home.person(), await home.person("member-2", locale="zh-TW")
        answer = await person.slash("lesson xor", epochs=200, within=60)
        assert "by autograd in PyTorch, and in 201 epochs" in answer.text
        assert "0 of 4 points" in answer.text
        assert "PyTorch 自動微分" in (await other.slash("lesson xor", epochs=1, within=60)).text
        joined = await other.slash("lesson cluster", within=60)
        assert "DBSCAN 的 2 群變成 1 群" in joined.text
        refused = await other.slash("lesson perceptron", table=File("點.csv", b"a,b\n1,2\n"), within=60)
        assert "4 到 2,000 列" in refused.text
