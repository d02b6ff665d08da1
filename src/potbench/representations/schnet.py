"""SchNet by SchNetPack."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from potbench.batch import Batch
from potbench.geometry.pairs import pairs_within
from potbench.limits import REPRESENTATION, require_positive
from potbench.representations.convolution import convolve
from potbench.representations.representation import Representation, num_embeddings
from potbench.representations.schnetpack_import import build


class SchNet(Representation):
    """Atoms that exchange messages, weighed by what a network makes of their distance.

    xᵢ ← xᵢ + out(Σⱼ f(rᵢⱼ) W(rᵢⱼ) ⊙ (A xⱼ)),   W a network of Gaussians of rᵢⱼ, f a cosine cutoff

    Network and weights are SchNetPack's, and so are the numbers up to rounding. The sum is potbench's: SchNetPack's
    computes each W twice, once for either atom of a pair, and a training step takes it up to 1.7 times as long.

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
        require_positive(REPRESENTATION, **sizes, cutoff=cutoff)
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

    def forward(self, batch: Batch, element: Tensor) -> Tensor:  # noqa: D102
        network = self.network
        pairs = pairs_within(batch, self.cutoff)
        basis, fading = network.radial_basis(pairs.distances), network.cutoff_fn(pairs.distances).unsqueeze(1)
        features: Tensor = network.embedding(batch.atomic_numbers)
        for block in network.interactions:
            messages = convolve(block.in2f(features), block.filter_network(basis) * fading, pairs)
            features = features + block.f2out(messages)
        return features
