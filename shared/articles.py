"""Makes an Article of an address or of a file: fetched here, read in the worker."""

from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from shared.errors import BadInput
from shared.fetch import Fetched, Fetcher
from shared.inputs import Article, Upload
from shared.predictor import Predictor
from shared.reader import Document, Guess, Page, Reader, too_long

READ_SECONDS: Final = 30.0
"""What reading may take, the wait for the worker included."""
_PAGES: Final = (".html", ".htm", ".xhtml")
_KINDS: Final[dict[str, Guess]] = {
    "text/html": "html",
    "application/xhtml+xml": "html",
    "text/plain": "text",
    "text/markdown": "text",
    "application/pdf": "pdf",
    "application/x-pdf": "pdf",
}


class Articles:
    """Reads addresses and files; `predictor` returns the one in use, which a reload replaces."""

    def __init__(self, fetcher: Fetcher, predictor: Callable[[], Predictor]) -> None:
        self._fetcher, self._predictor = fetcher, predictor

    async def address(self, url: str) -> Article:
        """Return the article at an address. Raises `BadInput` and `Refusal`, which say what is the matter."""
        fetched = await self._fetcher.fetch(url)
        page = await self._read(_document(fetched))
        host = (urlsplit(fetched.url).hostname or "").removeprefix("www.")
        return _article(page, fetched.url, page.title, page.site or host)

    async def file(self, upload: Upload) -> Article:
        """Return the article in a file. Raises `BadInput`, which says what is the matter."""
        name = upload.name.lower()
        guess: Guess = "html" if name.endswith(_PAGES) else "pdf" if name.endswith(".pdf") else "unknown"
        page = await self._read(Document(upload.data, guess))
        return _article(page, None, page.title or upload.name, page.site)

    async def _read(self, document: Document) -> Page:
        page = await self._predictor().predict(Reader, document, timeout=READ_SECONDS)
        if page.trouble:
            raise BadInput(page.trouble, **page.values)
        if not page.text:
            raise too_long(page.length)
        return page


def _document(fetched: Fetched) -> Document:
    return Document(fetched.data, _KINDS.get(fetched.media_type, "unknown"), fetched.charset, fetched.url)


def _article(page: Page, url: str | None, title: str | None, site: str | None) -> Article:
    return Article(
        page.text,
        title=title,
        url=url,
        site=site,
        author=page.author,
        published=page.published,
        source="file" if page.kind == "text" else page.kind,
    )
