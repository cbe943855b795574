"""Reports on trainings: the page is whole, self-contained and safe; the picture shows curves and key figures."""

import io
import math
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from shared.charts import Losses, Mark
from shared.curve_doctor import read_curves
from shared.drawing import draw
from shared.fingerprint import Fingerprint
from shared.manifest import Change, Judgement, Manifest
from shared.model import Interval, Report
from shared.texts import Text, Texts
from shared.training_report import Subject, curves_of, picture
from shared.training_report_card import card_html, limits_of
from shared.training_report_html import html
from shared.training_report_scale import Scale
from tests.kit.page import Page

NASTY = "<script>alert(1)</script>\"'><img src=https://evil.example/x onerror=x>"
WHEN = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
FALLS = [0.1 + math.exp(-at / 6) for at in range(60)]
TURNS = [0.3 + math.exp(-at / 5) + at / 100 for at in range(60)]


def subject(details: dict[str, Any], **more: Any) -> Subject:
    report = Report(
        n=730,
        metrics={"accuracy": Interval(0.98, 0.96, 0.99), "f1": Interval(0.97, 0.95, 0.985)},
        baseline={"accuracy": 0.85, "f1": 0.0},
        baseline_name='always "ham"',
        reference={"course, as printed": {"accuracy": 0.9946}},
        labels=["ham", "spam"],
        confusion=[[618, 2], [2, 108]],
        reliability=[(0.05, 0.04, 600), (0.95, 0.97, 130)],
        details=details,
    )
    manifest = Manifest(
        **{
            "model": "spam", "version": "20261125-120000-1", "created": WHEN, "n": 730, "metrics": report.metrics,
            "baseline": report.baseline, "baseline_name": report.baseline_name,
            "data": Fingerprint("sms.csv", "ab" * 32, 4459), "licence": "CC BY 4.0", "code": "1.0+abc",
            "parent": None, "origin": "trained", "files": {"model.json": "00"},
            **more,
        }
    )  # fmt: skip
    judged = Judgement(
        at=WHEN, against="default", rows=730, difference=-0.01, low=-0.02, high=0.0, passed=True, reason="ok"
    )
    change = Change(at=WHEN, action="promote", version=manifest.version, before=None, note="first")
    card = (
        "# Spam\n\n## Limits\n\nOld messages only; see [here](https://evil.example/a).\n\n## More\n\n- `x`\n"
    )
    return Subject(manifest, report, [judged], [change], card)


def test_the_page_tells_data_figures_curves_limits_and_history_and_loads_nothing() -> None:
    source = html(subject({"curves": {"train": FALLS, "test": TURNS}, "calibration_error": 0.007}))
    page = Page(source)
    for word in (
        "spam 20261125-120000-1", "sms.csv", "4,459", "ab" * 32, "CC BY 4.0", "ham, spam", "0.9800", "0.9600 – 0.9900",
        'always "ham"', "0.8500", "course, as printed", "0.9946", "Stop at epoch", "618", "108", "0.0070",
        "Old messages only; see here.", "promoted: default → 20261125-120000-1. first", "let it through",
    ):  # fmt: skip
        assert word in page.text, word
    assert page.marks["data-finding"] == ["overfitting"]
    assert page.leads == []
    assert page.handlers == []
    assert "script" not in page.tags
    assert "link" not in page.tags
    assert "http" not in source.replace("http-equiv", "")
    assert "prefers-color-scheme: dark" in source
    assert page.tags.count("svg") == 2


def test_what_comes_from_outside_is_never_markup() -> None:
    details = {"curves": {f"{NASTY} train": FALLS}, "curves_note": NASTY, NASTY: NASTY}
    found = subject(details, licence=NASTY, data=Fingerprint(NASTY, NASTY, 3), code=NASTY)
    page = Page(html(Subject(found.manifest, found.report, card=NASTY + "\n|" + NASTY + "|\n# " + NASTY)))
    assert {"script", "img"}.isdisjoint(page.tags)
    assert page.handlers == []
    assert "<script>alert(1)</script>" in page.text


