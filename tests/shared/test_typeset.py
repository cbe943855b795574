"""Text is set in lines that fit, loses nothing, and right-to-left words stand in the order they are read."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.fonts import printable
from shared.typeset import Piece, is_right_to_left, typeset

NO_CUTS: frozenset[int] = frozenset()
SIZE, ROOM = 20, 300.0


def lines(text: str, room: float = ROOM, most: int = 1000) -> list[list[Piece]]:
    return typeset(text, SIZE, room, most, NO_CUTS)


def seen(line: list[Piece]) -> list[str]:
    """Return the words of a line from left to right."""
    return [piece.text for piece in sorted(line, key=lambda piece: piece.x)]


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=200))
@settings(deadline=None, max_examples=60)
def test_no_character_is_lost_or_moved(text: str) -> None:
    shown = printable(text)
    pieces = sorted((piece for line in lines(shown) for piece in line), key=lambda piece: piece.start)
    assert "".join(piece.text for piece in pieces) == "".join(shown.split())
    assert all(shown[piece.start : piece.end] == piece.text for piece in pieces)


@pytest.mark.parametrize(
    "text", ["many words that go on and on " * 9, "長句子沒有空格" * 20, "a" * 500, "זה משפט ארוך " * 20]
)
def test_no_line_is_wider_than_the_room_and_no_piece_lies_on_another(text: str) -> None:
    found = lines(text)
    assert len(found) > 3
    for line in found:
        ordered = sorted(line, key=lambda piece: piece.x)
        assert ordered[0].x >= 0
        # A closing mark may hang over, by a character.
        assert ordered[-1].x + ordered[-1].width <= ROOM + SIZE
        assert all(a.x + a.width <= b.x + 0.01 for a, b in pairwise(ordered))


def test_a_line_does_not_begin_with_a_closing_mark() -> None:
    for room in range(200, 320, 10):
        assert all(line[0].text not in "，。！" for line in lines("你好，今天。天氣！真好，" * 5, room))


def test_hebrew_words_run_leftwards_and_numbers_and_english_keep_their_order_among_them() -> None:
    (line,) = lines("שלום לך call me now עכשיו", room=600)
    assert seen(line) == ["עכשיו", "call", "me", "now", "לך", "שלום"]
    assert max(piece.x + piece.width for piece in line) == pytest.approx(600)


def test_hebrew_words_inside_english_are_turned_and_the_rest_is_not() -> None:
    (line,) = lines("say שלום לך to me", room=600)
    assert seen(line) == ["say", "לך", "שלום", "to", "me"]
    assert line[0].x == 0


def test_lines_beyond_the_limit_become_an_ellipsis() -> None:
    found = lines("word\n" * 50, most=5)
    assert len(found) == 5
    assert found[-1][-1].text == "…"


def test_more_than_one_empty_line_is_one() -> None:
    assert [seen(line) for line in lines("a\n\n\n\n\nb\n\n")] == [["a"], [], ["b"]]


def test_a_piece_ends_where_a_cut_is_asked_for() -> None:
    (line,) = typeset("keyword", SIZE, ROOM, 5, frozenset({3}))
    assert seen(line) == ["key", "word"]
    assert line[1].x == pytest.approx(line[0].width)


def test_the_first_letter_with_a_direction_decides() -> None:
    assert is_right_to_left("12 שלום hello")
    assert not is_right_to_left("12 hello שלום")
    assert not is_right_to_left("12 !?")
