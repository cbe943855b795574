"""Transformers behind the model `summary`: loading, fine-tuning by the setting `base`, store, gate and worker."""

import csv
import random
from pathlib import Path

import pytest

from bot.trainer import Job, run
from plugins.article.model import SummaryModel, SummaryRequest, SummaryResult
from shared.errors import ModelUnavailable
from shared.language import sentences
from shared.model import Device
from shared.store import Store
from shared.weights import resolve
from tests.kit.tiny import HAN, WORDS, tiny_bert, tiny_mt5, tiny_t5
from tests.kit.worker import status_of, warm

ENGLISH = "The bank rates rise in the city. We saw the team today. Rain and sun fall in the market. The food was fine."
CHINESE = "今天銀行利率上升。球隊在城市奪冠。市場下雨，天氣不好。新聞說酒店很好。"


def write_pairs(path: Path, count: int = 70) -> Path:
    drawn = random.Random(5)
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["article", "summary"])
        for _ in range(count):
            told = [" ".join(drawn.choices(WORDS, k=6)).capitalize() + "." for _ in range(5)]
            table.writerow([" ".join(told), " ".join(told[:2])])
    return path


def test_an_article_is_told_in_the_model_s_words_and_another_script_in_its_own(tmp_path: Path) -> None:
    model = SummaryModel.load(tiny_t5(tmp_path / "t5"), Device())
    requests = [SummaryRequest(ENGLISH, sentences=2), SummaryRequest(CHINESE, sentences=2)]
    english, chinese = model.predict(requests)
    assert isinstance(english, SummaryResult)
    assert isinstance(chinese, SummaryResult)
    # T5 knows no Chinese: there, sentences are chosen as without it.
    assert (english.kind, chinese.kind) == ("abstractive", "extractive")
    assert all(CHINESE[p.start : p.end] == p.said for p in chinese.passages)
    assert english.text.strip()
    assert len(sentences(english.text)) <= 2
    assert english.read == pytest.approx(1.0, abs=0.05)


def test_mt5_writes_chinese(tmp_path: Path) -> None:
    model = SummaryModel.load(tiny_mt5(tmp_path / "mt5"), Device())
    (answer,) = model.predict([SummaryRequest(f"{HAN[:12]}。" * 6)])
    assert isinstance(answer, SummaryResult)
    assert answer.kind == "abstractive"


def test_a_classifier_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="cannot be used"):
        SummaryModel.load(tiny_bert(tmp_path / "bert"), Device())


async def test_a_fine_tuned_version_is_judged_stored_and_answers_in_the_worker_once_promoted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEARTH_ARTICLE_BASE", str(tiny_t5(tmp_path / "t5")))
    store, data = Store(tmp_path / "models"), write_pairs(tmp_path / "pairs.csv")
    steps: list[float] = []
    job = Job(model="plugins.article.model:SummaryModel", data=str(data), store=str(store.root), device="cpu")
    done = run(job, lambda share, note="": steps.append(share))
    assert steps == sorted(steps)
    report = store.report("summary", done.version)
    assert report.details["kind"] == "abstractive"
    assert set(report.metrics) == {"rouge1_f", "rouge2_f", "rougeL_f"}
    # Three epochs make no writer of random weights: what ships is better, and goes on answering.
    assert done.judgement is not None
    assert (done.judgement.passed, done.judgement.against) == (False, "default")
    assert done.judgement.rows == report.n
    assert resolve(SummaryModel, store).origin == "default"
    store.promote("summary", done.version, note="forced")
    weights = resolve(SummaryModel, store)
    async with warm(SummaryModel, weights=lambda _: weights) as predictor:
        answer = await predictor.predict(SummaryModel, SummaryRequest(ENGLISH), timeout=60)
        status = await status_of(predictor, SummaryModel)
    assert answer.kind == "abstractive"
    assert status.version == done.version
