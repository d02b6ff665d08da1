"""Atomic environment vectors, and messages on top of them that carry directions."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from potbench.batch import Batch
from potbench.geometry.cutoff import cosine_cutoff
from potbench.geometry.pairs import Pairs, pairs_within
from potbench.geometry.radial import BesselBasis
from potbench.limits import REPRESENTATION, require_positive
from potbench.representations.aev import AEV
from potbench.representations.convolution import convolve
from potbench.representations.representation import Representation, num_embeddings
from potbench.representations.tensors import Mixed, TensorAlgebra, of_directions


class Hybrid(Representation):
    """The AEV of each atom, joined to what a few exchanges of messages make of it.

    Atoms begin with their element and their AEV, and exchange tensors (a number, a vector, a symmetric matrix for each
    channel) that turn with the molecule; what no turn changes of them stands beside the AEV in the features. The AEV
    sees distances and angles within its cutoff at once; the messages bring dihedrals and what lies further away.

    The messages are those of TensorNet, Simeon, De Fabritiis, NeurIPS 2023, doi:10.48550/arXiv.2306.06482; the AEV is
    that of Smith, Isayev, Roitberg, Chem. Sci. 8, 3192 (2017), doi:10.1039/C6SC05720A. Joining them is potbench's own.

    Args:
        elements: chemical symbols that may occur.
        num_channels: how many tensors an atom has.
        num_interactions: how many times messages are exchanged, after the first tensors are made.
        num_functions: how many waves describe a distance.
        cutoff: of the messages in Å; that of the AEV is 5.2 Å.
    """

    def __init__(
        self,
        elements: list[str],
        num_channels: int = 64,
        num_interactions: int = 2,
        num_functions: int = 16,
        cutoff: float = 4.5,
    ) -> None:
        super().__init__()
        sizes = {"num_channels": num_channels, "num_interactions": num_interactions, "num_functions": num_functions}
        require_positive(REPRESENTATION, **sizes, cutoff=cutoff)
        self.aev = AEV(elements)
        self.num_features = self.aev.num_features + num_channels
        self.message_cutoff = cutoff
        self.cutoff = max(self.aev.cutoff, cutoff)
        self.basis = BesselBasis(num_functions, cutoff)
        self.algebra = TensorAlgebra()
        self.embedding = nn.Embedding(num_embeddings(elements), num_channels)
        self.surroundings = nn.Linear(self.aev.num_features, num_channels)
        self.first = _First(num_functions, num_channels, self.algebra)
        self.blocks = nn.ModuleList(_Block(num_functions, num_channels, self.algebra) for _ in range(num_interactions))
        self.last = nn.Sequential(nn.LayerNorm(3 * num_channels), nn.Linear(3 * num_channels, num_channels), nn.SiLU())

    def forward(self, batch: Batch, element: Tensor) -> Tensor:  # noqa: D102
        aev = self.aev(batch, element)
        pairs = pairs_within(batch, self.message_cutoff)
        basis = self.basis(pairs.distances)
        fading = cosine_cutoff(pairs.distances, self.message_cutoff).unsqueeze(1)
        atoms = self.embedding(batch.atomic_numbers) + self.surroundings(aev)
        tensors = self.first(atoms, basis, fading, pairs)
        for block in self.blocks:
            tensors = block(tensors, basis, fading, pairs)
        return torch.cat([aev, self.last(self.algebra.squares(tensors).flatten(1))], dim=1)


class _First(nn.Module):
    """Atoms → their first tensors: sums over neighbours of the tensors of directions."""

    def __init__(self, num_functions: int, num_channels: int, algebra: TensorAlgebra) -> None:
        super().__init__()
        self.algebra = algebra
        self.filters = nn.Linear(num_functions, 3 * num_channels)
        self.own, self.neighbor = (nn.Linear(num_channels, num_channels) for _ in range(2))
        self.norm = nn.LayerNorm(num_channels)
        self.strength = nn.Sequential(
            nn.Linear(num_channels, 2 * num_channels),
            nn.SiLU(),
            nn.Linear(2 * num_channels, 3 * num_channels),
            nn.SiLU(),
            nn.Unflatten(1, (3, num_channels)),
        )
        self.mixed = Mixed(num_channels)

    def forward(self, atoms: Tensor, basis: Tensor, fading: Tensor, pairs: Pairs) -> Tensor:
        filters = (self.filters(basis) * fading).unflatten(1, (3, -1))
        own, neighbor = self.own(atoms), self.neighbor(atoms)
        to_second, to_first = of_directions(pairs.vectors / pairs.distances.unsqueeze(1))
        sums = atoms.new_zeros(len(atoms), 10, atoms.shape[1])
        for here, there, seen in ((pairs.first, pairs.second, to_second), (pairs.second, pairs.first, to_first)):
            both = own.index_select(0, here) + neighbor.index_select(0, there)
            sums = sums.index_add(0, here, self.algebra.per_component(filters * both.unsqueeze(1)) * seen.unsqueeze(2))
        strength = self.strength(self.norm(self.algebra.squares(sums).sum(1)))
        result: Tensor = self.mixed(sums) * self.algebra.per_component(strength)
        return result


class _Block(nn.Module):
    """One exchange of messages: tensors of neighbours, weighed by distance, are multiplied into those of an atom."""

    def __init__(self, num_functions: int, num_channels: int, algebra: TensorAlgebra) -> None:
        super().__init__()
        self.algebra = algebra
        self.filters = nn.Sequential(
            nn.Linear(num_functions, num_channels),
            nn.SiLU(),
            nn.Linear(num_channels, 2 * num_channels),
            nn.SiLU(),
            nn.Linear(2 * num_channels, 3 * num_channels),
            nn.SiLU(),
        )
        self.before, self.after = Mixed(num_channels), Mixed(num_channels)

    def forward(self, tensors: Tensor, basis: Tensor, fading: Tensor, pairs: Pairs) -> Tensor:
        filters = (self.filters(basis) * fading).unflatten(1, (3, -1))
        bounded = self.algebra.bounded(tensors)
        sent = self.before(bounded)
        received = convolve(sent, self.algebra.per_component(filters), pairs)
        change = self.after(self.algebra.bounded(self.algebra.products(sent, received)))
        result: Tensor = bounded + change + self.algebra.products(change, change) / 2
        return result
