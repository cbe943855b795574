"""Invented posts and articles, from which the model can be trained in seconds."""

import csv
import gzip
import io
import random
from collections.abc import Sequence
from pathlib import Path

Row = tuple[str, str, str, str]
"""Text, label, publisher, collection."""
COLUMNS = ("text", "label", "publisher", "collection")
# fmt: off
PLACES = ("Harbourton", "Millfield", "Eastwick", "Northaven", "Stonebridge", "Oakdale", "Rivermouth", "Fairlea")
BODIES = ("the health department", "the city council", "the water board", "the ministry", "the school office")
THINGS = ("bridge", "clinic", "market", "library", "station", "harbour", "tunnel", "stadium", "reservoir")
CALM = (
    "{body} of {place} reported {n} new cases on Tuesday, a small rise from last week",
    "according to {body} the {thing} in {place} opens again in {n} days",
    "{body} said that {n} tests were done in {place} and that results follow tomorrow",
    "officials in {place} confirmed that work on the {thing} costs {n} thousand",
)
LOUD = (
    "SHOCKING!!! secret {thing} under {place} hides the cure they never wanted you to see",
    "you will not believe what happened at the {thing} of {place}, {n} people vanished!!!",
    "wake up people, the {thing} in {place} is a hoax and {n} doctors were silenced",
    "miracle drink from {place} kills every virus in {n} minutes, share before deleted!!!",
)
OTHER = (
    "a lovely film with {n} songs, my sister laughed and the actor from {place} danced",
    "the novel is slow, though its hero sails to {place} with {n} cats and a violin",
    "bake the bread for {n} minutes, add butter and honey, serve with soup at supper",
)
ENDS = ("indeed", "today", "as planned", "again", "for now", "at last", "so far", "this year", "in town", "for all")
# fmt: on


def posts(rows: int, seed: int = 1) -> list[Row]:
    """Return short posts; half of them are fake, half have a link."""
    chance = random.Random(seed)
    found = []
    for _ in range(rows):
        fake = chance.random() < 0.5
        link = (
            f" https://t.co/{chance.randrange(10**6)} @writer{chance.randrange(40)}"
            if chance.random() < 0.5
            else ""
        )
        found.append((_line(chance, LOUD if fake else CALM) + link, "fake" if fake else "real", "", "posts"))
    return found


def articles(rows: int, seed: int = 2) -> list[Row]:
    """Return articles of 60 publishers, each of which is always fake or always real."""
    chance = random.Random(seed)
    found = []
    for _ in range(rows):
        number = chance.randrange(60)
        lines = [_line(chance, LOUD if number % 2 else CALM) for _ in range(8)]
        text = f"{lines[0].capitalize()}\n\n" + "\n\n".join(
            ". ".join(lines[i : i + 2]) + "." for i in range(1, 8, 2)
        )
        found.append((text, "fake" if number % 2 else "real", f"www.paper{number}.com:80", "articles"))
    return found


def others(rows: int, seed: int = 3) -> list[Row]:
    """Return texts of another sort."""
    chance = random.Random(seed)
    return [(_line(chance, OTHER), "other", "", "") for _ in range(rows)]


def write(path: Path, rows: Sequence[Row], columns: Sequence[str] = COLUMNS) -> Path:
    """Write a data file, gzipped where its name says so."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(columns)
    writer.writerows(row[: len(columns)] for row in rows)
    data = out.getvalue().encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def _line(chance: random.Random, forms: Sequence[str]) -> str:
    line = chance.choice(forms).format(
        place=chance.choice(PLACES),
        body=chance.choice(BODIES),
        thing=chance.choice(THINGS),
        n=chance.randrange(2, 999),
    )
    return f"{line} {' '.join(chance.sample(ENDS, 4))}"
