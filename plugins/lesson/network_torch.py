"""The network of `network` once more, in PyTorch, whose gradients come from autograd. Imported where models run."""

import torch
from torch import nn

from plugins.lesson.network import Activation, Floats, Parameters

ACTIVATIONS = {"sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "relu": nn.ReLU}


class Twin(nn.Module):
    """Two layers with the same parameters as those of `network`, in double precision."""

    def __init__(self, at: Parameters, activation: Activation) -> None:
        super().__init__()
        hidden = at.w1.shape[1]
        self.first = nn.Linear(2, hidden, dtype=torch.float64)
        self.active = ACTIVATIONS[activation]()
        self.second = nn.Linear(hidden, 1, dtype=torch.float64)
        self.put(at)

    def put(self, at: Parameters) -> None:
        """Take over these parameters; torch keeps a layer's weights the other way round."""
        with torch.no_grad():
            self.first.weight.copy_(torch.from_numpy(at.w1.T))
            self.first.bias.copy_(torch.from_numpy(at.b1))
            self.second.weight.copy_(torch.from_numpy(at.w2.T))
            self.second.bias.copy_(torch.from_numpy(at.b2))

    def forward(self, places: torch.Tensor) -> torch.Tensor:
        """Return a logit for each place."""
        logits: torch.Tensor = self.second(self.active(self.first(places)))[:, 0]
        return logits

    def loss(self, places: torch.Tensor, kinds: torch.Tensor) -> torch.Tensor:
        """Return the mean cross-entropy."""
        return nn.functional.binary_cross_entropy_with_logits(self(places), kinds)

    def gradient(self, places: Floats, kinds: Floats) -> Parameters:
        """Return the gradient of the loss as autograd finds it."""
        self.zero_grad()
        self.loss(torch.from_numpy(places), torch.from_numpy(kinds)).backward()  # type: ignore[no-untyped-call]
        parts = (self.first.weight, self.first.bias, self.second.weight, self.second.bias)
        w1, b1, w2, b2 = (part.grad.numpy().copy() for part in parts if part.grad is not None)
        return Parameters(w1.T, b1, w2.T, b2)
