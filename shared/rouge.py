"""How near summaries come to reference summaries: ROUGE-1, ROUGE-2 and ROUGE-L by the library, beside simple rivals.

F figures over whole texts, without stemming, English in words as the library cuts them, Chinese in single simplified
characters. Imported by the worker, the trainer and the command line only: it needs numpy and rouge-score.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from rouge_score.rouge_scorer import RougeScorer

from shared.language import simplified
from shared.model import Report
from shared.quality import bootstrap, interval

MEASURES: Final = ("rouge1", "rouge2", "rougeL")
METRICS: Final = ("rouge1_f", "rouge2_f", "rougeL_f")
MAX_TOKENS: Final = 4000
"""Tokens of one text that are compared at most: ROUGE-L takes time in proportion to the product of both lengths."""
_TOKEN: Final = re.compile(r"[a-z0-9]+|[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f]")
Floats = NDArray[np.float64]


def rouge_tokens(text: str) -> list[str]:
    """Return what is compared: runs of English letters and digits in lower case, and single Chinese characters."""
    return _TOKEN.findall(simplified(text.lower()))[:MAX_TOKENS]


class _Cut:
    def tokenize(self, text: str) -> list[str]:
        return rouge_tokens(text)


def rouge(references: Sequence[str], candidates: Sequence[str]) -> dict[str, Floats]:
    """Return the F of each candidate against its reference, for each of `METRICS`."""
    scorer = RougeScorer(list(MEASURES), tokenizer=_Cut())
    found = np.zeros((len(MEASURES), len(references)))
    for row, (reference, candidate) in enumerate(zip(references, candidates, strict=True)):
        scored = scorer.score(reference, candidate)
        found[:, row] = [scored[measure].fmeasure for measure in MEASURES]
    return dict(zip(METRICS, found, strict=True))


def rouge_report(
    references: Sequence[str],
    candidates: Sequence[str],
    baseline: Sequence[str],
    *,
    baseline_name: str = "lead-3",
    rivals: Mapping[str, Sequence[str]] | None = None,
    groups: Sequence[int] | None = None,
    details: Mapping[str, Any] | None = None,
) -> Report:
    """Judge summaries against references, beside those of a baseline and, in `reference`, of further rivals.

    Rows, or `groups` of near-duplicates, are resampled for the intervals. A row's loss is 1 less the mean of its three
    figures.
    """
    if not len(references) == len(candidates) == len(baseline) or not references:
        raise ValueError("each reference needs its summary, and there must be one at least")
    found = rouge(references, candidates)

    def means(weights: Floats) -> dict[str, Floats]:
        whole = weights.sum(1)
        return {name: weights @ values / whole for name, values in found.items()}

    resampled = bootstrap(len(references), means, groups)
    losses = 1 - np.mean([found[name] for name in METRICS], axis=0)
    return Report(
        n=len(references),
        metrics={name: interval(float(values.mean()), resampled[name]) for name, values in found.items()},
        baseline=_means(references, baseline),
        baseline_name=baseline_name,
        reference={name: _means(references, texts) for name, texts in (rivals or {}).items()},
        losses=losses.tolist(),
        details={
            "losses": "1 - mean of the three ROUGE F",
            "resampled": "rows" if groups is None else "groups of rows",
            "rouge": "rouge-score without stemming; Chinese by characters",
            **(details or {}),
        },
    )


def _means(references: Sequence[str], candidates: Sequence[str]) -> dict[str, float]:
    return {name: float(values.mean()) for name, values in rouge(references, candidates).items()}
