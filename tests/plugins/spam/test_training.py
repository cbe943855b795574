"""Training judges on rows that it never saw, writes what it judged, and says what is wrong with a file."""

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from plugins.spam.data import MAX_TEXT, read_messages
from plugins.spam.features import tokens, words
from plugins.spam.model import SpamModel, SpamRequest, SpamResult
from plugins.spam.training import HOLDOUT
from shared.errors import BadInput
from shared.model import Device, Report
from shared.splits import holdout
from shared.training_report import NO_EPOCHS, without_curves
from tests.plugins.spam.messages import invented, write

ROWS = invented(500)


@dataclass(frozen=True)
class Trained:
    """A trained model, and what it was trained on."""

    data: Path
    folder: Path
    report: Report
    steps: list[float]

    @property
    def model(self) -> SpamModel:
        """Return the model as the worker would load it."""
        return SpamModel.load(self.folder, Device())


def train(folder: Path, rows: list[tuple[str, str]]) -> Trained:
    folder.mkdir(parents=True)
    data, steps = write(folder / "messages.csv", rows), list[float]()
    report = SpamModel.train(data, folder / "weights", lambda done, note="": steps.append(done))
    return Trained(data, folder / "weights", report, steps)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return train(tmp_path_factory.mktemp("spam") / "first", ROWS)


def test_it_learns_more_than_the_baseline_knows(trained: Trained) -> None:
    report = trained.report
    assert set(report.metrics) == {"accuracy", "precision", "recall", "f1", "roc_auc", "average_precision"}
    assert report.metrics["accuracy"].low > report.baseline["accuracy"]
    assert report.metrics["roc_auc"].low > 0.9
    assert without_curves(report) == NO_EPOCHS
    assert report.baseline_name == "always ham"
    assert report.n == report.details["rows"]["held out"] == len(report.losses)
    assert report.n + report.details["rows"]["training"] == len(ROWS)


def test_the_course_s_models_and_the_linear_ones_are_compared_on_the_same_rows(trained: Trained) -> None:
    compared = trained.report.details["compared"]
    assert {"decision tree", "random forest", "XGBoost", trained.report.details["chosen"]} <= set(compared)
    assert all(set(figures) == set(trained.report.metrics) for figures in compared.values())
    assert {name for name in trained.report.reference if name.startswith("course")}


def test_progress_only_rises_and_ends_at_one(trained: Trained) -> None:
    assert trained.steps == sorted(trained.steps)
    assert trained.steps[-1] == 1.0


def test_what_is_written_answers_as_it_was_judged(trained: Trained) -> None:
    again = trained.model.evaluate(trained.data, "holdout")
    assert again.n == trained.report.n
    assert again.losses == pytest.approx(trained.report.losses, abs=1e-3)
    assert again.confusion == trained.report.confusion
    whole = trained.model.evaluate(trained.data, "all")
    assert whole.n == len(ROWS)


def test_labels_of_held_out_rows_change_nothing_but_the_report(trained: Trained, tmp_path: Path) -> None:
    sides = holdout([text for text, _ in ROWS], HOLDOUT)
    turned = [
        (text, {"ham": "spam", "spam": "ham"}[label] if held else label)
        for (text, label), held in zip(ROWS, sides, strict=True)
    ]
    other = train(tmp_path / "turned", turned)
    requests = [SpamRequest(text) for text, _ in ROWS]
    answers, others = trained.model.predict(requests), other.model.predict(requests)
    for one, two in zip(answers, others, strict=True):
        assert isinstance(one, SpamResult)
        assert isinstance(two, SpamResult)
        assert (one.spam, one.probability) == (two.spam, pytest.approx(two.probability, abs=1e-4))
    assert other.report.metrics["accuracy"].value < 0.5 < trained.report.metrics["accuracy"].value


def test_words_of_held_out_rows_are_not_learned(trained: Trained) -> None:
    sides = holdout([text for text, _ in ROWS], HOLDOUT)
    learned = [text for (text, _), held in zip(ROWS, sides, strict=True) if not held]
    assert trained.model.linear.vocabulary <= {token for text in learned for token in tokens(words(text))}


def test_a_gzipped_file_reads_like_a_plain_one(trained: Trained, tmp_path: Path) -> None:
    assert read_messages(write(tmp_path / "messages.csv.gz", ROWS)) == read_messages(trained.data)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no column text"),
        (b"text,verdict\nhello,ham\n", "no column label"),
        (b"text,label\nhello,ham\nbye,maybe\n", "line 3: the label is 'maybe'"),
        (b"text,label\nhello\n", "line 2: the label is ''"),
        (b"text,label\nhello,ham\nbye,ham\n", "both labels"),
        (b"\xff\xfe\x00text", "no CSV table in UTF-8"),
        (b'text,label\n"' + b"x" * 200_000 + b'",ham\n', "no CSV table"),
        (b"text,label\nhello,ham\nwin,spam\n", "too few messages"),
    ],
    ids=["empty", "column", "label", "short row", "one class", "encoding", "huge field", "few"],
)  # fmt: skip
def test_a_file_that_cannot_be_used_is_refused_in_one_sentence(
    tmp_path: Path, content: bytes, message: str
) -> None:
    data = tmp_path / "messages.csv"
    data.write_bytes(content)
    with pytest.raises(BadInput, match=message) as caught:
        SpamModel.train(data, tmp_path / "weights", lambda done, note="": None)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "weights").exists()


@pytest.mark.parametrize("name", ["missing.csv", "folder.csv", "torn.csv.gz"])
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "torn.csv.gz").write_bytes(write(tmp_path / "whole.csv.gz", ROWS).read_bytes()[:500])
    with pytest.raises(BadInput, match="cannot be read"):
        read_messages(tmp_path / name)


def test_many_copies_of_few_messages_are_too_few(tmp_path: Path) -> None:
    rows = [("hello my dear friend", "ham"), ("win a prize now", "spam"), ("are you there", "ham")] * 200
    with pytest.raises(BadInput, match="too few messages"):
        SpamModel.train(
            write(tmp_path / "copies.csv", rows), tmp_path / "weights", lambda done, note="": None
        )


def test_reading_keeps_other_columns_out_empty_texts_away_and_long_ones_short(tmp_path: Path) -> None:
    data = tmp_path / "messages.csv"
    long = "x" * (MAX_TEXT + 5)
    data.write_text(
        f'\ufefflabel,id,text\nHam,1,"two\nlines, one text"\nSPAM ,2,{long}\nham,3,\nham,4,"  "\n', "utf-8"
    )
    found = read_messages(data)
    assert found.texts == ["two\nlines, one text", "x" * MAX_TEXT]
    assert found.spam == [False, True]


def test_the_weights_that_ship_are_as_good_as_their_card_says() -> None:
    roots = [Path(__file__).parents[4] / "shared" / "data", Path(os.environ.get("HEARTH_SHARED_DATA", "."))]
    data = next((root / "sms_spam.csv" for root in roots if (root / "sms_spam.csv").is_file()), None)
    if data is None:
        pytest.skip(f"the SMS Spam Collection is not at {' or '.join(map(str, roots))}")
    assert SpamModel.default is not None
    report = SpamModel.load(SpamModel.default, Device()).evaluate(data, "holdout")
    card = (SpamModel.default / "CARD.md").read_text(encoding="utf-8")
    for name, found in report.metrics.items():
        assert f"| {name} | {found.value:.3f} | {found.low:.3f} – {found.high:.3f} |" in card
    assert report.metrics["accuracy"].value >= 0.99
    assert report.metrics["f1"].value >= 0.965
    assert report.metrics["roc_auc"].value >= 0.995
