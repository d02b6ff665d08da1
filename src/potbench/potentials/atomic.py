"""Energy as a sum over atoms: representation, then readout."""

from __future__ import annotations

from collections.abc import Callable

import torch

from potbench.geometry.sums import sum_per_molecule
from potbench.potentials.potential import Potential
from potbench.readouts.readout import Readout
from potbench.representations.representation import Representation
from potbench.structures import SYMBOLS, Batch, Prediction, Statistics


class AtomicPotential(Potential):
    """Offset plus a sum of atomic energies: E = Σᵢ ε(elementᵢ) + s Σᵢ readout(features of atom i).

    Args:
        elements: chemical symbols that may occur; by default those of the dataset.
        representation: features of each atom.
        readout: energy of each atom, from its features.
        scale: s in eV, the unit in which the readout counts; None takes the spread of the training energies.
    """

    offset: torch.Tensor
    scale: torch.Tensor

    def __init__(
        self,
        elements: list[str],
        representation: Callable[[list[str]], Representation],
        readout: Callable[[list[str], int], Readout],
        scale: float | None = None,
    ) -> None:
        super().__init__(elements)
        self.representation = representation(elements)
        self.readout = readout(elements, self.representation.num_features)
        self._given_scale = scale
        self.register_buffer("offset", torch.zeros(len(elements), dtype=torch.float64))
        self.register_buffer("scale", torch.tensor(1.0 if scale is None else scale, dtype=torch.float64))

    @property
    def cutoff(self) -> float:
        """Beyond this distance in Å an atom is not felt directly."""
        return self.representation.cutoff

    def adapt(self, statistics: Statistics) -> None:  # noqa: D102
        references = [statistics.reference_energies.get(SYMBOLS.index(symbol), 0.0) for symbol in self.elements]
        self.offset.copy_(torch.tensor(references, dtype=torch.float64))
        if self._given_scale is None and statistics.energy_spread > 0:
            self.scale.fill_(statistics.energy_spread)

    def features(self, batch: Batch) -> torch.Tensor:
        """Features of each atom, computed from the positions: shape (atoms, features)."""
        features: torch.Tensor = self.representation(batch, self.element(batch))
        return features

    def energies(self, batch: Batch) -> Prediction:  # noqa: D102
        element = self.element(batch)
        features = self.representation(batch, element) if batch.features is None else batch.features
        atomic = self.readout(features, batch, element).double() * self.scale
        energy = sum_per_molecule(atomic + self.offset[element], batch.molecule, len(batch.atoms_per_molecule))
        return Prediction(energy=energy, atomic_energies=atomic.to(features.dtype))
