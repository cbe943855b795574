"""Cuts a sentence, encodes its words, compares them and computes their attention. Imported by the worker only."""

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from plugins.lesson.attention_picture import Grid, draw
from plugins.lesson.attentions import (
    FEWEST,
    MOST,
    AttentionRequest,
    AttentionResult,
    Neighbour,
    Pair,
    Pieces,
)
from shared.encoder import SentenceEncoder
from shared.language import has_han, simplified
from shared.model import Failure

Floats = NDArray[np.float64]
VOCABULARY: Final = Path(__file__).parent / "attention_words.txt"
COMPARED: Final = 12
"""Different words of a sentence that are compared at most."""
NEIGHBOURS: Final = 6
_GRAMMAR: Final = """
a about after again all also although always am an and are as at be because been before being but by can can't could did
do does don't down during each every for from had has have he her here him his how i if in into is it it's its just many
me more most much must my no not of off on only or other our out over own she should since so some still such than that
the their them then there these they this those through to under until up us very was we were what when where which
while who whose why will with would you your
的 了 在 是 上 下 和 與 与 也 就 都 著 着 過 过 把 被 我 你 他 她 它 不 很 有 這 这 那 到 要 會 会 嗎 吗 吧 呢 啊 個 个
為 为 因 因為 因为 所以 但是 可是 雖然 虽然 如果 而且 或者 然後 然后 已經 已经 我們 我们 你們 你们 他們 他们
這個 这个 那個 那个 什麼 什么 一個 一个 沒有 没有 自己
"""
GRAMMAR: Final = frozenset(_GRAMMAR.split())
"""Words that carry little meaning of their own; neighbours of one can still be asked for."""
_RUN: Final = re.compile(r"[㐀-鿿豈-﫿]+|(?:[^\W_㐀-鿿豈-﫿]|(?<=\w)['’](?=\w))+")


@dataclass(frozen=True)
class Attention:
    """Dot products as they are, and what softmax makes of them: each row of `weights` sums to 1."""

    products: Floats
    weights: Floats


def attend(vectors: Floats, scaled: bool, temperature: float) -> Attention:
    """Return scaled dot-product attention (Vaswani et al. 2017) with Q = K = V, for vectors (tokens × dimensions).

    Each vector is normalised first, as a transformer's layer does, to mean 0 and variance 1 of its numbers. `scaled`
    divides by the root of the dimensions; the temperature divides too.
    """
    inputs = normalised(vectors)
    products = inputs @ inputs.T
    divisor = temperature * (np.sqrt(vectors.shape[1]) if scaled else 1.0)
    return Attention(products, softmax(products / divisor))


def normalised(vectors: Floats) -> Floats:
    """Give the numbers of each vector mean 0 and variance 1."""
    centred = vectors - vectors.mean(axis=1, keepdims=True)
    spread = centred.std(axis=1, keepdims=True)
    result: Floats = np.divide(centred, spread, out=np.zeros_like(centred), where=spread > 0)
    return result


def softmax(scores: Floats) -> Floats:
    """Turn each row of scores into shares that sum to 1."""
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares: Floats = raised / raised.sum(axis=1, keepdims=True)
    return shares


def reach(weights: Floats) -> float:
    """Return over how many tokens a row spreads, in the mean: e to the power of its entropy."""
    logs = np.log(weights, out=np.zeros_like(weights), where=weights > 0)
    return float(np.exp(-(weights * logs).sum(axis=1)).mean())


def one_hot(words: Sequence[str]) -> Floats:
    """Return a vector a word with a single 1, at the place of the word among all different ones."""
    places = {word: at for at, word in enumerate(dict.fromkeys(words))}
    vectors = np.zeros((len(words), len(places)))
    vectors[np.arange(len(words)), [places[word] for word in words]] = 1
    return vectors


def cosines(vectors: Floats) -> Floats:
    """Return the cosine of each two vectors."""
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    products: Floats = unit @ unit.T
    return products


def _telling(words: Sequence[str]) -> Sequence[str]:
    """Return the words that are more than grammar; all, where none is."""
    return [word for word in words if word.casefold() not in GRAMMAR] or words


