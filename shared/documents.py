"""Reads a document by its kind, which its first bytes tell better than its name. Worker only."""

import re
import unicodedata
from typing import Final

from shared.charsets import decode
from shared.errors import BadInput
from shared.inputs import MAX_ARTICLE
from shared.pages import Found, article_of
from shared.parameters import clean_text
from shared.pdfs import text_of_pdf
from shared.reader import Document, Kind, Page

_META: Final = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w:.-]{2,40})", re.IGNORECASE)
_XML: Final = re.compile(rb"^\s*<\?xml[^>]{0,100}?encoding\s*=\s*[\"']([\w:.-]{2,40})", re.IGNORECASE)
_HTML: Final = re.compile(
    rb"^\s*(?:<\?xml[^>]{0,200}>\s*)?(?:<!--.{0,2000}?-->\s*)?<(?:!doctype\s+html|html)\b", re.I | re.S
)
_HEAD: Final = 4096


def read(document: Document) -> Page:
    """Return the text of a document. Raises `BadInput` where it has none that can be read."""
    kind = kind_of(document)
    found = _found(document, kind)
    length = len(found.text)
    # Not looked at in full where it is far too long anyway.
    text = clean_text(found.text) if length <= 2 * MAX_ARTICLE else ""
    if length <= 2 * MAX_ARTICLE:
        length = len(text)
        if not any(unicodedata.category(c)[0] not in "ZC" for c in text):
            raise BadInput("The text is empty: write or paste something to read.")
    return Page(
        text if length <= MAX_ARTICLE else "",
        kind,
        length,
        title=found.title,
        site=found.site,
        author=found.author,
        published=found.published,
    )


def kind_of(document: Document) -> Kind:
    """Tell the kind of a document, by its first bytes where these are plain."""
    if b"%PDF-" in document.data[:1024]:
        return "pdf"
    if document.guess != "unknown":
        return document.guess
    return "html" if _HTML.match(document.data[:_HEAD]) else "text"


def _found(document: Document, kind: Kind) -> Found:
    if kind == "pdf":
        return text_of_pdf(document.data)
    declared: tuple[str | None, ...] = (document.charset,)
    if kind == "html":
        declared = (document.charset, _declared(document.data))
    text = decode(document.data, declared)
    if text is None:
        raise BadInput("That is no text, whatever its name says: web pages, plain text and PDF can be read.")
    return article_of(text, document.url) if kind == "html" else Found(text)


def _declared(data: bytes) -> str | None:
    """Return the encoding that a page names in its first bytes."""
    head = data[:_HEAD]
    found = _XML.search(head) or _META.search(head)
    return None if found is None else found[1].decode("ascii", "replace")
