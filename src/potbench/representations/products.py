"""Products of an atom's density projections that are invariant under rotation and reflection."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import permutations
from typing import NamedTuple

import torch
from torch import Tensor, nn

from potbench.geometry.spherical_harmonics import coupling

INDEPENDENT = 1e-6
"""Couplings are linear combinations of others if less than this is left of them; those that are not keep 0.1."""


class Factor(NamedTuple):
    """A projection of the density of neighbors: Aₘ, m = −l … l.

    Attributes:
        l: how it rotates, as spherical harmonics of degree l.
        element: index of the element of the neighbors.
        n: degree of the radial function.
    """

    l: int  # noqa: E741 — its name in the field
    element: int
    n: int


class Products(nn.Module):
    """Invariant products of up to four projections A of the density of an atom's neighbors.

    Of one factor, A₀; of two, Σₘ Aₘ Aₘ; of three, Σ_M (A A)_LM A_LM; of four, Σ_M (A A)_LM (A A)_LM, where (A A)_LM are
    combined by Clebsch–Gordan coefficients. Products that change under reflection are left out, and of those that
    differ only by L, what is linearly dependent since factors are equal.

    The degree of a product is the sum of n + (cost of l) l over its factors.

    Args:
        num_functions: radial functions of each element: n = 0, 1, …
        max_degrees: largest degree of products of one, two, … factors.
        max_l: largest l in products of one, two, … factors.
        cost_of_l: degree of one l.
        most_neighbors: how many neighbors of each element there are at most. Products of more factors of an element
            are left out: some of their factors would always be the same neighbor, and lower orders have such terms.

    Attributes:
        degrees: shape (features,), float64: degree of each product.
    """

    degrees: Tensor

    def __init__(
        self,
        num_functions: int,
        max_degrees: Sequence[float],
        max_l: Sequence[int],
        cost_of_l: float,
        most_neighbors: Sequence[int],
    ) -> None:
        super().__init__()
        num_elements = len(most_neighbors)
        factors = [
            Factor(degree, element, n)
            for degree in range(max(max_l) + 1)
            for element in range(num_elements)
            for n in range(num_functions)
        ]
        costs = [factor.n + cost_of_l * factor.l for factor in factors]
        channel = [factor.element * num_functions + factor.n for factor in factors]
        first: list[int] = []
        # (l₁, l₂) → pairs of channels that are combined, and the degrees L to which; L → pairs of nodes, where a node
        # is a factor, or (l₁, l₂, place of a pair)
        combined: dict[tuple[int, int], dict[tuple[int, int], int]] = {}
        dots: dict[int, list[tuple[tuple[int, ...], tuple[int, ...]]]] = {}
        degrees: dict[int, list[float]] = {}

        def node(*chosen: int) -> tuple[int, ...]:
            if len(chosen) == 1:
                return (channel[chosen[0]],)
            one, other = chosen
            pairs = combined.setdefault((factors[one].l, factors[other].l), {})
            return factors[one].l, factors[other].l, pairs.setdefault((channel[one], channel[other]), len(pairs))

        for order, (max_degree, largest) in enumerate(zip(max_degrees, max_l, strict=True), start=1):
            for chosen in _multisets(factors, costs, order, max_degree, largest, most_neighbors):
                degree = sum(costs[each] for each in chosen)
                ls = tuple(factors[each].l for each in chosen)
                if order == 1:
                    first += [channel[chosen[0]]] if ls == (0,) else []
                    degrees.setdefault(-1, []).extend([degree] if ls == (0,) else [])
                    continue
                equal = tuple(chosen.index(each) for each in chosen)
                half = order // 2 if order != 3 else 2
                for middle in _couplings(ls, equal):
                    dots.setdefault(middle, []).append((node(*chosen[:half]), node(*chosen[half:])))
                    degrees.setdefault(middle, []).append(degree)

        channels = [num_elements * num_functions if middle <= max(max_l) else 0 for middle in range(2 * max(max_l) + 1)]
        self._register(channels, first, combined, dots)
        ordered = [degree for middle in sorted(degrees) for degree in degrees[middle]]
        self.register_buffer("degrees", torch.tensor(ordered, dtype=torch.float64), persistent=False)
        self.num_features = len(ordered)

    def _register(
        self,
        channels: Sequence[int],
        first: list[int],
        combined: dict[tuple[int, int], dict[tuple[int, int], int]],
        dots: dict[int, list[tuple[tuple[int, ...], tuple[int, ...]]]],
    ) -> None:
        """Store places and coefficients as tensors."""
        self.steps: list[tuple[int, int, list[int]]] = []
        self.middles = sorted({0, *dots})
        starts: dict[tuple[int, int, int], int] = {}  # (l₁, l₂, L) → place of its first node among those of L
        num_nodes = {middle: channels[middle] for middle in self.middles}
        for (one, other), pairs in sorted(combined.items()):
            wanted = [
                middle
                for middle in sorted(dots)
                if any(len(node) > 1 and node[:2] == (one, other) for two in dots[middle] for node in two)
            ]
            for middle in wanted:
                starts[one, other, middle] = num_nodes[middle]
                num_nodes[middle] += len(pairs)
            self.steps.append((one, other, wanted))
            places = torch.tensor(list(pairs), dtype=torch.int64)
            self.register_buffer(f"pairs_{one}_{other}", places.T.contiguous(), persistent=False)
            table = torch.cat([coupling(one, other, middle).flatten(0, 1).T for middle in wanted])
            self.register_buffer(f"table_{one}_{other}", table, persistent=False)
        self.register_buffer("first", torch.tensor(first, dtype=torch.int64), persistent=False)
        for middle in self.middles:

            def place(node: tuple[int, ...], middle: int = middle) -> int:
                return node[0] if len(node) == 1 else starts[node[0], node[1], middle] + node[2]

            both = [[place(one), place(other)] for one, other in dots.get(middle, [])]
            ends = torch.tensor(both, dtype=torch.int64).view(-1, 2).T.contiguous()
            self.register_buffer(f"dots_{middle}", ends, persistent=False)
        self.num_nodes = [num_nodes[middle] * (2 * middle + 1) for middle in self.middles]

    def nodes(self, projections: list[Tensor]) -> Tensor:
        """Compute what products are dot products of: projections, and combinations of two of them.

        Args:
            projections: A for each l, of shape (channels, 2l + 1, atoms); channels are elements × radial functions.

        Returns:
            Shape (components of all nodes, atoms).
        """
        nodes = {middle: projections[middle : middle + 1] for middle in self.middles}
        for one, other, wanted in self.steps:
            left, right = self.get_buffer(f"pairs_{one}_{other}")
            a = projections[one].index_select(0, left).unsqueeze(2)
            b = projections[other].index_select(0, right).unsqueeze(1)
            table: Tensor = self.get_buffer(f"table_{one}_{other}").to(a.dtype)
            sizes = [2 * middle + 1 for middle in wanted]
            parts = torch.split(table @ (a * b).flatten(1, 2), sizes, dim=1)
            for middle, part in zip(wanted, parts, strict=True):
                nodes[middle].append(part)
        return torch.cat([part.flatten(0, 1) for middle in self.middles for part in nodes[middle]])

    def forward(self, nodes: Tensor) -> Tensor:
        """Compute the products: shape (components of nodes, atoms) → (features, atoms)."""
        features = [nodes.index_select(0, self.get_buffer("first"))]
        for middle, rows in zip(self.middles, torch.split(nodes, self.num_nodes), strict=True):
            size = 2 * middle + 1
            components = rows.reshape(rows.shape[0] // size, size, nodes.shape[1])
            left, right = self.get_buffer(f"dots_{middle}")
            features.append((components.index_select(0, left) * components.index_select(0, right)).sum(1))
        return torch.cat(features)

    def slopes(self, nodes: Tensor, tangents: Tensor, atoms_per_molecule: Tensor) -> Tensor:
        """Compute the derivatives of the products, summed over the atoms of each molecule.

        Σₘ (aₘ dbₘ + bₘ daₘ) is a product of a sparse matrix, of the nodes, with their derivatives: much faster than to
        copy the derivatives for every product.

        Args:
            nodes: shape (components, atoms), atoms in the order of the molecules.
            tangents: shape (components, atoms, directions), derivatives of the nodes.
            atoms_per_molecule: shape (molecules,).

        Returns:
            Shape (features, molecules, directions).
        """
        num_atoms = nodes.shape[1]
        first: Tensor = self.get_buffer("first")
        values = [torch.ones(len(first) * num_atoms, dtype=nodes.dtype, device=nodes.device)]
        places = [first.view(-1, 1, 1)]
        widths = [torch.ones_like(first)]
        start = 0
        for middle, rows in zip(self.middles, torch.split(nodes, self.num_nodes), strict=True):
            size = 2 * middle + 1
            ends = self.get_buffer(f"dots_{middle}")
            components = rows.T.reshape(num_atoms, len(rows) // size, size)
            # of each product, for each atom: what multiplies da, and what multiplies db
            factors = components[:, ends.flip(0).T.flatten()].reshape(num_atoms, ends.shape[1], 2 * size)
            values.append(factors.transpose(0, 1).flatten())
            inner = torch.arange(size, device=ends.device)
            places.append((start + ends.T.unsqueeze(2) * size + inner).reshape(ends.shape[1], 1, 2 * size))
            widths.append(torch.full_like(ends[0], 2 * size))
            start += len(rows)
        atoms = torch.arange(num_atoms, device=nodes.device).view(1, -1, 1)
        columns = torch.cat([(place * num_atoms + atoms).int().flatten() for place in places])
        # entries of a product are those of its atoms, one after the other: a row ends where a molecule does
        width = torch.cat(widths)
        ends_of_molecules = width.unsqueeze(1) * atoms_per_molecule.cumsum(0)
        before = (width.cumsum(0) - width).unsqueeze(1) * num_atoms
        rows_end = nn.functional.pad((before + ends_of_molecules).flatten(), (1, 0)).int()
        shape = len(rows_end) - 1, tangents.shape[0] * num_atoms
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta", UserWarning)
            matrix = torch.sparse_csr_tensor(rows_end, columns, torch.cat(values), shape, check_invariants=False)
        return (matrix @ tangents.flatten(0, 1)).view(len(width), len(atoms_per_molecule), tangents.shape[2])


def _multisets(
    factors: Sequence[Factor],
    costs: Sequence[float],
    order: int,
    max_degree: float,
    max_l: int,
    most_neighbors: Sequence[int],
) -> Iterator[tuple[int, ...]]:
    """List sorted choices of factors, with repetition, within the largest degree and numbers of neighbors."""
    allowed = [place for place, factor in enumerate(factors) if factor.l <= max_l and costs[place] <= max_degree]

    def extend(chosen: tuple[int, ...], start: int, left: float, neighbors: list[int]) -> Iterator[tuple[int, ...]]:
        if len(chosen) == order:
            yield chosen
            return
        for at in range(start, len(allowed)):
            place = allowed[at]
            element = factors[place].element
            if costs[place] <= left and neighbors[element]:
                neighbors[element] -= 1
                yield from extend((*chosen, place), at, left - costs[place], neighbors)
                neighbors[element] += 1

    yield from extend((), 0, max_degree, list(most_neighbors))


@cache
def _couplings(ls: tuple[int, ...], equal: tuple[int, ...]) -> tuple[int, ...]:
    """Return the degrees L that couple factors to linearly independent invariants, even under reflection.

    Args:
        ls: l of each factor.
        equal: for each factor, the place of the first one that is equal to it.
    """
    if sum(ls) % 2:
        return ()
    if len(ls) == 2:
        return (ls[0],) if ls[0] == ls[1] else ()
    if len(ls) == 3:
        return (ls[2],) if abs(ls[0] - ls[1]) <= ls[2] <= ls[0] + ls[1] else ()
    low, high = max(abs(ls[0] - ls[1]), abs(ls[2] - ls[3])), min(ls[0] + ls[1], ls[2] + ls[3])
    same = [order for order in permutations(range(4)) if tuple(equal[place] for place in order) == equal]
    found: list[int] = []
    basis: list[Tensor] = []
    for middle in range(low, high + 1):
        tensor = torch.einsum("abm,cdm->abcd", coupling(ls[0], ls[1], middle), coupling(ls[2], ls[3], middle))
        tensor = tensor / tensor.norm()
        rest = torch.stack([tensor.permute(order) for order in same]).mean(dim=0)
        for other in basis:
            rest = rest - (rest * other).sum() * other
        if rest.norm() > INDEPENDENT:
            basis.append(rest / rest.norm())
            found.append(middle)
    return tuple(found)
