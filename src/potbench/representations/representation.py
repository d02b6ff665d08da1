"""What every representation is: the surroundings of each atom as numbers."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn

from potbench.batch import Batch
from potbench.structures import SYMBOLS


class Representation(nn.Module, ABC):
    """Batch → features of each atom.

    Features depend on nothing outside the molecule.

    Attributes:
        num_features: length of the vector of each atom.
        cutoff: beyond this distance in Å an atom is not felt directly; None where there is no limit.
    """

    num_features: int
    cutoff: float | None

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


def num_embeddings(elements: list[str]) -> int:
    """Rows of a table with one for each atomic number: 100, as published networks have, or more where needed."""
    return max(100, *(SYMBOLS.index(symbol) + 1 for symbol in elements))
