"""The single-layer perceptron: what it learns, what it cannot, and what a bias of angles does to it."""

import itertools

import numpy as np
import pytest

from plugins.lesson.perceptron_learning import Bias, activation, learn, separable, step
from plugins.lesson.points import CORNERS, GATES, drawn, from_table, scaled
from shared.errors import BadInput
from shared.inputs import Table

PLACES = np.array(CORNERS)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("gate", ["and", "or"])
def test_the_textbook_learns_and_and_or_from_any_beginning(gate: str, seed: int) -> None:
    kinds = np.array(GATES[gate])
    learned = learn(PLACES, kinds, "textbook", 0.1, 200, seed)
    last = learned.epochs[-1]
    assert learned.converged == len(learned.epochs) - 1
    assert (step(activation(PLACES, last.weights, last.bias, "textbook")) == kinds).all()


def test_of_all_gates_of_two_inputs_a_line_divides_all_but_xor_and_its_opposite() -> None:
    impossible = [
        kinds for kinds in itertools.product((0, 1), repeat=4) if not separable(PLACES, np.array(kinds))
    ]
    assert impossible == [(0, 1, 1, 0), (1, 0, 0, 1)]


def test_a_line_divides_clouds_and_neither_rings_nor_moons() -> None:
    found = {}
    for name in ("blobs", "circles", "moons"):
        points = drawn(name, 160, 0.1, 3)
        found[name] = separable(scaled(points)[0], np.array(points.kind_of))
    assert found == {"blobs": True, "circles": False, "moons": False}


@pytest.mark.parametrize("kind", ["textbook", "course"])
def test_xor_is_never_learned(kind: Bias) -> None:
    learned = learn(PLACES, np.array(GATES["xor"]), kind, 0.1, 100, 1)
    assert learned.converged is None
    assert max(epoch.accuracy for epoch in learned.epochs) <= 0.75


@pytest.mark.parametrize("weights", [(1.0, 2.0), (-3.0, 0.1), (-5.0, -5.0)])
def test_an_angle_as_bias_calls_the_origin_1_whatever_the_weights(weights: tuple[float, float]) -> None:
    at = np.array(weights)
    assert step(activation(np.zeros((1, 2)), at, -9.0, "course")).tolist() == [1]
    assert step(activation(np.zeros((1, 2)), at, -9.0, "textbook")).tolist() == [0]
    # π where x points against w: 5 + 5 pull down, the angle of π up.
    against = activation(-at[None], at, 0.0, "course")
    assert against[0] == pytest.approx(np.pi - at @ at)


ROWS = [f"{x},{y},{'tall' if 3 * y > x else 'small'}" for x in (100, 200, 300) for y in (10, 90, 150)]


def test_own_points_are_found_by_their_columns_names_or_kinds() -> None:
    named = from_table(table("x,y,label", ROWS), kinds=2)
    assert named.kinds == ["small", "tall"]
    assert named.places[1] == (100.0, 90.0)
    swapped = from_table(table("label,y,x", [",".join(reversed(row.split(","))) for row in ROWS]), kinds=2)
    assert swapped == named
    unnamed = from_table(table("width,height,kind", ROWS), kinds=2)
    assert (unnamed.places, unnamed.kind_of, unnamed.axes) == (
        named.places,
        named.kind_of,
        ("width", "height"),
    )


@pytest.mark.parametrize(
    ("header", "rows", "says"),
    [
        ("x,y,label", [*ROWS, "1,2,third"], "3 different labels"),
        ("x,y,label", [*ROWS, "one,2,tall"], "row 10, column x: one is not a number"),
        ("x,y,label", [*ROWS, "inf,2,tall"], "inf is not a number"),
        ("x,y", ["1,2", "2,3", "3,4", "4,5"], "third column"),
        ("name,y,label", [f"a{row}" for row in ROWS], "two columns of numbers"),
        ("x,y,label", ROWS[:2], "4 to 2,000"),
    ],
)
def test_what_is_wrong_with_own_points_is_said(header: str, rows: list[str], says: str) -> None:
    with pytest.raises(BadInput, match=says):
        from_table(table(header, rows), kinds=2)


def table(header: str, rows: list[str]) -> Table:
    return Table(tuple(header.split(",")), tuple(tuple(row.split(",")) for row in rows), "own.csv")
