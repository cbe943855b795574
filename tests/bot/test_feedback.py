"""What people say about verdicts, from the button under an answer to a data file to train on."""

import asyncio
import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from bot.cli import build
from plugins.spam.tables import feedback
from shared.database import Database, now_ms
from shared.feedback import as_csv, as_training_rows
from shared.settings import Settings

HOSTILE = 'WIN a prize, "now"\n=1+1'


def keep(rows: list[tuple[int, str, str]]) -> None:
    """Keep (user, text, label), as the button does."""

    async def insert() -> None:
        database = Database(Settings().database)
        async with database.begin() as connection:
            for user, text, label in rows:
                await connection.execute(
                    feedback.insert().values(
                        user_id=user,
                        text=text,
                        digest=str(hash(text)),
                        label=label,
                        probability=0.5,
                        created_ms=now_ms(),
                    )
                )
        await database.close()

    asyncio.run(insert())


def test_feedback_becomes_a_data_file_by_majority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEARTH_DATA_DIR", str(tmp_path))
    app, run = build(), CliRunner().invoke
    assert run(app, ["plugins", "feedback", "spam"]).stdout.split() == ["text,label"]
    keep(
        [
            (1, HOSTILE, "spam"),
            (2, HOSTILE, "spam"),
            (3, HOSTILE, "ham"),
            (1, "see you", "ham"),
            (1, "?", "ham"),
            (2, "?", "spam"),
        ]
    )
    out = tmp_path / "feedback.csv"
    assert run(app, ["plugins", "feedback", "spam", "--out", str(out)]).exit_code == 0
    with out.open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file)) == [["text", "label"], [HOSTILE, "spam"], ["see you", "ham"]]
    assert run(app, ["plugins", "feedback", "spam", "--out", str(out)]).exit_code != 0
    assert run(app, ["plugins", "feedback", "nothing"]).exit_code != 0


@given(st.lists(st.tuples(st.text(), st.sampled_from(["a", "b"]))))
def test_a_text_gets_one_label_or_none(said: list[tuple[str, str]]) -> None:
    rows = as_training_rows(said)
    assert len({text for text, _ in rows}) == len(rows)
    for text, label in rows:
        votes = [given for each, given in said if each == text]
        assert 2 * votes.count(label) > len(votes)
    read = list(csv.reader(io.StringIO(as_csv(rows), newline="")))
    assert [tuple(row) for row in read[1:]] == rows or any("\0" in text for text, _ in rows)
