"""MACE by its authors' package."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor, nn
from typing_extensions import override

from potbench.batch import Batch
from potbench.errors import require_not_negative, require_positive
from potbench.geometry.pairs import pairs_within
from potbench.potentials.mace_import import build
from potbench.potentials.sum_over_atoms import SumOverAtoms
from potbench.structures import SYMBOLS

Interaction = Literal[
    "RealAgnosticInteractionBlock",
    "RealAgnosticResidualInteractionBlock",
    "RealAgnosticDensityInteractionBlock",
    "RealAgnosticDensityResidualInteractionBlock",
]


class MACE(SumOverAtoms):
    """Atoms that exchange messages made of products of several neighbors, which rotate with the molecule.

    The network is that of the package mace-torch, which must be installed; offset, scale and repulsion are potbench's,
    and forces are minus the gradient of the energy.

    Source: Batatia, Kovács, Simm, Ortner, Csányi, NeurIPS 2022, doi:10.48550/arXiv.2206.07697.

    Args:
        elements: chemical symbols that may occur; by default those of the dataset.
        num_features: channels of each degree; MACE calls them num_channels.
        max_degree: largest degree of the features that atoms exchange; MACE's max_L.
        direction_degree: largest degree of the spherical harmonics of directions; MACE's max_ell.
        correlation: how many neighbors are described at once.
        num_interactions: how many times messages are exchanged.
        num_functions: how many Bessel functions describe a distance.
        num_neighbors: that sums over neighbors are divided by: about as many as atoms have within the cutoff.
        cutoff: in Å.
        first_interaction: MACE's name of how messages are exchanged first.
        interaction: MACE's name of how they are exchanged afterwards.
        readout_features: hidden features of the last readout; MACE's MLP_irreps.
        radial_sizes: of the hidden layers that weigh messages by the distance; MACE's radial_MLP.
        envelope_power: of the envelope that ends at the cutoff; MACE's num_polynomial_cutoff.
        distance_transform: MACE's name of what is done to distances before the Bessel functions; None for nothing.
        pair_repulsion: whether MACE's own repulsion of nuclei, which reaches as far as their covalent radii, is part of
            the network.
        scale: in eV, what the network's energies are multiplied by; None takes the spread of the training energies.
        repulsion: whether nuclei repel each other (ZBL) at distances below those of the training set, in which nothing
            changes.

    Raises:
        MissingPackageError: the package is not installed.
    """

    network: Any

    def __init__(
        self,
        elements: list[str],
        num_features: int = 32,
        max_degree: int = 1,
        direction_degree: int = 3,
        correlation: int = 3,
        num_interactions: int = 2,
        num_functions: int = 8,
        num_neighbors: float = 10.0,
        cutoff: float = 5.0,
        first_interaction: Interaction = "RealAgnosticInteractionBlock",
        interaction: Interaction = "RealAgnosticResidualInteractionBlock",
        readout_features: int = 16,
        radial_sizes: list[int] = [64, 64, 64],  # noqa: B006 — never changed
        envelope_power: int = 5,
        distance_transform: Literal["Agnesi", "Soft"] | None = None,
        pair_repulsion: bool = False,
        scale: float | None = None,
        repulsion: bool = False,
    ) -> None:
        super().__init__(elements, scale, repulsion)
        counts = {"num_features": num_features, "correlation": correlation, "num_interactions": num_interactions}
        require_positive(self, **counts, num_functions=num_functions, num_neighbors=num_neighbors, cutoff=cutoff)
        require_positive(self, readout_features=readout_features, envelope_power=envelope_power)
        require_not_negative(self, max_degree=max_degree, direction_degree=direction_degree)
        self.network_cutoff = cutoff
        self.network = build(
            [SYMBOLS.index(symbol) for symbol in elements],
            num_features=num_features,
            max_degree=max_degree,
            direction_degree=direction_degree,
            correlation=correlation,
            num_interactions=num_interactions,
            num_functions=num_functions,
            num_neighbors=num_neighbors,
            cutoff=cutoff,
            first_interaction=first_interaction,
            interaction=interaction,
            readout_features=readout_features,
            radial_sizes=radial_sizes,
            envelope_power=envelope_power,
            distance_transform=distance_transform,
            pair_repulsion=pair_repulsion,
        )

    @property
    def cutoff(self) -> float:
        """Return the distance in Å beyond which atoms do not interact directly."""
        return self.with_repulsion(self.network_cutoff)

    @override
    def atomic_energies(self, batch: Batch, element: Tensor) -> Tensor:
        described = self.described(batch, element)
        # its products of tensors fail with those of two precisions
        with torch.autocast(batch.positions.device.type, enabled=False):
            energies: Tensor = self.network(described, compute_force=False)["node_energy"]
        return energies

    def described(self, batch: Batch, element: Tensor) -> dict[str, Tensor]:
        """Return molecules as MACE wants them.

        Args:
            batch: the molecules.
            element: shape (atoms,), int64, index of each atom's element in `elements`.
        """
        pairs = pairs_within(batch, self.network_cutoff)
        # the package changes whether gradients are computed of positions that it is given
        positions = batch.positions if batch.positions.requires_grad else batch.positions.detach()
        return {
            "positions": positions,
            "node_attrs": nn.functional.one_hot(element, len(self.elements)).to(positions.dtype),
            "edge_index": pairs.both_ways,
            "shifts": positions.new_zeros(2 * len(pairs.first), 3),
            "cell": positions.new_zeros(3, 3),
            "batch": batch.molecule_index,
            "ptr": nn.functional.pad(batch.atoms_per_molecule.cumsum(0), (1, 0)),
        }
