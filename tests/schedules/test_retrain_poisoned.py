"""Poisoned feedback: a few accounts that lie, flood and repeat themselves do not get a worse model promoted."""

import csv
import random
from pathlib import Path

import pytest

from shared.fingerprint import fingerprint
from shared.learning import ENOUGH, Vote
from shared.learning_file import Order, write
from shared.learning_rules import FEW
from shared.model import Device
from shared.promotion import Gate
from shared.store import Store
from tests.kit.words import Words, sentences
from tests.plugins.spam.messages import write as write_rows

LIARS = (101, 102, 103)
HONEST = range(1, 13)
FLIPPED = {"ham": "spam", "spam": "ham"}
LABELS = ["ham", "spam"]


def nothing(done: float, note: str = "") -> None:
    """Show no progress."""


def poisoned(chance: random.Random, *, hidden: bool) -> list[Vote]:
    """Return what honest people said, and three accounts: 30 % of the votes on these texts are flipped, and a flood.

    `hidden`: the three keep to texts of their own, where nobody contradicts them.
    """
    votes: list[Vote] = []
    for at, (text, label) in enumerate(sentences(120, seed=7)):
        honest = chance.sample(HONEST, 7)
        votes += [Vote(person, text, label, at * 10 + person % 10) for person in honest]
        where, said = sentences(120, seed=6)[at] if hidden else (text, label)
        votes += [Vote(liar, where, FLIPPED[said], at * 10 + 9) for liar in LIARS]
    assert sum(vote.person in LIARS for vote in votes) == 0.3 * len(votes)
    # Texts of their own, on which they agree, and the same again and again, newer than all others.
    for at, (text, label) in enumerate(sentences(400, seed=8)):
        votes += [Vote(liar, text, FLIPPED[label], 10_000 + at) for liar in LIARS]
        votes += [Vote(LIARS[0], text + "!" * (at % 3 + 1), FLIPPED[label], 20_000 + at)]
    return votes


def version(store: Store, data: Path) -> str:
    """Train a version on a file."""
    with store.stage(Words.name) as folder:
        report = Words.train(data, folder, nothing)
        made = store.publish(
            Words.name, folder, report=report, data=fingerprint(data), licence="", code="", parent=None
        )
    return made.version


def accuracy(store: Store, made: str, clean: Path) -> float:
    model = Words.load(store.open(Words.name, made), Device())
    return model.evaluate(clean).metrics["accuracy"].value


@pytest.mark.parametrize("hidden", [False, True], ids=["against others", "where nobody else is"])
def test_thirty_per_cent_flipped_by_three_accounts_with_floods_promote_nothing_worse(
    hidden: bool, tmp_path: Path
) -> None:
    base = write_rows(tmp_path / "base.csv", sentences(700))
    clean = write_rows(tmp_path / "clean.csv", sentences(2000, seed=3))
    joined = tmp_path / "joined.csv"
    votes = poisoned(random.Random(5), hidden=hidden)
    made = write(Order(base=str(base), votes=votes, labels=LABELS, out=str(joined)), nothing)
    truth = dict(sentences(120, seed=7))
    with joined.open(encoding="utf-8", newline="") as file:
        learned = {r["text"]: r["label"] for r in csv.DictReader(file) if r["source"] == "feedback"}
    lies = [text for text, label in learned.items() if truth.get(text) != label]
    assert len(learned) - len(lies) >= 40
    # Whom nobody contradicts cannot be found out, but what three may give is little.
    assert len(lies) == (3 * FEW if hidden else 0)
    assert made.people_left_out == (0 if hidden else len(LIARS))
    store = Store(tmp_path / "store")
    before = version(store, base)
    store.promote(Words.name, before)
    after = version(store, joined)
    judged = Gate(Words, store, base, Device(), fewest=ENOUGH).admit(after)
    assert judged.rows >= ENOUGH
    champion = store.champion(Words.name)
    assert champion is not None
    assert accuracy(store, champion, clean) >= accuracy(store, before, clean) - 0.01


def test_even_if_every_lie_were_learned_the_gate_would_refuse(tmp_path: Path) -> None:
    rows = sentences(700)
    # Lies at random only make a model less sure; these, of nearly a third of all rows, have a purpose.
    aimed = {"winner", "claim"}
    flipped = [(text, "ham" if aimed & set(text.split()) else label) for text, label in rows]
    assert 0.25 < sum(one != other for one, other in zip(rows, flipped, strict=True)) / len(rows) < 0.35
    base = write_rows(tmp_path / "base.csv", rows)
    store = Store(tmp_path / "store")
    before = version(store, base)
    store.promote(Words.name, before)
    after = version(store, write_rows(tmp_path / "flipped.csv", flipped))
    judged = Gate(Words, store, base, Device(), fewest=ENOUGH).admit(after)
    assert not judged.passed
    assert "is worse" in judged.reason
    assert store.champion(Words.name) == before
