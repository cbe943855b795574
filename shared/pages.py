"""Takes the article out of a web page: its text by trafilatura, and what the page says of itself. Worker only."""

import logging
import re
from dataclasses import dataclass
from typing import Final

from trafilatura import bare_extraction
from trafilatura.settings import Document

from shared.errors import BadInput
from shared.markup import lighten

LEAST_PROSE: Final = 180.0
"""Letters of running text below which a page is no article; a character of Chinese says as much as 2.5."""
LEAST_OPEN: Final = 1500.0
"""As much prose as a page shows that says of itself that it is not free, and yet is worth reading."""
_NOT_FREE: Final = re.compile(
    r"isAccessibleForFree[\"']?\s{0,20}(?::|(?:content|href)=)\s{0,20}[\"']?(?:https?://schema\.org/)?false",
    re.IGNORECASE,
)
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_ENDS: Final = re.compile(r"[.!?…][\"'”’)\]]?(?=\s|$)|[。！？…]")
_HAN: Final = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff]")
_SPACES: Final = re.compile(r"\s+")


@dataclass(frozen=True)
class Found:
    """A page's text, and what it says of itself; `published` is an ISO date."""

    text: str
    title: str | None = None
    site: str | None = None
    author: str | None = None
    published: str | None = None


def article_of(html: str, url: str | None) -> Found:
    """Return the article of a page. Raises `BadInput` where there is none, or only the beginning of one."""
    # It warns of each page that it cannot use; whoever asked is told.
    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)
    logging.getLogger("htmldate").setLevel(logging.CRITICAL)
    light = lighten(html)
    if light is None:
        raise BadInput("That page is built of too many parts to be read. Paste the text itself.")
    page = bare_extraction(
        light,
        url=url,
        include_comments=False,
        include_tables=False,
        with_metadata=True,
        date_extraction_params={"extensive_search": False, "original_date": True},
    )
    text = (page.text or "") if isinstance(page, Document) else ""
    amount = prose(text)
    if amount < LEAST_OPEN and _NOT_FREE.search(html):
        raise BadInput(
            "That page shows only its beginning to those without a subscription. Paste the text itself."
        )
    if not isinstance(page, Document) or amount < LEAST_PROSE:
        raise BadInput(
            "No article was found on that page: it may be an index, a form, or made by scripts. Paste the text itself."
        )
    published = page.date if page.date and _DATE.fullmatch(page.date) else None
    title = line(page.title, 300)
    # The heading is no sentence of the article.
    first, _, rest = text.partition("\n")
    text = rest if rest and line(first, 300) == title else text
    return Found(text, title, line(page.sitename, 100), line(page.author, 200), published)


def prose(text: str) -> float:
    """Return how much running text there is: paragraphs that hold a sentence's end, in letters."""
    return sum(
        len(paragraph) + 1.5 * len(_HAN.findall(paragraph))
        for paragraph in text.splitlines()
        if _ENDS.search(paragraph)
    )


def line(text: str | None, longest: int) -> str | None:
    """Return a text from outside as one line of bounded length; None where it is empty."""
    text = _SPACES.sub(" ", "".join(c for c in text or "" if c.isprintable() or c.isspace())).strip()
    return (text if len(text) <= longest else text[: longest - 1] + "…") or None
