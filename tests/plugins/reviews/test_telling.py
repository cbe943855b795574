"""Quotes of a topic say different things: one is never the other in other signs, letters or a few words more."""

import numpy as np
import pytest

from plugins.reviews.telling import topic_quotes
from plugins.reviews.tree import VERSION, Tree


def quotes(*texts: str) -> list[str]:
    """Return the quotes of a topic of these reviews, the first the most typical."""
    rows = len(texts)
    tree = Tree(
        version=VERSION, leaf=bytes(rows), joins=[], cut=[0], typical=bytes(range(200, 200 - rows, -1)),
        x=np.zeros(rows, "<u2").tobytes(), y=np.zeros(rows, "<u2").tobytes(), terms=[], counts=[[]],
    )  # fmt: skip
    (found,) = topic_quotes(tree, texts)
    return [texts[row] for row in found]


@pytest.mark.parametrize(
    ("first", "again"),
    [
        ("The room was clean.", "THE ROOM, WAS CLEAN!!!"),
        ("房间很干净，早餐不错", "房間很乾淨！早餐不錯～～"),
        ("房间很干净，早餐不错", "房 间 很 干 净 早 餐 不 错"),
        ("Good room 101", "Ｇｏｏｄ　ｒｏｏｍ　１０１"),
        ("好吃好吃，很甜", "好吃好吃，很甜甜甜甜甜甜"),
        ("苹果又甜又脆", "苹果又甜又脆，物流也快，家里老人和孩子都喜欢，已经是第三次买了"),
        ("The staff were friendly and the rooms are huge", "staff were friendly and the rooms"),
    ],
)
def test_what_says_the_same_is_quoted_once(first: str, again: str) -> None:
    other = "窗外的风景，值得再来一次"
    assert quotes(first, again, other) == [first, other]


def test_what_says_other_things_is_quoted_in_the_order_of_how_typical_it_is() -> None:
    texts = (
        "早餐种类很多，味道也好",
        "前台态度差，等了半小时",
        "The pool was closed all week",
        "隔音不好，睡不着",
    )
    assert quotes(*texts) == list(texts)


def test_a_topic_of_signs_alone_is_quoted_once() -> None:
    assert quotes("！！！！！！", "？？？？？？") == ["！！！！！！"]
