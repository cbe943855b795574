"""Training judges on articles that it never saw, passes the gate where it is better, and says why not."""

import asyncio
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.trainer import train as run_trainer
from plugins.article.data import read_pairs
from plugins.article.judging import HOLDOUT
from plugins.article.model import SummaryModel, SummaryRequest
from shared.errors import BadInput
from shared.manifest import Outcome
from shared.model import Device, Report
from shared.rouge import METRICS
from shared.splits import holdout
from shared.store import Store
from tests.kit.tiny import tiny_t5
from tests.plugins.article.articles import invented, write

ROWS = invented(110)
REPOSITORY = Path(__file__).parents[3]


@dataclass(frozen=True)
class Trained:
    """A trained model, and what it was trained on."""

    data: Path
    folder: Path
    report: Report
    steps: list[float]

    @property
    def model(self) -> SummaryModel:
        """Return the model as the worker would load it."""
        return SummaryModel.load(self.folder, Device())


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    folder = tmp_path_factory.mktemp("article")
    data, steps = write(folder / "articles.csv.gz", ROWS), list[float]()
    report = SummaryModel.train(data, folder / "weights", lambda done, note="": steps.append(done))
    return Trained(data, folder / "weights", report, steps)


def test_it_beats_the_first_three_sentences(trained: Trained) -> None:
    report = trained.report
    assert set(report.metrics) == set(report.baseline) == set(METRICS)
    assert report.baseline_name == "lead-3"
    for name, figure in report.metrics.items():
        assert figure.low > report.baseline[name]
    assert report.n == report.details["rows"]["held out"] == len(report.losses)
    assert report.n + report.details["rows"]["training"] == len(ROWS)
    assert report.n == sum(holdout([article for article, _ in ROWS], HOLDOUT))


def test_textrank_is_judged_beside_it(trained: Trained) -> None:
    assert set(trained.report.reference) == {"TextRank on shared words", "TextRank on sentence vectors"}
    assert all(set(figures) == set(METRICS) for figures in trained.report.reference.values())


def test_progress_only_rises_and_ends_at_one(trained: Trained) -> None:
    assert trained.steps == sorted(trained.steps)
    assert trained.steps[-1] == 1.0


def test_what_is_written_answers_as_it_was_judged(trained: Trained) -> None:
    again = trained.model.evaluate(trained.data, "holdout")
    assert again.losses == pytest.approx(trained.report.losses, abs=1e-6)
    assert trained.model.evaluate(trained.data, "all").n == len(ROWS)


def test_summaries_of_held_out_rows_change_nothing_but_the_report(trained: Trained, tmp_path: Path) -> None:
    sides = holdout([article for article, _ in ROWS], HOLDOUT)
    changed = [
        (article, "Something else entirely." if held else summary)
        for (article, summary), held in zip(ROWS, sides, strict=True)
    ]
    folder = tmp_path / "weights"
    report = SummaryModel.train(write(tmp_path / "changed.csv", changed), folder, lambda done, note="": None)
    other = SummaryModel.load(folder, Device())
    requests = [SummaryRequest(article) for article, _ in ROWS[:30]]
    assert other.predict(requests) == trained.model.predict(requests)
    assert report.metrics["rouge1_f"].value < 0.2 < trained.report.metrics["rouge1_f"].value


def test_the_trainer_stores_it_and_the_gate_lets_a_better_one_through(
    trained: Trained, tmp_path: Path
) -> None:
    store = Store(tmp_path / "models")

    async def run() -> Outcome:
        return await run_trainer(
            "plugins.article.model:SummaryModel", trained.data, store, lambda done, note="": None, threads=1
        )

    outcome = asyncio.run(run())
    assert outcome.report.n == trained.report.n
    assert outcome.promoted
    assert SummaryModel.load(store.open("summary", outcome.version), Device())


def test_evaluate_prints_the_figures_of_the_weights_that_ship(trained: Trained, tmp_path: Path) -> None:
    ran = subprocess.run(
        [
            sys.executable,
            "-m",
            "bot.cli",
            "models",
            "evaluate",
            "summary",
            "--data",
            str(trained.data),
            "--json",
        ],
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        env={**os.environ, "HEARTH_DATA_DIR": str(tmp_path)},
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    printed = json.loads(ran.stdout)
    assert (printed["model"], printed["version"], printed["n"]) == ("summary", "default", len(ROWS))
    assert set(printed["metrics"]) == set(printed["baseline"]) == set(METRICS)
    assert printed["metrics"]["rouge1_f"]["value"] > printed["baseline"]["rouge1_f"]


def test_a_transformer_is_fine_tuned_where_a_setting_names_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = tiny_t5(tmp_path / "base")
    monkeypatch.setenv("HEARTH_ARTICLE_BASE", str(base))
    data, folder = write(tmp_path / "articles.csv", invented(70)), tmp_path / "store" / "summary" / "weights"
    report = SummaryModel.train(data, folder, lambda done, note="": None)
    assert report.details["kind"] == "abstractive"
    assert report.details["base"] == str(base)
    assert len(report.details["curves"]["train"]) == len(report.details["curves"]["test"]) > 0
    assert (folder / "config.json").is_file()
    assert SummaryModel.load(folder, Device()).abstractive is not None


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        (b"text,label\na,b\n", "no column article"),
        (b"article\na\n", "no column summary"),
        (b"article,summary\n,\n", "no row with both"),
        (b"\xff\xfe\x00", "no CSV table in UTF-8"),
        (b'article,summary\n"One sentence. And another.",One sentence.\n', "too few articles"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_in_a_sentence(
    tmp_path: Path, content: bytes, wanted: str
) -> None:
    data = tmp_path / "articles.csv"
    data.write_bytes(content)
    with pytest.raises(BadInput, match=wanted):
        SummaryModel.train(data, tmp_path / "weights", lambda done, note="": None)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read"):
        read_pairs(tmp_path / "none.csv")


def test_rows_without_an_article_or_a_summary_are_passed_over(tmp_path: Path) -> None:
    rows = [("An article.", "A summary."), ("", "A summary."), ("An article.", "  ")]
    assert read_pairs(write(tmp_path / "a.csv.gz", rows)).articles == ["An article."]


def test_on_the_bbc_s_held_out_part_it_is_as_good_as_its_card_says() -> None:
    folder = os.environ.get("HEARTH_TEST_DATA")
    data = Path(folder or "") / "bbc_summary.csv.gz"
    if folder is None or not data.is_file():
        pytest.skip("HEARTH_TEST_DATA names no folder with bbc_summary.csv.gz")
    report = SummaryModel.load(SummaryModel.default, Device()).evaluate(data, "holdout")
    assert report.metrics["rouge1_f"].value > 0.62
    assert report.metrics["rouge2_f"].value > 0.58
