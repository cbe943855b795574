"""The two networks for 32-pixel pictures: a strong small one, and the course's. Needs torch: worker and trainer only.

Both take n x 3 x 32 x 32 in 0…1 and return logits.
"""

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

CLASSES: Final = 10
MEAN: Final = (0.4914, 0.4822, 0.4465)
DEVIATION: Final = (0.2470, 0.2435, 0.2616)
"""Of the training pictures' red, green and blue."""
PATCH: Final = 2
WHITENED: Final = 2 * 3 * PATCH * PATCH
MOMENTUM: Final = 0.4
"""Weight of the newest batch in the running statistics: few epochs leave no time for a slow mean."""


class Normalised(nn.Module):
    """Takes off the mean of the training pictures and divides by their deviation."""

    mean: Tensor
    deviation: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(MEAN).reshape(1, 3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(DEVIATION).reshape(1, 3, 1, 1), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Normalise."""
        return (x - self.mean) / self.deviation


class Group(nn.Module):
    """Two 3 x 3 convolutions; the first is pooled by two. Both begin as the identity (Dirac)."""

    def __init__(self, inner: int, outer: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inner, outer, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(outer, momentum=MOMENTUM)
        self.conv2 = nn.Conv2d(outer, outer, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(outer, momentum=MOMENTUM)
        # The filters are kept at a constant norm, so a scale behind them would be idle.
        for norm in (self.norm1, self.norm2):
            norm.weight.requires_grad = False
        for conv in (self.conv1, self.conv2):
            nn.init.dirac_(conv.weight.data[: conv.weight.shape[1]])

    def forward(self, x: Tensor) -> Tensor:
        """Convolve, pool, convolve."""
        x = functional.gelu(self.norm1(functional.max_pool2d(self.conv1(x), 2)))
        return functional.gelu(self.norm2(self.conv2(x)))


class StrongNetwork(nn.Module):
    """The network of airbench94 (K. Jordan, "94% on CIFAR-10 in 3.29 Seconds on a Single GPU", 2024; MIT).

    A whitening layer over patches of 2 x 2 that is set from the data and not trained, three groups of two
    convolutions, one linear layer. `widths` are the channels of the groups.
    """

    def __init__(self, widths: tuple[int, int, int] = (64, 256, 256)) -> None:
        super().__init__()
        self.normalised = Normalised()
        self.whiten = nn.Conv2d(3, WHITENED, PATCH)
        self.whiten.weight.requires_grad = False
        self.widths = widths
        first, second, third = widths
        self.groups = nn.Sequential(Group(WHITENED, first), Group(first, second), Group(second, third))
        self.head = nn.Linear(third, CLASSES, bias=False)
        with torch.no_grad():
            self.head.weight /= self.head.weight.std()
        self.scale = 1 / third

    def set_whitening(self, x: Tensor, epsilon: float = 5e-4) -> None:
        """Set the first layer from pictures (n x 3 x 32 x 32), so that its outputs are uncorrelated; then negated."""
        x = self.normalised(x)
        patches = x.unfold(2, PATCH, 1).unfold(3, PATCH, 1).permute(0, 2, 3, 1, 4, 5)
        rows = patches.reshape(-1, WHITENED // 2).double()
        values, vectors = torch.linalg.eigh(rows.T @ rows / len(rows))
        filters = (vectors.T / (values[:, None] + epsilon).sqrt()).reshape(-1, 3, PATCH, PATCH).float()
        with torch.no_grad():
            self.whiten.weight.copy_(torch.cat([filters, -filters]))
            if self.whiten.bias is not None:
                self.whiten.bias.zero_()

    def forward(self, x: Tensor) -> Tensor:
        """Return logits."""
        return self.decided(self.features(x))

    def features(self, x: Tensor) -> Tensor:
        """Return what the last layer decides on (n x the last width)."""
        x = self.groups(functional.gelu(self.whiten(self.normalised(x))))
        return functional.max_pool2d(x, 3).flatten(1)

    def decided(self, features: Tensor) -> Tensor:
        """Return logits of features."""
        logits: Tensor = self.head(features) * self.scale
        return logits


class CourseNetwork(nn.Module):
    """The course's network, as in PyTorch's CIFAR-10 tutorial: LeNet-5 in colour (LeCun et al. 1998)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, 5)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits."""
        x = x * 2 - 1
        x = functional.max_pool2d(functional.relu(self.conv1(x)), 2)
        x = functional.max_pool2d(functional.relu(self.conv2(x)), 2)
        x = functional.relu(self.fc1(x.flatten(1)))
        logits: Tensor = self.fc3(functional.relu(self.fc2(x)))
        return logits
