"""Model cards: the `CARD.md` beside a model's weights, as it is written and as chat can show it."""

from itertools import groupby
from pathlib import Path
from typing import Final

from shared.engine import Weights
from shared.model import AnyModel

LIMIT: Final = 256 * 1024
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
