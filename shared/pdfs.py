"""Takes the text out of a PDF, page by page and within bounds. Worker only."""

import io
import logging
import re
import statistics
from typing import Final

from pypdf import PdfReader
from pypdf.errors import DependencyError, FileNotDecryptedError, PyPdfError

from shared.errors import BadInput
from shared.inputs import MAX_ARTICLE
from shared.pages import Found, line

MOST_PAGES: Final = 400
_END: Final = re.compile(r"[.!?:。！？：…][\"'”’」』)\]]?$")
_HAN: Final = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]")
_JUNK: Final = re.compile(r"microsoft word|untitled|\.(?:docx?|indd|tex|qxd|pages)$|^\W*$", re.IGNORECASE)


def text_of_pdf(data: bytes) -> Found:
    """Return the text of a PDF. Raises `BadInput` where it is locked, broken, too long, or holds pictures only."""
    # It writes a line for each oddity of a file.
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    try:
        reader = PdfReader(io.BytesIO(data), strict=False)
        # Many are locked against changes only, and open without a password.
        if reader.is_encrypted and not reader.decrypt(""):
            raise _locked()
        if len(reader.pages) > MOST_PAGES:
            raise BadInput(
                "That PDF has more than {pages} pages. Paste the part that matters.", pages=MOST_PAGES
            )
        text = _pages(reader)
        about = reader.metadata
        title, author = (about.title, about.author) if about is not None else (None, None)
        made = about.creation_date if about is not None else None
    except (DependencyError, FileNotDecryptedError):
        raise _locked() from None
    except (BadInput, MemoryError):
        raise
    # Besides `PyPdfError` its parsers raise whatever a broken file makes them raise.
    except (PyPdfError, Exception):
        raise BadInput("That PDF is damaged and cannot be read.") from None
    if not any(c.isalnum() for c in text):
        raise BadInput("That PDF holds no text: pictures of pages cannot be read.")
    title = None if title is None or _JUNK.search(title) else title
    return Found(
        text,
        title=line(title, 300),
        author=line(author, 200),
        published=made.date().isoformat() if made else None,
    )


def _pages(reader: PdfReader) -> str:
    pages, length = [], 0
    for page in reader.pages:
        pages.append(reflow(page.extract_text()))
        length += len(pages[-1])
        # What is longer is refused anyway.
        if length > 2 * MAX_ARTICLE:
            break
    return "\n\n".join(page for page in pages if page)


def reflow(text: str) -> str:
    """Join the lines of a printed page into paragraphs; a short line that ends a sentence ends one."""
    lines = [each.strip() for each in text.splitlines()]
    usual = statistics.median([len(each) for each in lines if each] or [0])
    paragraphs = [""]
    for each in lines:
        if not each:
            paragraphs.append("")
            continue
        paragraphs[-1] = _joined(paragraphs[-1], each)
        if len(each) < 0.7 * usual and _END.search(each):
            paragraphs.append("")
    return "\n".join(each for each in paragraphs if each)


def _joined(before: str, after: str) -> str:
    if not before:
        return after
    if before.endswith("-") and before[-2:-1].isalpha() and after[:1].islower():
        return before[:-1] + after
    if _HAN.match(before[-1]) and _HAN.match(after[0]):
        return before + after
    return f"{before} {after}"


def _locked() -> BadInput:
    return BadInput("That PDF is locked with a password.")
