"""Invented messages, from which a spam model can be trained in seconds."""

import csv
import gzip
import io
import random
from pathlib import Path

FRIENDS = (
    "are you coming {place} tonight or shall i bring {thing} to you",
    "i left {thing} {place}, can you pick it up when you have time",
    "sorry i missed you {place}, lets have lunch and talk about {thing}",
    "mum says thanks for {thing}, she will see us {place} on sunday",
    "ok, no problem. i am {place} already, dont forget {thing}",
)
SENDERS = (
    "WINNER! claim {thing} now, call {number} or text WIN to {short}, only {price} per minute",
    "URGENT: your account gets a free bonus of {price}, reply YES to {short} to claim {thing}",
    "congratulations, you have been selected to receive {thing} worth {price}! call {number}",
    "free ringtones and {thing} this week, text TONE to {short}, cost {price} a week",
    "final notice! your prize of {price} waits for you, call {number} today and win {thing}",
)
# fmt: off
THINGS = (
    "the keys", "a ticket", "the blue umbrella", "some bread", "a holiday", "the camera", "two books", "a phone",
    "the map", "a radio", "six eggs",
)
PLACES = (
    "at the station", "by the river", "in the garden", "near the school", "at home", "under the bridge", "at work",
)
ENDS = (
    "see you", "bye", "thanks a lot", "love", "soon then", "take care", "ta", "well done", "all right", "whatever",
    "by the way", "honestly", "for sure",
)
# fmt: on


def invented(rows: int, seed: int = 1) -> list[tuple[str, str]]:
    """Return messages with their labels; one in four is spam."""
    chance = random.Random(seed)
    return [_one(chance) for _ in range(rows)]


def write(path: Path, rows: list[tuple[str, str]]) -> Path:
    """Write a data file, gzipped where its name says so."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerows([("text", "label"), *rows])
    data = out.getvalue().encode("utf-8", "surrogatepass")
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def _one(chance: random.Random) -> tuple[str, str]:
    spam = chance.random() < 0.25
    text = chance.choice(SENDERS if spam else FRIENDS).format(
        thing=chance.choice(THINGS),
        place=chance.choice(PLACES),
        number="0" + "".join(chance.choice("123456789") for _ in range(10)),
        short=chance.randrange(60000, 89999),
        price=f"£{chance.randrange(1, 900)}",
    )
    ends = " ".join(chance.sample(ENDS, 5))
    return f"{text} {ends}", "spam" if spam else "ham"
