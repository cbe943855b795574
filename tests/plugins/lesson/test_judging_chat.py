"""Metrics and attention as people see them, in both languages; the worker computes and draws."""

import io
from typing import Any

import pytest
from PIL import Image

from shared.errors import BadInput
from shared.inputs import Upload
from shared.settings import Settings
from tests.kit.caller import Caller
from tests.kit.house import house
from tests.kit.person import File

ROWS = "truth,prediction,score\n" + "\n".join(
    f"{'spam' if at % 5 == 0 else 'ham'},{'spam' if at % 7 == 0 else 'ham'},{(at * 37 % 60 + 40 * (at % 5 == 0)) / 100}"
    for at in range(60)
)
COUNTS: dict[str, Any] = {"tp": 8, "fp": 2, "fn": 12, "tn": 78}


async def test_metrics_answer_with_figures_intervals_and_what_to_go_by(caller: Caller) -> None:
    typed = await caller("lesson", "metrics", **COUNTS)
    assert typed.tone == "good"
    assert "accuracy 86.0% (95% interval" in typed.text
    assert "right in 80.0%" in typed.text
    assert "go by F1" in typed.text
    assert "= 53.3%; the formula in the course's notes is not that" in typed.text
    assert "The plain mean, 60.0%" in typed.text
    assert "8 rightly found, 2 false alarms, 12 missed, 78" in typed.pictures[0].alt
    table = Upload("rows.csv", ROWS.encode())
    costly = await caller("lesson", "metrics", table=table, costlier="misses")
    assert "go by recall: of 12 that are spam, 10 are missed" in costly.text
    assert "F2 is highest" in costly.text
    fields = {field.name: field.value for field in costly.fields}
    assert "guessing: 50.0%" in fields["Area under ROC"]
    assert "guessing: 20.0%" in fields["Average precision"]
    for picture in costly.pictures:
        with Image.open(io.BytesIO(picture.data)) as drawn:
            assert drawn.width >= 400
    assert [picture.name for picture in costly.pictures] == ["confusion.png", "curves.png"]
    chance = await caller("lesson", "metrics", tp=5, fp=5, fn=4, tn=5)
    assert chance.tone == "unsure"
    perfect = await caller("lesson", "metrics", tp=10, fp=0, fn=0, tn=20)
    assert "up to about 10.0% may still go wrong" in perfect.text
    silent = await caller("lesson", "metrics", tp=0, fp=0, fn=3, tn=97)
    assert silent.tone == "bad"
    assert {field.name: field.value for field in silent.fields}["Precision"].startswith("not defined")
    many = Upload(
        "m.csv", ("a,b\n" + "\n".join(f"{'xxxyz'[n % 5]},{'xxyxz'[n % 5]}" for n in range(50))).encode()
    )
    classes = await caller("lesson", "metrics", table=many)
    assert [field.name for field in classes.fields][1:4] == [
        "Macro: all classes alike", "Micro: all rows alike", "Weighted by rows",
    ]  # fmt: skip
    for wrong in (
        {},
        {"tp": 1},
        {**COUNTS, "table": table},
        dict.fromkeys(COUNTS, 0),
        {**COUNTS, "tp": 0, "fn": 0},
    ):
        with pytest.raises(BadInput):
            await caller("lesson", "metrics", **wrong)


async def test_people_judge_and_attend_in_their_language(hearth_settings: Settings) -> None:
    async with house(hearth_settings) as home:
        person, other = await home.person(), await home.person("member-2", locale="zh-TW")
        answer = await person.slash("lesson attention", text="The king gave the queen cold water", within=90)
        assert "One-hot gives each word a place of its own" in answer.text
        assert "so they are divided by √512" in answer.text
        unscaled = await other.slash("lesson attention", text="學生在圖書館讀書", scaled="no", within=60)
        assert "而這裡沒有除以 √512" in unscaled.text
        assert "圖書館 的中文鄰居" in unscaled.text
        refused = await other.slash("lesson attention", text="一", within=60)
        assert "2 到 24 個詞" in refused.text
        judged = await other.slash("lesson metrics", table=File("資料.csv", ROWS.encode()), within=60)
        assert "準確率" in judged.text
        assert "永遠回答 ham" in judged.text
