"""Takes out of a text what tells who published it rather than how it reads, and keeps every place in it.

What is taken out is overwritten with spaces, so that a place in the cleaned text is a place in the user's own. Cleaning
twice does no more than cleaning once, and takes time linear in the text.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

_LINK: Final = re.compile(
    r"(?:https?://|\bwww\.|\bpic\.twitter\.com/)[^\s<>\"”’」）)]+"
    # A site named without more: "yournewswire.com", "bbc.co.uk".
    r"|(?<![\w@.-])(?:[a-z0-9-]{1,40}\.){1,4}(?:com|org|net|gov|edu|info|co|news|tv|us|uk|io|tw|hk|cn|int)\b(?!\.?\w)(?:/\S*)?",
    re.IGNORECASE,
)
_MAIL: Final = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64}){1,4}")
_HANDLE: Final = re.compile(r"(?<![\w@])@\w{1,50}")
_DOMAIN: Final = re.compile(r"(?:https?://)?(?:www\.)?([^/:?#\s]{1,80})", re.IGNORECASE)

_CITY: Final = r"[A-Z][A-Z.'’]{2,20}(?: [A-Z][A-Z.'’]{1,20}){0,2}"
_REGION: Final = r"(?:, (?:[A-Z][\w.]{1,20})(?: [A-Z\d][\w.]{0,20}){0,2}){0,2}"
_DATELINE: Final = re.compile(
    # "WASHINGTON (AP) — ", "LONDON, Jan 5 (Reuters) - ", "DENVER, COLORADO -", "(CNN) ", "（中央社台北5日電）".
    rf"^[ \t]*(?:(?:{_CITY}{_REGION}[ \t]{{0,3}}(?:\([\w. /]{{2,30}}\)[ \t]{{0,3}})?(?:--|[-—–])(?=\s|$)"
    r"|\((?:AP|CNN|Reuters|AFP|UPI|Bloomberg|BBC|Fox News|CNN Business)\)[ \t]{0,3}(?:--|[-—–](?=\s|$))?"
    r"|[（(〔【](?:中央社|中新社|新華社|新华社|記者|记者)[^（()）\n]{0,30}[）)〕】])[ \t]*)+",
    re.MULTILINE,
)
_BYLINE: Final = re.compile(
    r"^[ \t]*(?:(?:By|Written by|Posted by|Author:|Published by|Reported by)[ \t]{1,3}[A-Z][^\n.!?]{2,60}"
    r"|(?:Posted|Published|Updated|Last updated|First published)[ \t]{0,2}(?:on|at|:)?[ \t]{1,3}[^\n.!?]{4,50}"
    r"|(?:記者|记者|文／|編輯|编辑|責任編輯|责任编辑)[^\n。！？，]{1,24})[ \t]*$",
    re.MULTILINE,
)
_BOILERPLATE: Final = re.compile(
    r"follow us (?:on|at)|like us on|find us on|subscribe (?:to|now|today)|sign up (?:for|to)|newsletter|"
    r"all rights reserved|copyright|©|\bcookies?\b|privacy policy|terms of (?:use|service)|share this (?:on|post|story|article)|"
    r"^(?:share|tweet|pin|email|print|flag|comments?|advertisement|loading\W*|related\W.*|read more\b.*|via\W.*)$|"
    r"leave a (?:reply|comment)|total views|image (?:via|credit)|photo (?:by|credit)|skip to (?:main )?content|"
    r"tell us what you think|in the comments? (?:below|section)|click (?:here|the)|"
    r"版權所有|版权所有|追蹤我們|关注我们|訂閱|订阅|免責聲明|免责声明|延伸閱讀|相关阅读|相關新聞",
    re.IGNORECASE,
)
LINK: Final = "\ue000"
"""Stands for a link: a character that no text uses."""
LONGEST_BOILERPLATE: Final = 240
"""Characters of a line that is dropped whole for a phrase of boilerplate in it; a longer one is a paragraph."""
_SITE_AFTER_TITLE: Final = re.compile(
    r"[ \t]*(?:[|»].{1,60}|[ \t][-—–][ \t]{1,3}(?:[A-Z][\w.'’]{1,20}[ \t]{0,3}){1,4})[ \t]*$"
)


@dataclass(frozen=True)
class Cleaned:
    """A text without the marks of its publisher, as long as before; and what of links and handles stood in it.

    `kept` is the same with handles as they were, and `LINK` in place of each link.
    """

    text: str
    kept: str
    domains: tuple[str, ...] = ()
    handles: tuple[str, ...] = ()

    @property
    def marked(self) -> bool:
        """Tell whether there were links or handles."""
        return bool(self.domains or self.handles)


def clean(text: str) -> Cleaned:
    """Take out links, handles, datelines, bylines, names of sites and boilerplate."""
    text = text.replace(LINK, " ")
    text = _blank(text, (match.span() for match in _MAIL.finditer(text)))
    links = list(_LINK.finditer(text))
    text = _blank(text, (match.span() for match in links))
    handles = list(_HANDLE.finditer(text))
    text = _blank(text, (match.span() for match in handles))
    text = _blank(text, _lines_of_publisher(text))
    marks = [(m.start(), LINK) for m in links] + [(m.start(), m.group()) for m in handles]
    return Cleaned(
        text,
        _put(text, marks),
        tuple(found[1].lower() for match in links if (found := _DOMAIN.match(match.group()))),
        tuple(match.group().lower() for match in handles),
    )


def title_end(text: str) -> int:
    """Return where the first line that is not empty ends, if more follows it; else 0: then there is no title."""
    start = len(text) - len(text.lstrip())
    end = text.find("\n", start)
    return end if end >= 0 and text[end:].strip() else 0


def _lines_of_publisher(text: str) -> Iterable[tuple[int, int]]:
    """Yield the spans of datelines, bylines, the site's name behind the title, and lines of boilerplate."""
    end = title_end(text)
    if end and (site := _SITE_AFTER_TITLE.search(text, max(0, end - 80), end)):
        # What remains must still be a title.
        if text[: site.start()].strip():
            yield site.span()
    for match in _DATELINE.finditer(text):
        yield match.span()
    start = end
    for line in text[end:].splitlines(keepends=True) if end else ():
        stop = start + len(line)
        bare = line.strip()
        if bare and (
            (len(bare) <= LONGEST_BOILERPLATE and _BOILERPLATE.search(bare)) or _BYLINE.match(line.rstrip())
        ):
            yield start, stop
        start = stop


def _put(text: str, marks: Iterable[tuple[int, str]]) -> str:
    """Write marks over the spaces that stand where they were."""
    parts, at = [], 0
    for start, mark in sorted(marks):
        parts += [text[at:start], mark]
        at = start + len(mark)
    return "".join(parts) + text[at:]


def _blank(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """Overwrite spans, which may overlap, with spaces; ends of lines stay."""
    parts, at = [], 0
    for start, end in sorted(spans):
        if end > at:
            start = max(start, at)
            parts += [text[at:start], re.sub(r"[^\n]", " ", text[start:end])]
            at = end
    return "".join(parts) + text[at:]
