"""Charts are pictures of the size that they say, whatever text is on them, and a bad one fails alone."""

import io
from pathlib import Path
from typing import Any

import msgspec
import pytest
from babel.messages.pofile import read_po
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from PIL import Image

from shared.charts import (
    Band,
    Bars,
    Candles,
    Chart,
    Charts,
    ConfusionMatrix,
    Drawn,
    Highlights,
    Intervals,
    Reliability,
)
from shared.drawing import draw
from shared.fonts import ABSENT, clusters, fit, printable, runs, width
from shared.model import Device, Failure

ROOT = Path(__file__).parents[2]
TEXT = "You have won a prize, call now"


def highlights(
    text: str = TEXT, spans: list[tuple[int, int, float]] | None = None, dark: bool = True
) -> Highlights:
    return Highlights(
        title="Likely spam", text=text, spans=spans or [], gauge=0.97, gauge_label="Probability of spam",
        negative_label="not spam", positive_label="spam", dark=dark,
    )  # fmt: skip


def image(drawn: Drawn) -> Image.Image:
    found = Image.open(io.BytesIO(drawn.png))
    found.load()
    return found


def candles(close: list[float], ahead: int = 2, miss: float = 1.0) -> Candles:
    """Make candles that open at the close before, with a band of ±`miss` over the days ahead."""
    opened = [close[0], *close[:-1]]
    low, high = [close[-1] - miss] * ahead, [close[-1] + miss] * ahead
    return Candles(
        title="2330", days=[f"{n}日" for n in range(len(close))], open=opened, close=close,
        high=[max(pair) for pair in zip(opened, close, strict=True)],
        low=[min(pair) for pair in zip(opened, close, strict=True)],
        ahead=[f"+{n + 1}" for n in range(ahead)], expected=[close[-1]] * ahead, expected_label="預期",
        bands=[
            Band(label="90%", low=low, high=high), Band(label="as today", low=low, high=high, outline=True)
        ],
    )  # fmt: skip


def intervals(actual: list[float], low: float = 9.0, high: float = 11.0) -> Intervals:
    """Make intervals `low` to `high`, whatever came."""
    many = len(actual)
    return Intervals(
        title="紀錄", steps=["01/04"] * many, low=[low] * many, high=[high] * many, expected=[10.0] * many,
        actual=actual, inside_label="inside", outside_label="outside", expected_label="expected",
    )  # fmt: skip


CHARTS = [
    highlights(spans=[(4, 8, 1.0), (22, 26, -0.5)]),
    Highlights(title="沒有量表", text="文字", spans=[(0, 2, 1.0)], positive_label="是", negative_label="否"),
    Bars(
        title="主題",
        labels=["運動", "a label that is much too long for the room there is"],
        values=[0.7, 0.0004],
    ),
    Bars(title="signed", labels=["a", "b"], values=[-3.0, 2.0], percent=False, dark=False),
    Bars(title="none", labels=[], values=[]),
    ConfusionMatrix(title="spam", labels=["ham", "spam"], counts=[[618, 2], [2, 108]]),
    ConfusionMatrix(
        title="ten", labels=[f"class {n}" for n in range(10)], counts=[[n] * 10 for n in range(10)]
    ),
    ConfusionMatrix(title="one", labels=["一"], counts=[[0]], dark=True),
    Reliability(title="可靠度", bins=[(0.02, 0.0, 600), (0.5, 0.4, 10), (0.99, 1.0, 100)]),
    Reliability(title="empty", bins=[]),
    candles([10.0, 11.0, 10.5, 10.5]),
    candles([600.0 + n % 7 for n in range(260)], ahead=20, miss=40.0),
    candles([1.0], ahead=0),
    intervals([10.0, 12.0, 8.5]),
]


@pytest.mark.parametrize("chart", CHARTS, ids=lambda chart: f"{type(chart).__name__}-{chart.title}")
def test_every_chart_crosses_the_wire_and_comes_back_as_a_picture(chart: Highlights) -> None:
    sent = msgspec.msgpack.decode(msgspec.msgpack.encode(Chart(chart)), type=Chart)
    (drawn,) = Charts.load(None, Device()).predict([sent])
    assert isinstance(drawn, Drawn)
    assert image(drawn).size == (drawn.width, drawn.height)
    assert image(drawn).format == "PNG"
    assert len(set(image(drawn).convert("RGB").get_flattened_data())) > 10


@given(
    st.text(max_size=300),
    st.lists(st.tuples(st.integers(-5, 320), st.integers(-5, 320), st.floats()), max_size=8),
)
@example("\0\x07 \u202e evil \ud800", [(0, 3, 1.0)])
@example("شكرا call 0901 שלום 👨‍👩‍👧 🇹🇼 ❤️ ไทย हिन्दी", [(0, 4, 1.0)])
@example("\u200d\u0301\u200d", [(1, 2, float("nan"))])
@example("a" * 300, [(0, 300, 1.0), (10, 20, -1.0)])
@settings(deadline=None, max_examples=60)
def test_any_text_is_drawn(text: str, spans: list[tuple[int, int, float]]) -> None:
    drawn = draw(highlights(text, spans))
    assert image(drawn).size == (800, drawn.height)


