"""The course's model: padding is never read, its vocabulary is of training rows, and a break of training is no loss."""

from pathlib import Path

import pytest
import torch
from torch.nn.utils.rnn import pad_sequence

from plugins.sentiment.bilstm import SentimentBiLSTM
from plugins.sentiment.features import tokens
from plugins.sentiment.judging import HOLDOUT
from plugins.sentiment.model import SentimentModel, SentimentRequest, SentimentResult
from plugins.sentiment.recurrent import LENGTH, BiLSTM, Recurrent
from plugins.sentiment.recurrent_training import Shape, train
from shared.errors import BadInput, ModelUnavailable
from shared.model import Device, Report, stays_warm
from shared.splits import holdout
from shared.training_report import curves_of
from tests.plugins.sentiment.reviews import invented, write

ROWS = invented(300, "en")
SHAPE = Shape(tokens=200, dimensions=8, hidden=6, epochs=6, patience=2, batch=16, rate=2e-2)


class Broken(Exception):
    """The training is broken off."""


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Report]:
    folder = tmp_path_factory.mktemp("bilstm")
    data = write(folder / "reviews.csv", ROWS)
    report = train(data, folder / "weights", lambda done, note="": None, SHAPE)
    return data, folder / "weights", report


def test_what_a_text_is_told_does_not_hang_on_the_texts_beside_it() -> None:
    torch.manual_seed(1)
    module = BiLSTM(20, 6, 5).eval()
    rows = [torch.tensor([3, 4, 5]), torch.tensor([7] * 40), torch.tensor([1])]
    with torch.inference_mode():
        together = module(pad_sequence(rows, batch_first=True))
        alone = torch.cat([module(row[None]) for row in rows])
    assert together.tolist() == pytest.approx(alone.tolist(), abs=1e-5)


def test_it_learns_more_than_the_baseline_knows(learned: tuple[Path, Path, Report]) -> None:
    _, _, report = learned
    assert report.metrics["accuracy"].value > 0.85 > report.baseline["accuracy"]
    (curves,) = curves_of(report)
    assert list(curves.test) == report.details["validation_losses"]
    assert len(curves.train) == len(curves.test)
    assert curves.train[-1] < curves.train[0]
    assert report.metrics["abstained"].value == 0
    rows = report.details["rows"]
    assert sum(rows.values()) == len(ROWS)
    assert report.n == rows["held out"]


def test_what_is_written_answers_as_it_was_judged(learned: tuple[Path, Path, Report]) -> None:
    data, folder, report = learned
    model = SentimentBiLSTM.load(folder, Device())
    again = model.evaluate(data, "holdout")
    # Half the bits are written.
    assert again.losses == pytest.approx(report.losses, abs=0.02)
    (found,) = model.predict(
        [SentimentRequest("the film was dreadful, the story was boring, dull and cold.")]
    )
    assert isinstance(found, SentimentResult)
    assert found.verdict == "negative"
    assert not found.exact


def test_words_of_held_out_rows_are_not_learned(learned: tuple[Path, Path, Report]) -> None:
    _, folder, _ = learned
    sides = holdout([text for text, _ in ROWS], HOLDOUT)
    seen = {
        token.form
        for (text, _), held in zip(ROWS, sides, strict=True)
        if not held
        for token in tokens(text, "en")
    }
    assert set(Recurrent.read(folder, Device()).vocabulary) <= seen


def test_a_training_that_broke_off_goes_on_where_it_was(
    learned: tuple[Path, Path, Report], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, _, report = learned
    monkeypatch.setenv("HEARTH_SENTIMENT_CHECKPOINTS", str(tmp_path / "kept"))

    def broken(done: float, note: str = "") -> None:
        if done > 0.7:
            raise Broken

    with pytest.raises(Broken):
        train(data, tmp_path / "weights", broken, SHAPE)
    assert (tmp_path / "kept" / "sentiment-bilstm.safetensors").is_file()
    resumed = train(data, tmp_path / "weights", lambda done, note="": None, SHAPE)
    assert len(resumed.details["validation_losses"]) < SHAPE.epochs
    assert resumed.losses == pytest.approx(report.losses, abs=1e-5)


@pytest.mark.parametrize("text", ["", "😀", "good " * (3 * LENGTH), "你好"])
def test_any_text_has_an_answer(learned: tuple[Path, Path, Report], text: str) -> None:
    (found,) = SentimentBiLSTM.load(learned[1], Device()).predict([SentimentRequest(text)])
    assert isinstance(found, SentimentResult)
    assert 0 < found.probability < 1


def test_it_ships_no_weights_so_it_is_loaded_only_when_asked() -> None:
    assert not stays_warm(SentimentBiLSTM)
    assert stays_warm(SentimentModel)
    with pytest.raises(ModelUnavailable, match="sentiment-bilstm"):
        SentimentBiLSTM.load(None, Device())


def test_weights_of_something_else_are_refused(learned: tuple[Path, Path, Report], tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text('{"format": 1, "dimensions": 8, "hidden": 99, "vocabulary": []}')
    (tmp_path / "weights.safetensors").write_bytes((learned[1] / "weights.safetensors").read_bytes())
    with pytest.raises(ModelUnavailable, match="weights of sentiment cannot be read"):
        SentimentBiLSTM.load(tmp_path, Device())


def test_too_few_reviews_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="too few reviews"):
        train(write(tmp_path / "few.csv", ROWS[:60]), tmp_path / "weights", lambda done, note="": None, SHAPE)
