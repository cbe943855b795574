"""Reviews are sorted by what they are about: the number of topics is found, and nothing that people write breaks it."""

import random
from collections.abc import Sequence

import numpy as np
import pytest

from plugins.reviews.model import MAX_REVIEWS, Clustering, ClusterRequest, cluster
from plugins.reviews.positive import FEWEST, share_positive
from shared.errors import BadInput

THINGS = {
    "hotel": ["房间", "前台", "早餐", "床单", "大堂", "浴室", "入住", "退房"],
    "fruit": ["苹果", "水果", "很甜", "果肉", "新鲜", "香蕉", "葡萄", "果子"],
    "phone": ["手机", "屏幕", "电池", "铃声", "信号", "通话", "充电", "按键"],
}
SAID = [
    "很好",
    "不错",
    "太差了",
    "很满意",
    "非常失望",
    "价格便宜",
    "物流很快",
    "包装很好",
    "值得推荐",
    "服务态度差",
]
ENGLISH = {
    "room": ["room", "bed", "reception", "breakfast", "lobby", "shower", "towels", "elevator"],
    "film": ["film", "actor", "plot", "director", "scene", "movie", "ending", "script"],
}
PRAISE = [
    "was great",
    "was awful",
    "was quite good",
    "could be better",
    "disappointed us",
    "is worth the money",
]
HOSTILE = [
    "", " ", "\n\n", "\0" * 50, "😀🎉👨‍👩‍👧", "a" * 100_000, "好" * 100_000, "9", "مرحبا بالعالم", "\u202eevil\u202c",
    "的",
    "@everyone **free**",
    "\ud800\udfff", "İİİ ﬁ ß Ǆ", "　全形　空白　", "?", "<b>&nbsp;</b>", "https://example.com/a?b=c",
]  # fmt: skip


def silent(done: float, note: str = "") -> None:
    """Tell nobody."""


def sort(texts: Sequence[str], seed: int = 0) -> Clustering:
    return cluster(ClusterRequest(list(texts), seed=seed), silent)


def written(
    things: dict[str, list[str]], said: Sequence[str], each: int, joint: str = ""
) -> list[tuple[str, str]]:
    """Return reviews, each with its topic, in a random order that is always the same."""
    chance = random.Random(3)
    found = [
        (joint.join([f"{a}{joint}{chance.choice(said)}", f"，{b}{joint}{chance.choice(said)}"]), topic)
        for topic, words in things.items()
        for _ in range(each)
        for a, b in [chance.sample(words, 2)]
    ]
    chance.shuffle(found)
    return found


def purity(found: Clustering, truth: Sequence[str]) -> float:
    """Return the share of rows whose topic is mostly of their kind."""
    right = 0
    for topic in found.topics:
        kinds = [kind for kind, at in zip(truth, found.topic, strict=True) if at == topic.id]
        right += max(kinds.count(kind) for kind in set(kinds))
    return right / len(truth)


@pytest.fixture(scope="module")
def chinese() -> tuple[list[str], list[str], Clustering]:
    reviews = written(THINGS, SAID, 40)
    texts, truth = [text for text, _ in reviews], [topic for _, topic in reviews]
    return texts, truth, sort(texts)


def test_as_many_topics_are_found_as_there_are(chinese: tuple[list[str], list[str], Clustering]) -> None:
    _, truth, found = chinese
    assert len(found.topics) == 3
    assert purity(found, truth) > 0.95
    assert found.noise == 0


def test_a_topic_is_told_by_its_words_and_by_reviews_of_its_own(
    chinese: tuple[list[str], list[str], Clustering],
) -> None:
    texts, truth, found = chinese
    for topic in found.topics:
        kinds = [kind for kind, at in zip(truth, found.topic, strict=True) if at == topic.id]
        main = max(set(kinds), key=kinds.count)
        assert len(set(topic.words[:5]) & set(THINGS[main])) >= 3
        assert 1 <= len(topic.quotes) <= 5
        assert {found.topic[row] for row in topic.quotes} == {topic.id}
        assert len({texts[row] for row in topic.quotes}) == len(topic.quotes)
        assert topic.size == found.topic.count(topic.id)


def test_topics_come_largest_first_and_points_lie_in_the_picture(
    chinese: tuple[list[str], list[str], Clustering],
) -> None:
    texts, _, found = chinese
    sizes = [topic.size for topic in found.topics]
    assert sizes == sorted(sizes, reverse=True)
    assert [topic.id for topic in found.topics] == list(range(len(sizes)))
    assert len(found.points) == len(found.topic) == len(texts)
    assert all(0 <= x <= 1 and 0 <= y <= 1 for x, y in found.points)
    assert len(set(found.points)) > len(set(texts)) / 2


