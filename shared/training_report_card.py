"""Turns a model's card into HTML: headings, paragraphs, lists and tables of Markdown, and nothing that leads away."""

import re
from html import escape
from itertools import groupby
from typing import Final

_LINK: Final = re.compile(r"!?\[([^\]\n]{0,300})\]\([^)\n]{0,500}\)")
_CODE: Final = re.compile(r"`([^`\n]{1,500})`")
_MARKED: Final = re.compile(r"\*\*([^*\n]{1,500})\*\*|`([^`\n]{1,500})`")
_ABOUT_LIMITS: Final = re.compile(r"\blimits?\b", re.IGNORECASE)


def limits_of(card: str) -> str:
    """Return the sections of a card whose heading speaks of limits, as Markdown; "" where none does."""
    found: list[str] = []
    taking = False
    for line in card.splitlines():
        if line.startswith("#"):
            taking = line.startswith("##") and bool(_ABOUT_LIMITS.search(line))
        elif taking:
            found.append(line)
    return "\n".join(found).strip()


def card_html(card: str) -> str:
    """Return the card as HTML; all of its text is escaped, links and pictures become their words."""
    parts = []
    for kind, group in groupby(_blocks(card), lambda block: block[0]):
        blocks = [text for _, text in group]
        match kind:
            case "heading":
                parts += [_heading(text) for text in blocks]
            case "table":
                parts.append(_table(blocks))
            case "item":
                parts.append("<ul>" + "".join(f"<li>{_inline(text)}</li>" for text in blocks) + "</ul>")
            case _:
                parts += [f"<p>{_inline(text)}</p>" for text in blocks if text]
    return "".join(parts)


def _blocks(card: str) -> list[tuple[str, str]]:
    """Return (kind, text) of each heading, paragraph, item and row; a blank line ends what it follows."""
    blocks: list[tuple[str, str]] = []
    joins = False
    for line in card.splitlines():
        bare = line.strip()
        if bare.startswith("#"):
            blocks.append(("heading", bare))
        elif bare.startswith("|"):
            blocks.append(("table", bare))
        elif bare.startswith(("- ", "* ")):
            blocks.append(("item", bare[2:]))
        elif joins and bare and blocks[-1][0] in ("item", "text"):
            blocks[-1] = (blocks[-1][0], f"{blocks[-1][1]} {bare}")
        else:
            blocks.append(("text", bare))
        joins = bool(bare) and not bare.startswith(("#", "|"))
    return blocks


def _heading(text: str) -> str:
    depth = len(text) - len(text.lstrip("#"))
    level = min(depth + 2, 6)
    return f"<h{level}>{_inline(text.lstrip('# '))}</h{level}>"


def _table(rows: list[str]) -> str:
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    shown = [row for row in cells if not all(set(cell) <= set("-: ") for cell in row) or row == cells[0]]
    written = ["<table>"]
    for at, row in enumerate(shown):
        tag = "th" if at == 0 and any(row) else "td"
        if any(row):
            written.append("<tr>" + "".join(f"<{tag}>{_inline(cell)}</{tag}>" for cell in row) + "</tr>")
    return "".join([*written, "</table>"])


def _inline(text: str) -> str:
    return _MARKED.sub(_tagged, escape(_LINK.sub(r"\1", text)))


def _tagged(match: re.Match[str]) -> str:
    bold, code = match.groups()
    if bold is None:
        return f"<code>{code}</code>"
    inside = _CODE.sub(r"<code>\1</code>", bold)
    return f"<strong>{inside}</strong>"
