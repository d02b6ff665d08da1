"""Pairs and triples of atoms, and the place of each in atomic environment vectors."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from potbench.batch import Batch
from potbench.geometry.pairs import candidate_pairs, keeps_shapes, pairs_in_molecules

MANY = 2**18
"""Triples of a batch up to which a GPU computes all, near or not: terms of 34 MB in single precision."""


class Neighbors(NamedTuple):
    """Which atoms are neighbors of which.

    A triple is a central atom and two of its neighbors, its sides.

    Attributes:
        pairs: shape (2, pairs), int64, the two atoms of each pair, which is listed once.
        radial: shape (2, pairs), place of each pair among (atoms × elements of neighbors): for its first atom, and for
            its second.
        sides: shape (2, triples), the pairs that the central atom and either side are.
        signs: shape (2, triples), 1 where the central atom is the first of that pair, −1 where it is the second; 0
            where it is a side itself, which makes no triple.
        angular: shape (triples,), place of each triple among (central atoms × pairs of elements of their sides).
    """

    pairs: Tensor
    radial: Tensor
    sides: Tensor
    signs: Tensor
    angular: Tensor


class _Found(NamedTuple):
    """Neighbors, and what they were found from."""

    element: Tensor
    near: Tensor
    close: Tensor
    neighbors: Neighbors

    def holds(self, element: Tensor, near: Tensor, close: Tensor) -> bool:
        """Return whether the same would be found."""
        return self.element is element and torch.equal(self.near, near) and torch.equal(self.close, close)


def near_neighbors(batch: Batch, element: Tensor, kinds: Tensor, cutoff: float, angular_cutoff: float) -> Neighbors:
    """Find the pairs within a cutoff, and the triples whose sides are within another one.

    Where the batch has a memory, they are found once for as long as the same pairs are within the cutoffs.

    Args:
        batch: the molecules.
        element: shape (atoms,), int64, index of each atom's element.
        kinds: shape (elements, elements), int64, number of each pair of elements.
        cutoff: of pairs in Å.
        angular_cutoff: of triples in Å; below the other.
    """
    candidates = candidate_pairs(batch, cutoff)
    positions = batch.positions.detach()
    distances = (positions.index_select(0, candidates[0]) - positions.index_select(0, candidates[1])).norm(2, -1)
    near, close = distances <= cutoff, distances <= angular_cutoff
    place = f"neighbors within {cutoff} and {angular_cutoff}"
    before = (batch.memory or {}).get(place)
    if isinstance(before, _Found) and before.holds(element, near, close):
        return before.neighbors
    kept = near.nonzero().flatten()
    pairs = candidates.index_select(1, kept)
    neighbors = _with_triples(pairs, close.index_select(0, kept).nonzero().flatten(), element, kinds)
    if batch.memory is not None:
        batch.memory[place] = _Found(element, near, close, neighbors)
    return neighbors


def lists_all(batch: Batch) -> bool:
    """Return whether `all_neighbors` are to be used: where shapes must stay, and in small batches on a GPU.

    The host would synchronize with a GPU to count those within the cutoffs, and steps of other shapes could not be
    captured. On a CPU there is nothing to wait for.
    """
    if keeps_shapes(batch):
        return True
    return not batch.positions.is_cpu and batch.num_pairs * batch.largest_molecule <= MANY


def all_neighbors(batch: Batch, element: Tensor, kinds: Tensor) -> Neighbors:
    """List all pairs and triples, however far: how many there are follows from the sizes of the molecules.

    Every pair is listed as sides with as many central atoms as the largest molecule has; where its own molecule has
    fewer, the signs are 0.

    Args:
        batch: the molecules.
        element: shape (atoms,), int64, index of each atom's element.
        kinds: shape (elements, elements), int64, number of each pair of elements.
    """
    pairs = batch.once("pairs", lambda: pairs_in_molecules(batch))
    sizes = batch.atoms_per_molecule
    pairs_per_molecule = sizes * (sizes - 1) // 2
    number = torch.arange(pairs.shape[1] * batch.largest_molecule, device=element.device)
    pair, within = number // batch.largest_molecule, number % batch.largest_molecule
    molecule = batch.molecule_index.index_select(0, pairs[0]).index_select(0, pair)
    first_atom = (sizes.cumsum(0) - sizes).index_select(0, molecule)
    first_pair = (pairs_per_molecule.cumsum(0) - pairs_per_molecule).index_select(0, molecule)
    ends = pairs.index_select(1, pair)
    ends_within = ends - first_atom  # pairs are in the order of the later atom, then of the earlier one
    later, earlier = torch.maximum(ends_within, within), torch.minimum(ends_within, within)
    is_triple = (later != earlier) & (within < sizes.index_select(0, molecule))
    central = first_atom + torch.minimum(within, sizes.index_select(0, molecule) - 1)
    return Neighbors(
        pairs=pairs,
        radial=pairs * len(kinds) + element[pairs].flip(0),
        sides=torch.where(
            is_triple, first_pair + later * (later - 1) // 2 + earlier, pair
        ),  # in the order of the pairs
        signs=(ends_within - within).sign() * is_triple,
        angular=_of_triples(central, element[ends], kinds),
    )


def _with_triples(pairs: Tensor, close: Tensor, element: Tensor, kinds: Tensor) -> Neighbors:
    """List the triples of some of the pairs, in TorchANI's order, by which sums are the same to the last digit."""
    of_triples = pairs.index_select(1, close)
    central, order = of_triples.flatten().sort()
    # for each atom its neighbors, in order; each is the later side of as many triples as there are neighbors before it
    start = torch.searchsorted(central, central)
    num_earlier = torch.arange(len(central), device=central.device) - start
    later = torch.repeat_interleave(num_earlier)
    first_triple = num_earlier.cumsum(0) - num_earlier
    earlier = torch.arange(len(later), device=later.device) + (start - first_triple).index_select(0, later)
    sides = order[torch.stack([later, earlier])]
    others = element[of_triples].flip(0).flatten()
    return Neighbors(
        pairs=pairs,
        radial=pairs * len(kinds) + element[pairs].flip(0),
        sides=close[sides % len(close)] if len(close) else sides,
        signs=torch.where(sides < len(close), 1, -1).to(torch.int8),
        angular=_of_triples(central.index_select(0, later), others[sides], kinds),
    )


def _of_triples(central: Tensor, elements: Tensor, kinds: Tensor) -> Tensor:
    num_kinds = len(kinds) * (len(kinds) + 1) // 2
    return central * num_kinds + kinds[elements[0], elements[1]]
