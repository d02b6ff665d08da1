"""Expansions of distances in basis functions, as inputs of networks."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from potbench.errors import SettingError


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


START = 0.7
"""A distance in Å below which hardly any two atoms are."""


class LegendreBasis(nn.Module):
    """Distances as orthogonal polynomials of a coordinate that resolves short ones best, with an envelope.

    gₙ(r) = √(2n + 1) Pₙ(x) (1 − (r/r_c)²)²,   x linear in 1 / (1 + (r/r₀)²), from −1 at r_c to 1 at the start

    Args:
        num_functions: how many polynomials, of degree 0, 1, …
        cutoff: r_c in Å.
        scale: r₀ in Å.
        start: a distance in Å below which hardly any two atoms are.
    """

    def __init__(self, num_functions: int, cutoff: float, scale: float = 1.5, start: float = START) -> None:
        super().__init__()
        if not 0 < start < cutoff:
            raise SettingError(self, "start", start, f"a distance above 0 and below the cutoff, {cutoff}")
        self.num_functions = num_functions
        self.cutoff = cutoff
        self.scale = scale
        self.ends = 1 / (1 + (cutoff / scale) ** 2), 1 / (1 + (start / scale) ** 2)

    def forward(self, distances: Tensor) -> Tensor:
        """Expand distances of shape (…), in Å, to shape (…, functions), without unit."""
        low, high = self.ends
        x = 2 * (1 / (1 + (distances / self.scale).square()) - low) / (high - low) - 1
        polynomials = [torch.ones_like(x), x]
        for n in range(2, self.num_functions):
            polynomials.append(((2 * n - 1) * x * polynomials[-1] - (n - 1) * polynomials[-2]) / n)
        normalized = [math.sqrt(2 * n + 1) * values for n, values in enumerate(polynomials[: self.num_functions])]
        envelope = (1 - (distances / self.cutoff).square()).clamp(min=0).square()
        return torch.stack(normalized, dim=-1) * envelope.unsqueeze(-1)
