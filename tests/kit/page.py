"""Reads a page as a browser does, as far as tests need it: what it names, what it loads, and whether its tags match."""

from html.parser import HTMLParser
from typing import Final

VOID: Final = frozenset({"meta", "br", "img", "link"})
LEADS: Final = frozenset({"href", "src", "srcset", "action", "data", "xlink:href", "poster", "background"})
"""Attributes that lead elsewhere."""


class Page(HTMLParser):
    """A parsed page: `tags` in order, `text`, `leads` (values of attributes that lead elsewhere), `handlers`."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.leads: list[str] = []
        self.handlers: list[str] = []
        self.marks: dict[str, list[str]] = {}
        self._open: list[str] = []
        self._said: list[str] = []
        self.feed(source)
        self.close()
        assert not self._open, self._open

    @property
    def text(self) -> str:
        """All words, a space between what is of two elements."""
        return " ".join(" ".join(self._said).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take in a tag and what its attributes say."""
        self.tags.append(tag)
        for name, value in attrs:
            if name in LEADS:
                self.leads.append(value or "")
            if name.startswith("on"):
                self.handlers.append(name)
            self.marks.setdefault(name, []).append(value or "")
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take in a tag that closes itself."""
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        """Close the innermost tag, which must be that one."""
        assert self._open, tag
        assert self._open[-1] == tag, (self._open, tag)
        self._open.pop()

    def handle_data(self, data: str) -> None:
        """Take in words."""
        if self._open and self._open[-1] not in ("style", "script"):
            self._said.append(data)
