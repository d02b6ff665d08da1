"""Energy as an offset plus a sum over atoms."""

from __future__ import annotations

from abc import abstractmethod

import torch

from potbench.batch import Batch, Prediction, Statistics
from potbench.geometry.sums import sum_per_molecule
from potbench.limits import POTENTIAL, require_positive
from potbench.potentials.potential import Potential
from potbench.structures import SYMBOLS


class SumOverAtoms(Potential):
    """Offset plus a sum of atomic energies: E = Σᵢ ε(elementᵢ) + s Σᵢ eᵢ. A subclass says what eᵢ is.

    Args:
        elements: chemical symbols that may occur.
        scale: s in eV, the unit in which the eᵢ count; None takes the spread of the training energies.
    """

    offset: torch.Tensor
    scale: torch.Tensor

    def __init__(self, elements: list[str], scale: float | None = None) -> None:
        super().__init__(elements)
        require_positive(POTENTIAL, scale=scale)
        self._given_scale = scale
        self.register_buffer("offset", torch.zeros(len(elements), dtype=torch.float64))
        self.register_buffer("scale", torch.tensor(1.0 if scale is None else scale, dtype=torch.float64))

    @abstractmethod
    def atomic_energies(self, batch: Batch, element: torch.Tensor) -> torch.Tensor:
        """What is left of the energy of each atom.

        Args:
            batch: the molecules.
            element: shape (atoms,), int64, index of each atom's element in `elements`.

        Returns:
            eᵢ, shape (atoms,), in units of the scale.
        """

    def adapt(self, statistics: Statistics) -> None:  # noqa: D102
        references = [statistics.reference_energies.get(SYMBOLS.index(symbol), 0.0) for symbol in self.elements]
        self.offset.copy_(torch.tensor(references, dtype=torch.float64))
        if self._given_scale is None and statistics.energy_spread > 0:
            self.scale.fill_(statistics.energy_spread)

    def energies(self, batch: Batch) -> Prediction:  # noqa: D102
        element = self.element(batch)
        return self.total(self.atomic_energies(batch, element), batch, element)

    def total(self, unscaled: torch.Tensor, batch: Batch, element: torch.Tensor) -> Prediction:
        """Return the energies of molecules whose atomic energies, in units of the scale, are given.

        Args:
            unscaled: eᵢ, shape (atoms,).
            batch: the molecules.
            element: shape (atoms,), int64, index of each atom's element in `elements`.
        """
        atomic = unscaled.double() * self.scale
        energy = sum_per_molecule(atomic + self.offset[element], batch.molecule_index, len(batch.atoms_per_molecule))
        return Prediction(energy=energy, atomic_energies=atomic.to(unscaled.dtype))
