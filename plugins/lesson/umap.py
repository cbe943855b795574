"""UMAP in numpy (McInnes, Healy & Melville 2018), for some hundred points.

The reference implementation compiles itself for most of a minute and holds 240 MiB, which so few points do not need.
The graph is the same; its points are moved a batch of edges at a time, not edge by edge.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
NEIGHBOURS: Final = 15
"""Of a point, itself counted."""
NEAREST: Final = 0.1
"""How near points may come to each other in the picture."""
EPOCHS: Final = 300
NEGATIVE: Final = 5
"""Random points that push away a point for each neighbour that draws it in."""
CLIP: Final = 4.0
BATCHES: Final = 4
BISECTIONS: Final = 64


def umap(rows: Floats, seed: int, neighbours: int = NEIGHBOURS, epochs: int = EPOCHS) -> Floats:
    """Return a place in the plane for each row, (n, 2)."""
    random = np.random.default_rng(seed)
    graph = fuzzy_graph(rows, min(neighbours, len(rows)))
    places = spectral(graph)
    places = places + random.normal(0, 1e-4, places.shape)
    return _moved(places, graph, curve(NEAREST), epochs, random)


def fuzzy_graph(rows: Floats, neighbours: int) -> Floats:
    """Return how sure it is that two rows are neighbours, (n, n): in 0…1, symmetric.

    Each row's distances are measured from its nearest other row and scaled so that its memberships sum to log₂ of
    `neighbours`; two views of one pair are joined as probabilities are: a + b - ab.
    """
    squares = np.sum(rows**2, axis=1)
    far = np.sqrt(np.maximum(squares[:, None] + squares[None] - 2 * rows @ rows.T, 0.0))
    np.fill_diagonal(far, 0.0)
    count = len(rows)
    order = np.argsort(far + np.diag(np.full(count, -1.0)), axis=1, kind="stable")[:, 1:neighbours]
    near = np.take_along_axis(far, order, axis=1)
    nearest = np.where(near > 0, near, np.inf).min(axis=1, initial=np.inf)
    nearest = np.where(np.isfinite(nearest), nearest, 0.0)
    beyond = np.maximum(near - nearest[:, None], 0.0)
    scale = _scales(beyond, np.log2(neighbours))
    scale = np.maximum(scale, 1e-3 * np.where(nearest > 0, near.mean(axis=1), far.mean()))
    scale = np.where(scale > 0, scale, 1.0)
    view = np.zeros((count, count))
    np.put_along_axis(view, order, np.exp(-beyond / scale[:, None]), axis=1)
    joined: Floats = view + view.T - view * view.T
    return joined


def curve(nearest: float) -> tuple[float, float]:
    """Return a and b so that 1 / (1 + a d²ᵇ) falls as is wanted: 1 up to `nearest`, then like e to the power of -d."""
    from scipy.optimize import curve_fit

    far = np.linspace(0, 3, 300)
    wanted = np.where(far < nearest, 1.0, np.exp(-(far - nearest)))
    (a, b), _ = curve_fit(lambda d, a, b: 1 / (1 + a * d ** (2 * b)), far, wanted)
    return float(a), float(b)


def spectral(graph: Floats) -> Floats:
    """Return where points begin: the graph's two smoothest eigenvectors, in -10…10."""
    degrees = np.maximum(graph.sum(axis=1), 1e-12) ** -0.5
    _, vectors = np.linalg.eigh(np.eye(len(graph)) - degrees[:, None] * graph * degrees[None])
    chosen = vectors[:, 1:3]
    # An eigenvector may point either way; so that the picture is the same on every machine.
    chosen = chosen * np.sign(chosen[np.abs(chosen).argmax(axis=0), range(2)])
    begun: Floats = 10 * chosen / np.abs(chosen).max()
    return begun


def attraction(squared: Floats, a: float, b: float) -> Floats:
    """Return the factor of (x - y) in the gradient of -log of the similarity, for squared distances above 0."""
    pull: Floats = 2 * a * b * squared ** (b - 1) / (1 + a * squared**b)
    return pull


def repulsion(squared: Floats, a: float, b: float) -> Floats:
    """Return the factor of (x - y) in the gradient of -log(1 - similarity); kept finite near 0, as the paper does."""
    push: Floats = -2 * b / ((0.001 + squared) * (1 + a * squared**b))
    return push


def _scales(beyond: Floats, wanted: float) -> Floats:
    """Return for each row the scale at which its memberships sum to `wanted`, found by halving."""
    low, high = np.zeros(len(beyond)), np.full(len(beyond), np.inf)
    scale = np.ones(len(beyond))
    for _ in range(BISECTIONS):
        total = np.exp(-beyond / scale[:, None]).sum(axis=1)
        large = total > wanted
        high, low = np.where(large, scale, high), np.where(large, low, scale)
        scale = np.where(np.isfinite(high), (low + np.where(np.isfinite(high), high, 0.0)) / 2, scale * 2)
    return scale


def _moved(
    places: Floats, graph: Floats, shape: tuple[float, float], epochs: int, random: np.random.Generator
) -> Floats:
    """Draw neighbours together and push others apart, each edge as often as it is sure."""
    heads, tails = np.nonzero(graph)
    sure = graph[heads, tails] / graph.max()
    kept = sure >= 1 / epochs
    heads, tails, sure = heads[kept], tails[kept], sure[kept]
    due = 1 / sure
    places = places.copy()
    for epoch in range(1, epochs + 1):
        rate = 1 - (epoch - 1) / epochs
        now = np.flatnonzero(due <= epoch)
        due[now] += 1 / sure[now]
        random.shuffle(now)
        for batch in np.array_split(now, BATCHES):
            _step(places, heads[batch], tails[batch], shape, rate, random)
    return places


def _step(
    places: Floats,
    heads: NDArray[np.int64],
    tails: NDArray[np.int64],
    shape: tuple[float, float],
    rate: float,
    random: np.random.Generator,
) -> None:
    """Move the ends of some edges towards each other, and their heads away from random points; in place."""
    apart = places[heads] - places[tails]
    squared = np.maximum(np.sum(apart**2, axis=1, keepdims=True), 1e-12)
    pull = np.clip(-attraction(squared, *shape) * apart, -CLIP, CLIP) * rate
    others = random.integers(len(places), size=len(heads) * NEGATIVE)
    pushed = np.repeat(heads, NEGATIVE)
    apart = places[pushed] - places[others]
    squared = np.sum(apart**2, axis=1, keepdims=True)
    push = np.clip(-repulsion(squared, *shape) * apart, -CLIP, CLIP) * rate
    for axis in range(2):
        for at, by in ((heads, pull[:, axis]), (tails, -pull[:, axis]), (pushed, push[:, axis])):
            places[:, axis] += np.bincount(at, weights=by, minlength=len(places))
