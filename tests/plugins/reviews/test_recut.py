"""The tree of topics is cut elsewhere without embedding again, and a tree that is none is refused."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.reviews.model import Clustering, ClusterRequest, RecutRequest, Reviews, cluster
from plugins.reviews.tree import MAX_BYTES, Tree, unpack
from shared.errors import BadInput
from shared.model import Device, Failure

THINGS = ("房间", "前台", "苹果", "香蕉", "手机", "电池")
SAID = ("很好", "很差", "不错", "一般", "满意")
MORE = ("，推荐", "，失望", "，下次再来", "，还可以", "，实惠")
TEXTS = [f"{thing}{said}{more}" for thing in THINGS for said in SAID for more in MORE]


@pytest.fixture(scope="module")
def found() -> Clustering:
    return cluster(ClusterRequest(TEXTS), lambda done, note="": None)


def recut(found: Clustering, how: str, topics: list[int] | None = None) -> Clustering | Failure:
    request = msgspec.convert(
        {"texts": TEXTS, "tree": found.tree, "how": how, "topics": topics or []}, RecutRequest
    )
    (answer,) = Reviews.load(None, Device()).predict([request])
    return answer


def test_coarser_joins_two_topics_and_leaves_the_others(found: Clustering) -> None:
    coarser = recut(found, "coarser")
    assert isinstance(coarser, Clustering)
    assert len(coarser.topics) == len(found.topics) - 1
    # Whoever was together still is.
    assert len(set(zip(found.topic, coarser.topic, strict=True))) == len(found.topics)
    assert coarser.points == found.points


def test_finer_splits_one_topic(found: Clustering) -> None:
    finer = recut(found, "finer")
    assert isinstance(finer, Clustering)
    assert len(finer.topics) == len(found.topics) + 1
    assert len(set(zip(found.topic, finer.topic, strict=True))) == len(found.topics) + 1


def test_a_topic_is_split_in_two_and_no_other_is(found: Clustering) -> None:
    parted = recut(found, "split", [1])
    assert isinstance(parted, Clustering)
    parts = {new for old, new in zip(found.topic, parted.topic, strict=True) if old == 1}
    assert len(parts) == 2
    assert len(parted.topics) == len(found.topics) + 1


def test_topics_are_merged_and_their_words_with_them(found: Clustering) -> None:
    merged = recut(found, "merge", [0, 1])
    assert isinstance(merged, Clustering)
    together = {new for old, new in zip(found.topic, merged.topic, strict=True) if old in (0, 1)}
    (one,) = together
    assert merged.topics[one].size == found.topics[0].size + found.topics[1].size


def test_what_was_split_is_whole_again_after_a_merge(found: Clustering) -> None:
    parted = recut(found, "split", [0])
    assert isinstance(parted, Clustering)
    parts = sorted({new for old, new in zip(found.topic, parted.topic, strict=True) if old == 0})
    again = recut(parted, "merge", parts)
    assert isinstance(again, Clustering)
    assert again.topic == found.topic
    assert again.topics == found.topics


def test_coarser_ends_at_one_topic_and_finer_at_the_leaves(found: Clustering) -> None:
    for how in ("coarser", "finer"):
        now, steps = found, 0
        while isinstance(answer := recut(now, how), Clustering):
            now, steps = answer, steps + 1
            assert steps < 100
        assert answer.refusal
        assert (len(now.topics) == 1) == (how == "coarser")


WRONG = [
    ("split", []),
    ("split", [99]),
    ("split", [-1]),
    ("split", [0, 1]),
    ("merge", []),
    ("merge", [0]),
    ("merge", [0, 0]),
]


@pytest.mark.parametrize(("how", "topics"), [*WRONG, ("merge", [0, 99])])
def test_what_cannot_be_cut_so_is_refused(found: Clustering, how: str, topics: list[int]) -> None:
    answer = recut(found, how, topics)
    assert isinstance(answer, Failure)
    assert answer.refusal


def test_a_tree_is_small(found: Clustering) -> None:
    assert len(found.tree) < MAX_BYTES / 20


@given(at=st.integers(0, 10**6), byte=st.integers(0, 255))
def test_a_damaged_tree_is_read_or_refused(found: Clustering, at: int, byte: int) -> None:
    blob = bytearray(found.tree)
    blob[at % len(blob)] = byte
    (answer,) = Reviews().predict([RecutRequest(TEXTS, bytes(blob), "coarser")])
    assert isinstance(answer, Clustering) or answer.refusal


@pytest.mark.parametrize("blob", [b"", b"\x80", b"nothing", b"\0" * (MAX_BYTES + 1)])
def test_what_is_no_tree_is_refused(blob: bytes) -> None:
    with pytest.raises(BadInput):
        unpack(blob, 3)


def test_a_tree_of_other_reviews_is_refused(found: Clustering) -> None:
    with pytest.raises(BadInput):
        unpack(found.tree, len(TEXTS) - 1)


@pytest.mark.parametrize(
    "changed",
    [{"cut": [0]}, {"joins": []}, {"counts": []}, {"leaf": b"\xf0" * len(TEXTS)}, {"version": 7}, {"x": b""}],
)
def test_a_tree_whose_parts_do_not_fit_is_refused(found: Clustering, changed: dict[str, object]) -> None:
    tree: Tree = msgspec.structs.replace(unpack(found.tree, len(TEXTS)), **changed)
    with pytest.raises(BadInput):
        unpack(tree.pack(), len(TEXTS))
