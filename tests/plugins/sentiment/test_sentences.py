"""The network that reads sentences: numpy says what torch does, and a text's score falls into its words."""

import hashlib
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from plugins.sentiment.features import tokens
from plugins.sentiment.sentences import (
    FIRST,
    INPUTS,
    LAST,
    SentenceNetwork,
    Sentences,
    no_vectors,
    read_sentences,
)
from plugins.sentiment.sentences_training import _Sentences, fit_sentences

TEXTS = ["A fine start. Then it drags<br /><br />and ends badly!", "好看。不好看！", "", "!!! ...", "one"]


def vectors(pieces: Sequence[str]) -> NDArray[np.float32]:
    """Turn sentences into vectors of unit length that hang on their words alone."""
    found = np.zeros((len(pieces), INPUTS - 3), np.float32)
    for row, piece in enumerate(pieces):
        for word in piece.lower().split():
            seed = int.from_bytes(hashlib.sha256(word.strip(".!").encode()).digest()[:4], "big")
            found[row] += np.random.default_rng(seed).normal(size=INPUTS - 3)
        found[row] /= max(1e-6, float(np.linalg.norm(found[row])))
    return found


def network() -> tuple[_Sentences, SentenceNetwork]:
    torch.manual_seed(3)
    module = _Sentences(INPUTS).eval()
    layers = (module.first, module.second, module.heads)
    values = [each.detach().numpy().T for layer in layers for each in (layer.weight, layer.bias)]
    return module, SentenceNetwork(*values)


def test_numpy_says_what_torch_says() -> None:
    module, in_numpy = network()
    read = read_sentences(TEXTS, vectors)
    assert read.sizes.tolist() == [3, 2, 0, 2, 1]
    found = in_numpy.take_apart([tokens(text, "en") for text in TEXTS], read)
    text = torch.from_numpy(np.repeat(np.arange(len(TEXTS)), read.sizes))
    with torch.no_grad():
        expected = module(torch.from_numpy(read.inputs), text, len(TEXTS)).numpy()
    assert found.scores == pytest.approx(expected, abs=1e-4)


@given(st.lists(st.text(alphabet="ab .!\n好。", max_size=80), min_size=1, max_size=4))
def test_the_words_and_the_rest_are_the_score(texts: list[str]) -> None:
    _, in_numpy = network()
    found = [tokens(text, "zh") for text in texts]
    taken = in_numpy.take_apart(found, read_sentences(texts, vectors))
    rows = np.repeat(np.arange(len(texts)), [len(each) for each in found])
    assert taken.scores == pytest.approx(taken.bases + np.bincount(rows, taken.weights, len(texts)), abs=1e-9)
    alone = [
        in_numpy.take_apart([one], read_sentences([text], vectors)).scores[0]
        for one, text in zip(found, texts, strict=True)
    ]
    assert taken.scores == pytest.approx(alone, abs=1e-4)


def test_of_a_long_text_the_beginning_and_the_end_are_read() -> None:
    text = " ".join(f"Sentence {at}." for at in range(200))
    read = read_sentences([text], vectors)
    assert read.sizes.tolist() == [FIRST + LAST]
    shown = [text[span.start : span.end] for span in read.spans]
    assert (shown[0], shown[FIRST], shown[-1]) == ("Sentence 0.", "Sentence 168.", "Sentence 199.")


def test_it_learns_which_words_speak() -> None:
    random = np.random.default_rng(2)
    fillers = ["the room", "a film", "we went", "it rained", "on monday"]

    def written(positive: bool) -> str:
        said = random.choice(["lovely", "splendid"] if positive else ["dreadful", "dull"])
        return ". ".join([*random.choice(fillers, 3), f"it was {said}", *random.choice(fillers, 2)]) + "."

    truth = random.random(400) < 0.5
    texts = [written(bool(each)) for each in truth]
    learned = fit_sentences(read_sentences(texts[:300], vectors), truth[:300], 1, lambda done, note="": None)
    found = learned.take_apart(
        [tokens(text, "en") for text in texts[300:]], read_sentences(texts[300:], vectors)
    )
    assert ((found.scores > 0) == truth[300:]).mean() > 0.95


def test_nobody_reads_sentences_without_an_encoder() -> None:
    with pytest.raises(ValueError, match="no encoder"):
        read_sentences(["One."], no_vectors)
    assert isinstance(read_sentences(["One."], vectors), Sentences)
