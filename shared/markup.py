"""Makes a web page light before it is parsed, in one pass: without what is no text, and without what parsers choke on.

Parsers take time that grows with the square of a tag's attributes, and about 0.1 ms a tag; so both are bounded here.
"""

import re
from typing import Final

MOST_TAGS: Final = 50_000
MOST_CHARACTERS: Final = 3_000_000
MOST_ATTRIBUTES: Final = 60
LONGEST_TAG: Final = 10_000
LONGEST_DATA: Final = 50_000
MOST_DATA: Final = 10
"""Blocks of JSON-LD that are kept, each of at most `LONGEST_DATA` characters."""

_TAG: Final = re.compile(r"<(?:(!--)|(/?)([a-zA-Z][a-zA-Z0-9:-]*))")
_STOP: Final = re.compile(r"[>\"']")
_QUOTED: Final = re.compile(r"\"[^\"]*\"|'[^']*'")
_DROPPED: Final = frozenset(
    {
        "script",
        "style",
        "svg",
        "math",
        "template",
        "iframe",
        "object",
        "canvas",
        "select",
        "textarea",
        "noscript",
    }
)
# How letters look is no matter here; in some pages every other tag is one of these.
_LOOKS: Final = frozenset(
    {"b", "i", "em", "strong", "u", "font", "small", "big", "mark", "wbr", "abbr", "s", "strike", "tt"}
)
_RAW: Final = frozenset({"script", "style"})
_CLOSING: Final = {name: re.compile(f"</{name}\\b[^>]{{0,100}}>", re.IGNORECASE) for name in _DROPPED}


def lighten(html: str) -> str | None:
    """Return the page without scripts, styles, drawings, comments and typefaces; None where it is too heavy."""
    scan = _Scan(html)
    return scan.run()


class _Scan:
    def __init__(self, html: str) -> None:
        self._html, self._kept = html, list[str]()
        # What is not found once is not looked for again: else many unclosed tags would each read to the end.
        self._missing: set[str] = set()
        self._data = 0

    def run(self) -> str | None:
        html, at, tags = self._html, 0, 0
        while (tag := _TAG.search(html, at)) is not None:
            self._kept.append(html[at : tag.start()])
            if tag[1]:
                at = self._after("-->", tag.end())
                if at < 0:
                    # As browsers do: a comment that does not end is the rest of the page.
                    at = len(html)
                continue
            end = self._end_of_tag(tag.end())
            if tag[3].lower() in _LOOKS:
                at = end
                continue
            tags += 1
            if tags > MOST_TAGS:
                return None
            at = self._keep(tag[2] or "", tag[3].lower(), html[tag.start() : end], end)
        self._kept.append(html[at:])
        light = "".join(self._kept)
        return light if len(light) <= MOST_CHARACTERS else None

    def _keep(self, slash: str, name: str, tag: str, end: int) -> int:
        """Keep a tag, or what it should be; return where to go on."""
        if name in _DROPPED and not slash:
            closing = None if name in self._missing else _CLOSING[name].search(self._html, end)
            if closing is None:
                self._missing.add(name)
                return len(self._html) if name in _RAW else end
            if name == "script" and "ld+json" in tag[:200].lower():
                self._keep_data(self._html[end : closing.start()])
            return closing.end()
        if len(tag) > 300 and (
            len(tag) > LONGEST_TAG or len(_QUOTED.sub(" ", tag).split()) > MOST_ATTRIBUTES
        ):
            tag = f"<{slash}{name}>"
        self._kept.append(tag)
        return end

    def _keep_data(self, data: str) -> None:
        if len(data) <= LONGEST_DATA and self._data < MOST_DATA and "<" not in data:
            self._data += 1
            self._kept.append(f'<script type="application/ld+json">{data}</script>')

    def _end_of_tag(self, at: int) -> int:
        """Return the place behind a tag, past quoted values in it."""
        begin = at
        while (stop := _STOP.search(self._html, at)) is not None:
            if stop[0] == ">":
                return stop.end()
            at = self._after(stop[0], stop.end())
            if at < 0:
                break
        # A quote that does not end: browsers read on to the end of the page, we to the end of the tag.
        end = self._after(">", begin)
        return end if end >= 0 else len(self._html)

    def _after(self, what: str, at: int) -> int:
        found = -1 if what in self._missing else self._html.find(what, at)
        if found < 0:
            self._missing.add(what)
            return -1
        return found + len(what)