@pytest.mark.parametrize(
    ("details", "said"),
    [
        ({"curves": {}}, "fitted as a whole"),
        ({}, "recorded no losses"),
        ({"curves": {"train": [1.0, None, 0.5]}}, "from epoch 2 on the loss is not a number"),
        ({"curves": {"train": [0.5, 0.4, 0.3]}}, "Nothing to report"),
        ({"curves": "wrong"}, "recorded no losses"),
    ],
)
def test_a_report_without_curves_or_findings_says_so(details: dict[str, Any], said: str) -> None:
    assert said in Page(html(subject(details))).text


def test_the_page_speaks_the_readers_language() -> None:
    texts = Texts({})

    def say(text: Text) -> str:
        return texts.render(text, "zh-TW")

    source = html(subject({"curves": {"train": FALLS, "test": TURNS}}), say, "zh-Hant-TW")
    page = Page(source)
    assert "過度擬合" in page.text
    assert "預測機率" in page.text
    assert 'lang="zh-Hant-TW"' in source
    for english in ("How good it is", "Loss curves", "held-out rows", "training loss", "epoch →"):
        assert english not in page.text


def test_several_networks_have_curves_of_their_own() -> None:
    found = curves_of(
        subject({"curves": {"train": FALLS, "test": TURNS, "course train": FALLS[:9], "odd": [1.0]}}).report
    )
    assert [(each.name, len(each.train), len(each.test)) for each in found] == [
        ("", 60, 60),
        ("course", 9, 0),
        ("odd", 1, 0),
    ]
    assert found[0].findings() == read_curves(FALLS, TURNS)


def test_the_picture_shows_marks_and_key_figures() -> None:
    shown = picture(subject({"curves": {"train": FALLS, "test": TURNS}}), str)
    assert [mark.label for mark in shown.marks] == ["overfitting"]
    assert [figure.name for figure in shown.figures] == ["accuracy", "f1"]
    assert shown.figures[0].beside == [('always "ham"', 0.85), ("course, as printed", 0.9946)]
    with_curves, without = draw(shown), draw(picture(subject({}), str))
    assert with_curves.height > without.height + 300
    with Image.open(io.BytesIO(with_curves.png)) as image:
        assert image.size == (with_curves.width, with_curves.height)


def test_a_curve_of_ten_thousand_epochs_is_drawn_and_one_more_is_refused() -> None:
    many = [1 / (1 + at) for at in range(10_000)]
    assert draw(Losses(title="long", labels=["a"], values=[many])).png
    assert len(html(subject({"curves": {"train": many}}))) < 200_000
    with pytest.raises(ValueError, match="10001 epochs"):
        draw(Losses(title="long", labels=["a"], values=[[*many, 0.0]]))


@settings(max_examples=25)
@given(st.lists(st.floats(), max_size=60), st.integers(-5, 100))
def test_any_losses_can_be_drawn(values: list[float], epoch: int) -> None:
    marks = [Mark(epoch=epoch, label="here")]
    assert draw(Losses(title="t", labels=["a"], values=[values], marks=marks)).png
    Page(html(subject({"curves": {"train": values}})))


@given(st.lists(st.floats(), max_size=30))
def test_a_scale_holds_every_loss(values: list[float]) -> None:
    scale = Scale.of(values)
    assert len(scale.ticks) >= 2
    assert scale.low < scale.high
    for value in values:
        if math.isfinite(value):
            assert 0 <= scale.share(value) <= 1


def test_a_card_becomes_headings_tables_lists_and_words() -> None:
    written = card_html("# A\n\nOne\n**two** `x<y`.\n\n| a | b |\n|---|--:|\n| 1 | 2 |\n\n- p\n  q\n- r\n")
    assert written == (
        "<h3>A</h3><p>One <strong>two</strong> <code>x&lt;y</code>.</p>"
        "<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table>"
        "<ul><li>p q</li><li>r</li></ul>"
    )
    assert limits_of("# T\n\n## Limits\n\nnone\n\n## Data\n\nrows\n") == "none"


@given(st.text(alphabet="|-# \na*`<>&[]()!", max_size=200))
def test_any_card_becomes_whole_html(card: str) -> None:
    Page(card_html(card))
