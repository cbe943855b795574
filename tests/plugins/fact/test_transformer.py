"""The course's way, BERT fine-tuned on real and fake texts: through the model, training, store, gate and worker."""

import csv
from pathlib import Path

import pytest

from bot.trainer import Job, run
from plugins.fact.model import FactModel, FactRequest, FactResult
from shared.errors import ModelUnavailable
from shared.model import Device
from shared.store import Store
from shared.transformer import TextClassifier
from shared.weights import resolve
from tests.kit.tiny import BAD, GOOD, taught_bert, tiny_bert, toy_texts
from tests.kit.worker import status_of, warm

FAKE = "the market was in the city and we saw an awful film in the hotel today"
REAL = "the market was in the city and we saw a great film in the hotel today"


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return taught_bert(tmp_path_factory.mktemp("bert") / "taught", ("fake", "real"))


def write_rows(path: Path, count: int = 240) -> Path:
    texts, labels = toy_texts(count, seed=3)
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["text", "label"])
        table.writerows((text, ("fake", "real")[label]) for text, label in zip(texts, labels, strict=True))
    return path


def test_a_folder_of_a_transformer_answers(taught: Path) -> None:
    model = FactModel.load(taught, Device())
    fake, real = model.predict([FactRequest(FAKE), FactRequest(REAL)])
    assert isinstance(fake, FactResult)
    assert isinstance(real, FactResult)
    assert fake.probability > 0.8 > 0.2 > real.probability
    assert (fake.verdict, real.verdict) == ("unreliable", "reliable")
    said = {FAKE[p.start : p.end] for p in fake.phrases if p.weight > 0}
    assert any("awful" in phrase for phrase in said)
    for odd in ("", "   ", "!!!", "https://example.org @somebody", "今天"):
        (answer,) = model.predict([FactRequest(odd)])
        assert isinstance(answer, FactResult)
        assert 0 <= answer.probability <= 1


@pytest.mark.parametrize(
    ("labels", "fake"),
    [(("REAL", "FAKE"), 1), (("Fake", "Real"), 0), (("LABEL_0", "LABEL_1"), 1), (("false", "true"), 0)],
)
def test_labels_of_hub_models_are_understood(tmp_path: Path, labels: tuple[str, str], fake: int) -> None:
    folder = tiny_bert(tmp_path / "tiny", labels)
    (answer,) = FactModel.load(folder, Device()).predict([FactRequest(FAKE)])
    assert isinstance(answer, FactResult)
    expected = TextClassifier.load(folder, Device()).probabilities([FAKE])[0][fake]
    assert answer.probability == pytest.approx(expected, abs=1e-6)


def test_labels_of_another_task_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="joy"):
        FactModel.load(tiny_bert(tmp_path / "tiny", ("joy", "anger", "fear")), Device())


async def test_a_fine_tuned_version_passes_the_gate_and_answers_in_the_worker(
    taught: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEARTH_FACT_BASE", str(taught))
    store, data = Store(tmp_path / "models"), write_rows(tmp_path / "rows.csv")
    steps: list[float] = []
    job = Job(model="plugins.fact.model:FactModel", data=str(data), store=str(store.root), device="cpu")
    done = run(job, lambda share, note="": steps.append(share))
    assert done.judgement is not None
    assert (done.judgement.passed, done.judgement.against) == (True, "default")
    assert steps == sorted(steps)
    report = store.report("fact", done.version)
    assert report.metrics["accuracy"].value > 0.9
    assert report.details["base"] == str(taught)
    assert len(report.details["curves"]["train"]) == len(report.details["curves"]["test"]) > 0
    weights = resolve(FactModel, store)
    assert (weights.version, weights.origin) == (done.version, "store")
    async with warm(FactModel, weights=lambda _: weights) as predictor:
        answer = await predictor.predict(FactModel, FactRequest(FAKE), timeout=60)
        status = await status_of(predictor, FactModel)
    assert answer.probability > 0.8
    assert status.version == done.version


def test_the_tests_know_what_decides() -> None:
    assert {*GOOD, *BAD} & set(FAKE.split()) == {"awful"}
    assert {*GOOD, *BAD} & set(REAL.split()) == {"great"}
