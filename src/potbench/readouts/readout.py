"""The contract of readouts: features of an atom → its energy."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn

from potbench.batch import Batch


class Readout(nn.Module, ABC):
    """Features of each atom → energy of each atom.

    Attributes:
        cutoff: distance in Å up to which atoms interact in the readout itself; 0 where each atom is read alone, None
            where there is no limit.
    """

    cutoff: float | None = 0.0

    @abstractmethod
    def forward(self, features: Tensor, batch: Batch, element: Tensor) -> Tensor:
        """Compute atomic energies from the features.

        Args:
            features: shape (atoms, features).
            batch: the molecules the atoms belong to.
            element: shape (atoms,), int64, index of each atom's element in the list the potential was built with.

        Returns:
            Shape (atoms,), in units of the potential's scale, dtype of the features.
        """
