"""Training parts publishers and near-duplicates honestly, judges on unseen rows, and writes what it judged."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import pytest

from bot.trainer import Job, run
from plugins.fact.crossdomain import as_markdown, read_liar, table
from plugins.fact.data import Rows, read_rows, site_of
from plugins.fact.mixture import Mixture
from plugins.fact.model import FactModel, FactRequest, FactResult
from plugins.fact.split import groups_of, sides
from plugins.fact.training import grey_zone
from shared.errors import BadInput
from shared.model import Device, Report
from shared.splits import group_near_duplicates
from shared.store import Store
from shared.training_report import NO_EPOCHS, without_curves
from tests.plugins.fact.posts import Row, articles, others, posts, write

ROWS = [*posts(400), *articles(240), *others(120)]
METRICS = {"accuracy", "f1_macro", "roc_auc", "abstained", "f1_macro_answered"}


@dataclass(frozen=True)
class Trained:
    """A trained model, and what it was trained on."""

    data: Path
    folder: Path
    report: Report
    steps: list[float]

    @property
    def model(self) -> FactModel:
        """Return the model as the worker would load it."""
        return FactModel.load(self.folder, Device())


def train(folder: Path, rows: list[Row]) -> Trained:
    folder.mkdir(parents=True)
    data, steps = write(folder / "texts.csv", rows), list[float]()
    report = FactModel.train(data, folder / "weights", lambda done, note="": steps.append(done))
    return Trained(data, folder / "weights", report, steps)


def rows_of(rows: list[Row]) -> Rows:
    texts, labels, publishers, collections = map(list, zip(*rows, strict=True))
    return Rows(texts, labels, [site_of(each) for each in publishers], collections)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return train(tmp_path_factory.mktemp("fact") / "first", ROWS)


def test_it_learns_more_than_the_baseline_knows(trained: Trained) -> None:
    report = trained.report
    assert set(report.metrics) == set(report.baseline) == METRICS
    assert report.metrics["f1_macro"].low > report.baseline["f1_macro"]
    assert report.metrics["f1_macro"].value > 0.95
    assert without_curves(report) == NO_EPOCHS
    assert report.metrics["f1_macro_answered"].value >= report.metrics["f1_macro"].value - 0.02
    assert report.n == report.details["rows"]["held out"] == len(report.losses)
    assert set(report.details["by_collection"]) == {"posts", "articles"}
    assert set(report.details["cross_validation"]) >= {"post with links", "post", "article"}


def test_what_is_unlike_is_told_from_the_rest(trained: Trained) -> None:
    found = trained.report.details["out_of_domain"]
    assert found["post"]["auroc"] > 0.95
    assert found["others_refused"] > 0.8


def test_progress_only_rises_and_ends_at_one(trained: Trained) -> None:
    assert trained.steps == sorted(trained.steps)
    assert trained.steps[-1] == 1.0


def test_what_is_written_answers_as_it_was_judged(trained: Trained) -> None:
    again = trained.model.evaluate(trained.data, "holdout")
    assert again.losses == pytest.approx(trained.report.losses, abs=1e-6)
    assert again.confusion == trained.report.confusion
    whole = trained.model.evaluate(trained.data, "all")
    assert whole.n == len([row for row in ROWS if row[1] != "other"])


def test_no_publisher_and_no_near_duplicate_lies_on_both_sides() -> None:
    copies = [(row[0].replace("Millfield", "Oakdale"), row[1], "elsewhere.org", "") for row in articles(80)]
    rows = rows_of([*ROWS, *copies])
    duplicates = group_near_duplicates(rows.texts)
    side = sides(rows, duplicates)
    assert set(side) == {"fit", "judge", "neither"}
    for wanted in (rows.publishers, duplicates):
        fit, judge = (
            {each for each, s in zip(wanted, side, strict=True) if s == where} for where in ("fit", "judge")
        )
        assert not (fit & judge) - {""}
    groups = groups_of(rows)
    for wanted in (rows.publishers, duplicates):
        seen: dict[object, int] = {}
        assert all(seen.setdefault(key, g) == g for key, g in zip(wanted, groups, strict=True) if key != "")


def test_which_side_a_row_is_on_does_not_hang_on_the_others() -> None:
    alone = [row for row in articles(60) if row[2].startswith("www.paper1")]
    rows, fewer = rows_of(ROWS + alone), rows_of(alone + posts(20))
    known = dict(zip(rows.publishers, sides(rows, list(range(len(rows.texts)))), strict=True))
    for name, side in zip(fewer.publishers, sides(fewer, list(range(len(fewer.texts)))), strict=True):
        assert not name or known[name] == side


def test_labels_of_held_out_rows_change_nothing_but_the_report(trained: Trained, tmp_path: Path) -> None:
    rows = read_rows(trained.data)
    side = sides(rows, group_near_duplicates(rows.texts))
    turn = {"real": "fake", "fake": "real", "other": "other"}
    turned = [
        (text, turn[label] if s == "judge" else label, publisher, collection)
        for (text, label, publisher, collection), s in zip(ROWS, side, strict=True)
    ]
    other = train(tmp_path / "turned", turned)
    requests = [FactRequest(row[0]) for row in ROWS[::5]]
    for one, two in zip(trained.model.predict(requests), other.model.predict(requests), strict=True):
        assert isinstance(one, FactResult)
        assert isinstance(two, FactResult)
        assert one.probability == pytest.approx(two.probability, abs=1e-3)
    assert other.report.metrics["accuracy"].value < 0.5 < trained.report.metrics["accuracy"].value


def test_posts_alone_make_a_model_that_calls_articles_unlike(tmp_path: Path) -> None:
    only = train(tmp_path / "posts", posts(400))
    assert isinstance(only.model.reader, Mixture)
    assert set(only.model.reader.experts) == {"post with links", "post"}
    (found,) = only.model.predict([FactRequest(articles(1)[0][0])])
    assert isinstance(found, FactResult)
    assert (found.kind, found.reason) == ("article", "unlike")


def test_training_from_the_store_passes_the_gate(trained: Trained, tmp_path: Path) -> None:
    store = Store(tmp_path / "models")
    job = Job(
        model="plugins.fact.model:FactModel", data=str(trained.data), store=str(store.root), device="cpu"
    )
    done = run(job, lambda share, note="": None)
    assert done.judgement is not None
    assert done.judgement.passed
    assert store.report("fact", done.version).metrics["f1_macro"].value == pytest.approx(
        trained.report.metrics["f1_macro"].value
    )


def test_the_command_line_judges_the_default(tmp_path: Path) -> None:
    data = write(tmp_path / "rows.csv.gz", [*posts(40), *articles(20)], columns=("text", "label"))
    ran = subprocess.run(
        [sys.executable, "-m", "bot.cli", "models", "evaluate", "fact", "--data", str(data), "--json"],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[3],
        env={**os.environ, "HEARTH_DATA_DIR": str(tmp_path / "data")},
    )
    found = msgspec.json.decode(ran.stdout)
    assert set(found["metrics"]) == METRICS
    assert found["n"] == 60


def test_the_grey_zone_takes_in_half_of_the_mistakes_but_not_too_many_rows() -> None:
    odds = np.array([0.15, -0.25, 0.35, -3.0, *np.linspace(2, 6, 96)])
    truth = odds > 0
    truth[:4] = ~truth[:4]
    assert grey_zone(odds, truth) == (-0.3, 0.3)
    crowded = np.linspace(-1, 1, 101)
    low, high = grey_zone(crowded, np.arange(101) % 2 == 0)
    assert np.mean(np.abs(crowded) < high) <= 0.15
    assert low == -high


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no column text"),
        (b"text,verdict\nhello,real\n", "no column label"),
        (b"text,label\nhello,real\nbye,maybe\n", "line 3: the label is 'maybe'"),
        (b"text,label\nhello\n", "line 2: the label is ''"),
        (b"text,label\nhello,real\nbye,real\n", "both labels"),
        (b"text,label\nhello,real\nbye,other\n", "both labels"),
        (b"\xff\xfe\x00text", "no CSV table in UTF-8"),
        (b'text,label\n"' + b"x" * 200_000 + b'",real\n', "no CSV table"),
        (b"text,label\nhello,real\nwin,fake\n", "too few texts"),
    ],
    ids=["empty", "column", "label", "short row", "one class", "only others", "encoding", "huge field", "few"],
)  # fmt: skip
def test_a_file_that_cannot_be_used_is_refused_in_one_sentence(
    tmp_path: Path, content: bytes, message: str
) -> None:
    data = tmp_path / "texts.csv"
    data.write_bytes(content)
    with pytest.raises(BadInput, match=message) as caught:
        FactModel.train(data, tmp_path / "weights", lambda done, note="": None)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "weights").exists()


@pytest.mark.parametrize("name", ["missing.csv", "folder.csv", "torn.csv.gz"])
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "torn.csv.gz").write_bytes(write(tmp_path / "whole.csv.gz", ROWS).read_bytes()[:500])
    with pytest.raises(BadInput, match="cannot be read"):
        read_rows(tmp_path / name)


@pytest.mark.parametrize(
    ("publisher", "site"),
    [
        ("www.bbc.co.uk:80", "bbc.co.uk"),
        ("news.bbc.co.uk", "bbc.co.uk"),
        ("https://Example.org/a", "example.org"),
        ("transcripts.cnn.com", "cnn.com"),
        ("thomas.loc.gov", "loc.gov"),
        ("localhost", "localhost"),
        ("", ""),
    ],
)
def test_names_of_one_publisher_are_one(publisher: str, site: str) -> None:
    assert site_of(publisher) == site


def test_files_are_merged_by_the_documented_command(tmp_path: Path) -> None:
    write(tmp_path / "posts.csv", posts(30))
    write(tmp_path / "articles.csv.gz", articles(20))
    (tmp_path / "reviews.csv").write_text(
        "text,label\nA film<br />about cats,positive\nA dull book,negative\n"
    )
    named = [f"{name}={tmp_path / file}" for name, file in (("a", "posts.csv"), ("b", "articles.csv.gz"))]
    command = [sys.executable, "-m", "plugins.fact.merge", str(tmp_path / "all.csv.gz"), *named]
    command.append(f"other={tmp_path / 'reviews.csv'}")
    ran = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[3])
    assert ran.stdout.strip() == "52 rows"
    rows = read_rows(tmp_path / "all.csv.gz")
    assert rows.collections == ["a"] * 30 + ["b"] * 20 + [""] * 2
    assert "A film\nabout cats" in rows.labelled("other").texts
    assert set(rows.publishers[30:50]) <= {f"paper{number}.com" for number in range(60)}


def test_each_collection_is_tried_on_every_other(tmp_path: Path) -> None:
    liar = tmp_path / "liar.tsv"
    grades = ("true", "mostly-true", "half-true", "barely-true", "false", "pants-fire")
    lines = [
        f'{i}.json\t{grades[(i % 2) * 3 + i % 3]}\t{row[0]} "{i}\tsubject'
        for i, row in enumerate(posts(300, 9))
    ]
    liar.write_text("\n".join(lines) + "\n", encoding="utf-8")
    collections = {"posts": rows_of(posts(300)), "liar": read_liar(liar)}
    assert collections["liar"].labels[:4] == ["real", "fake", "real", "fake"]
    cells = table(collections)
    assert set(cells) == {(a, b) for a in collections for b in collections}
    assert cells["posts", "posts"].macro_f1 > 0.9 > 0.7 > cells["posts", "liar"].macro_f1
    assert cells["posts", "liar"].rows == 300 > cells["liar", "liar"].rows
    written = as_markdown(cells, list(collections))
    assert (
        f"| posts | {cells['posts', 'posts'].macro_f1:.2f} | {cells['posts', 'liar'].macro_f1:.2f} |"
        in written
    )


@pytest.mark.parametrize(
    ("file", "row", "least"),
    [
        ("fake_covid_train.csv", "COVID-19 posts, held out", 0.955),
        ("fake_covid_dev.csv", "COVID-19 posts, the task's validation file", 0.955),
        ("fake_news_politifact.csv.gz", "PolitiFact articles of unseen publishers, held out", 0.90),
    ],
)
def test_the_weights_that_ship_are_as_good_as_their_card_says(file: str, row: str, least: float) -> None:
    roots = [Path(__file__).parents[4] / "shared" / "data", Path(os.environ.get("HEARTH_SHARED_DATA", "."))]
    data = next((root / file for root in roots if (root / file).is_file()), None)
    if data is None:
        pytest.skip(f"{file} is not at {' or '.join(map(str, roots))}")
    assert FactModel.default is not None
    report = FactModel.load(FactModel.default, Device()).evaluate(
        data, "holdout" if "held out" in row else "all"
    )
    found, card = report.metrics["f1_macro"], (FactModel.default / "CARD.md").read_text(encoding="utf-8")
    majority = report.baseline["f1_macro"]
    assert (
        f"| {row} | {report.n:,} | {found.value:.3f} | {found.low:.3f} – {found.high:.3f} | {majority:.3f} |"
        in card
    )
    assert found.value >= least
