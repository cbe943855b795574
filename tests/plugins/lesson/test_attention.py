"""Attention and word vectors: the mathematics against torch, the cutting, and what the encoder says of words."""

import numpy as np
import pytest
import torch

from plugins.lesson.attention_picture import Grid, draw
from plugins.lesson.attention_showing import WordCutter, attend, cosines, normalised, one_hot, reach
from plugins.lesson.attentions import AttentionRequest, AttentionResult, Attentions, AttentionWords
from shared.model import Device, Failure

WORDS = AttentionWords(one_hot="a", embedding="b", attention="c", from_label="d", to_label="e")


@pytest.fixture(scope="module")
def model() -> Attentions:
    """The encoder and the vocabulary."""
    return Attentions.load(None, Device())


def ask(
    text: str, word: str | None = None, *, scaled: bool = True, temperature: float = 4
) -> AttentionRequest:
    """Ask as chat does."""
    return AttentionRequest(
        text=text, word=word, pieces="words", scaled=scaled, temperature=temperature, words=WORDS
    )


def test_attention_is_torchs_and_its_rows_sum_to_1() -> None:
    vectors = np.random.default_rng(0).normal(1, 3, (7, 32))
    weights = attend(vectors, True, 1).weights
    inputs = torch.nn.functional.layer_norm(torch.from_numpy(vectors), (32,), eps=0)
    identity = torch.eye(7, dtype=torch.float64)
    expected = torch.nn.functional.scaled_dot_product_attention(inputs, inputs, identity)
    np.testing.assert_allclose(weights, expected.numpy(), atol=1e-12)
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-12)
    unscaled = torch.nn.functional.scaled_dot_product_attention(inputs, inputs, identity, scale=1 / 3)
    np.testing.assert_allclose(attend(vectors, False, 3).weights, unscaled.numpy(), atol=1e-12)


def test_dividing_by_the_root_of_the_dimensions_undoes_what_they_add_to_the_spread() -> None:
    random = np.random.default_rng(1)
    for dimensions in (64, 1024):
        products = attend(random.normal(size=(200, dimensions)), True, 1).products
        apart = products[~np.eye(200, dtype=bool)]
        assert apart.std() == pytest.approx(np.sqrt(dimensions), rel=0.05)


def test_a_higher_temperature_spreads_attention_and_no_scaling_gathers_it() -> None:
    vectors = np.random.default_rng(2).normal(size=(9, 64)) + 1
    reaches = [reach(attend(vectors, True, temperature).weights) for temperature in (0.5, 2, 8, 100)]
    assert reaches == sorted(reaches)
    assert reaches[-1] == pytest.approx(9, abs=0.05)
    assert reach(attend(vectors, False, 1).weights) == pytest.approx(1, abs=1e-3)
    assert reach(np.full((4, 4), 0.25)) == pytest.approx(4)
    assert reach(np.eye(4)) == 1


def test_attention_without_positions_knows_no_order() -> None:
    vectors = np.random.default_rng(3).normal(size=(6, 16))
    order = np.array([3, 0, 5, 1, 4, 2])
    straight, turned = attend(vectors, True, 1).weights, attend(vectors[order], True, 1).weights
    np.testing.assert_allclose(turned, straight[order][:, order], atol=1e-12)


def test_a_vector_without_spread_is_left_at_zero() -> None:
    assert (normalised(np.full((2, 8), 3.0)) == 0).all()


def test_one_hot_knows_only_same_and_different() -> None:
    vectors = one_hot(["bank", "river", "bank", "money"])
    assert vectors.shape == (4, 3)
    expected = [[1, 0, 1, 0], [0, 1, 0, 0], [1, 0, 1, 0], [0, 0, 0, 1]]
    np.testing.assert_array_equal(cosines(vectors), expected)


def test_english_is_cut_into_words_and_chinese_into_words_or_characters() -> None:
    cutter = WordCutter()
    assert cutter.cut("Don't panic: it's 42!", "words") == ["Don't", "panic", "it's", "42"]
    assert cutter.cut("我喜歡機器學習，AI 也是", "characters") == [*"我喜歡機器學習", "AI", *"也是"]
    assert cutter.cut("學生喜歡圖書館，AI 也是", "words") == ["學生", "喜歡", "圖書館", "AI", "也", "是"]
    assert cutter.cut("?! …🙂", "words") == []


def test_like_words_are_near_and_attend_to_each_other(model: Attentions) -> None:
    [found] = model.predict([ask("the cat and the dog drank cold water")])
    assert isinstance(found, AttentionResult)
    assert np.sum(found.weights, axis=1) == pytest.approx(1)
    assert found.tokens == ["the", "cat", "and", "the", "dog", "drank", "cold", "water"]
    weights = np.array(found.weights)
    cat, dog, water = 1, 4, 7
    assert weights[cat, dog] > 2 * weights[cat, water]
    # The same word takes the same share, wherever it stands.
    assert weights[0, 0] == pytest.approx(weights[0, 3])
    assert found.distinct == 7
    assert found.reach > found.other_reach
    assert found.word == "drank"
    assert {found.nearest.one, found.nearest.other} == {"cat", "dog"}
    assert found.low <= found.farthest.value < found.nearest.value <= found.high
    for picture in (found.similarity_png, found.attention_png):
        assert picture.startswith(b"\x89PNG")


def test_neighbours_of_a_word_are_of_its_kind_in_both_languages(model: Attentions) -> None:
    for word, english, chinese in (
        ("doctor", "medicine", "醫生"),
        ("貓", "cat", "狗"),
        ("钱", "money", "富有"),
    ):
        [found] = model.predict([ask("one two", word)])
        assert isinstance(found, AttentionResult)
        assert english in [each.word for each in found.english]
        assert chinese in [each.word for each in found.chinese]
        for near in (found.english, found.chinese):
            cosine = [each.cosine for each in near]
            assert cosine == sorted(cosine, reverse=True)
            assert word not in [each.word for each in near]


def test_a_sentence_too_short_too_long_or_of_one_word_is_refused_alone(model: Attentions) -> None:
    bad = [ask(text) for text in ("word", "?!", "a b " * 13, "same Same SAME")]
    answers = model.predict([*bad, ask("two words")])
    assert all(isinstance(answer, Failure) and answer.refusal for answer in answers[:-1])
    assert isinstance(answers[-1], AttentionResult)


@pytest.mark.parametrize("count", [2, 24])
def test_the_longest_words_fit_their_picture(count: int) -> None:
    labels = ["w" * 40, "漢字" * 20, *(f"word{number}" for number in range(count - 2))]
    assert draw([Grid("t", labels, np.eye(count), "from", "to", percent=True)]).startswith(b"\x89PNG")
