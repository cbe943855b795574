"""The table that stands first on the model card: trained on one collection, tried on the others.

    python -m plugins.fact.crossdomain covid=fake_covid_train.csv politifact=fake_news_politifact.csv.gz \\
        liar=liar_train.tsv

The model of one collection is fitted on its training part, and tried on its held-out part and on all of the others.
LIAR's six grades become two: what is half true or better counts as real (Wang 2017).
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import typer

from plugins.fact.data import MAX_TEXT, Rows, read_rows
from plugins.fact.judging import answered, macro_f1
from plugins.fact.model import FactModel
from plugins.fact.split import sides
from plugins.fact.training import fit_mixture
from shared.errors import BadInput
from shared.splits import group_near_duplicates

GRADES: Final = {
    "true": "real",
    "mostly-true": "real",
    "half-true": "real",
    "barely-true": "fake",
    "false": "fake",
    "pants-fire": "fake",
}
LABEL, STATEMENT = 1, 2
"""Columns of LIAR's table, which has no header."""


@dataclass(frozen=True)
class Cell:
    """How a model of one collection does on another: macro-F1, and that of always giving the commoner label."""

    macro_f1: float
    majority: float
    rows: int


def read_liar(path: Path) -> Rows:
    """Read LIAR's table. Raises `BadInput` where it is something else."""
    rows = Rows([], [], [], [])
    try:
        with path.open(encoding="utf-8", newline="") as source:
            for line in csv.reader(source, delimiter="\t", quoting=csv.QUOTE_NONE):
                if len(line) > STATEMENT and line[STATEMENT].strip():
                    rows.texts.append(line[STATEMENT][:MAX_TEXT])
                    rows.labels.append(GRADES[line[LABEL].strip()])
                    rows.publishers.append("")
                    rows.collections.append("")
    except (OSError, UnicodeDecodeError, csv.Error, KeyError) as error:
        raise BadInput("{path} cannot be read: {reason}", path=path, reason=repr(error)) from None
    if len(set(rows.labels)) < 2:
        raise BadInput("{path} needs rows of both labels, real and fake.", path=path)
    return rows


def table(collections: Mapping[str, Rows]) -> dict[tuple[str, str], Cell]:
    """Return a cell for each pair: (trained on, tried on)."""
    parts = {}
    for name, rows in collections.items():
        side = sides(rows, group_near_duplicates(rows.texts))
        parts[name] = (rows.chosen([s == "fit" for s in side]), rows.chosen([s == "judge" for s in side]))
    cells = {}
    for name, (fit, _) in parts.items():
        mixture, _ = fit_mixture(fit, lambda done, note="": None)
        if mixture is None:
            raise BadInput("{path} has too few texts to train and to judge on.", path=name)
        model = FactModel(mixture)
        for other in collections:
            judge = parts[name][1] if other == name else collections[other]
            truth = np.array(judge.fake)
            said = np.array([answer.probability >= 0.5 for answer in answered(model, judge.texts)])
            common = max(truth.mean(), 1 - truth.mean())
            cells[name, other] = Cell(macro_f1(truth, said), float(common / (1 + common)), len(truth))
    return cells


def as_markdown(cells: Mapping[tuple[str, str], Cell], names: Sequence[str]) -> str:
    """Write the table as the model card has it."""
    lines = [
        f"| trained on ↓, tried on → | {' | '.join(names)} |",
        f"|---|{'---|' * len(names)}",
        *(
            f"| {name} | {' | '.join(f'{cells[name, each].macro_f1:.2f}' for each in names)} |"
            for name in names
        ),
        f"| *always the commoner label* | {' | '.join(f'{cells[e, e].majority:.2f}' for e in names)} |",
    ]
    return "\n".join(lines)


def main(sources: list[str]) -> None:
    """Print the table of SOURCES, each COLLECTION=FILE."""
    collections = {}
    for source in sources:
        name, equals, path = source.partition("=")
        if not equals:
            raise typer.BadParameter(f"{source}: write COLLECTION=FILE")
        collections[name] = read_liar(Path(path)) if path.endswith(".tsv") else read_rows(Path(path))
    typer.echo(as_markdown(table(collections), list(collections)))


if __name__ == "__main__":
    typer.run(main)
