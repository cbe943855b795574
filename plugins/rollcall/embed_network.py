"""dlib's face network in torch: the same numbers to the sixth digit, an order of magnitude sooner on a processor.

A residual network of 29 convolutions (King 2017, after He et al. 2016) for aligned faces of 150 pixels. Its batch
normalization is folded into the convolutions. As in dlib, a convolution of stride 2 has no padding, and where the two
sides of a block differ in size the smaller is filled up with zeros.
"""

from typing import Final, Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from plugins.rollcall.align import packaged
from plugins.rollcall.embed_file import tensors

FILE: Final = "dlib_face_recognition_resnet_model_v1.dat"
MEAN: Final = (122.782, 117.001, 104.298)
STAGES: Final = ((32, 3, False), (64, 4, True), (128, 3, True), (256, 3, True), (256, 1, True))
"""Channels, blocks, and whether the first block halves the size."""
VECTOR: Final = 128


class FaceNetwork(nn.Module):
    """Maps faces (n × 150 × 150 × 3, RGB bytes) to n × 128."""

    mean: Tensor

    def __init__(self) -> None:
        super().__init__()
        convolutions = [nn.Conv2d(3, 32, 7, stride=2)]
        self.halves: list[bool] = []
        channels = 32
        for wide, blocks, halving in STAGES:
            for block in range(blocks):
                half = halving and block == 0
                stride, padding = (2, 0) if half else (1, 1)
                convolutions.append(nn.Conv2d(channels, wide, 3, stride, padding))
                convolutions.append(nn.Conv2d(wide, wide, 3, 1, 1))
                self.halves.append(half)
                channels = wide
        self.convolutions = nn.ModuleList(convolutions)
        self.last = nn.Linear(channels, VECTOR, bias=False)
        self.register_buffer("mean", torch.tensor(MEAN), persistent=False)

    @classmethod
    def packaged(cls) -> Self:
        """Read the parameters out of dlib's file. Raises `ModelUnavailable`."""
        network = cls()
        layers = network.layers()
        # A convolution's filters and biases are one tensor; the slopes and shifts after it are the next.
        sizes = [
            size
            for each in layers
            for size in (each.weight.numel() + each.out_channels, 2 * each.out_channels)
        ]
        found = [
            torch.from_numpy(each) for each in tensors(packaged(FILE).read_bytes(), [*sizes, 256 * VECTOR])
        ]
        with torch.no_grad():
            for at, convolution in enumerate(layers):
                wide = convolution.out_channels
                filters, bias = found[2 * at][:-wide], found[2 * at][-wide:]
                slope, shift = found[2 * at + 1][:wide], found[2 * at + 1][wide:]
                scaled = filters.reshape(convolution.weight.shape) * slope[:, None, None, None]
                convolution.weight.data = scaled.contiguous(memory_format=torch.channels_last)
                convolution.bias = nn.Parameter(bias * slope + shift)
            network.last.weight.copy_(found[-1].reshape(256, VECTOR).T)
        return network.eval().requires_grad_(False)

    def layers(self) -> list[nn.Conv2d]:
        """Return the convolutions, from the picture on."""
        return [each for each in self.convolutions if isinstance(each, nn.Conv2d)]

    def forward(self, faces: Tensor) -> Tensor:
        """Return n × 128."""
        x = ((faces.float() - self.mean) / 256).permute(0, 3, 1, 2)
        layers = iter(self.layers())
        x = functional.max_pool2d(functional.relu(next(layers)(x)), 3, 2)
        for half in self.halves:
            first, second = next(layers), next(layers)
            inner = second(functional.relu(first(x)))
            x = functional.relu(_added(inner, functional.avg_pool2d(x, 2, 2) if half else x))
        out: Tensor = self.last(x.mean((2, 3)))
        return out


def _added(one: Tensor, other: Tensor) -> Tensor:
    """Add two tensors whose smaller sides are filled up with zeros."""
    if one.shape == other.shape:
        return one + other
    channels, high, wide = (max(one.shape[at], other.shape[at]) for at in (1, 2, 3))
    filled = [
        functional.pad(each, (0, wide - each.shape[3], 0, high - each.shape[2], 0, channels - each.shape[1]))
        for each in (one, other)
    ]
    return filled[0] + filled[1]
