"""Many columns in a plane: PCA is scikit-learn's, UMAP keeps its paper's equations, and tables are read or refused."""

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA

from plugins.lesson.embeddings import Embeddings2D, ReduceRequest, Rows
from plugins.lesson.reduce import rows_of
from plugins.lesson.reducing import pca, trust
from plugins.lesson.umap import attraction, curve, fuzzy_graph, repulsion, umap
from shared.errors import BadInput
from shared.inputs import Table
from shared.model import Device

DIGITS = load_digits().data[:200]


def test_pca_is_that_of_scikit_learn() -> None:
    places, explained = pca(DIGITS)
    theirs = PCA(2, svd_solver="full").fit(DIGITS)
    assert explained == pytest.approx(theirs.explained_variance_ratio_)
    signs = np.sign((places * theirs.transform(DIGITS)).sum(axis=0))
    assert places * signs == pytest.approx(theirs.transform(DIGITS), abs=1e-8)


def test_memberships_of_a_row_sum_to_the_logarithm_of_its_neighbours() -> None:
    random = np.random.default_rng(0).normal(size=(80, 5))
    joined = fuzzy_graph(random, 15)
    assert joined == pytest.approx(joined.T)
    assert joined.max() <= 1
    assert np.diag(joined).max() == 0
    # Where a is the one view and b the other, a + b - ab is at least either: so is the sum of each row.
    assert joined.sum(axis=1).min() >= np.log2(15) - 1e-6
    # The nearest other row is a neighbour for sure.
    far = np.linalg.norm(random[:, None] - random[None], axis=2) + np.diag(np.full(80, np.inf))
    assert joined[range(80), far.argmin(axis=1)] == pytest.approx(1)


def test_rows_that_are_the_same_have_places_too() -> None:
    rows = np.repeat(np.random.default_rng(1).normal(size=(6, 4)), 5, axis=0)
    assert np.isfinite(umap(rows, 0, 5)).all()
    assert np.isfinite(umap(np.zeros((20, 3)), 0)).all()


def test_the_forces_are_the_slopes_of_the_cross_entropy() -> None:
    a, b = curve(0.1)
    # The values that the paper's authors ship for this distance.
    assert (a, b) == pytest.approx((1.577, 0.895), abs=2e-3)
    for far in (0.2, 0.9, 2.5):

        def near(d: float) -> float:
            return float(1 / (1 + a * d ** (2 * b)))

        slope = (-np.log(near(far + 1e-6)) + np.log(near(far - 1e-6))) / 2e-6
        assert attraction(np.array(far**2), a, b) * far == pytest.approx(slope, rel=1e-5)
        slope = (-np.log(1 - near(far + 1e-6)) + np.log(1 - near(far - 1e-6))) / 2e-6
        assert repulsion(np.array(far**2), a, b) * far == pytest.approx(slope, rel=0.03)


def test_umap_keeps_neighbours_that_pca_loses() -> None:
    places = umap(DIGITS, 0)
    assert trust(DIGITS, places) > 0.96 > trust(DIGITS, pca(DIGITS)[0])
    assert (places == umap(DIGITS, 0)).all()
    assert not np.allclose(places, umap(DIGITS, 1))


def test_a_seed_gives_one_picture() -> None:
    model = Embeddings2D.load(None, Device())
    rows = Rows(values=DIGITS[:60, :20].tolist(), kind_of=[at % 3 for at in range(60)], kinds=["a", "b", "c"])
    request = ReduceRequest(rows=rows, perplexity=30, neighbours=15, seed=3, title="t", below="{trust}")
    one, two = model.predict([request, request])
    assert not isinstance(one, type(None))
    assert one.png == two.png  # type: ignore[union-attr]
    # Perplexity is bounded by the rows that there are.
    assert one.perplexity == pytest.approx(59 / 3)  # type: ignore[union-attr]


def test_a_table_gives_its_numbers_and_its_kinds() -> None:
    made = [(f"{at}", f"{at * at}", f"{at % 3}", "7", "odd" if at % 2 else "even") for at in range(30)]
    rows = rows_of(Table(("a", "b", "c", "same", "parity"), tuple(made), "own.csv"), None)
    assert len(rows.values[0]) == 3
    assert rows.kinds == ["even", "odd"]
    assert rows.kind_of[:3] == [0, 1, 0]
    chosen = rows_of(
        Table(("a", "b", "c", "d", "parity"), tuple((*row[:3], *row[1:2], row[4]) for row in made), "o"), "C"
    )
    assert chosen.kinds == ["0", "1", "2"]


@pytest.mark.parametrize(
    ("columns", "row", "count", "label", "says"),
    [
        (("a", "b", "c"), "{n},{n}", 30, None, "own.csv needs at least 3 columns"),
        (("a", "b", "c"), "{n},{n},{n}", 10, None, "at least 20"),
        (("a", "b", "c", "d"), "{n},{n},{n},{n}", 30, "d", "30 different labels"),
        (("a", "b", "c", "d"), "{n},{n},{n},{n}", 30, "e", "no column e"),
    ],
)
def test_what_is_wrong_with_a_table_is_said(
    columns: tuple[str, ...], row: str, count: int, label: str | None, says: str
) -> None:
    made = tuple(tuple((row.format(n=n) + ",1").split(",")[: len(columns)]) for n in range(count))
    with pytest.raises(BadInput, match=says):
        rows_of(Table(columns, made, "own.csv"), label)
