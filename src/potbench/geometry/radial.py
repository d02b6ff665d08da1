"""Distances as many numbers, for a network to read."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class GaussianBasis(nn.Module):
    """Distances as the heights of evenly spaced Gaussians.

    gₖ(r) = exp(−γ (r − k Δ)²),   k Δ = 0, Δ, 2 Δ, … below the end

    Source: Schütt et al., J. Chem. Phys. 148, 241722 (2018), doi:10.1063/1.5019779.

    Args:
        end: where the Gaussians end, in Å.
        spacing: Δ in Å.
        gamma: γ in Å⁻².
    """

    centers: Tensor

    def __init__(self, end: float, spacing: float = 0.1, gamma: float = 10.0) -> None:
        super().__init__()
        self.num_functions = round(end / spacing)
        self.gamma = gamma
        self.register_buffer("centers", spacing * torch.arange(self.num_functions), persistent=False)

    def forward(self, distances: Tensor) -> Tensor:
        """Heights of shape (pairs, functions), without unit, at distances of shape (pairs,), in Å."""
        return torch.exp(-self.gamma * (distances.unsqueeze(1) - self.centers).square())
