"""Features on a common scale."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from typing_extensions import override

ROUNDING = 1e-6
"""Of the largest mean: a spread below it is that of rounding."""


class Standardization(nn.Module):
    """Each feature less its mean over training atoms of the element, divided by its spread over them.

    Until it is fitted, it changes nothing.

    Args:
        elements: chemical symbols.
        num_features: length of the features of an atom.
        smallest_spread: what a feature is divided by at least, over the largest spread of its element: what hardly
            varies among training frames would grow without bound in others.
    """

    center: Tensor
    spread: Tensor

    def __init__(self, elements: list[str], num_features: int, smallest_spread: float = 0.1) -> None:
        super().__init__()
        self.smallest_spread = smallest_spread
        self.register_buffer("center", torch.zeros(len(elements), num_features))
        self.register_buffer("spread", torch.ones(len(elements), num_features))

    @override
    def forward(self, features: Tensor, element: Tensor) -> Tensor:
        """Standardize features: shape (atoms, features) → the same."""
        return (features - self.center[element]) / self.spread[element]

    @torch.no_grad()
    def fit(self, atoms: Iterable[tuple[Tensor, Tensor]]) -> None:
        """Take means and standard deviations from training atoms.

        Elements without atoms, and those whose features are all constant, keep a spread of 1.

        Args:
            atoms: features, shape (atoms, features), and element, shape (atoms,), part by part.
        """
        count = self.center.new_zeros(len(self.center), 1, dtype=torch.float64)
        total, squares = (torch.zeros_like(self.center, dtype=torch.float64) for _ in range(2))
        for features, element in atoms:
            values = features.double()
            count.index_add_(0, element, values.new_ones(len(values), 1))
            total.index_add_(0, element, values)
            squares.index_add_(0, element, values**2)
        mean = total / count.clamp(min=1)
        spread = (squares / count.clamp(min=1) - mean**2).clamp(min=0).sqrt()
        largest = spread.amax(dim=1, keepdim=True)
        varies = largest > ROUNDING * mean.abs().amax(dim=1, keepdim=True)
        self.center.copy_(mean)
        self.spread.copy_(torch.where(varies, spread.maximum(self.smallest_spread * largest), 1.0))
