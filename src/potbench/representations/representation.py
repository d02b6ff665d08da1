"""What every representation is: the surroundings of each atom as numbers."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn

from potbench.structures import Batch


class Representation(nn.Module, ABC):
    """Batch → features of each atom.

    Features depend on the atoms within `cutoff` alone, and on nothing outside the molecule.

    Attributes:
        num_features: length of the vector of each atom.
        cutoff: beyond this distance in Å an atom is not felt directly.
    """

    num_features: int
    cutoff: float

    @abstractmethod
    def forward(self, batch: Batch, element: Tensor) -> Tensor:
        """Describe the surroundings of each atom.

        Args:
            batch: the molecules.
            element: shape (atoms,), int64, index of each atom's element in the list the potential was built with.

        Returns:
            Shape (atoms, num_features), dtype of the positions.
        """

    @property
    def constants(self) -> dict[str, object] | None:
        """Everything its features follow from, if they can be computed once and kept; None if it learns."""
        return None
