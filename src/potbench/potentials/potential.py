"""The contract of potentials: Batch → Prediction, with forces that are minus the gradient of the energy."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from potbench.batch import Batch, Prediction, Statistics
from potbench.errors import SettingError, UnknownMoleculeError
from potbench.structures import SYMBOLS


class Potential(nn.Module, ABC):
    """Energies and forces of molecules.

    A subclass computes energies; forces are derived from them, F = −∂E/∂x.

    Args:
        elements: chemical symbols that may occur.
    """

    def __init__(self, elements: list[str]) -> None:
        super().__init__()
        known = all(symbol in SYMBOLS[1:] for symbol in elements)
        if not known or not elements or len(set(elements)) < len(elements):
            raise SettingError(self, "elements", elements, "chemical symbols such as [H, C], each once")
        self.elements = list(elements)
        self._known = {SYMBOLS.index(symbol) for symbol in elements}
        index = torch.full((len(SYMBOLS),), -1)
        index[[SYMBOLS.index(symbol) for symbol in elements]] = torch.arange(len(elements))
        self.register_buffer("element_of_number", index, persistent=False)

    @property
    def num_parameters(self) -> int:
        """Return the number of trainable parameters."""
        return sum(weight.numel() for weight in self.parameters() if weight.requires_grad)

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
        return lookup[batch.atomic_numbers]
