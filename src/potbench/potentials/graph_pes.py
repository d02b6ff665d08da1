"""Networks of the package graph-pes."""

from __future__ import annotations

from typing import Any, Literal

from torch import Tensor, nn
from typing_extensions import override

from potbench.batch import Batch
from potbench.errors import MissingPackageError, SettingError, require_positive
from potbench.geometry.pairs import pairs_within
from potbench.potentials.sum_over_atoms import SumOverAtoms

FUNCTIONS = {"SchNet": "expansion_features", "PaiNN": "radial_features", "TensorNet": "radial_features"}
"""Network → what it calls the number of functions of a distance."""
VERSION = "network._extra_state"
"""Of the package, which the network adds to its weights, and which is no number."""


class GraphPES(SumOverAtoms):
    """A network of the package graph-pes, which must be installed; see its documentation for each of them.

    Offset, scale and repulsion are potbench's, and forces are minus the gradient of the energy.

    Source: Gardner et al., graph-pes, https://jla-gardner.github.io/graph-pes; TensorNet by Simeon, De Fabritiis,
    NeurIPS 2023, doi:10.48550/arXiv.2306.06482.

    Args:
        elements: chemical symbols that may occur; by default those of the dataset.
        network: which of them.
        num_features: how many features, or tensors, describe an atom; graph-pes calls them channels.
        num_interactions: how many times messages are exchanged; layers of graph-pes.
        num_functions: how many functions describe a distance.
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
        network: Literal["SchNet", "PaiNN", "TensorNet"] = "TensorNet",
        num_features: int = 64,
        num_interactions: int = 2,
        num_functions: int = 32,
        cutoff: float = 5.0,
        scale: float | None = None,
        repulsion: bool = False,
    ) -> None:
        super().__init__(elements, scale, repulsion)
        sizes = {"num_features": num_features, "num_interactions": num_interactions, "num_functions": num_functions}
        require_positive(self, **sizes, cutoff=cutoff)
        if network not in FUNCTIONS:
            raise SettingError(self, "network", network, f"one of {', '.join(FUNCTIONS)}")
        try:
            from graph_pes import models
        except ModuleNotFoundError as error:
            if error.name != "graph_pes":
                raise
            raise MissingPackageError("graph-pes", "Networks of graph-pes need", "graph_pes") from error
        self.network_cutoff = cutoff
        functions = {FUNCTIONS[network]: num_functions}
        self.network = getattr(models, network)(
            cutoff=cutoff, channels=num_features, layers=num_interactions, **functions
        )
        self.register_state_dict_post_hook(_without_version)  # type: ignore[no-untyped-call]
        self.register_load_state_dict_pre_hook(_with_version)  # type: ignore[no-untyped-call]  # torch has none for it

    @property
    def cutoff(self) -> float:
        """Return the distance in Å beyond which atoms do not interact directly."""
        return self.with_repulsion(self.network_cutoff)

    @override
    def atomic_energies(self, batch: Batch, element: Tensor) -> Tensor:
        from graph_pes import AtomicGraph

        pairs = pairs_within(batch, self.network_cutoff)
        neighbors = pairs.both_ways
        num_molecules = len(batch.atoms_per_molecule)
        graph = AtomicGraph(
            Z=batch.atomic_numbers,
            R=batch.positions,
            cell=batch.positions.new_zeros(num_molecules, 3, 3),
            neighbour_list=neighbors,
            neighbour_cell_offsets=batch.positions.new_zeros(neighbors.shape[1], 3),
            properties={},
            cutoff=self.network_cutoff,
            other={},
            batch=batch.molecule_index,
            ptr=nn.functional.pad(batch.atoms_per_molecule.cumsum(0), (1, 0)),
        )
        energies: Tensor = self.network(graph)["local_energies"]
        # without pairs it does not use the positions, of which forces are the derivative
        return energies.reshape(-1) + (0 if len(pairs.first) else 0 * batch.positions.sum(dim=1))


def _without_version(_: nn.Module, weights: dict[str, Any], prefix: str, *__: object) -> None:
    weights.pop(prefix + VERSION)


def _with_version(module: Any, weights: dict[str, Any], prefix: str, *_: object) -> None:
    weights[prefix + VERSION] = module.network.get_extra_state()
