"""SchNet by SchNetPack."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from typing_extensions import override

from potbench.batch import Batch
from potbench.errors import require_positive
from potbench.geometry.pairs import pairs_within
from potbench.representations.convolution import convolve
from potbench.representations.representation import Representation, num_embeddings
from potbench.representations.schnetpack_import import build


class SchNet(Representation):
    """Atoms that exchange messages, weighted by a learned function of their distance.

    xᵢ ← xᵢ + out(Σⱼ f(rᵢⱼ) W(rᵢⱼ) ⊙ (A xⱼ)),   W a network of Gaussians of rᵢⱼ, f a cosine cutoff

    Network and weights are SchNetPack's, and its numbers are reproduced up to rounding. The sum is potbench's:
    SchNetPack's computes each W twice, once for either atom of a pair, and its training steps take up to 1.7 times as
    long.

    Source: Schütt et al., J. Chem. Phys. 148, 241722 (2018), doi:10.1063/1.5019779.

    Args:
        elements: chemical symbols that may occur.
        num_features: length of x.
        num_interactions: how many times messages are exchanged.
        num_functions: how many Gaussians there are, from 0 to the cutoff.
        cutoff: in Å.
    """

    network: Any

    def __init__(
        self,
        elements: list[str],
        num_features: int = 128,
        num_interactions: int = 6,
        num_functions: int = 20,
        cutoff: float = 5.0,
    ) -> None:
        super().__init__()
        sizes = {"num_features": num_features, "num_interactions": num_interactions, "num_functions": num_functions}
        require_positive(self, **sizes, cutoff=cutoff)
        self.network = build(
            lambda package: package.representation.SchNet(
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
        basis = network.radial_basis(pairs.distances)
        cutoff_values = network.cutoff_fn(pairs.distances).unsqueeze(1)
        features: Tensor = network.embedding(batch.atomic_numbers)
        for interaction in network.interactions:
            filters = interaction.filter_network(basis) * cutoff_values
            features = features + interaction.f2out(convolve(interaction.in2f(features), filters, pairs))
        return features
