"""NequIP by its authors' package."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

from torch import Tensor
from typing_extensions import override

from potbench.batch import Batch
from potbench.errors import require_not_negative, require_positive
from potbench.geometry.pairs import pairs_within
from potbench.potentials.nequip_import import build
from potbench.potentials.sum_over_atoms import SumOverAtoms


class NequIP(SumOverAtoms):
    """Atoms that exchange messages of features that rotate with the molecule.

    The network is that of the package nequip, which must be installed; offset, scale and repulsion are potbench's, and
    forces are minus the gradient of the energy.

    Source: Batzner, Musaelian, Sun, Geiger, Mailoa, Kornbluth, Molinari, Smidt, Kozinsky, Nat. Commun. 13, 2453 (2022),
    doi:10.1038/s41467-022-29939-5.

    Args:
        elements: chemical symbols that may occur; by default those of the dataset.
        num_features: channels of each degree.
        max_degree: largest degree of features and of the spherical harmonics of directions; NequIP's l_max.
        parity: whether each degree has features that a reflection inverts and such that it does not; without, as in the
            presets of NequIP's authors, it has those of the spherical harmonics alone, and is faster.
        num_interactions: how many times messages are exchanged; NequIP's num_layers.
        num_functions: how many Bessel functions describe a distance.
        num_neighbors: whose root sums over neighbors are divided by: about as many as atoms have within the cutoff.
        cutoff: in Å.
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
        parity: bool = True,
        num_interactions: int = 3,
        num_functions: int = 8,
        num_neighbors: float = 10.0,
        cutoff: float = 5.0,
        scale: float | None = None,
        repulsion: bool = False,
    ) -> None:
        super().__init__(elements, scale, repulsion)
        counts = {"num_features": num_features, "num_interactions": num_interactions, "num_functions": num_functions}
        require_positive(self, **counts, num_neighbors=num_neighbors, cutoff=cutoff)
        require_not_negative(self, max_degree=max_degree)
        self.network_cutoff = cutoff
        self.network = build(
            elements,
            num_features=num_features,
            max_degree=max_degree,
            parity=parity,
            num_interactions=num_interactions,
            num_functions=num_functions,
            num_neighbors=num_neighbors,
            cutoff=cutoff,
        )

    @property
    def cutoff(self) -> float:
        """Return the distance in Å beyond which atoms do not interact directly."""
        return self.with_repulsion(self.network_cutoff)

    @override
    def element_tables(self) -> dict[str, list[tuple[str, ...]]]:
        tables = super().element_tables()
        return {**tables, "network.type_embed.embed_module.weight": tables["offset"]}

    @override
    def atomic_energies(self, batch: Batch, element: Tensor) -> Tensor:
        pairs = pairs_within(batch, self.network_cutoff)
        described = {"pos": batch.positions, "edge_index": pairs.both_ways, "atom_types": element}
        energies: Tensor = self.network(described)["atomic_energy"]
        return energies.reshape(-1)

    @override
    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]  # torch has none for it
        # the package remembers in which precision the network was built, and rounds to it what it computes of distances
        dtype = next(self.network.parameters()).dtype
        for layer in (self.network.spharm, self.network.bessel_encode):
            layer._output_dtype = dtype
        return self
