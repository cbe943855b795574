"""The heart of Muon (K. Jordan et al. 2024): a layer's updates made orthogonal. For the trainer: it needs torch."""

from typing import Final

from torch import Tensor

STEPS: Final = 3
QUINTIC: Final = (3.4445, -4.7750, 2.0315)
"""Coefficients of the Newton-Schulz iteration whose slope at zero is steepest."""


def orthogonal(matrix: Tensor, steps: int = STEPS) -> Tensor:
    """Return about the nearest semi-orthogonal matrix: singular values of 0.7 to 1.2 (Newton-Schulz)."""
    a, b, c = QUINTIC
    x = matrix / (matrix.norm() + 1e-7)
    tall = x.shape[0] > x.shape[1]
    x = x.T if tall else x
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    found: Tensor = x.T if tall else x
    return found
