"""The atomic cluster expansion."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn
from typing_extensions import override

from potbench.batch import Batch
from potbench.errors import SettingError, require_positive
from potbench.geometry.by_element import atoms_by_element, in_order_of_atoms
from potbench.geometry.pairs import pairs_within
from potbench.geometry.radial import START, LegendreBasis
from potbench.geometry.spherical_harmonics import spherical_harmonics
from potbench.representations.products import Products
from potbench.representations.representation import Representation
from potbench.structures import SYMBOLS

UNLIMITED = 10**6
"""Neighbors of an element, before it is known how many there are."""


class ACE(Representation):
    """Atomic cluster expansion: invariant products of the density of each atom's neighbors, without parameters.

    A_znlm = Σⱼ gₙ(rᵢⱼ) Yₗₘ(r̂ᵢⱼ) over the neighbors j of element z; features are products of one to four A that are
    invariant under rotation and reflection, up to a degree, Σ n + (cost of l) l. A product of k factors is a sum over
    k neighbors: with features of all degrees, any function of k + 1 atoms is a linear combination of them.

    Source: Drautz, Phys. Rev. B 99, 014104 (2019), doi:10.1103/PhysRevB.99.014104; linear models of molecules: Kovács
    et al., J. Chem. Theory Comput. 17, 7696 (2021), doi:10.1021/acs.jctc.1c00647.

    Args:
        elements: chemical symbols that may occur.
        max_degrees: largest degree of products of one, two, … factors; at most four numbers.
        max_l: largest l in products of one, two, … factors.
        cutoff: in Å.
        cost_of_l: degree of one l, where that of one n is 1.
        scale: distance in Å below which the radial functions resolve most.
    """

    most_neighbors: Tensor
    parity: Tensor
    cutoff: float

    def __init__(
        self,
        elements: list[str],
        max_degrees: tuple[float, ...] = (10, 7, 5, 3),
        max_l: tuple[int, ...] = (0, 4, 3, 2),
        cutoff: float = 5.0,
        cost_of_l: float = 1.0,
        scale: float = 1.5,
    ) -> None:
        super().__init__()
        require_positive(self, cutoff=cutoff, cost_of_l=cost_of_l, scale=scale)
        if cutoff <= START:
            raise SettingError(self, "cutoff", cutoff, f"a distance above {START} Å, where the radial functions begin")
        if not 1 <= len(max_degrees) <= 4 or not all(0 <= degree < UNLIMITED for degree in max_degrees):
            raise SettingError(self, "max_degrees", list(max_degrees), "one to four numbers, none below zero")
        if len(max_l) != len(max_degrees) or min(max_l) < 0:
            expected = f"{len(max_degrees)} numbers as in max_degrees, none below zero"
            raise SettingError(self, "max_l", list(max_l), expected)
        self._constants = {key: value for key, value in locals().items() if key not in {"self", "__class__"}}
        self.atomic_numbers = [SYMBOLS.index(symbol) for symbol in elements]
        self.cutoff = cutoff
        self.max_degrees = tuple(max_degrees)
        self.max_l = tuple(max_l)
        self.cost_of_l = cost_of_l
        self.radial = LegendreBasis(int(max(max_degrees)) + 1, cutoff, scale)
        parity = torch.cat([torch.full((2 * degree + 1,), float((-1) ** degree)) for degree in range(max(max_l) + 1)])
        self.register_buffer("parity", parity, persistent=False)
        self.register_buffer("most_neighbors", torch.full((len(elements), len(elements)), UNLIMITED))
        self.restrict(self.most_neighbors)

    def restrict(self, most_neighbors: Tensor) -> None:
        """Leave out products that need more neighbors of an element than there are; the number of features changes.

        Args:
            most_neighbors: shape (elements, elements), int64: for an atom of the first element, how many others of the
                second a molecule has at most.
        """
        self.most_neighbors.copy_(most_neighbors)
        limits = [tuple(row) for row in most_neighbors.clamp(max=4).tolist()]
        sizes = self.radial.num_functions, self.max_degrees, self.max_l, self.cost_of_l
        different = {limit: Products(*sizes, limit) for limit in set(limits)}
        self.products = nn.ModuleList(different[limit] for limit in limits).to(most_neighbors.device)
        self.num_features = max(products.num_features for products in different.values())

    @property
    def is_restricted(self) -> bool:
        """Return whether products were left out for a training set."""
        return bool((self.most_neighbors < UNLIMITED).any())

    @property
    def of_elements(self) -> list[Products]:
        """Return the products of the atoms of each element."""
        return [cast(Products, products) for products in self.products]

    @property
    def degrees(self) -> list[Tensor]:
        """Return the degrees of the features of each element, (features,) each; the rest of a row is zero."""
        return [products.degrees for products in self.of_elements]

    @property
    @override
    def constants(self) -> dict[str, object]:
        return {"representation": "ACE", **self._constants, "most_neighbors": self.most_neighbors.tolist()}

    @override
    def forward(self, batch: Batch, element: Tensor) -> Tensor:
        atoms, nodes = zip(*self.nodes(batch, element), strict=True)
        rows = [products(own).T for products, own in zip(self.of_elements, nodes, strict=True)]
        padded = [nn.functional.pad(row, (0, self.num_features - row.shape[1])) for row in rows]
        return in_order_of_atoms(padded, atoms, element)

    def nodes(self, batch: Batch, element: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Compute the nodes of the products, see `Products.nodes`.

        Returns:
            For each element: its atoms, shape (atoms,), int64, in the order of the batch, and their nodes, shape
            (components, atoms).
        """
        projections = self.projections(batch, element)
        sizes = [2 * degree + 1 for degree in range(max(self.max_l) + 1)]
        groups = atoms_by_element(batch, element, self.atomic_numbers)
        found = []
        for products, atoms in zip(self.of_elements, groups, strict=True):
            own = projections.index_select(0, atoms).permute(1, 2, 0).contiguous()
            found.append((atoms, products.nodes(list(torch.split(own, sizes, dim=1)))))
        return found

    def projections(self, batch: Batch, element: Tensor) -> Tensor:
        """Compute the density of neighbors, projected: shape (atoms, elements × radial functions, (max_l + 1)²)."""
        pairs = pairs_within(batch, self.cutoff)
        harmonics = spherical_harmonics(pairs.vectors / pairs.distances.unsqueeze(1), max(self.max_l))
        there = self.radial(pairs.distances).unsqueeze(2) * harmonics.unsqueeze(1)
        back = there * self.parity.to(there.dtype)
        num_elements = len(self.atomic_numbers)
        summed = there.new_zeros(element.shape[0] * num_elements, *there.shape[1:])
        summed = summed.index_add(0, pairs.first * num_elements + element[pairs.second], there)
        summed = summed.index_add(0, pairs.second * num_elements + element[pairs.first], back)
        projections: Tensor = summed.view(element.shape[0], -1, there.shape[2])
        return projections

    def _load_from_state_dict(self, state_dict: dict[str, Tensor], prefix: str, *arguments: Any) -> None:
        limits = state_dict.get(f"{prefix}most_neighbors")
        if limits is not None and limits.shape == self.most_neighbors.shape:
            self.restrict(limits.to(self.most_neighbors.device))
        super()._load_from_state_dict(state_dict, prefix, *arguments)
