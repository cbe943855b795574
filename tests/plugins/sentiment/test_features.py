"""Tokens stand where they say, and n-grams are found again."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.sentiment.features import LONGEST, fold, tokens
from plugins.sentiment.ngrams import NGrams, encode, grams, look_up
from shared.language import Language

LANGUAGES = st.sampled_from(["en", "zh"])
PIECES = st.lists(
    st.sampled_from(["good", "不好", "<br />", "7/10", " ", "İ", "!!", "房間", "don't", "😀", "\n", "."]),
    max_size=40,
).map("".join)


@given(st.text() | PIECES, LANGUAGES)
@settings(deadline=None)
def test_folding_keeps_every_place(text: str, language: Language) -> None:
    assert len(fold(text, language)) == len(text)


@given(st.text() | PIECES, LANGUAGES)
@settings(deadline=None)
def test_tokens_lie_in_order_and_hold_something(text: str, language: Language) -> None:
    found = tokens(text, language)
    at = 0
    for token in found:
        assert at <= token.start < token.end <= len(text)
        assert token.form
        assert not text[token.start : token.end].isspace()
        at = token.end


def test_ratings_negations_and_signs_are_tokens() -> None:
    found = [token.form for token in tokens("I DON’T like it!!! 3 / 10<br />...Sorry :(", "en")]
    assert found == ["i", "don't", "like", "it", "!!", "3/10", "..", "sorry", ":("]


def test_traditional_characters_are_known_in_their_simplified_form() -> None:
    text = "房間很髒，１０2號。WiFi太慢！"
    found = tokens(text, "zh")
    assert [token.form for token in found] == [*"房间很脏", ",", "0", "号", "。", "wifi", *"太慢", "!"]
    assert text[found[0].start : found[3].end] == "房間很髒"


def test_what_is_longer_than_a_text_may_be_is_not_read() -> None:
    assert tokens("good " * LONGEST, "en")[-1].end <= LONGEST


def test_an_n_gram_with_an_unknown_token_or_across_texts_is_none() -> None:
    numbers = {"not": 1, "good": 2}
    found = grams(encode([["not", "good"], ["good", "well", "not"], []], numbers), 2)
    assert list(zip(found.row.tolist(), found.first.tolist(), found.order.tolist(), strict=True)) == [
        (0, 0, 1), (0, 1, 1), (1, 2, 1), (1, 4, 1), (0, 0, 2)
    ]  # fmt: skip
    assert len(set(found.keys.tolist())) == 3


@given(st.lists(st.lists(st.integers(0, 5), max_size=12), max_size=6))
@settings(deadline=None)
def test_the_tokens_shares_are_the_score_without_remainder(rows: list[list[int]]) -> None:
    numbers = {str(n): n for n in range(1, 6)}
    texts = encode([[str(n) for n in row] for row in rows], numbers)
    keys = np.unique(grams(encode([["1", "2", "3", "2", "1"], ["4"]], numbers), 3).keys)
    model = NGrams(keys, np.arange(1, len(keys) + 1, dtype=np.float32) - 3, 0.5, 2.0, 3)
    taken = model.take_apart(texts)
    for row, ids in enumerate(rows):
        seen = grams(encode([[str(n) for n in ids]], numbers), 3).keys
        at, _ = look_up(keys, np.unique(seen))
        expected = 0.5 + model.weights[at].sum() / np.sqrt(len(at) + 2.0)
        assert taken.scores[row] == pytest.approx(expected, abs=1e-6)
        own = taken.weights[texts.rows == row].sum()
        assert taken.bases[row] + own == pytest.approx(expected, abs=1e-6)
