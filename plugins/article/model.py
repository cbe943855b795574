"""The model `summary`: an article in a few of its own sentences, or, where a folder holds a transformer, in its words.

Choosing sentences is in `plugins.article.extractive`, writing in `plugins.article.abstractive`, training in
`plugins.article.training`; all are imported where they are needed.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final, Literal, Self

import msgspec

from plugins.article.data import COLUMNS
from plugins.article.sentences import Document, count_words, read
from plugins.article.sources import nearest
from shared.errors import ModelUnavailable
from shared.model import Device, Failure, Part, Progress, Report

if TYPE_CHECKING:
    from plugins.article.abstractive import Abstractive, Draft
    from plugins.article.extractive import Chosen, Extractive

USUAL: Final = 3
MOST: Final = 20
SHARES: Final = (0.05, 0.6)
SECONDS: Final = 12.0
"""A batch is written in so much time, or sentences are chosen instead: after 20 s the engine would kill the worker."""
Kind = Literal["extractive", "abstractive"]


class SummaryRequest(msgspec.Struct, frozen=True):
    """An article to summarise: in so many sentences, or in a share (0…1) of its words where that is given."""

    text: str
    title: str | None = None
    sentences: int = USUAL
    share: float | None = None
    language: Literal["auto", "en", "zh"] = "auto"


class Passage(msgspec.Struct, frozen=True):
    """A sentence of the summary, and where in the article it stands: `text[start:end]`.

    `exact`: it is that passage, word for word; otherwise that is the nearest one by the words that both have, or there
    is none, and then `start` and `end` are 0. `score` (0…1) is how well the sentence speaks for the whole; of a nearest
    passage, how much of its words it shares.
    """

    said: str
    start: int
    end: int
    score: float
    exact: bool


class SummaryResult(msgspec.Struct, frozen=True):
    """A summary, and how it was made.

    `headline` is the title, given or found; `total` counts the article's sentences below it, and `read` is the share of
    it that was looked at. `words` counts what is not Chinese, `characters` Chinese characters, of the article;
    `summary_words` and `summary_characters` of the summary. `short`: no more sentences of the article say something
    than were asked for, and all of these are here.
    """

    kind: Kind
    headline: str
    text: str
    passages: list[Passage]
    language: Literal["en", "zh"]
    total: int
    read: float
    words: int
    characters: int
    summary_words: int
    summary_characters: int
    short: bool


class SummaryModel:
    """Summarises articles; see the module."""

    name: ClassVar[str] = "summary"
    request: ClassVar[type[msgspec.Struct]] = SummaryRequest
    result: ClassVar[type[msgspec.Struct]] = SummaryResult
    max_batch: ClassVar[int] = 4
    default: ClassVar[Path | None] = Path(__file__).parent / "weights"
    data_columns: ClassVar[Mapping[str, str]] = COLUMNS

    def __init__(self, extractive: "Extractive", abstractive: "Abstractive | None" = None) -> None:
        self.extractive, self.abstractive = extractive, abstractive

    @classmethod
    def load(cls, folder: Path | None, device: Device) -> Self:
        """Read the weights, and answer once.

        Beside a transformer the weights that ship are read too: they answer for languages that it does not know.
        """
        if folder is None:
            raise ModelUnavailable("The model {model} has no weights that can be read.", model=cls.name)
        from plugins.article.extractive import Extractive
        from shared.checkpoint import is_transformer

        if is_transformer(folder):
            from plugins.article.abstractive import Abstractive

            assert cls.default is not None
            return cls(Extractive.load(cls.default, device), Abstractive.load(folder, device))
        model = cls(Extractive.load(folder, device))
        model.predict([SummaryRequest("This is here to warm up. It has two sentences.", sentences=1)])
        return model

    def predict(self, batch: Sequence[SummaryRequest]) -> Sequence[SummaryResult | Failure]:
        """Summarise each article; of very long ones the beginning."""
        return self.answer(batch, SECONDS)

    def answer(
        self, batch: Sequence[SummaryRequest], seconds: float | None = None
    ) -> list[SummaryResult | Failure]:
        """Summarise each article, written in `seconds` or else chosen from it; without them however long it takes."""
        documents = [
            read(request.text, request.title, None if request.language == "auto" else request.language)
            for request in batch
        ]
        drafts = self._written(batch, documents, seconds)
        left = [at for at, draft in enumerate(drafts) if draft is None]
        chosen = self.extractive.summarise(
            [documents[at] for at in left],
            [max(1, batch[at].sentences) for at in left],
            [batch[at].share for at in left],
        )
        found: list[SummaryResult | Failure] = []
        quoted = dict(zip(left, chosen, strict=True))
        for at, (request, document, draft) in enumerate(zip(batch, documents, drafts, strict=True)):
            if draft is not None:
                found.append(_told(document, draft))
            elif not quoted[at].places:
                found.append(Failure("There is nothing in this text that could be summarised.", refusal=True))
            else:
                found.append(_quoted(document, quoted[at], request))
        return found

    @classmethod
    def train(cls, data: Path, folder: Path, progress: Progress) -> Report:
        """Train on the training part of `data`; see `plugins.article.training`."""
        from plugins.article.training import train

        return train(data, folder, progress)

    def evaluate(self, data: Path, part: Part = "all") -> Report:
        """Judge these weights on `data`, at three sentences; see `plugins.article.judging`."""
        from plugins.article.judging import evaluate

        return evaluate(self, data, part)

    def _written(
        self, batch: Sequence[SummaryRequest], documents: Sequence[Document], seconds: float | None
    ) -> "list[Draft | None]":
        drafts: list[Draft | None] = [None] * len(batch)
        if self.abstractive is None:
            return drafts
        from plugins.article.abstractive import Wish

        known = [
            at
            for at, document in enumerate(documents)
            if document.sentences and self.abstractive.reads(document.text)
        ]
        wishes = [Wish(max(1, batch[at].sentences), batch[at].share) for at in known]
        texts = [documents[at].text for at in known]
        for at, draft in zip(known, self.abstractive.summarise(texts, wishes, seconds), strict=True):
            drafts[at] = draft
        return drafts


def _quoted(document: Document, chosen: "Chosen", request: SummaryRequest) -> SummaryResult:
    short = request.share is None and len(document.sentences) <= request.sentences
    if short and len(document.spans) <= request.sentences:
        # Fragments too: nothing is to be gained by leaving them out.
        scored = [(span, 1.0) for span in document.spans]
    else:
        spans = [document.sentences[place].span for place in chosen.places]
        scored = list(zip(spans, chosen.scores, strict=True))
    passages = [
        Passage(document.text[start:end], start, end, score, exact=True) for (start, end), score in scored
    ]
    return _result("extractive", document, passages, document.read_share, short)


def _told(document: Document, draft: "Draft") -> SummaryResult:
    passages = []
    for said, place, overlap in nearest(document, draft.text):
        span = document.sentences[place].span if place is not None else (0, 0)
        passages.append(Passage(said, span[0], span[1], round(overlap, 3), exact=False))
    return _result("abstractive", document, passages, min(draft.read, document.read_share), False)


def _result(
    kind: Kind, document: Document, passages: list[Passage], share: float, short: bool
) -> SummaryResult:
    text = ("" if document.language == "zh" else " ").join(passage.said for passage in passages)
    words, characters = count_words(document.text)
    summary_words, summary_characters = count_words(text)
    return SummaryResult(
        kind=kind,
        headline=document.headline,
        text=text,
        passages=passages,
        language=document.language,
        total=len(document.spans),
        read=share,
        words=words,
        characters=characters,
        summary_words=summary_words,
        summary_characters=summary_characters,
        short=short,
    )
