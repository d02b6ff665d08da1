"""What a potential has to be better than."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from potbench.batch import Batch
from potbench.geometry.cutoff import cosine_cutoff
from potbench.geometry.pairs import pairs_in_molecules
from potbench.limits import POTENTIAL, require_positive
from potbench.potentials.sum_over_atoms import SumOverAtoms


class Composition(SumOverAtoms):
    """An energy for each element, and no forces: what is known of a molecule without its geometry.

    The reference energies are least squares already, so there is next to nothing to learn: eᵢ = b(elementᵢ), b first 0.

    Args:
        elements: chemical symbols that may occur; by default those of the dataset.
        scale: unit of b in eV; null takes the spread of the training energies.
    """

    def __init__(self, elements: list[str], scale: float | None = None) -> None:
        super().__init__(elements, scale)
        self.bias = nn.Parameter(torch.zeros(len(elements)))

    def atomic_energies(self, batch: Batch, element: Tensor) -> Tensor:  # noqa: D102
        return self.bias[element] + 0 * batch.positions.sum(dim=1)  # forces are then derived as everywhere, and zero


class Coordinates(SumOverAtoms):
    """A network that reads raw coordinates: eᵢ = w · (embedding of elementᵢ, network(xᵢ)); 1,160 weights.

    It does not know that a molecule turned or moved is the same molecule: the floor for any potential that does.

    Args:
        elements: chemical symbols that may occur; by default those of the dataset.
        scale: unit of the eᵢ in eV; null takes the spread of the training energies.
    """

    def __init__(self, elements: list[str], scale: float | None = None) -> None:
        super().__init__(elements, scale)
        self.embedding = nn.Embedding(100, 8)
        self.network = nn.Sequential(nn.Linear(3, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU())
        self.energy = nn.Linear(8 + 16, 1, bias=False)

    def atomic_energies(self, batch: Batch, element: Tensor) -> Tensor:  # noqa: D102
        described = torch.cat([self.embedding(batch.atomic_numbers), self.network(batch.positions)], dim=1)
        energies: Tensor = self.energy(described)
        return energies.squeeze(-1)


class Pairwise(SumOverAtoms):
    """A sum over pairs of atoms, with a curve of the distance for each pair of elements.

    Σᵢ eᵢ = Σᵢⱼ f(rᵢⱼ) Σₖ c(elementᵢ, elementⱼ, k) exp(−(rᵢⱼ − k Δ)² / 2Δ²),   i < j,   half to either atom

    Linear in the weights c; what takes three atoms to see, such as the angle of a bond, is beyond it.

    Args:
        elements: chemical symbols that may occur; by default those of the dataset.
        num_functions: how many Gaussians there are, from 0 to the cutoff.
        cutoff: of f in Å.
        scale: unit of the eᵢ in eV; null takes the spread of the training energies.
    """

    kind: Tensor
    centers: Tensor

    def __init__(
        self, elements: list[str], num_functions: int = 32, cutoff: float = 5.2, scale: float | None = None
    ) -> None:
        super().__init__(elements, scale)
        require_positive(POTENTIAL, cutoff=cutoff)
        if num_functions < 2:
            raise ValueError(
                f"num_functions is {num_functions}, expected at least 2: a Gaussian is as wide as the way to the next. "
                f"Change {POTENTIAL}.num_functions."
            )
        self.cutoff = cutoff
        first, second = torch.triu_indices(len(elements), len(elements))
        kind = torch.zeros(len(elements), len(elements), dtype=torch.int64)
        kind[first, second] = kind[second, first] = torch.arange(len(first))
        self.register_buffer("kind", kind, persistent=False)
        self.register_buffer("centers", torch.linspace(0, cutoff, num_functions), persistent=False)
        self.coefficients = nn.Embedding(len(first), num_functions)
        nn.init.normal_(self.coefficients.weight, std=0.01)  # curves that start nearly flat

    def atomic_energies(self, batch: Batch, element: Tensor) -> Tensor:  # noqa: D102
        first, second = pairs_in_molecules(batch)
        distances = (batch.positions[first] - batch.positions[second]).norm(dim=1)
        heights = torch.exp(-((distances.unsqueeze(1) - self.centers) / self.centers[1]).square() / 2)
        curves = (self.coefficients(self.kind[element[first], element[second]]) * heights).sum(dim=1)
        halves = cosine_cutoff(distances, self.cutoff) * curves / 2
        nothing = torch.zeros_like(batch.positions[:, 0])
        return nothing.index_add(0, first, halves).index_add(0, second, halves)
