"""The doctor's lesson: losses are found in any table that holds them, made-up curves show what they are to."""

import io
import math
from typing import get_args

import pytest
from PIL import Image

from plugins.lesson.curves import from_table
from plugins.lesson.curves_examples import Example, made_up
from shared.errors import BadInput
from shared.inputs import Table, Upload
from shared.settings import Settings
from tests.kit.caller import Caller
from tests.kit.house import house
from tests.kit.person import File

OVERFITS = "epoch,loss,val_loss\n" + "\n".join(
    f"{at + 1},{0.1 + math.exp(-at / 6):.5f},{0.3 + math.exp(-at / 5) + at / 100:.5f}" for at in range(60)
)
SHOWN = {
    "rate too high": "rate_too_high",
    "data trouble": "data_trouble",
    "target not scaled": "target_not_scaled",
    "nothing": None,
}


def table(text: str) -> Table:
    columns, *rows = (tuple(line.split(",")) for line in text.splitlines())
    return Table(columns, tuple(rows), "log.csv")


@pytest.mark.parametrize("kind", get_args(Example))
def test_each_made_up_curve_shows_its_trouble_first_for_any_seed(kind: Example) -> None:
    for seed in range(40):
        found = [finding.kind for finding in made_up(kind, seed).findings()]
        assert next(iter(found), None) == SHOWN.get(kind, kind)
    assert made_up(kind, 3) == made_up(kind, 3)
    assert made_up(kind, 3) != made_up(kind, 4)


@pytest.mark.parametrize(
    ("text", "train", "test"),
    [
        ("epoch,val_loss,train_loss\n1,9,1\n2,8,2", [1, 2], [9, 8]),
        ("Epoch,Accuracy,Loss,Valid\n1,0.5,1,3\n2,0.6,2,4", [1, 2], [3, 4]),
        ("step,a,b\n1,5,7\n2,6,8", [5, 6], [7, 8]),
        ("only\n3\n2", [3, 2], []),
        ("0.9,1.1\n0.8,1.0", [0.9, 0.8], [1.1, 1.0]),
        ("訓練損失,驗證損失\n1,2\n1,3", [1, 1], [2, 3]),
        # As loggers write that measure the two at different steps.
        ("train_loss,val_loss\n1,\n,2\n3,\n,4", [1, 3], [2, 4]),
        ("name,x\na,1\nb,2", [1, 2], []),
    ],
)
def test_losses_are_found_by_name_or_by_place(text: str, train: list[float], test: list[float]) -> None:
    found = from_table(table(text))
    assert (list(found.train), list(found.test)) == (train, test)


def test_losses_that_are_no_number_are_a_finding_and_words_are_not() -> None:
    broken = from_table(table("loss\n1\ninf\nnan"))
    assert [finding.epoch for finding in broken.findings()] == [2]
    for text, said in (
        ("loss\n1\nmuch", "row 2, column loss: much is not a number"),
        ("name\na", "no column of losses"),
        ("loss,val_loss\n1,2\n2,", "each epoch needs both"),
        ("loss\n" + "1\n" * 10_001, "10,001 epochs"),
    ):
        with pytest.raises(BadInput, match=said):
            from_table(table(text))


async def test_the_doctor_answers_with_a_picture_and_its_evidence(caller: Caller) -> None:
    read = await caller("lesson", "doctor", table=Upload("log.csv", OVERFITS.encode()))
    assert read.tone == "bad"
    assert "Stop at epoch" in read.fields[0].value
    assert "Overfitting" in read.pictures[0].alt
    with Image.open(io.BytesIO(read.pictures[0].data)) as picture:
        assert picture.width == 900
    healthy = await caller("lesson", "doctor", example="nothing")
    assert "Nothing to report" in healthy.fields[0].value
    assert healthy.tone == "neutral"
    short = await caller("lesson", "doctor", table=Upload("short.csv", b"loss\n3\n2\n"))
    assert "2 epochs are too few" in short.text
    with pytest.raises(BadInput, match="is not a number"):
        await caller("lesson", "doctor", table=Upload("bad.csv", b"loss\n3\nx\n"))


async def test_people_see_the_doctor_in_their_language(hearth_settings: Settings) -> None:
    async with house(hearth_settings) as home:
        person, other = await home.person(), await home.person("member-2", locale="zh-TW")
        answer = await person.slash("lesson doctor", table=File("log.csv", OVERFITS.encode()), within=60)
        assert "Stop at epoch" in answer.text
        assert answer.message.raw["embeds"][0]["image"]["url"].partition("?")[0].endswith("losses.png")
        told = await other.slash("lesson doctor", example="diverging", within=60)
        assert "學習率" in told.text
        assert "虛構曲線：發散" in told.text
        refused = await other.slash("lesson doctor", table=File("log.csv", b"name\na\n"), within=60)
        assert "沒有損失欄" in refused.text
