"""Energy as an offset plus a sum over atoms."""

from __future__ import annotations

from abc import abstractmethod

import torch
from typing_extensions import override

from potbench.batch import Batch, Prediction, Statistics
from potbench.errors import require_positive
from potbench.geometry.sums import sum_per_molecule
from potbench.potentials.potential import Potential
from potbench.potentials.repulsion import Repulsion
from potbench.structures import SYMBOLS


class SumOverAtoms(Potential):
    """Offset plus a sum of atomic energies: E = Σᵢ ε(elementᵢ) + s Σᵢ eᵢ. A subclass computes eᵢ.

    Repulsion, if it has one, is added to the atomic energies.

    Args:
        elements: chemical symbols that may occur.
        scale: s in eV, the unit of eᵢ; None takes the spread of the training energies.
        repulsion: whether nuclei repel each other at distances below those of the training set; see `Repulsion`.

    Attributes:
        given_scale: the argument.
    """

    offset: torch.Tensor
    scale: torch.Tensor

    def __init__(self, elements: list[str], scale: float | None = None, repulsion: bool = False) -> None:
        super().__init__(elements)
        require_positive(self, scale=scale)
        self.given_scale = scale
        if repulsion:
            self.repulsion = Repulsion(elements)
        self.register_buffer("offset", torch.zeros(len(elements), dtype=torch.float64))
        self.register_buffer("scale", torch.tensor(1.0 if scale is None else scale, dtype=torch.float64))

    @abstractmethod
    def atomic_energies(self, batch: Batch, element: torch.Tensor) -> torch.Tensor:
        """Compute the energy of each atom, without the offset.

        Args:
            batch: the molecules.
            element: shape (atoms,), int64, index of each atom's element in `elements`.

        Returns:
            eᵢ, shape (atoms,), in units of the scale.
        """

    def with_repulsion(self, cutoff: float) -> float:
        """Return the distance in Å beyond which atoms do not interact directly, by a cutoff or by their repulsion."""
        return cutoff if self.repulsion is None else max(cutoff, self.repulsion.widest)

    @override
    def adapt(self, statistics: Statistics) -> None:
        """Take the offset from the training set, and the scale as well, unless it was given."""
        references = [statistics.reference_energies.get(SYMBOLS.index(symbol), 0.0) for symbol in self.elements]
        self.offset.copy_(torch.tensor(references, dtype=torch.float64))
        if self.repulsion is not None:
            self.repulsion.shortest.fill_(torch.inf)
            self.repulsion.narrow(statistics.shortest_distances)
        if self.given_scale is None and statistics.energy_spread > 0:
            self.scale.fill_(statistics.energy_spread)

    @override
    def element_tables(self) -> dict[str, list[tuple[str, ...]]]:
        tables: dict[str, list[tuple[str, ...]]] = {"offset": [(symbol,) for symbol in self.elements]}
        return tables if self.repulsion is None else {**tables, "repulsion.shortest": self.repulsion.pairs}

    @override
    def energies(self, batch: Batch) -> Prediction:
        element = self.element(batch)
        return self.total(self.atomic_energies(batch, element), batch, element)

    def total(self, unscaled: torch.Tensor, batch: Batch, element: torch.Tensor) -> Prediction:
        """Sum atomic energies, in units of the scale, and offsets over each molecule.

        Args:
            unscaled: eᵢ, shape (atoms,).
            batch: the molecules; energies can be differentiated with respect to its positions if the repulsion shall.
            element: shape (atoms,), int64, index of each atom's element in `elements`.
        """
        atomic = unscaled.double() * self.scale
        if self.repulsion is not None:
            atomic = atomic + self.repulsion(batch, element)
        energy = sum_per_molecule(atomic + self.offset[element], batch.molecule_index, len(batch.atoms_per_molecule))
        return Prediction(energy=energy, atomic_energies=atomic.to(unscaled.dtype))
