"""The contract of potentials: Batch → Prediction, with forces that are minus the gradient of the energy."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import overload

import torch
from torch import Tensor, nn

from potbench.batch import Batch, Prediction, Statistics
from potbench.errors import SettingError, UnknownMoleculeError
from potbench.potentials.environments import TrainedEnvironments
from potbench.potentials.molecules import MoleculePrediction, predict
from potbench.potentials.plausible import Structure
from potbench.potentials.repulsion import Repulsion
from potbench.structures import SYMBOLS


class Potential(nn.Module, ABC):
    """Energies and forces of molecules.

    A subclass computes energies; forces are derived from them, F = −∂E/∂x.

    Args:
        elements: chemical symbols that may occur.

    Attributes:
        trained_on: environments of the atoms that it was trained on, by which others are judged; None where they are
            not known.
        repulsion: of atoms nearer than any of the training set, where it has one.
    """

    def __init__(self, elements: list[str]) -> None:
        super().__init__()
        known = all(symbol in SYMBOLS[1:] for symbol in elements)
        if not known or not elements or len(set(elements)) < len(elements):
            raise SettingError(self, "elements", elements, "chemical symbols such as [H, C], each once")
        self.elements = list(elements)
        self.trained_on: TrainedEnvironments | None = None
        self.repulsion: Repulsion | None = None
        self._known = {SYMBOLS.index(symbol) for symbol in elements}
        index = torch.full((len(SYMBOLS),), -1)
        index[[SYMBOLS.index(symbol) for symbol in elements]] = torch.arange(len(elements))
        self.register_buffer("element_of_number", index, persistent=False)

    @property
    def num_parameters(self) -> int:
        """Return the number of trainable parameters."""
        return sum(weight.numel() for weight in self.parameters() if weight.requires_grad)

    @property
    def device(self) -> torch.device:
        """Return where it computes."""
        return self.get_buffer("element_of_number").device

    def positions(self, positions: Tensor) -> Tensor:
        """Return positions, in Å, on the device and in the precision of the weights; double without weights."""
        dtype = next((weight.dtype for weight in self.parameters()), torch.float64)
        return positions.to(self.device, dtype)

    @abstractmethod
    def energies(self, batch: Batch) -> Prediction:
        """Compute energies without forces, differentiable with respect to `batch.positions`."""

    def adapt(self, statistics: Statistics) -> None:
        """Set offset and scale from statistics of the training set; called before new weights are trained."""

    def element_tables(self) -> dict[str, list[tuple[str, ...]]]:
        """Return the weights and buffers that are tables by elements: name → chemical symbols of each row."""
        return {}

    def forward(self, batch: Batch, forces: bool = False) -> Prediction:
        """Predict energies, and forces where asked for.

        Args:
            batch: the molecules.
            forces: whether to compute forces; in training mode they can be differentiated again.

        Raises:
            UnknownMoleculeError: a molecule that the potential was not made for.
        """
        self.refuse_unknown(batch)
        if not forces:
            return self.energies(batch)
        with torch.enable_grad():
            prediction, gradient = self.energies_and_gradient(batch)
        return prediction._replace(forces=-gradient)

    @overload
    def predict(self, structures: Structure) -> MoleculePrediction: ...

    @overload
    def predict(self, structures: Iterable[Structure]) -> list[MoleculePrediction]: ...

    def predict(self, structures: Structure | Iterable[Structure]) -> MoleculePrediction | list[MoleculePrediction]:
        """Predict energy and forces of molecules such as ASE's Atoms.

        Args:
            structures: one molecule, or several of them, in any order of sizes.

        Returns:
            A prediction for one molecule, in eV and Å; a list of them, in the same order, for several.

        Raises:
            UnknownMoleculeError: of a structure nothing sensible can be predicted: an element that the potential was
                not built for, a periodic cell, two atoms in one place; or it predicts NaN.
        """
        if hasattr(structures, "numbers"):
            return predict(self, [structures])[0]  # type: ignore[list-item]  # a Structure, as it has atomic numbers
        return predict(self, list(structures))

    def energies_and_gradient(self, batch: Batch) -> tuple[Prediction, Tensor]:
        """Compute energies, and ∂E/∂x of shape (atoms, 3), in eV/Å."""
        positions = batch.positions.detach().requires_grad_()
        prediction = self.energies(batch.with_positions(positions))
        (gradient,) = torch.autograd.grad(prediction.energy.sum(), positions, create_graph=self.training)
        return prediction, gradient

    def refuse_unknown(self, batch: Batch) -> None:
        """Raise UnknownMoleculeError for an element outside `elements`, without synchronizing with the device."""
        unknown = set(batch.atoms_per_element) - self._known
        if unknown:
            raise UnknownMoleculeError(
                f"The potential does not know {', '.join(SYMBOLS[number] for number in sorted(unknown))}; "
                f"it was built for {', '.join(self.elements)}. Choose structures of those elements, or train a "
                "potential on data that has the others."
            )

    def element(self, batch: Batch) -> Tensor:
        """Return the index in `elements` of each atom's element: shape (atoms,), int64."""
        lookup: Tensor = self.get_buffer("element_of_number")
        return batch.once(f"elements of {self.elements}", lambda: lookup[batch.atomic_numbers])
