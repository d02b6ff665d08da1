"""Repulsion of atoms that are nearer to each other than any that a potential was trained on."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations_with_replacement

import torch
from ase.data import covalent_radii
from torch import Tensor, nn

from potbench.batch import Batch
from potbench.geometry.pairs import keeps_shapes, pairs_within
from potbench.geometry.screened_coulomb import universal_screening
from potbench.structures import SYMBOLS

WIDEST, UNSEEN = 2.0, 0.7
"""Sums of covalent radii: how far the repulsion reaches at most, and that of elements that were never in one molecule.
Bonds are as long as one, and no bond is as short as the second."""
MARGIN = 0.999
"""Of the shortest distance: distances of the training set are above, however they are rounded."""


class Repulsion(nn.Module):
    """Screened repulsion of nuclei at distances below those of the training set, where it is exactly zero.

    E = Σᵢⱼ V(rᵢⱼ) s(rᵢⱼ / r_ab),   i < j,   half to either atom

    V is the universal potential of Ziegler, Biersack and Littmark. s falls from 1 at half of the reach r_ab to 0 at the
    reach, with two continuous derivatives. The reach is the shortest distance of the elements a and b in the training
    set, at most twice the sum of their covalent radii; 0.7 times that sum where no training frame has both.

    Args:
        elements: chemical symbols that may occur.

    Attributes:
        pairs: of elements, in the order of the distances.
        widest: in Å, a distance beyond which it is zero for all of them.
    """

    shortest: Tensor
    bounds: Tensor
    numbers: Tensor
    kind: Tensor

    def __init__(self, elements: list[str]) -> None:
        super().__init__()
        numbers = [SYMBOLS.index(symbol) for symbol in elements]
        self.pairs: list[tuple[str, ...]] = [*combinations_with_replacement(elements, 2)]
        sums = [float(sum(covalent_radii[SYMBOLS.index(symbol)] for symbol in pair)) for pair in self.pairs]
        first, second = torch.triu_indices(len(elements), len(elements))
        kind = torch.zeros(len(elements), len(elements), dtype=torch.int64)
        kind[first, second] = kind[second, first] = torch.arange(len(first))
        self.widest = WIDEST * max(sums)  # a plain number: no synchronization
        self.register_buffer("shortest", torch.full((len(first),), torch.inf, dtype=torch.float64))  # Å
        self.register_buffer("bounds", torch.tensor(sums, dtype=torch.float64), persistent=False)
        self.register_buffer("numbers", torch.tensor(numbers, dtype=torch.float64), persistent=False)
        self.register_buffer("kind", kind, persistent=False)

    @property
    def reach(self) -> Tensor:
        """Return the distance in Å from which on it is zero, for each pair of elements: shape (pairs,)."""
        seen = torch.minimum(MARGIN * self.shortest, WIDEST * self.bounds)
        return torch.where(torch.isinf(self.shortest), UNSEEN * self.bounds, seen)

    def narrow(self, shortest: Mapping[str, float] | None) -> None:
        """Take the distances of a training set, where they are shorter than those it has.

        Args:
            shortest: pair of elements, such as H-C, in any order → shortest distance in Å; None leaves all as it is.
        """
        for place, (one, other) in enumerate(self.pairs):
            found = [(shortest or {}).get(name, torch.inf) for name in (f"{one}-{other}", f"{other}-{one}")]
            self.shortest[place] = min(float(self.shortest[place]), *found)

    def forward(self, batch: Batch, element: Tensor) -> Tensor:
        """Compute the energy of each atom in eV: shape (atoms,), float64.

        Args:
            batch: the molecules.
            element: shape (atoms,), int64, index of each atom's element.
        """
        first, second, _, distances = pairs_within(batch, self.widest)
        reach = self.reach[self.kind[element[first], element[second]]]
        # elsewhere the host would synchronize with the device to count them, and shapes of programs depend on no values
        if distances.is_cpu and not keeps_shapes(batch):
            near = torch.nonzero(distances.detach() < reach).squeeze(1)
            if not len(near):
                return torch.zeros_like(element, dtype=torch.float64)
            first, second, distances, reach = (each.index_select(0, near) for each in (first, second, distances, reach))
        distances, numbers = distances.double(), self.numbers[element]
        energies = universal_screening(distances, numbers[first], numbers[second])
        halves = energies * _switch(distances / reach) / 2
        nothing = halves.new_zeros(element.shape[0])
        return nothing.index_add(0, first, halves).index_add(0, second, halves)


def _switch(x: Tensor) -> Tensor:
    """Fall from 1 at ½ to 0 at 1, with two continuous derivatives: 1 − 10 t³ + 15 t⁴ − 6 t⁵, t = 2 x − 1."""
    t = (2 * x - 1).clamp(0, 1)
    return 1 - t**3 * (10 - 15 * t + 6 * t**2)
