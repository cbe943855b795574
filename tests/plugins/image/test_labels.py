"""Each of the 1,000 classes has one name in English and one in Traditional Chinese, and is found by either."""

import re

import pytest

from plugins.image.labels import LONGEST, Labels
from shared.fonts import ABSENT, runs

SIMPLIFIED = set("鸟猫马龙鱼鸡鸭车电话机书门园头发猪鹰鹅龟虾兰长显键盘灯")


@pytest.fixture(scope="module")
def labels() -> Labels:
    return Labels.imagenet()


def test_every_class_has_an_id_and_a_name_in_both_languages_of_its_own(labels: Labels) -> None:
    assert len(labels) == 1000
    for column in zip(*labels.rows, strict=True):
        assert len(set(column)) == 1000
    assert all(re.fullmatch(r"n\d{8}", wnid) for wnid, _, _ in labels.rows)
    # The order that is usual is that of the ids.
    assert [row[0] for row in labels.rows] == sorted(row[0] for row in labels.rows)


def test_chinese_names_are_chinese_and_traditional_and_can_be_drawn(labels: Labels) -> None:
    for _, english, chinese in labels.rows:
        assert re.search(r"[\u4e00-\u9fff㹴鵰]", chinese) or chinese == english == "iPod", chinese
        assert not set(chinese) & SIMPLIFIED, chinese
        assert ABSENT not in "".join(run.text for run in runs(chinese)), chinese


@pytest.mark.parametrize(
    ("place", "english", "chinese"),
    [
        (105, "koala", "無尾熊"),
        (207, "golden retriever", "黃金獵犬"),
        (283, "Persian cat", "波斯貓"),
        (387, "red panda", "小貓熊"),
        (388, "giant panda", "大貓熊"),
        (673, "computer mouse", "滑鼠"),
        (779, "school bus", "校車"),
        (847, "tank", "坦克車"),
        (963, "pizza", "披薩"),
        (985, "daisy", "雛菊"),
        (999, "toilet paper", "衛生紙"),
    ],
)
def test_classes_stand_at_their_usual_places(labels: Labels, place: int, english: str, chinese: str) -> None:
    assert labels.rows[place][1:] == (english, chinese)


@pytest.mark.parametrize("name", ["n02510455", "giant panda", "Giant_Panda", "giant-panda", "大貓熊"])
def test_a_class_is_found_by_its_id_and_by_either_name_however_it_is_written(
    labels: Labels, name: str
) -> None:
    assert labels.place(name) == 388


def test_what_is_no_class_is_not_found(labels: Labels) -> None:
    assert labels.place("unicorn") is None
    assert labels.place("") is None
    assert labels.place("_") is None


def test_names_that_a_model_brings_are_translated_where_they_are_known_and_cut_where_they_are_long() -> None:
    labels = Labels.of(["n02510455", "tench", "my\ncat", "x" * 500])
    assert [row[2] for row in labels.rows[:3]] == ["大貓熊", "丁鱥", "my cat"]
    assert labels.rows[3][1] == "x" * LONGEST
