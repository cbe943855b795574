"""Groups of points and series over time: drawn where they should be, told apart, and refused where they do not fit."""

import io

import msgspec
import pytest
from PIL import Image

from shared.canvas import DARK, LIGHT
from shared.charts import Chart, Charts, Drawn, Lines, Scatter
from shared.drawing import draw
from shared.model import Device, Failure
from shared.plots import COLOURS, MOST_POINTS, colour_of

CHARTS: list[Scatter | Lines] = [
    Scatter(
        title="主題",
        points=[(n / 99, n * 7 % 100 / 99) for n in range(100)],
        groups=[n % 36 - 1 for n in range(100)],
        labels=[f"{n} 停車, parking {'x' * n}" for n in range(35)],
        rest_label="none",
    ),
    Scatter(title="no points", points=[], groups=[], labels=[], dark=False),
    Scatter(
        title="one place", points=[(0.5, 0.5)] * 40, groups=[0, 1, 2, 3] * 10, labels=["a", "b", "c", "d"]
    ),
    Scatter(title="out", points=[(-5.0, 1e9), (0.1, 0.1)], groups=[0, -1], labels=["a"], dark=False),
    Lines(
        title="每月",
        steps=[f"2024-{n:02}" for n in range(1, 13)],
        labels=["湯頭", "a label that is much too long for the room there is", "c"],
        values=[[0.1 * n for n in range(12)], [None, *([0.2] * 10), None], [None] * 12],
    ),
    Lines(title="one step", steps=["now"], labels=["a"], values=[[5000.0]], percent=False, dark=False),
    Lines(title="below zero", steps=["a", "b"], labels=["a"], values=[[-0.001, 0.002]], percent=False),
    Lines(
        title="zeros", steps=[str(n) for n in range(200)], labels=list("abcdefgh"), values=[[0.0] * 200] * 8
    ),
]


def image(drawn: Drawn) -> Image.Image:
    found = Image.open(io.BytesIO(drawn.png))
    found.load()
    return found.convert("RGB")


@pytest.mark.parametrize("chart", CHARTS, ids=lambda chart: f"{type(chart).__name__}-{chart.title}")
def test_every_chart_crosses_the_wire_and_comes_back_as_a_picture(chart: Scatter | Lines) -> None:
    sent = msgspec.msgpack.decode(msgspec.msgpack.encode(Chart(chart)), type=Chart)
    (drawn,) = Charts.load(None, Device()).predict([sent])
    assert isinstance(drawn, Drawn)
    assert image(drawn).size == (drawn.width, drawn.height)
    assert len(set(image(drawn).get_flattened_data())) > 10


@pytest.mark.parametrize("dark", [True, False])
def test_points_are_where_they_should_be_in_the_colour_of_their_group(dark: bool) -> None:
    corners = [(0.1, 0.1), (0.9, 0.1), (0.1, 0.9), (0.9, 0.9)]
    points = [corner for corner in corners for _ in range(5)] + [(0.5, 0.5)]
    chart = Scatter(
        title="t",
        points=points,
        groups=[n // 5 for n in range(20)] + [-1],
        labels=["", "", "", ""],
        dark=dark,
    )
    drawn = image(draw(chart))
    theme = DARK if dark else LIGHT

    def near(x: float, y: float) -> set[tuple[int, ...]]:
        left, top = 46 + x * (drawn.width - 92), 98 + (1 - y) * (drawn.height - 28 - 80 - 36)
        box = drawn.crop((round(left) - 40, round(top) - 20, round(left) + 40, round(top) + 20))
        return {tuple(pixel) for pixel in box.get_flattened_data()}  # type: ignore[arg-type]

    for group, corner in enumerate(corners):
        there = {other for other in range(4) if colour_of(other, theme) in near(*corner)}
        assert there == {group}
    assert theme.track in near(0.5, 0.5)


def test_a_name_leaves_the_points_of_its_group_in_sight() -> None:
    points = [(0.5 + n % 7 / 300, 0.5 + n // 7 / 300) for n in range(49)]
    unnamed, named = (
        image(draw(Scatter(title="t", points=points, groups=[0] * 49, labels=[label])))
        for label in ("", "parking, garage, full")
    )
    box = (447, 318, 470, 338)
    seen = [
        sum(pixel == colour_of(0, DARK) for pixel in drawn.crop(box).get_flattened_data())
        for drawn in (unnamed, named)
    ]
    assert seen[1] == seen[0] > 200


def test_groups_are_of_different_colours_or_of_different_shape() -> None:
    for theme in (DARK, LIGHT):
        assert len({colour_of(group, theme) for group in range(2 * len(COLOURS))}) == 2 * len(COLOURS)
        for group in range(len(COLOURS)):
            red, green, blue = colour_of(group, theme)
            # They stand out from the panel that they are drawn on.
            assert sum(abs(a - b) for a, b in zip((red, green, blue), theme.panel, strict=True)) > 150


def test_a_line_rises_with_its_values_and_is_broken_where_there_is_none() -> None:
    chart = Lines(title="t", steps=list("abcde"), labels=["x"], values=[[0.0, 0.0, None, 1.0, 1.0]])
    drawn = image(draw(chart))
    colour = colour_of(0, DARK)
    width = drawn.width - 140
    at = [
        (n % drawn.width, n // drawn.width)
        for n, pixel in enumerate(drawn.get_flattened_data())
        if pixel == colour and n % drawn.width < width
    ]
    left = [y for x, y in at if x < width // 2]
    right = [y for x, y in at if x > width // 2]
    assert min(left) - max(right) > 300
    middle = (min(x for x, _ in at) + max(x for x, _ in at)) // 2
    assert not [x for x, _ in at if abs(x - middle) < 40]


def test_a_chart_whose_parts_do_not_fit_fails_alone() -> None:
    good = Chart(CHARTS[0])
    bad: list[Scatter | Lines] = [
        Scatter(title="bad", points=[(0.5, 0.5)], groups=[], labels=["a"]),
        Scatter(title="bad", points=[(0.5, 0.5)], groups=[1], labels=["a"]),
        Scatter(title="bad", points=[(0.5, float("nan"))], groups=[0], labels=["a"]),
        Scatter(
            title="bad", points=[(0.5, 0.5)] * (MOST_POINTS + 1), groups=[0] * (MOST_POINTS + 1), labels=["a"]
        ),
        Lines(title="bad", steps=["a"], labels=["a"], values=[[1.0, 2.0]]),
        Lines(title="bad", steps=["a"], labels=["a"], values=[[float("inf")]]),
        Lines(title="bad", steps=[], labels=[], values=[]),
    ]
    answers = Charts.load(None, Device()).predict([good, *map(Chart, bad), good])
    assert [type(answer) for answer in answers] == [Drawn, *[Failure] * len(bad), Drawn]
