"""Judges summaries of three sentences by ROUGE, beside the first three sentences and two kinds of TextRank."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from plugins.article.data import Pairs, read_pairs
from plugins.article.extractive import lead, see, text_rank
from plugins.article.model import USUAL, SummaryModel, SummaryRequest, SummaryResult
from plugins.article.sentences import Document, read
from shared.errors import BadInput
from shared.model import Part, Report
from shared.rouge import rouge_report
from shared.splits import group_near_duplicates, holdout

HOLDOUT: Final = 0.15
BATCH: Final = 16


def evaluate(model: SummaryModel, data: Path, part: Part) -> Report:
    """Judge `model` on all rows of `data`, or on those that training never sees."""
    rows = read_pairs(data)
    if part == "holdout":
        rows = rows.part(holdout(rows.articles, HOLDOUT), True)
        if not rows.articles:
            raise BadInput("{path} has too few articles to train and to judge on.", path=data)
    return judge(model, rows)


def judge(
    model: SummaryModel,
    rows: Pairs,
    details: Mapping[str, Any] | None = None,
    progress: Callable[[float], None] | None = None,
) -> Report:
    """Summarise each article in three sentences, and compare with the references."""
    summaries: list[str] = []
    leads: list[str] = []
    by_words: list[str] = []
    by_meaning: list[str] = []
    for start in range(0, len(rows.articles), BATCH):
        articles = rows.articles[start : start + BATCH]
        answers = model.answer([SummaryRequest(article) for article in articles])
        summaries += [answer.text if isinstance(answer, SummaryResult) else "" for answer in answers]
        documents = [read(article) for article in articles]
        for document, seen in zip(documents, see(model.extractive.encoder, documents), strict=True):
            leads.append(joined(document, lead(document, USUAL)))
            by_words.append(joined(document, text_rank(seen, USUAL, by_meaning=False)))
            by_meaning.append(joined(document, text_rank(seen, USUAL, by_meaning=True)))
        if progress is not None:
            progress(min(1.0, (start + BATCH) / len(rows.articles)))
    return rouge_report(
        rows.summaries,
        summaries,
        leads,
        baseline_name=f"lead-{USUAL}",
        rivals={"TextRank on shared words": by_words, "TextRank on sentence vectors": by_meaning},
        groups=group_near_duplicates(rows.articles),
        details={
            "sentences": USUAL,
            "kind": "extractive" if model.abstractive is None else "abstractive",
            **(details or {}),
        },
    )


def joined(document: Document, places: Sequence[int]) -> str:
    """Return the sentences at `places` as one text."""
    return " ".join(document.sentences[place].text for place in places)
