"""Model cards: the `CARD.md` beside a model's weights, as it is written and as chat can show it."""

import re
from itertools import groupby
from pathlib import Path
from typing import Final

from shared.charts import Measured
from shared.engine import Weights
from shared.model import AnyModel

LIMIT: Final = 256 * 1024
SAID: Final = 240
"""Characters of what a card says that are quoted."""
_NUMBER: Final = re.compile(r"-?\d+(?:\.\d+)?")
_BLOCKS: Final = ("|", "- ", "* ", "> ", "```")


def card_text(model: AnyModel, weights: Weights) -> str:
    """Return the card of the weights that answer, else that of those which ship; "" where there is none."""
    for folder in (weights.folder, model.default):
        path = Path(folder) / "CARD.md" if folder else None
        if path and path.is_file():
            with path.open(encoding="utf-8", errors="replace") as file:
                return file.read(LIMIT)
    return ""


def for_chat(card: str) -> str:
    """Write a card in what Discord knows of Markdown: tables become lists, paragraphs lose their line breaks."""
    written = []
    for is_table, group in groupby(card.splitlines(), lambda line: line.startswith("|")):
        lines = list(group)
        written += _as_list(lines) if is_table else _unwrapped(lines)
    return "\n".join(written).strip()


def _as_list(lines: list[str]) -> list[str]:
    """Write each row of a table as an item: its first cell, then each other with its column's name."""
    header, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    written = []
    for row in rows:
        if all(set(cell) <= set("-: ") for cell in row):
            continue
        named = [f"{name}: {cell}" if name else cell for name, cell in zip(header[1:], row[1:], strict=False)]
        written.append(
            f"- **{row[0].strip('*')}** – {' · '.join(named)}" if row[0] else f"- {' · '.join(named)}"
        )
    return written


def _unwrapped(lines: list[str]) -> list[str]:
    """Join the lines of each paragraph and of each item of a list."""
    written: list[str] = []
    joins = False
    for line in lines:
        if joins and line.strip() and not line.startswith(_BLOCKS) and not line.startswith("#"):
            written[-1] += " " + line.strip()
        else:
            written.append(line)
        joins = bool(line.strip()) and not line.startswith(("#", "```"))
    return written


def figures_of(card: str) -> list[Measured]:
    """Return the figures of a card's first table of metrics, each with its interval and what stands beside it."""
    for is_table, group in groupby(card.splitlines(), lambda line: line.startswith("|")):
        if not is_table:
            continue
        header, *rows = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in group]
        if len(header) < 3 or header[0].casefold() != "metric" or "interval" not in header[2].casefold():
            continue
        return [found for row in rows if (found := _figure(header, row)) is not None]
    return []


def course_of(card: str) -> str:
    """Return what a card says in figures of the course's model: a row of a table, else a sentence, else ""."""
    header: list[str] = []
    for line in card.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")] if line.startswith("|") else []
        if cells and "course" in cells[0].casefold() and any(map(_NUMBER.search, cells[1:])):
            named = [
                f"{name}: {cell}" if name else cell for name, cell in zip(header[1:], cells[1:], strict=False)
            ]
            return " · ".join([cells[0], *named])[:SAID]
        # The first row of each table names its columns.
        header = (header or cells) if cells else []
    prose = " ".join(line for line in card.splitlines() if line and not line.startswith(("|", "#")))
    for sentence in re.split(r"(?<=[.;:]) ", prose):
        if (
            "course" in sentence.casefold()
            and re.search(r"accuracy|F1|%", sentence)
            and _NUMBER.search(sentence)
        ):
            return sentence.strip()[:SAID]
    return ""


def _figure(header: list[str], row: list[str]) -> Measured | None:
    value, ends = _NUMBER.findall(row[1]), _NUMBER.findall(row[2])
    if len(row) != len(header) or len(value) != 1 or len(ends) != 2:
        return None
    beside = [
        (name, float(cell.strip("*")))
        for name, cell in zip(header[3:], row[3:], strict=True)
        if _NUMBER.fullmatch(cell.strip("*"))
    ]
    return Measured(
        name=row[0].strip("*`"),
        value=float(value[0]),
        low=float(ends[0]),
        high=float(ends[1]),
        beside=[(name.strip("*`"), number) for name, number in beside],
    )
