"""Shares over time, what grew and fell, and names that stay."""

from datetime import date, timedelta

import pytest

from plugins.reviews.model import Clustering, Topic
from plugins.reviews.naming import matched, named
from plugins.reviews.places import Known
from plugins.reviews.trend import MOST_STEPS, trend_of
from shared.errors import BadInput

START = date(2024, 1, 1)


def days(count: int, over: int) -> list[date | None]:
    return [START + timedelta(days=over * at // count) for at in range(count)]


def test_a_topic_that_grew_is_told_with_its_shares_and_others_are_not() -> None:
    # Of topic 1 every tenth review at first, every second later.
    topics = [1 if at % (10 if at < 200 else 2) == 0 else 0 if at % 3 else -1 for at in range(400)]
    found = trend_of(topics, days(400, 360), 3)
    (largest, *_) = found.changes
    assert (largest.topic, largest.clear) == (1, True)
    assert largest.before == pytest.approx(0.1, abs=0.01)
    assert largest.after == pytest.approx(0.5, abs=0.01)
    assert [change.clear for change in found.changes if change.topic == 2] == [False]
    assert found.period == "month"
    assert found.steps[0] == "2024-01"
    assert found.steps[-1] == "2024-12"
    assert sum(found.counts) == 400
    assert found.shares[1][-1] == pytest.approx(0.5, abs=0.05)


def test_a_small_difference_may_be_chance() -> None:
    found = trend_of([at % 2 for at in range(40)], days(40, 100), 2)
    assert not any(change.clear for change in found.changes)
    assert found.period == "week"


def test_a_step_without_reviews_has_no_share() -> None:
    apart: list[date | None] = [*[START] * 15, *[date(2024, 3, 1)] * 15]
    found = trend_of([0] * 30, apart, 1, "month")
    assert found.shares[0] == [1.0, None, 1.0]
    assert found.counts == [15, 0, 15]
    assert found.halves[0] == (START, START, 15)


def test_steps_are_no_more_than_can_be_drawn() -> None:
    found = trend_of([0] * 100, days(100, 365 * 12), 1, "week")
    assert found.period == "year"
    assert len(found.steps) <= MOST_STEPS


def test_reviews_without_dates_or_of_one_day_are_refused() -> None:
    with pytest.raises(BadInput, match="5 of the reviews have a date"):
        trend_of([0] * 40, [*days(5, 50), *([None] * 35)], 1)
    with pytest.raises(BadInput, match="same day"):
        trend_of([0] * 40, [START] * 40, 1)


def clustering(topics: list[int], words: list[list[str]]) -> Clustering:
    found = [Topic(at, topics.count(at), each, []) for at, each in enumerate(words)]
    return Clustering(topics, found, [(0.0, 0.0)] * len(topics), 0.0, b"")


def test_a_topic_with_the_same_reviews_keeps_its_number_and_name() -> None:
    known = [Known(4, "湯頭, 麵", ["湯頭", "麵"]), Known(7, "停車", ["停車"])]
    # The topics were found in another order, with other words, and some reviews are new.
    topics = [0] * 10 + [1] * 10 + [0] * 5 + [2] * 8
    before: list[int | None] = [7] * 9 + [4] + [4] * 10 + [None] * 13
    found, names = named(clustering(topics, [["車位"], ["餃子"], ["冷氣"]]), before, known)
    assert [each.number for each in found] == [7, 4, 8]
    assert names == ["停車", "湯頭, 麵", "冷氣"]
    assert found[0].words == ["車位"]


def test_of_new_reviews_alone_the_words_decide() -> None:
    known = [Known(1, "parking", ["car", "parking", "garage", "full"])]
    words = {0: ["parking", "garage", "car", "narrow"], 1: ["soup", "noodles"]}
    assert matched([0, 1], [None, None], words, known) == {0: 1}


def test_two_topics_never_go_by_one_name() -> None:
    known = [Known(1, "food", ["food"])]
    found, names = named(clustering([0] * 10 + [1] * 8, [["soup"], ["rice"]]), [1] * 18, known)
    assert names == ["food", "rice"]
    assert [each.number for each in found] == [1, 2]
