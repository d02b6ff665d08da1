"""The contract of representations: each atom's environment as a vector of features."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import MutableMapping

from torch import Tensor, nn

from potbench.batch import Batch
from potbench.structures import SYMBOLS


class Representation(nn.Module, ABC):
    """Batch → features of each atom.

    Features depend on nothing outside the molecule.

    Attributes:
        num_features: length of the vector of each atom.
        cutoff: distance in Å beyond which atoms do not interact directly; None where there is no limit.
    """

    num_features: int
    cutoff: float | None

    @abstractmethod
    def forward(self, batch: Batch, element: Tensor) -> Tensor:
        """Compute the features of each atom.

        Args:
            batch: the molecules.
            element: shape (atoms,), int64, index of each atom's element in the list the potential was built with.

        Returns:
            Shape (atoms, num_features), dtype of the positions.
        """

    @property
    def constants(self) -> dict[str, object] | None:
        """Return everything that determines the features, so that they can be cached; None if they are learned."""
        return None


def num_embeddings(elements: list[str]) -> int:
    """Return the number of rows of an embedding by atomic number: 100, as in published networks, or more if needed."""
    return max(100, *(SYMBOLS.index(symbol) + 1 for symbol in elements))


def rename_weights(
    former: str, name: str, module: nn.Module, state_dict: MutableMapping[str, Tensor], prefix: str, *_: object
) -> None:
    """Rename the weights of a submodule that checkpoints of earlier versions call differently.

    With the names given, it is a hook for `torch.nn.Module.register_load_state_dict_pre_hook`.

    Args:
        former: name of the submodule in those checkpoints.
        name: its name now.
        module: the module that it is part of.
        state_dict: weights about to be loaded; changed in place.
        prefix: what precedes the names of the module's own weights.
    """
    for key in list(state_dict):
        if key.startswith(f"{prefix}{former}."):
            state_dict[f"{prefix}{name}.{key.removeprefix(f'{prefix}{former}.')}"] = state_dict.pop(key)
