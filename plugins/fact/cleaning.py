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
_HANDLE: Final = re.compile(r"(?<![\w@])(?:@\w+)+")
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
    r"all rights reserved|copyright|©|\bcookies?\b|privacy policy|terms of (?:use|service)|"
    r"share this (?:on|post|story|article)|"
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
PASSES: Final = 6
"""What is taken out can lay bare what was not seen before: a dateline behind a link, say."""
TITLE_TAIL: Final = 80
"""Characters at the end of a title in which the site's name is looked for."""
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
    marks: list[tuple[int, str]] = []
    for _ in range(PASSES):
        before = text
        text = _blank(text, (match.span() for match in _MAIL.finditer(text)))
        for pattern in (_LINK, _HANDLE):
            matches = list(pattern.finditer(text))
            marks += [(match.start(), match.group()) for match in matches]
            text = _blank(text, (match.span() for match in matches))
        for lines in (_sites, _datelines, _boilerplate):
            text = _blank(text, lines(text))
        if text == before:
            break
    marks.sort()
    links = [(start, mark) for start, mark in marks if not mark.startswith("@")]
    return Cleaned(
        text,
        _put(text, [(start, mark if mark.startswith("@") else LINK) for start, mark in marks]),
        tuple(found[1].lower() for _, link in links if (found := _DOMAIN.match(link))),
        tuple(mark.lower() for _, mark in marks if mark.startswith("@")),
    )


def title_end(text: str) -> int:
    """Return where the first line that is not empty ends, if more follows it; else 0: then there is no title."""
    start = len(text) - len(text.lstrip())
    end = text.find("\n", start)
    return end if end >= 0 and text[end:].strip() else 0


def _sites(text: str) -> Iterable[tuple[int, int]]:
    """Yield the spans of the site's name behind the title."""
    end = stop = title_end(text)
    while end and (site := _SITE_AFTER_TITLE.search(text, max(0, end - TITLE_TAIL), stop)):
        # What remains must still be a title.
        if not text[: site.start()].strip():
            break
        yield site.span()
        stop = site.start()


def _datelines(text: str) -> Iterable[tuple[int, int]]:
    return (match.span() for match in _DATELINE.finditer(text))


def _boilerplate(text: str) -> Iterable[tuple[int, int]]:
    """Yield the spans of bylines and of lines of boilerplate, below the title."""
    start = end = title_end(text)
    for line in text[end:].split("\n") if end else ():
        bare = line.strip()
        known = len(bare) <= LONGEST_BOILERPLATE and _BOILERPLATE.search(bare)
        if bare and (known or _BYLINE.match(line)):
            yield start, start + len(line)
        start += len(line) + 1


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
