"""PaiNN by SchNetPack."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from typing_extensions import override

from potbench.batch import Batch
from potbench.errors import require_positive
from potbench.geometry.pairs import Pairs, pairs_within
from potbench.representations.convolution import convolve
from potbench.representations.representation import Representation, num_embeddings
from potbench.representations.schnetpack_import import build


class PaiNN(Representation):
    """Atoms that exchange messages, some of which are vectors that rotate with the molecule.

    Network and weights are SchNetPack's, and its numbers are reproduced up to rounding. The sums are potbench's:
    SchNetPack's computes each filter twice, once for either atom of a pair, and its training steps take up to 1.6 times
    as long.

    Source: Schütt, Unke, Gastegger, ICML 2021, 9377, doi:10.48550/arXiv.2102.03150.

    Args:
        elements: chemical symbols that may occur.
        num_features: how many scalars, and how many vectors, describe an atom.
        num_interactions: how many times messages are exchanged.
        num_functions: how many Gaussians there are, from 0 to the cutoff.
        cutoff: in Å.
    """

    network: Any

    def __init__(
        self,
        elements: list[str],
        num_features: int = 128,
        num_interactions: int = 3,
        num_functions: int = 20,
        cutoff: float = 5.0,
    ) -> None:
        super().__init__()
        sizes = {"num_features": num_features, "num_interactions": num_interactions, "num_functions": num_functions}
        require_positive(self, **sizes, cutoff=cutoff)
        self.network = build(
            lambda package: package.representation.PaiNN(
                n_atom_basis=num_features,
                n_interactions=num_interactions,
                radial_basis=package.nn.GaussianRBF(num_functions, cutoff),
                cutoff_fn=package.nn.CosineCutoff(cutoff),
                max_z=num_embeddings(elements),
            )
        )
        self.num_features = num_features
        self.cutoff = cutoff

    @override
    def forward(self, batch: Batch, element: Tensor) -> Tensor:
        network = self.network
        pairs = pairs_within(batch, self.cutoff)
        directions = (pairs.vectors / pairs.distances.unsqueeze(1)).unsqueeze(2)
        scalars: Tensor = network.embedding(batch.atomic_numbers).unsqueeze(1)  # (atoms, 1, features)
        vectors: Tensor | None = None
        filters = self.filters(pairs.distances).unsqueeze(1).chunk(len(network.interactions), dim=2)
        for interaction, mixing, interaction_filters in zip(network.interactions, network.mixing, filters, strict=True):
            scalar_filter, direction_filter, vector_filter = interaction_filters.chunk(3, dim=2)
            to_scalars, to_directions, to_vectors = interaction.interatomic_context_net(scalars).chunk(3, dim=2)
            scalars = scalars + convolve(to_scalars, scalar_filter, pairs)
            along = _convolve_along(directions, to_directions, direction_filter, pairs)
            # there are no vectors before the first interaction
            vectors = (
                along if vectors is None else vectors + along + convolve(to_vectors * vectors, vector_filter, pairs)
            )
            scalars, vectors = mixing(scalars, vectors)
        return scalars.squeeze(1)

    def filters(self, distances: Tensor) -> Tensor:
        """Compute the filters of all interactions, times the envelope.

        Args:
            distances: shape (pairs,), in Å.

        Returns:
            Shape (pairs, interactions · 3 · features).
        """
        linear = self.network.filter_net
        cutoff_values = self.network.cutoff_fn(distances).unsqueeze(1)
        basis = self.network.radial_basis(distances) * cutoff_values
        # (basis · weight + bias) · cutoff_values: it takes less to multiply the inputs, with a 1 for the bias, than the
        # outputs
        return nn.functional.linear(
            torch.cat([basis, cutoff_values], dim=1), torch.cat([linear.weight, linear.bias.unsqueeze(1)], dim=1)
        )


def _convolve_along(directions: Tensor, features: Tensor, filters: Tensor, pairs: Pairs) -> Tensor:
    """Compute Σⱼ Wᵢⱼ ⊙ xⱼ eᵢⱼ, where e of shape (pairs, 3, 1) points from the first atom of a pair to the second."""
    to_first = filters * features.index_select(0, pairs.second) * directions
    to_second = filters * features.index_select(0, pairs.first) * -directions
    nothing = to_first.new_zeros(features.shape[0], 3, features.shape[2])
    return nothing.index_add(0, pairs.first, to_first).index_add(0, pairs.second, to_second)