def test_the_same_reviews_give_the_same_topics(chinese: tuple[list[str], list[str], Clustering]) -> None:
    texts, _, found = chinese
    assert sort(texts) == found


def test_another_seed_changes_little(chinese: tuple[list[str], list[str], Clustering]) -> None:
    texts, truth, found = chinese
    other = sort(texts, seed=5)
    assert len(other.topics) == len(found.topics)
    assert purity(other, truth) > 0.95


def test_english_reviews_are_sorted_and_told_by_words_that_say_something() -> None:
    reviews = written(ENGLISH, PRAISE, 40, " ")
    found = sort([text for text, _ in reviews])
    assert purity(found, [topic for _, topic in reviews]) > 0.95
    said = {word for topic in found.topics for word in topic.words}
    assert {"film", "actor"} & said
    assert {"room", "bed"} & said
    assert not said & {"was", "be", "the", "could", "us", "is"}


def test_traditional_characters_are_shown_as_they_were_written() -> None:
    texts = [f"手機{said}，電池{other}，鈴聲" for said in SAID for other in SAID][:60]
    (topic, *_) = sort(texts).topics
    assert {"手機", "電池", "鈴聲"} & set(topic.words)
    assert not {"手机", "电池", "铃声"} & set(topic.words)


def test_hostile_texts_are_sorted_or_left_out_and_break_nothing(
    chinese: tuple[list[str], list[str], Clustering],
) -> None:
    texts, _, _ = chinese
    found = sort([*HOSTILE, *texts])
    assert len(found.topic) == len(HOSTILE) + len(texts)
    blank = [row for row, text in enumerate(HOSTILE) if not any(map(str.isalnum, text))]
    assert {found.topic[row] for row in blank} == {-1}
    assert found.topic[HOSTILE.index("https://example.com/a?b=c")] == -1
    assert found.noise == found.topic.count(-1) / len(found.topic)
    assert len(found.topics) <= 5


def test_one_review_said_a_hundred_times_is_one_topic() -> None:
    found = sort(["苹果很甜，下次还买"] * 100)
    assert found.topic == [0] * 100
    assert found.topics[0].quotes == [0]


def test_too_few_to_tell_are_one_topic() -> None:
    found = sort(["房间很好", "苹果很甜", "手机坏了"])
    assert found.topic == [0, 0, 0]
    assert len(found.points) == 3


def test_nothing_to_sort_has_no_topics() -> None:
    assert sort([]).topics == []
    blank = sort(["", "？！", "😀"])
    assert (blank.topic, blank.topics, blank.noise) == ([-1, -1, -1], [], 1.0)


def test_progress_only_rises_and_ends_at_one() -> None:
    told: list[float] = []
    cluster(ClusterRequest(["房间很好", "苹果很甜"] * 20), lambda done, note="": told.append(done))
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_more_reviews_than_can_be_sorted_are_refused() -> None:
    with pytest.raises(BadInput, match="At most"):
        sort(["好"] * (MAX_REVIEWS + 1))


def test_a_topic_says_which_share_of_its_reviews_is_meant_well() -> None:
    praise = [
        f"{word}非常好，很满意，{said}" for word in THINGS["fruit"] for said in ("推荐", "喜欢", "下次再来")
    ]
    blame = [
        f"{word}太差了，非常失望，{said}" for word in THINGS["phone"] for said in ("垃圾", "退货", "再也不买")
    ]
    found = sort(praise + blame)
    share = {topic.id: topic.positive for topic in found.topics}
    well = [share[at] for at in found.topic[: len(praise)]]
    ill = [share[at] for at in found.topic[len(praise) :]]
    assert min(one for one in well if one is not None) > 0.9
    assert max(one for one in ill if one is not None) < 0.1
    assert all(topic.told >= FEWEST for topic in found.topics)


@pytest.mark.parametrize(
    ("texts", "probabilities", "share", "told"),
    [
        (["很好"] * 20, [250] * 9 + [5] * 6 + [127] * 5, 0.6, 15),
        (["很好"] * 20, [250] * 9 + [127] * 11, None, 9),
        (["很好"] * 30, [250] * 12 + [100] * 18, None, 12),
        (["very good"] * 20, [250] * 20, None, 0),
        (["とても良い"] * 20, [250] * 20, None, 0),
        ([], [], None, 0),
    ],
    ids=["told", "few", "most are open", "English", "Japanese", "none"],
)
def test_a_share_is_said_of_those_that_can_be_told_where_they_speak_for_the_topic(
    texts: list[str], probabilities: list[int], share: float | None, told: int
) -> None:
    assert share_positive(texts, np.array(probabilities, dtype=np.uint8)) == (share, told)
