"""What of a text can stand in a summary, in bounded time, and which sentences are chosen together."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.article.choosing import Expected, choose
from plugins.article.sentences import MAX_CHARACTERS, MAX_SENTENCES, count_words, read
from plugins.article.sources import nearest
from plugins.article.words import content
from tests.plugins.article.articles import CHINESE, ENGLISH

ANY = st.text(
    st.one_of(st.characters(), st.sampled_from("ab .!?\n。！，「」一二😀\u200d\u202eמא")), max_size=300
)


@given(ANY)
@settings(deadline=None, max_examples=300)
def test_sentences_are_exact_substrings_in_order_and_each_once(text: str) -> None:
    document = read(text)
    ends = 0
    for sentence in document.sentences:
        assert text[sentence.span.start : sentence.span.end] == sentence.text
        assert sentence.span.start >= ends
        ends = sentence.span.end
    assert len({sentence.text for sentence in document.sentences}) == len(document.sentences)
    assert bool(document.sentences) == bool(text.strip())
    assert 0 < document.read_share <= 1 or not text


@pytest.mark.parametrize("text", [ENGLISH, CHINESE], ids=["english", "chinese"])
def test_the_headline_is_no_sentence_and_is_known(text: str) -> None:
    document = read(text)
    assert document.headline == text.split("\n")[0]
    assert all(document.headline not in sentence.text for sentence in document.sentences)
    assert document.sentences[0].within == document.sentences[0].paragraph == 0
    assert document.sentences[1].paragraph == 1 or document.sentences[1].within == 1


def test_a_given_title_goes_before_the_first_line() -> None:
    assert read(ENGLISH, "Another title").headline == "Another title"
    assert read("One sentence. Another one here. And a third one is here.").headline == ""


def test_fragments_are_left_out_but_where_there_is_nothing_else() -> None:
    kept = read("Yes! Why? The council will repair the bridge in spring. Oh! Us?").sentences
    assert [sentence.text for sentence in kept] == ["The council will repair the bridge in spring."]
    assert len(read("Yes! Why? Oh!").sentences) == 3


def test_a_language_that_is_given_is_believed() -> None:
    assert read(ENGLISH).language == "en"
    assert read(CHINESE).language == "zh"
    assert read(ENGLISH, language="zh").language == "zh"


def test_very_long_articles_are_read_to_a_bound_that_is_told() -> None:
    text = " ".join(f"Sentence number {n} speaks of item {n * 7 % 1000} again." for n in range(20_000))
    document = read(text)
    assert len(document.sentences) == MAX_SENTENCES
    assert len(document.text) == MAX_CHARACTERS
    assert len(document.spans) > MAX_SENTENCES
    assert document.read_share == pytest.approx(document.sentences[-1].span.end / len(text), rel=0.01)


def test_a_hundred_thousand_sentences_of_one_character_are_few_different_ones() -> None:
    document = read("好。" * 100_000)
    assert len(document.sentences) == 1
    assert len(document.spans) == 100_000
    assert (
        len(read("".join(f"{chr(0x4E00 + n % 20_000)}。" for n in range(100_000))).sentences) == MAX_SENTENCES
    )


def test_words_and_chinese_characters_are_counted_apart() -> None:
    assert count_words("It's 3 o'clock 今天，下雨。") == (3, 4)


def test_what_a_text_is_about_has_no_function_words_and_no_digits() -> None:
    assert content("The council's 12 bridges are in the harbour.") == ["council", "bridges", "harbour"]
    assert content("捷運的車站") == content("捷运的车站") == ["捷运", "车站"]


def expected(*values: float) -> Expected:
    figures = np.array(values, dtype=np.float32)
    return Expected(figures, figures)


EVEN = np.full(4, 20, dtype=np.float32)
APART = np.eye(4, dtype=np.float32)


def test_the_best_sentences_are_chosen_in_their_order() -> None:
    assert choose(expected(0.2, 0.9, 0.1, 0.8), EVEN, APART, count=2) == [1, 3]
    assert choose(expected(0.2, 0.9, 0.1, 0.8), EVEN, APART, count=9) == [0, 1, 2, 3]


def test_longer_sentences_hold_more() -> None:
    lengths = np.array([10, 40, 10, 10], dtype=np.float32)
    assert choose(expected(0.9, 0.8, 0.9, 0.1), lengths, APART, count=1) == [1]


def test_what_was_said_is_not_said_again() -> None:
    alike = APART.copy()
    alike[0, 1] = alike[1, 0] = 0.99
    assert choose(expected(0.9, 0.89, 0.5, 0.1), EVEN, alike, count=2) == [0, 2]


def test_a_share_bounds_the_words() -> None:
    assert choose(expected(0.2, 0.9, 0.1, 0.8), EVEN, APART, share=0.5) == [1, 3]
    assert choose(expected(0.2, 0.9, 0.1, 0.8), EVEN, APART, share=0.05) == [1]


@given(st.data())
@settings(deadline=None, max_examples=80)
def test_exchanging_is_never_worse_than_the_first_choice(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 9))
    figures = st.floats(0.0625, 1, width=32)
    words = np.array(data.draw(st.lists(figures, min_size=size, max_size=size)), dtype=np.float32)
    lengths = np.array(
        data.draw(st.lists(st.integers(1, 60), min_size=size, max_size=size)), dtype=np.float32
    )
    count = data.draw(st.integers(1, size))
    chosen = choose(Expected(words, words), lengths, np.eye(size, dtype=np.float32), count=count)
    assert len(chosen) == len(set(chosen)) == count
    assert chosen == sorted(chosen)
    gains, reference = 2 * words * lengths, 0.42 * lengths.sum()

    def value(places: list[int]) -> float:
        return float(gains[places].sum() / (reference + lengths[places].sum()))

    for position in range(count):
        for other in set(range(size)) - set(chosen):
            assert value([*chosen[:position], other, *chosen[position + 1 :]]) <= value(chosen) + 1e-5


def test_the_nearest_passage_of_a_sentence_is_found_by_its_words() -> None:
    document = read(ENGLISH)
    close, far = nearest(
        document, "The bridge repair will cost 210 million dollars. Penguins cannot fly at all."
    )
    assert close.place is not None
    assert "210 million dollars" in document.sentences[close.place].text
    assert far.place is None