@pytest.mark.parametrize("text", ["word " * 2000, "長" * 6000, "x\n" * 3000, "a" * 6000, "😀" * 6000])
def test_a_long_text_ends_with_an_ellipsis_and_the_picture_stays_small(text: str) -> None:
    drawn = draw(highlights(text))
    assert drawn.height <= 1300
    assert drawn.height > draw(highlights("short")).height


@pytest.mark.parametrize("dark", [True, False])
def test_a_word_for_spam_is_orange_and_one_against_is_blue(dark: bool) -> None:
    def strongest(spans: list[tuple[int, int, float]]) -> tuple[int, int]:
        """Return the most orange and the most blue that the text's panel has anywhere."""
        drawn = image(draw(highlights(spans=spans, dark=dark))).convert("RGB")
        panel = drawn.crop((30, 145, 770, drawn.height - 30)).get_flattened_data()
        return max(r - b for r, _, b in panel), max(b - r for r, _, b in panel)

    plain, orange, blue = strongest([]), strongest([(4, 8, 1.0)]), strongest([(4, 8, -1.0)])
    assert orange[0] > plain[0] + 60
    assert orange[1] <= plain[1] + 10
    assert blue[1] > plain[1] + 60
    assert blue[0] <= plain[0] + 10


def test_a_chart_whose_parts_do_not_fit_fails_alone() -> None:
    good = Chart(Bars(title="good", labels=["a"], values=[0.5]))
    bad: list[Any] = [
        Bars(title="bad", labels=["a", "b"], values=[0.5]),
        Bars(title="bad", labels=["a"], values=[float("nan")]),
        Bars(title="bad", labels=["a"] * 1000, values=[0.5] * 1000),
        ConfusionMatrix(title="bad", labels=["a", "b"], counts=[[1, 2]]),
        ConfusionMatrix(title="bad", labels=["a"] * 500, counts=[[1] * 500] * 500),
        ConfusionMatrix(title="bad", labels=[], counts=[]),
        candles([10.0] * 261),
        candles([10.0, float("nan")]),
        replace(candles([10.0, 11.0]), expected=[10.0]),
        replace(candles([10.0, 11.0]), bands=[Band(label="", low=[1.0], high=[2.0])]),
        replace(intervals([10.0]), low=[]),
        intervals([]),
    ]
    charts = Charts.load(None, Device())
    answers = charts.predict([good, *map(Chart, bad), good])
    assert [type(answer) for answer in answers] == [Drawn, *[Failure] * len(bad), Drawn]


def share_of(drawn: Drawn, warm: bool) -> float:
    """Return how much of the plot below the legend is clearly orange, or clearly blue."""
    shown = image(drawn).convert("RGB").crop((90, 110, 880, 500))
    pixels: list[tuple[int, int, int]] = list(shown.get_flattened_data())  # type: ignore[arg-type]
    return sum((r - b if warm else b - r) > 90 for r, _, b in pixels) / len(pixels)


def test_a_rise_is_an_orange_candle_and_a_fall_a_blue_one() -> None:
    rising = draw(candles([float(n) for n in range(10, 40)], ahead=0))
    falling = draw(candles([float(n) for n in range(40, 10, -1)], ahead=0))
    assert share_of(rising, warm=True) > 10 * share_of(rising, warm=False)
    assert share_of(falling, warm=False) > 10 * share_of(falling, warm=True)


def test_a_wider_band_takes_more_of_the_picture() -> None:
    def tinted(miss: float) -> int:
        shown = image(draw(candles([10.0, 14.0, 10.0], miss=miss))).convert("RGB")
        return sum(pixel == (40, 59, 81) for pixel in shown.crop((90, 110, 880, 500)).get_flattened_data())

    assert tinted(2.0) > 1.5 * tinted(1.0) > 0


def test_what_came_outside_an_interval_is_orange() -> None:
    assert share_of(draw(intervals([10.0] * 20)), warm=True) == 0
    assert share_of(draw(intervals([10.0] * 19 + [12.0])), warm=True) > 0


def test_the_fonts_have_every_character_of_the_catalogues() -> None:
    catalogues = [p for folder in ("shared", "plugins") for p in (ROOT / folder).rglob("*.po")]
    assert catalogues
    for path in catalogues:
        with path.open("rb") as source:
            words = "".join(str(message.string) for message in read_po(source))
        shown = printable("".join(sorted(set(words)))).replace("\n", "")
        lacking = {c for c in shown if c != ABSENT and ABSENT in "".join(r.text for r in runs(c))}
        assert lacking == set(), path


def test_what_no_face_has_is_a_small_square_and_what_cannot_be_printed_too() -> None:
    assert "".join(run.text for run in runs("a\U000e0fffb")) == f"a{ABSENT}b"
    assert printable("a\0b\u202ec\td\ne") == f"a{ABSENT}b{ABSENT}c d\ne"


def test_a_joined_emoji_a_flag_and_a_letter_with_its_mark_are_one_cluster_each() -> None:
    assert list(clusters("x👨‍👩‍👧🇹🇼👍🏽e\u0301y")) == ["x", "👨‍👩‍👧", "🇹🇼", "👍🏽", "e\u0301", "y"]


def test_a_label_is_shortened_to_its_room() -> None:
    long = "a label that is much too long"
    assert fit("short", 18, 300) == "short"
    assert fit(long, 18, 100).endswith("…")
    assert width(fit(long, 18, 100), 18) <= 100
