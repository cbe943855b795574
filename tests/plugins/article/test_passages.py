"""Passages fit the button that holds them, whatever they are made of; and reading takes its time."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.article.model import Passage
from plugins.article.passages import MOST, cut, pack, unpack
from plugins.article.reading_time import reading_seconds
from shared.command import MAX_TEXT
from shared.language import sentences
from shared.parameters import clean_text


@given(
    st.text(st.sampled_from('ab "\\\n.。一😀é'), min_size=1, max_size=4000),
    st.integers(1, 60),
    st.booleans(),
)
@settings(deadline=None, max_examples=80)
def test_passages_fit_a_button_and_come_back_as_they_were(text: str, count: int, exact: bool) -> None:
    spans = sentences(text * 20)[:count]
    passages = [Passage(text[:500], start, end, 0.5, exact) for start, end in spans]
    shown = cut(text * 20, passages)
    assert len(shown) == min(MOST, len(passages))
    packed = pack(shown)
    assert len(packed) <= MAX_TEXT
    assert unpack(clean_text(packed)) == shown
    assert all(each.quote for each in shown)


def test_reading_takes_as_long_as_studies_found() -> None:
    assert reading_seconds(238, 0) == pytest.approx(60)
    assert reading_seconds(0, 255) == pytest.approx(60)
    assert reading_seconds(119, 255) == pytest.approx(90)
