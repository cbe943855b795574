"""Fits how members' scores become a probability, and where the verdict stays open. Imported by the trainer only.

Everything is fitted on rows that no member was trained on: whole texts, and a short piece of each, so that a line of
chat is not judged as if it were a review.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from plugins.sentiment.ensemble import Calibration
from plugins.sentiment.features import Token
from plugins.sentiment.ngrams import Floats

HALVES: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
"""Known tokens at which the slope is half of what it is for a long text."""
PIECES: Final = (3, 60)
"""Tokens of a piece, from and to."""
ANSWERED: Final = 0.95
"""How often what is answered is to be right."""
WIDEST: Final = 0.15
"""Below this probability, or as far from 1, a text always has a verdict."""
Bools = NDArray[np.bool_]


def pieces(
    texts: Sequence[str], found: Sequence[Sequence[Token]], seed: int
) -> tuple[list[str], list[list[Token]]]:
    """Return a piece of each text, of a length that is as likely to be short as to be long, and its tokens."""
    random = np.random.default_rng(seed)
    low, high = np.log(PIECES)
    cut, kept = [], []
    for text, tokens in zip(texts, found, strict=True):
        size = min(len(tokens), round(float(np.exp(random.uniform(low, high)))))
        first = int(random.integers(0, len(tokens) - size + 1))
        chosen = tokens[first : first + size]
        start, end = (chosen[0].start, chosen[-1].end) if chosen else (0, 0)
        cut.append(text[start:end])
        kept.append([Token(token.start - start, token.end - start, token.form) for token in chosen])
    return cut, kept


def calibrate(whole: Floats, short: Floats, sizes: Floats, truth: Bools) -> Calibration:
    """Fit to the scores of whole texts and of pieces, members × texts; `sizes`: known tokens of both in turn."""
    mixer = LogisticRegression(C=1e6).fit(whole.T, truth)
    mix = np.maximum(mixer.coef_[0], 0.0)
    # A member that has learned nothing must not turn the others round.
    mix = mix if mix.any() else np.ones(len(mix))
    mixed = mix @ np.concatenate([whole, short], axis=1)
    both = np.concatenate([truth, truth])
    best: tuple[float, Calibration] | None = None
    for half in HALVES:
        slope = sizes / (sizes + half)
        model = LogisticRegression(C=1e6).fit((slope * mixed)[:, None], both)
        steepness, shift = max(float(model.coef_[0, 0]), 0.0), float(model.intercept_[0])
        odds = steepness * slope * mixed + shift
        loss = float(np.logaddexp(0, np.where(both, -odds, odds)).mean())
        if best is None or loss < best[0]:
            best = loss, Calibration(tuple(mix.tolist()), shift, steepness, half)
    assert best is not None
    return best[1]


def open_band(probability: Floats, truth: Bools) -> float:
    """Return the probability from which on, and as far from 1, verdicts are left open.

    It is the widest band that is needed for `ANSWERED` of the others to be right.
    """
    right = (probability >= 0.5) == truth
    for hundredths in range(50, round(100 * WIDEST), -1):
        edge = hundredths / 100
        answered = (probability <= edge) | (probability >= 1 - edge)
        if answered.any() and right[answered].mean() >= ANSWERED:
            return edge
    return WIDEST
