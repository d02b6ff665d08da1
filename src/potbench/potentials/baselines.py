"""Baselines, which any potential has to outperform."""

from __future__ import annotations

from itertools import combinations_with_replacement

import torch
from torch import Tensor, nn
from typing_extensions import override

from potbench.batch import Batch
from potbench.errors import SettingError, require_positive
from potbench.geometry.cutoff import cosine_cutoff
from potbench.geometry.pairs import pairs_in_molecules
from potbench.potentials.sum_over_atoms import SumOverAtoms


class Composition(SumOverAtoms):
    """An energy for each element, and no forces: the energy of a molecule without its geometry.

    eᵢ = b(elementᵢ), and b starts at 0: the reference energies are a least-squares fit already, which leaves next to
    nothing to learn.

    Args:
        elements: chemical symbols that may occur; by default those of the dataset.
        scale: unit of b in eV; None takes the spread of the training energies.
    """

    def __init__(self, elements: list[str], scale: float | None = None) -> None:
        super().__init__(elements, scale)
        self.bias = nn.Parameter(torch.zeros(len(elements)))

    @override
    def element_tables(self) -> dict[str, list[tuple[str, ...]]]:
        return {**super().element_tables(), "bias": [(symbol,) for symbol in self.elements]}

    @override
    def atomic_energies(self, batch: Batch, element: Tensor) -> Tensor:
        return self.bias[element] + 0 * batch.positions.sum(dim=1)  # forces are then derived as everywhere, and zero


class Coordinates(SumOverAtoms):
    """A network that reads raw coordinates: eᵢ = w · (embedding of elementᵢ, network(xᵢ)); 1,160 weights.

    Its energies change when a molecule is rotated or translated: the floor for any potential that is invariant.

    Args:
        elements: chemical symbols that may occur; by default those of the dataset.
        scale: unit of the eᵢ in eV; None takes the spread of the training energies.
    """

    def __init__(self, elements: list[str], scale: float | None = None) -> None:
        super().__init__(elements, scale)
        self.embedding = nn.Embedding(100, 8)
        self.network = nn.Sequential(nn.Linear(3, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU())
        self.energy = nn.Linear(8 + 16, 1, bias=False)

    @override
    def atomic_energies(self, batch: Batch, element: Tensor) -> Tensor:
        described = torch.cat([self.embedding(batch.atomic_numbers), self.network(batch.positions)], dim=1)
        energies: Tensor = self.energy(described)
        return energies.squeeze(-1)


class Pairwise(SumOverAtoms):
    """A sum over pairs of atoms, with a function of the distance for each pair of elements.

    Σᵢ eᵢ = Σᵢⱼ f(rᵢⱼ) Σₖ c(elementᵢ, elementⱼ, k) exp(−(rᵢⱼ − k Δ)² / 2Δ²),   i < j,   half to either atom

    Linear in the weights c; many-body terms, such as those of angles, are beyond it.

    Args:
        elements: chemical symbols that may occur; by default those of the dataset.
        num_functions: how many Gaussians there are, from 0 to the cutoff.
        cutoff: of f in Å.
        scale: unit of the eᵢ in eV; None takes the spread of the training energies.
        repulsion: whether nuclei repel each other (ZBL) at distances below those of the training set.
    """

    kind: Tensor
    centers: Tensor

    def __init__(
        self,
        elements: list[str],
        num_functions: int = 32,
        cutoff: float = 5.2,
        scale: float | None = None,
        repulsion: bool = False,
    ) -> None:
        super().__init__(elements, scale, repulsion)
        require_positive(self, cutoff=cutoff)
        if num_functions < 2:
            raise SettingError(
                self, "num_functions", num_functions, "at least 2: a Gaussian is as wide as the distance to the next"
            )
        self.cutoff = cutoff
        first, second = torch.triu_indices(len(elements), len(elements))
        kind = torch.zeros(len(elements), len(elements), dtype=torch.int64)
        kind[first, second] = kind[second, first] = torch.arange(len(first))
        self.register_buffer("kind", kind, persistent=False)
        self.register_buffer("centers", torch.linspace(0, cutoff, num_functions), persistent=False)
        self.coefficients = nn.Embedding(len(first), num_functions)
        nn.init.normal_(self.coefficients.weight, std=0.01)  # functions that start nearly flat

    @override
    def element_tables(self) -> dict[str, list[tuple[str, ...]]]:
        return {**super().element_tables(), "coefficients.weight": [*combinations_with_replacement(self.elements, 2)]}

    @override
    def atomic_energies(self, batch: Batch, element: Tensor) -> Tensor:
        first, second = pairs_in_molecules(batch)
        distances = (batch.positions[first] - batch.positions[second]).norm(dim=1)
        heights = torch.exp(-((distances.unsqueeze(1) - self.centers) / self.centers[1]).square() / 2)
        curves = (self.coefficients(self.kind[element[first], element[second]]) * heights).sum(dim=1)
        halves = cosine_cutoff(distances, self.cutoff) * curves / 2
        nothing = torch.zeros_like(batch.positions[:, 0])
        return nothing.index_add(0, first, halves).index_add(0, second, halves)
