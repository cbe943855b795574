"""The networks: the course's dense one and its small CNN, and the one that ships.

Each takes images of n x 1 x 28 x 28 in 0…1, ink bright on dark, and gives n x 11 numbers: ten logits of the digits, and
the log-odds that there is a digit at all. Imported by the worker and the trainer only: it needs torch.
"""

from collections.abc import Callable
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

DIGITS: Final = 10
OUTPUTS: Final = DIGITS + 1
SIDE: Final = 28
FEATURES: Final = 96 * 9
"""Numbers that a tower sees an image as."""
HIDDEN: Final = 64
MEAN: Final = 0.1307
DEVIATION: Final = 0.3081
"""Mean and standard deviation of the pixels of MNIST's training part."""


class Dense(nn.Module):
    """The course's dense network, 784-256-128-10, with one output more."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden1 = nn.Linear(SIDE * SIDE, 256)
        self.hidden2 = nn.Linear(256, 128)
        self.dropout = nn.Dropout(0.2)
        self.head = nn.Linear(128, OUTPUTS)

    def forward(self, images: Tensor) -> Tensor:
        """Return n x 11 outputs."""
        x = _standard(images).flatten(1)
        x = self.dropout(functional.relu(self.hidden1(x)))
        x = self.dropout(functional.relu(self.hidden2(x)))
        return torch.as_tensor(self.head(x))


class Small(nn.Module):
    """The course's small CNN: two convolutions of 3 x 3 with pooling, and a dense layer."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1)
        self.hidden = nn.Linear(32 * 7 * 7, 128)
        self.dropout = nn.Dropout(0.3)
        self.head = nn.Linear(128, OUTPUTS)

    def forward(self, images: Tensor) -> Tensor:
        """Return n x 11 outputs."""
        x = functional.max_pool2d(functional.relu(self.conv1(_standard(images))), 2)
        x = functional.max_pool2d(functional.relu(self.conv2(x)), 2)
        return torch.as_tensor(self.head(self.dropout(functional.relu(self.hidden(x.flatten(1))))))


class Tower(nn.Module):
    """A strided stem, then convolutions of 3 x 3 at 14 x 14 and 7 x 7, the last with a shortcut."""

    def __init__(self, stem: int = 32, middle: int = 48, last: int = 96) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, stem, 5, stride=2, padding=2, bias=False)
        self.stem_norm = nn.BatchNorm2d(stem)
        self.conv1 = nn.Conv2d(stem, middle, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(middle)
        self.conv2 = nn.Conv2d(middle, last, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(last)
        self.conv3 = nn.Conv2d(last, last, 3, padding=1, bias=False)
        self.norm3 = nn.BatchNorm2d(last)
        self.dropout = nn.Dropout(0.1)
        self.head = nn.Linear(last * 9, OUTPUTS)

    def forward(self, images: Tensor) -> Tensor:
        """Return n x 11 outputs."""
        return self.answered(self.features(images))

    def features(self, images: Tensor) -> Tensor:
        """Return what the tower sees: n x `FEATURES`."""
        x = functional.relu(self.stem_norm(self.stem(_standard(images))))
        x = functional.relu(self.norm1(functional.max_pool2d(self.conv1(x), 2)))
        x = functional.relu(self.norm2(self.conv2(x)))
        x = x + functional.relu(self.norm3(self.conv3(x)))
        # Cells of 3 x 3 overlap by one, so that a digit that is off by a pixel changes little.
        return functional.max_pool2d(x, 3, stride=2).flatten(1)

    def answered(self, features: Tensor) -> Tensor:
        """Return the n x 11 outputs that follow from features."""
        return torch.as_tensor(self.head(self.dropout(features)))


class Strong(nn.Module):
    """The network that ships: two towers that learn apart, and whose logits of the digits are averaged.

    Whether there is a digit at all is answered by them, and by a small network that sees what both see and is fitted
    after them (`plugins.digits.whether`): the mean of both logits counts.
    """

    def __init__(self) -> None:
        super().__init__()
        self.towers = nn.ModuleList([Tower(), Tower()])
        self.whether = nn.Sequential(
            nn.Dropout(0.2),
            nn.Linear(len(self.towers) * FEATURES, HIDDEN),
            nn.ReLU(),
            nn.Dropout(0.3),
            nn.Linear(HIDDEN, 1),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Return n x 11 outputs."""
        features = [tower.features(images) for tower in self._towers()]
        answers = [tower.answered(each) for tower, each in zip(self._towers(), features, strict=True)]
        mean = torch.stack(answers).mean(0)
        whether = (mean[:, DIGITS:] + self.whether(torch.cat(features, 1))) / 2
        return torch.cat([mean[:, :DIGITS], whether], 1)

    def features(self, images: Tensor) -> Tensor:
        """Return what the towers see, side by side."""
        return torch.cat([tower.features(images) for tower in self._towers()], 1)

    def _towers(self) -> list[Tower]:
        return [tower for tower in self.towers if isinstance(tower, Tower)]

    def each(self, images: Tensor) -> list[Tensor]:
        """Return the n x 11 outputs of each tower: in training each has a loss of its own."""
        return [tower(images) for tower in self.towers]


NETWORKS: Final[dict[str, Callable[[], nn.Module]]] = {"dense": Dense, "cnn": Small, "strong": Strong}


def _standard(images: Tensor) -> Tensor:
    return (images - MEAN) / DEVIATION
