"""Reads documents: a web page, a PDF or a text file as bytes in, its text out. One more model, as charts are.

Parsing what strangers wrote takes long and may go wrong, so it happens in the worker; see
`docs/decisions/0007-documents-are-read-in-the-worker.md`.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar, Final, Literal, Self

import msgspec

from shared.alarm import OutOfTime, at_most
from shared.errors import BadInput
from shared.inputs import MAX_ARTICLE
from shared.model import Device, Failure

LONGEST_SECONDS: Final = 3.0
"""What one document may take: others wait meanwhile, and after 5 s the engine takes the worker for stuck."""

Kind = Literal["html", "pdf", "text"]
Guess = Literal["html", "pdf", "text", "unknown"]


class Document(msgspec.Struct, frozen=True):
    """A document as it came. `guess` is by its name or header; `charset` and `url` are a server's."""

    data: bytes
    guess: Guess = "unknown"
    charset: str | None = None
    url: str | None = None


class Page(msgspec.Struct, frozen=True):
    """A document's text, and what it says of itself; `published` is an ISO date.

    `length` counts the text's characters. Where that is more than `MAX_ARTICLE`, `text` is empty. Where the document
    could not be read, `trouble` says why, as the msgid of an error, with `values`.
    """

    text: str
    kind: Kind
    length: int = 0
    title: str | None = None
    site: str | None = None
    author: str | None = None
    published: str | None = None
    trouble: str = ""
    values: dict[str, int | str] = msgspec.field(default_factory=dict)


class Reader:
    """Reads documents; needs no weights."""

    name: ClassVar[str] = "reader"
    request: ClassVar[type[msgspec.Struct]] = Document
    result: ClassVar[type[msgspec.Struct]] = Page
    max_batch: ClassVar[int] = 1
    default: ClassVar[Path | None] = None

    def __init__(self, read: Callable[[Document], Page], seconds: float = LONGEST_SECONDS) -> None:
        self._read, self._seconds = read, seconds

    @classmethod
    def load(cls, folder: Path | None, device: Device) -> Self:
        """Import the parsers, and read a page once."""
        from shared.documents import read

        read(Document(b"<html><body><p>" + b"A sentence of a page. " * 20, "html"))
        return cls(read)

    def predict(self, batch: Sequence[Document]) -> Sequence[Page | Failure]:
        """Read each document; what is the matter with one that cannot be read stands in its `trouble`."""
        return [self._page(document) for document in batch]

    def _page(self, document: Document) -> Page:
        try:
            with at_most(self._seconds):
                return self._read(document)
        except BadInput as error:
            trouble = error
        except OutOfTime:
            trouble = BadInput("That document takes too long to read. Paste the text itself.")
        return Page("", "text", trouble=trouble.text.msgid, values=dict(trouble.text.values))


def too_long(length: int) -> BadInput:
    """Return the error for a text that is longer than an article may be."""
    return BadInput(
        "The text has {length:,} characters; at most {longest:,} can be read.",
        length=length,
        longest=MAX_ARTICLE,
    )
