"""Training judges on rows that it never saw, writes what it judged, and says what is wrong with a file."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from bot.trainer import Job, run
from plugins.sentiment.calibration import PIECES, WIDEST, calibrate, open_band, pieces
from plugins.sentiment.data import read_reviews
from plugins.sentiment.ensemble import Ensemble
from plugins.sentiment.features import tokens
from plugins.sentiment.fitting import PLANS
from plugins.sentiment.judging import HOLDOUT
from plugins.sentiment.model import SentimentModel, SentimentRequest, SentimentResult
from plugins.sentiment.training import train as train_with
from shared.errors import BadInput
from shared.model import Device, Report
from shared.splits import holdout
from shared.store import Store
from shared.training_report import curves_of
from tests.plugins.sentiment.reviews import Row, invented, write

ROWS = [*invented(300, "en"), *invented(300, "zh")]
# A network reads sentences of few rows already, and for both languages.
SMALL = {name: dataclasses.replace(plan, sentences_from=100) for name, plan in PLANS.items()}


@dataclass(frozen=True)
class Trained:
    """A trained model, and what it was trained on."""

    data: Path
    folder: Path
    report: Report
    steps: list[float]

    @property
    def model(self) -> SentimentModel:
        """Return the model as the worker would load it."""
        return SentimentModel.load(self.folder, Device())


def train(folder: Path, rows: Sequence[Row]) -> Trained:
    folder.mkdir(parents=True)
    data, steps = write(folder / "reviews.csv", list(rows)), list[float]()
    report = train_with(data, folder / "weights", lambda done, note="": steps.append(done), SMALL)
    return Trained(data, folder / "weights", report, steps)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return train(tmp_path_factory.mktemp("sentiment") / "both", ROWS)


def test_it_learns_both_languages_and_says_how_well(trained: Trained) -> None:
    report = trained.report
    assert set(report.metrics) == {"accuracy", "f1_macro", "roc_auc", "abstained", "accuracy_answered"}
    assert report.metrics["accuracy"].low > 0.9 > report.baseline["accuracy"]
    assert set(report.details["by_language"]) == {"en", "zh"}
    assert sum(each["rows"] for each in report.details["by_language"].values()) == report.n
    assert report.n == report.details["rows"]["held out"] == len(report.losses)
    assert report.n + report.details["rows"]["training"] == len(ROWS)
    assert set(report.details["en"]["members"]) == {"n-grams", "sentences"}
    curves = curves_of(report)
    assert [each.name for each in curves] == ["en", "zh"]
    for each in curves:
        assert len(each.train) == len(each.test) > 1
        assert each.train[-1] < each.train[0]
    assert report.details["taken over from what ships"] == []


def test_progress_only_rises_and_ends_at_one(trained: Trained) -> None:
    assert trained.steps == sorted(trained.steps)
    assert trained.steps[-1] == 1.0


def test_what_is_written_answers_as_it_was_judged(trained: Trained) -> None:
    again = trained.model.evaluate(trained.data, "holdout")
    assert again.n == trained.report.n
    assert again.losses == pytest.approx(trained.report.losses, abs=1e-6)
    assert again.confusion == trained.report.confusion
    assert trained.model.evaluate(trained.data, "all").n == len(ROWS)


def test_traditional_chinese_is_judged_as_the_simplified_that_was_learned(trained: Trained) -> None:
    answers = trained.model.predict(
        [
            SentimentRequest("房间很脏，服务冷淡，再也不会来了。"),
            SentimentRequest("房間很髒，服務冷淡，再也不會來了。"),
        ]
    )
    simplified, traditional = (each for each in answers if isinstance(each, SentimentResult))
    assert traditional.probability == simplified.probability < 0.2
    assert (traditional.verdict, traditional.language) == ("negative", "zh")


def test_labels_of_held_out_rows_change_nothing_but_the_report(trained: Trained, tmp_path: Path) -> None:
    sides = holdout([text for text, _ in ROWS], HOLDOUT)
    turned = [
        (text, {"negative": "positive", "positive": "negative"}[label] if held else label)
        for (text, label), held in zip(ROWS, sides, strict=True)
    ]
    other = train(tmp_path / "turned", turned)
    for one, two in zip(_files(trained.folder), _files(other.folder), strict=True):
        assert one == two
    assert other.report.metrics["accuracy"].value < 0.5


def test_words_of_held_out_rows_are_not_learned(trained: Trained) -> None:
    sides = holdout([text for text, _ in ROWS], HOLDOUT)
    learned = [text for (text, _), held in zip(ROWS, sides, strict=True) if not held]
    seen = {token.form for text in learned for name in PLANS for token in tokens(text, name)}
    for part in Ensemble.read(trained.folder).parts.values():
        assert set(part.vocabulary) <= seen


def test_a_language_that_the_file_lacks_is_taken_over_from_what_ships(tmp_path: Path) -> None:
    only = train(tmp_path / "one", invented(300, "zh"))
    assert only.report.details["taken over from what ships"] == ["en"]
    assert SentimentModel.default is not None
    request = SentimentRequest("What a wonderful film, I loved every minute of it.")
    (ours,) = only.model.predict([request])
    (shipped,) = SentimentModel.load(SentimentModel.default, Device()).predict([request])
    assert isinstance(ours, SentimentResult)
    assert isinstance(shipped, SentimentResult)
    assert ours.probability == pytest.approx(shipped.probability, abs=1e-3)
    assert ours.verdict == "positive"


def test_the_trainer_stores_a_version_and_the_gate_judges_it(tmp_path: Path) -> None:
    store, data = Store(tmp_path / "models"), write(tmp_path / "reviews.csv.gz", ROWS)
    job = Job(
        model="plugins.sentiment.model:SentimentModel", data=str(data), store=str(store.root), device="cpu"
    )
    done = run(job, lambda share, note="": None)
    assert done.judgement is not None
    assert done.judgement.against == "default"
    # The invented words mean to this file alone what they mean here, so it beats what ships.
    assert done.judgement.passed
    assert store.report("sentiment", done.version).metrics["accuracy"].value > 0.9


def test_rows_that_people_called_mixed_teach_nothing(tmp_path: Path) -> None:
    data = write(tmp_path / "said.csv", [("so so", "mixed"), ("good", "positive"), ("bad", "negative")])
    assert read_reviews(data).texts == ["good", "bad"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no column text"),
        (b"text,verdict\nhello,positive\n", "no column label"),
        (b"text,label\nhello,positive\nbye,maybe\n", "line 3: the label is 'maybe'"),
        (b"text,label\nhello,positive\nbye,positive\n", "both labels"),
        (b"\xff\xfe\x00text", "no CSV table in UTF-8"),
        (b"text,label\nhello,positive\nbye,negative\n", "too few reviews"),
    ],
    ids=["empty", "column", "label", "one class", "encoding", "few"],
)  # fmt: skip
def test_a_file_that_cannot_be_used_is_refused_in_one_sentence(
    tmp_path: Path, content: bytes, message: str
) -> None:
    data = tmp_path / "reviews.csv"
    data.write_bytes(content)
    with pytest.raises(BadInput, match=message) as caught:
        SentimentModel.train(data, tmp_path / "weights", lambda done, note="": None)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "weights").exists()


def test_pieces_are_runs_of_a_text_s_tokens() -> None:
    texts = ["One, two three four five six seven!", " one", ""]
    for text, piece, kept in zip(
        texts, *pieces(texts, [tokens(text, "en") for text in texts], 1), strict=True
    ):
        assert piece in text
        assert kept == tokens(piece, "en")
        assert len(kept) <= PIECES[1]


def test_calibration_finds_the_log_odds_that_the_scores_were_drawn_from() -> None:
    random = np.random.default_rng(1)
    odds = random.normal(0, 2, 4000)
    truth = random.random(4000) < 1 / (1 + np.exp(-odds))
    scores = np.array([odds / 3, random.normal(0, 1, 4000)])
    found = calibrate(scores, scores, np.full(8000, 200.0), truth)
    slope = float(found.slopes(np.array([200.0]))[0])
    assert slope * found.mix[0] == pytest.approx(3, rel=0.15)
    assert slope * found.mix[1] == pytest.approx(0, abs=0.15)
    assert found.shift == pytest.approx(0, abs=0.15)


def test_the_open_band_is_as_wide_as_it_must_be_and_no_wider() -> None:
    probability = np.concatenate([np.full(100, 0.99), np.full(100, 0.6)])
    wrong_when_unsure = np.concatenate([np.ones(100), np.arange(100) % 2]).astype(bool)
    assert open_band(probability, wrong_when_unsure) == 0.39
    assert open_band(probability, np.ones(200, dtype=bool)) == 0.5
    assert open_band(probability, np.zeros(200, dtype=bool)) == WIDEST


def _files(folder: Path) -> list[bytes]:
    return [(folder / name).read_bytes() for name in ("model.json", "weights.safetensors")]
