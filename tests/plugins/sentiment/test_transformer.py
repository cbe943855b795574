"""A transformer that tells sentiment: through the plugin's model, training, store, gate and worker."""

import csv
from pathlib import Path

import pytest

from bot.trainer import Job, run
from plugins.sentiment.model import SentimentModel, SentimentRequest, SentimentResult
from shared.errors import ModelUnavailable
from shared.model import Device
from shared.store import Store
from shared.transformer import TextClassifier
from shared.weights import resolve
from tests.kit.tiny import BAD, GOOD, taught_bert, tiny_bert, toy_texts
from tests.kit.worker import status_of, warm

SAD = "the market was in the city and we saw an awful film in the hotel today"
GLAD = "the market was in the city and we saw a great film in the hotel today"


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return taught_bert(tmp_path_factory.mktemp("bert") / "taught")


def write_rows(path: Path, count: int = 400) -> Path:
    texts, labels = toy_texts(count, seed=3)
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["text", "label"])
        table.writerows(
            (text, ("negative", "positive")[label]) for text, label in zip(texts, labels, strict=True)
        )
    return path


def test_a_folder_of_a_transformer_answers(taught: Path) -> None:
    model = SentimentModel.load(taught, Device())
    sad, glad = model.predict([SentimentRequest(SAD), SentimentRequest(GLAD)])
    assert isinstance(sad, SentimentResult)
    assert isinstance(glad, SentimentResult)
    assert glad.probability > 0.8 > 0.2 > sad.probability
    assert (sad.verdict, glad.verdict) == ("negative", "positive")
    assert (sad.words[0].word, glad.words[0].word) == ("awful", "great")
    assert sad.words[0].weight < 0 < glad.words[0].weight
    for odd in ("", "   ", "!!!", "今天"):
        (answer,) = model.predict([SentimentRequest(odd)])
        assert isinstance(answer, SentimentResult)
        assert 0 <= answer.probability <= 1


@pytest.mark.parametrize(
    ("labels", "worth"),
    [
        (("NEGATIVE", "POSITIVE"), (0, 1)),
        (("pos", "neg"), (1, 0)),
        (("LABEL_0", "LABEL_1"), (0, 1)),
        (("1 star", "2 stars", "3 stars", "4 stars", "5 stars"), (0, 0.25, 0.5, 0.75, 1)),
    ],
)  # fmt: skip
def test_labels_of_hub_models_are_understood(
    tmp_path: Path, labels: tuple[str, ...], worth: tuple[float, ...]
) -> None:
    folder = tiny_bert(tmp_path / "tiny", labels)
    (answer,) = SentimentModel.load(folder, Device()).predict([SentimentRequest(SAD)])
    assert isinstance(answer, SentimentResult)
    expected = TextClassifier.load(folder, Device()).probabilities([SAD])[0] @ worth
    assert answer.probability == pytest.approx(expected, abs=1e-6)


def test_labels_of_another_task_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="joy"):
        SentimentModel.load(tiny_bert(tmp_path / "tiny", ("joy", "anger", "fear")), Device())


async def test_a_fine_tuned_version_passes_the_gate_and_answers_in_the_worker(
    taught: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEARTH_SENTIMENT_BASE", str(taught))
    store, data = Store(tmp_path / "models"), write_rows(tmp_path / "rows.csv")
    steps: list[float] = []
    job = Job(
        model="plugins.sentiment.model:SentimentModel", data=str(data), store=str(store.root), device="cpu"
    )
    done = run(job, lambda share, note="": steps.append(share))
    assert done.judgement is not None
    assert (done.judgement.passed, done.judgement.against) == (True, "default")
    assert steps == sorted(steps)
    report = store.report("sentiment", done.version)
    assert report.metrics["accuracy"].value > 0.9
    assert report.details["base"] == str(taught)
    assert len(report.details["curves"]["train"]) == len(report.details["curves"]["test"]) > 0
    weights = resolve(SentimentModel, store)
    assert (weights.version, weights.origin) == (done.version, "store")
    async with warm(SentimentModel, weights=lambda _: weights) as predictor:
        answer = await predictor.predict(SentimentModel, SentimentRequest(SAD), timeout=60)
        status = await status_of(predictor, SentimentModel)
    assert answer.probability < 0.2
    assert status.version == done.version


def test_the_tests_know_what_decides() -> None:
    assert {*GOOD, *BAD} & set(SAD.split()) == {"awful"}
    assert {*GOOD, *BAD} & set(GLAD.split()) == {"great"}