class WordCutter:
    """Cuts Chinese into words by jieba, whose dictionary is read when the first Chinese sentence comes."""

    def __init__(self) -> None:
        self._jieba: Any = None

    def cut(self, text: str, pieces: Pieces) -> list[str]:
        """Return the words of a text, or of its Chinese parts the characters, as they are written; no punctuation."""
        found: list[str] = []
        for match in _RUN.finditer(text):
            run = match.group()
            if not has_han(run):
                found.append(run)
            elif pieces == "characters":
                found += run
            else:
                at = 0
                # The dictionary is of simplified characters, of which there are as many.
                for word in self._dictionary().cut(simplified(run)):
                    found.append(run[at : at + len(word)])
                    at += len(word)
        return found

    def _dictionary(self) -> Any:
        if self._jieba is None:
            import jieba

            jieba.setLogLevel(logging.WARNING)
            self._jieba = jieba.Tokenizer()
            # Its own start would read a cache from a folder that anybody may write to.
            self._jieba.FREQ, self._jieba.total = self._jieba.gen_pfdict(self._jieba.get_dict_file())
            self._jieba.initialized = True
        return self._jieba


class Showing:
    """Holds the encoder, the vocabulary with its vectors, and the dictionary of Chinese."""

    def __init__(self, encoder: SentenceEncoder) -> None:
        self._encoder = encoder
        self._cutter = WordCutter()
        words = VOCABULARY.read_text(encoding="utf-8").split()
        self._vocabulary = list(dict.fromkeys(words))
        self._vectors = self._encoded(self._vocabulary)

    def show(self, request: AttentionRequest) -> AttentionResult | Failure:
        """Answer a request; a sentence too short or too long is refused."""
        tokens = self._cutter.cut(request.text, request.pieces)
        if not FEWEST <= len(tokens) <= MOST:
            return Failure(
                "This lesson takes a sentence of 2 to 24 words (or Chinese characters): a longer one makes no "
                "readable picture, and one word has nothing to attend to.",
                refusal=True,
            )
        keys = [token.casefold() for token in tokens]
        distinct = list(dict.fromkeys(keys))
        if len(distinct) < FEWEST:
            return Failure("The sentence needs two different words to compare.", refusal=True)
        written = dict(zip(reversed(keys), reversed(tokens), strict=True))
        encoded = dict(zip(distinct, self._encoded([written[key] for key in distinct]), strict=True))
        vectors = np.array([encoded[key] for key in keys])
        compared = distinct[:COMPARED]
        similar = cosines(np.array([encoded[key] for key in compared]))
        apart = cosines(one_hot(compared))
        found = attend(vectors, request.scaled, request.temperature)
        turned = attend(vectors, not request.scaled, request.temperature)
        labels = [written[key] for key in compared]
        words = request.words
        pairs = [
            Pair(labels[one], labels[other], float(similar[one, other]))
            for one in range(len(labels))
            for other in range(one)
        ]
        telling = set(_telling(labels))
        meant = [pair for pair in pairs if pair.one in telling and pair.other in telling]
        meant = meant if len(meant) > 1 else pairs
        paid = [
            Pair(tokens[one], tokens[other], float(found.weights[one, other]))
            for one in range(len(tokens))
            for other in range(len(tokens))
            if keys[one] != keys[other]
        ]
        word = request.word or max(_telling([written[key] for key in distinct]), key=len)
        english, chinese = self._neighbours(word)
        return AttentionResult(
            similarity_png=draw([Grid(words.one_hot, labels, apart), Grid(words.embedding, labels, similar)]),
            attention_png=draw(
                [Grid(words.attention, tokens, found.weights, words.from_label, words.to_label, percent=True)]
            ),
            tokens=tokens,
            distinct=len(compared),
            weights=found.weights.tolist(),
            low=min(pair.value for pair in pairs),
            high=max(pair.value for pair in pairs),
            nearest=max(meant, key=lambda pair: pair.value),
            farthest=min(meant, key=lambda pair: pair.value),
            strongest=max(paid, key=lambda pair: pair.value),
            word=word,
            english=english,
            chinese=chinese,
            vocabulary=len(self._vocabulary),
            dimensions=vectors.shape[1],
            deviation=float(found.products.std()),
            reach=reach(found.weights),
            other_reach=reach(turned.weights),
        )

    def _neighbours(self, word: str) -> tuple[list[Neighbour], list[Neighbour]]:
        """Return the nearest words of the vocabulary but the word itself, English and Chinese."""
        products = self._vectors @ self._encoded([word])[0]
        own = simplified(word.casefold())
        english: list[Neighbour] = []
        chinese: list[Neighbour] = []
        for at in np.argsort(-products, kind="stable"):
            other = self._vocabulary[at]
            if simplified(other) != own:
                (chinese if has_han(other) else english).append(Neighbour(other, float(products[at])))
        return english[:NEIGHBOURS], chinese[:NEIGHBOURS]

    def _encoded(self, words: Sequence[str]) -> Floats:
        return self._encoder.encode(words).astype(np.float64)
