"""Sorting is judged by rows whose topic is known: by hand-worked figures, beside the course's way, on real reviews."""

import csv
import os
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from plugins.reviews.course import course_topics, merged
from plugins.reviews.judging import _resampled, scores
from plugins.reviews.model import Reviews
from shared.errors import BadInput
from shared.model import Device


def write(path: Path, rows: list[tuple[str, str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("text", "topic"), *rows])
    return path


def test_figures_of_a_resample_are_those_of_the_rows_drawn() -> None:
    chance = np.random.default_rng(0)
    truth, found = chance.integers(0, 3, 80), chance.integers(-1, 3, 80)
    found[:40] = truth[:40]
    drawn = chance.integers(0, 80, (5, 80))
    weights = np.array([np.bincount(rows, minlength=80) for rows in drawn], dtype=float)
    figures = _resampled(truth, found, weights)
    for at, rows in enumerate(drawn):
        assert figures["ari"][at] == pytest.approx(adjusted_rand_score(truth[rows], found[rows]))
        assert figures["nmi"][at] == pytest.approx(normalized_mutual_info_score(truth[rows], found[rows]))
        assert figures["noise"][at] == pytest.approx((found[rows] < 0).mean())


def test_noise_counts_as_a_group_of_its_own() -> None:
    truth = np.array([0, 0, 1, 1])
    assert scores(truth, np.array([0, 0, -1, -1])) == {"ari": 1.0, "nmi": 1.0, "noise": 0.5}


def test_the_course_merges_the_most_alike_first_until_nothing_merges() -> None:
    # 0 and 1 are 20 degrees apart, 2 is 55 from 1; the middle of 0 and 1 is 65 from 2, whose cosine is below a half.
    angles = np.radians([0, 20, 75])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    topic = np.array([0, 1, 2])
    assert merged(vectors, topic).tolist() == [0, 0, 2]
    assert merged(vectors, np.array([0, -1, 2])).tolist() == [0, -1, 2]


def test_the_course_leaves_few_rows_as_noise() -> None:
    assert course_topics(np.eye(3, dtype=np.float32)).tolist() == [-1, -1, -1]


def test_a_report_holds_the_metrics_beside_the_course(tmp_path: Path) -> None:
    words = {"a": ["苹果", "水果", "香蕉", "果肉"], "b": ["房间", "前台", "早餐", "床单"]}
    rows = [
        (f"{word}{said}，{more}", topic)
        for topic, things in words.items()
        for word in things
        for said in ("很好", "太差", "不错", "一般")
        for more in ("推荐", "失望", "喜欢")
    ]
    report = Reviews.load(None, Device()).evaluate(write(tmp_path / "rows.csv", rows))
    assert set(report.metrics) == {"ari", "nmi", "noise"}
    assert report.n == len(rows)
    assert report.metrics["ari"].low <= report.metrics["ari"].value <= report.metrics["ari"].high
    assert report.baseline["ari"] == 0
    assert "the course's way" in report.reference
    assert len(report.details["ari_of_seeds"]) == 3


@pytest.mark.parametrize("rows", [[], [("one", "a")], [("no topic", ""), ("two", "a")]])
def test_a_file_that_cannot_be_judged_on_is_refused(tmp_path: Path, rows: list[tuple[str, str]]) -> None:
    with pytest.raises(BadInput):
        Reviews().evaluate(write(tmp_path / "rows.csv", rows))


def test_nothing_is_trained_beforehand(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="nothing to train"):
        Reviews.train(tmp_path, tmp_path, lambda done, note="": None)


def test_real_reviews_are_sorted_far_better_than_by_the_course() -> None:
    folder = os.environ.get("HEARTH_TEST_DATA")
    if not folder or not (path := Path(folder) / "topic_reviews_zh.csv.gz").exists():
        pytest.skip("HEARTH_TEST_DATA names no folder with topic_reviews_zh.csv.gz")
    report = Reviews().evaluate(path)
    assert report.metrics["ari"].value >= 0.6
    assert report.metrics["noise"].value <= 0.1
    assert min(report.details["ari_of_seeds"]) >= 0.6
    assert report.reference["the course's way"]["ari"] < 0.2
