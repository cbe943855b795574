"""Says how well reviews are sorted whose topics are known: beside the course's way, and beside being told the number.

Imported by the trainer and the command line only: it needs torch and scikit-learn.
"""

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from plugins.reviews.clustering import sort
from plugins.reviews.course import course_topics
from plugins.reviews.model import COLUMNS, MAX_REVIEWS
from plugins.reviews.preparing import Prepared, prepare
from shared.errors import BadInput
from shared.model import Report
from shared.quality import bootstrap, interval
from shared.rows import rows_of

MAX_BYTES: Final = 64 * 2**20
SEEDS: Final = 3
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def read_reviews(data: Path) -> tuple[list[str], list[str]]:
    """Return the texts and their topics. Raises `BadInput` where the file cannot be used."""
    texts, topics = [], []
    for line, row in rows_of(data, COLUMNS, MAX_BYTES, longest_field=1_000_000):
        text, topic = row["text"], row["topic"]
        if text is None or not topic:
            raise BadInput("Line {line} of {path} has no text or no topic.", line=line, path=data)
        texts.append(text)
        topics.append(topic)
    if len(texts) < 2:
        raise BadInput("{path} holds fewer than two reviews.", path=data)
    if len(texts) > MAX_REVIEWS:
        raise BadInput("At most {count} reviews can be sorted at once.", count=MAX_REVIEWS)
    return texts, topics


def evaluate(data: Path) -> Report:
    """Sort the reviews of `data` without looking at their topics, and compare.

    Metrics over all rows, those without a topic as one more group: adjusted Rand index, normalised mutual information,
    share of noise. Intervals: rows resampled, the sorting as it is. The baseline puts all in one topic. Reference: the
    course's way, and k-means that is told the number of topics. Details: the figures of other seeds.
    """
    texts, topics = read_reviews(data)
    names = sorted(set(topics))
    truth = np.array([names.index(topic) for topic in topics], dtype=np.int64)
    prepared = prepare(texts, None, _silent)
    runs = [prepared.spread(sort(prepared, seed)) for seed in range(SEEDS)]
    measured = [scores(truth, run) for run in runs]
    resampled = bootstrap(len(truth), lambda weights: _resampled(truth, runs[0], weights))
    return Report(
        n=len(truth),
        metrics={name: interval(value, resampled[name]) for name, value in measured[0].items()},
        baseline=scores(truth, np.zeros(len(truth), dtype=np.int64)),
        baseline_name="all in one topic",
        reference={
            "the course's way": scores(truth, prepared.spread(course_topics(prepared.vectors))),
            "k-means told the number of topics": scores(truth, prepared.spread(_told(prepared, len(names)))),
        },
        details={
            "topics": len(names),
            "found": [int(run.max()) + 1 for run in runs],
            "ari_of_seeds": [each["ari"] for each in measured],
            "agreement_of_seeds": _agreement(runs),
            "resampled": "rows, sorted as they are",
        },
    )


def scores(truth: Ints, found: Ints) -> dict[str, float]:
    """Return the adjusted Rand index, the normalised mutual information and the share of noise, over all rows."""
    from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

    return {
        "ari": float(adjusted_rand_score(truth, found)),
        "nmi": float(normalized_mutual_info_score(truth, found)),
        "noise": float((found < 0).mean()),
    }


def _resampled(truth: Ints, found: Ints, weights: Floats) -> dict[str, Floats]:
    """Return the same figures for each row of weights (resamples × rows)."""
    groups = np.unique(found, return_inverse=True)[1]
    width = int(groups.max()) + 1
    cell = truth * width + groups
    ones = csr_matrix((np.ones(len(cell)), (np.arange(len(cell)), cell)))
    tables = np.zeros((len(weights), (int(truth.max()) + 1) * width))
    tables[:, : ones.shape[1]] = weights @ ones
    table = tables.reshape(len(weights), -1, width)
    whole = weights.sum(1)
    rows, columns = table.sum(2), table.sum(1)
    pairs, of_rows, of_columns = (
        _pairs(each).reshape(len(each), -1).sum(1) for each in (table, rows, columns)
    )
    chance = of_rows * of_columns / np.maximum(_pairs(whole), 1)
    mutual = _entropy(rows, whole) + _entropy(columns, whole) - _entropy(table.reshape(len(table), -1), whole)
    mean = (_entropy(rows, whole) + _entropy(columns, whole)) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        return {
            "ari": (pairs - chance) / ((of_rows + of_columns) / 2 - chance),
            "nmi": mutual / mean,
            "noise": weights @ (found < 0) / whole,
        }


def _pairs(counts: Floats) -> Floats:
    return counts * (counts - 1) / 2


def _entropy(counts: Floats, whole: Floats) -> Floats:
    share = counts / whole[:, None]
    entropy: Floats = -(share * np.log(np.where(share > 0, share, 1.0))).sum(1)
    return entropy


def _told(prepared: Prepared, topics: int) -> Ints:
    from sklearn.cluster import KMeans

    if len(prepared.vectors) < topics:
        return np.zeros(len(prepared.vectors), dtype=np.int64)
    return np.asarray(KMeans(topics, n_init=4, random_state=0).fit_predict(prepared.vectors), dtype=np.int64)


def _agreement(runs: Sequence[Ints]) -> float:
    """Return the mean adjusted Rand index between the runs."""
    from sklearn.metrics import adjusted_rand_score

    return float(np.mean([adjusted_rand_score(one, other) for one, other in combinations(runs, 2)]))


def _silent(done: float, note: str = "") -> None:
    """Tell nobody how far it has come."""
