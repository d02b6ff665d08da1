"""Expansions of distances in basis functions, as inputs of networks."""

from __future__ import annotations

import math

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
        """Expand distances of shape (pairs,), in Å, to shape (pairs, functions), without unit."""
        return torch.exp(-self.gamma * (distances.unsqueeze(1) - self.centers).square())


class BesselBasis(nn.Module):
    """Distances as the heights of standing waves within a sphere.

    gₖ(r) = √(2 / r_c) sin(k π r / r_c) / r,   k = 1, 2, …

    Source: Gasteiger, Groß, Günnemann, ICLR 2020, doi:10.48550/arXiv.2003.03123.

    Args:
        num_functions: how many waves.
        cutoff: r_c, radius of the sphere, in Å.
    """

    wavenumbers: Tensor

    def __init__(self, num_functions: int, cutoff: float) -> None:
        super().__init__()
        self.height = math.sqrt(2 / cutoff)
        wavenumbers = torch.arange(1, num_functions + 1) * (math.pi / cutoff)
        self.register_buffer("wavenumbers", wavenumbers, persistent=False)

    def forward(self, distances: Tensor) -> Tensor:
        """Expand distances of shape (…), in Å, above zero, to shape (…, functions), in Å^-³ᐟ²."""
        distances = distances.unsqueeze(-1)
        return self.height / distances * torch.sin(distances * self.wavenumbers)
