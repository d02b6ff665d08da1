"""Atomic environment vectors, with equivariant messages on top."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn
from typing_extensions import override

from potbench.batch import Batch
from potbench.errors import require_positive
from potbench.geometry.cutoff import cosine_cutoff
from potbench.geometry.pairs import Pairs, pairs_within
from potbench.geometry.radial import BesselBasis
from potbench.representations.aev import AEV
from potbench.representations.convolution import convolve
from potbench.representations.representation import Representation, num_embeddings, rename_weights
from potbench.representations.tensors import PARTS, Mixed, TensorAlgebra, of_directions


class Hybrid(Representation):
    """The AEV of each atom, concatenated with invariants of the messages that atoms exchange.

    Atoms begin with their element and their AEV, and exchange tensors (a number, a vector, a symmetric matrix for each
    channel) that rotate with the molecule; their invariants under rotation join the AEV in the features. The AEV
    describes distances and angles within its cutoff; the messages add dihedrals and what lies further away.

    The messages are those of TensorNet, Simeon, De Fabritiis, NeurIPS 2023, doi:10.48550/arXiv.2306.06482; the AEV is
    that of Smith, Isayev, Roitberg, Chem. Sci. 8, 3192 (2017), doi:10.1039/C6SC05720A. The combination is new.

    Args:
        elements: chemical symbols that may occur.
        num_channels: how many tensors an atom has.
        num_interactions: how many times messages are exchanged, after the first tensors are computed.
        num_functions: how many Bessel functions describe a distance.
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
        require_positive(self, **sizes, cutoff=cutoff)
        self.aev = AEV(elements)
        self.num_features = self.aev.num_features + num_channels
        self.message_cutoff = cutoff
        self.cutoff = max(self.aev.cutoff, cutoff)
        self.basis = BesselBasis(num_functions, cutoff)
        self.algebra = TensorAlgebra()
        self.embedding = nn.Embedding(num_embeddings(elements), num_channels)
        self.surroundings = nn.Linear(self.aev.num_features, num_channels)
        self.first = _First(num_functions, num_channels, self.algebra)
        self.interactions = nn.ModuleList(
            _Interaction(num_functions, num_channels, self.algebra) for _ in range(num_interactions)
        )
        self.last = nn.Sequential(nn.LayerNorm(3 * num_channels), nn.Linear(3 * num_channels, num_channels), nn.SiLU())
        rename = partial(rename_weights, "blocks", "interactions")
        self.register_load_state_dict_pre_hook(rename)  # type: ignore[no-untyped-call]  # torch has none for it

    @override
    def forward(self, batch: Batch, element: Tensor) -> Tensor:
        aev = self.aev(batch, element)
        pairs = pairs_within(batch, self.message_cutoff)
        basis = self.basis(pairs.distances)
        cutoff_values = cosine_cutoff(pairs.distances, self.message_cutoff).unsqueeze(1)
        atoms = self.embedding(batch.atomic_numbers) + self.surroundings(aev)
        tensors = self.first(atoms, basis, cutoff_values, pairs)
        for interaction in self.interactions:
            tensors = interaction(tensors, basis, cutoff_values, pairs)
        return torch.cat([aev, self.last(self.algebra.squares(tensors).flatten(1))], dim=1)


class _First(nn.Module):
    """Features of atoms → their first tensors: sums over neighbors of the tensors of directions."""

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

    def forward(self, atoms: Tensor, basis: Tensor, cutoff_values: Tensor, pairs: Pairs) -> Tensor:
        filters = (self.filters(basis) * cutoff_values).unflatten(1, (3, -1))
        own, neighbor = self.own(atoms), self.neighbor(atoms)
        directions = pairs.vectors / pairs.distances.unsqueeze(1)
        to_second, to_first = of_directions(directions), of_directions(-directions)
        sums = atoms.new_zeros(atoms.shape[0], sum(PARTS), atoms.shape[1])
        for here, there, seen in ((pairs.first, pairs.second, to_second), (pairs.second, pairs.first, to_first)):
            both = own.index_select(0, here) + neighbor.index_select(0, there)
            sums = sums.index_add(0, here, self.algebra.per_component(filters * both.unsqueeze(1)) * seen.unsqueeze(2))
        strength = self.strength(self.norm(self.algebra.squares(sums).sum(1)))
        result: Tensor = self.mixed(sums) * self.algebra.per_component(strength)
        return result


class _Interaction(nn.Module):
    """One exchange of messages: the tensors of neighbors, weighted by distance, multiply those of an atom."""

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

    def forward(self, tensors: Tensor, basis: Tensor, cutoff_values: Tensor, pairs: Pairs) -> Tensor:
        filters = (self.filters(basis) * cutoff_values).unflatten(1, (3, -1))
        bounded = self.algebra.bounded(tensors)
        sent = self.before(bounded)
        received = convolve(sent, self.algebra.per_component(filters), pairs)
        change = self.after(self.algebra.bounded(self.algebra.products(sent, received)))
        result: Tensor = bounded + change + self.algebra.products(change, change) / 2
        return result
