"""Energy as a sum over atoms: representation, then readout."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from typing_extensions import override

from potbench.batch import Batch, Prediction
from potbench.errors import SettingError
from potbench.potentials.standardization import Standardization
from potbench.potentials.sum_over_atoms import SumOverAtoms
from potbench.readouts.readout import Readout
from potbench.representations.representation import Representation


class AtomicPotential(SumOverAtoms):
    """Offset plus a sum of atomic energies: E = Σᵢ ε(elementᵢ) + s Σᵢ readout(features of atom i).

    Args:
        elements: chemical symbols that may occur; by default those of the dataset.
        representation: computes the features of each atom.
        readout: computes the energy of each atom from its features.
        scale: s in eV, the unit of the readout; None takes the spread of the training energies.
        repulsion: whether nuclei repel each other (ZBL) at distances below those of the training set, in which nothing
            changes.
        standardize: whether the readout gets features less their mean over training atoms of the element, divided by
            their spread; for representations without weights.
        smallest_spread: what a standardized feature is divided by at least, over the largest spread of its element.
            Less learns faster; more generalizes better in long trainings on few frames.

    Raises:
        SettingError: features that are learned shall be standardized, or smallest_spread is not above 0, or above 1.
    """

    def __init__(
        self,
        elements: list[str],
        representation: Callable[[list[str]], Representation],
        readout: Callable[[list[str], int], Readout],
        scale: float | None = None,
        repulsion: bool = False,
        standardize: bool = False,
        smallest_spread: float = 0.1,
    ) -> None:
        super().__init__(elements, scale, repulsion)
        if not 0 < smallest_spread <= 1:
            raise SettingError(self, "smallest_spread", smallest_spread, "more than 0, and at most 1")
        self.representation = representation(elements)
        for name in ("num_features", "cutoff"):
            if not hasattr(self.representation, name):
                chosen = type(self.representation).__name__
                problem = f"{chosen} does not set self.{name}, which every representation has"
                raise SettingError(self, "representation", chosen, f"self.{name} = … in its __init__", problem)
        self.standardization: Standardization | None = None
        if standardize:
            if self.representation.constants is None:
                problem = f"{type(self.representation).__name__} learns its features, whose spread changes with them"
                raise SettingError(self, "standardize", True, "False", problem)
            self.standardization = Standardization(elements, self.representation.num_features, smallest_spread)
        self.readout = readout(elements, self.representation.num_features)

    @property
    def cutoff(self) -> float | None:
        """Return the distance in Å beyond which atoms do not interact directly; None where there is no limit."""
        one, other = self.representation.cutoff, self.readout.cutoff
        return None if one is None or other is None else self.with_repulsion(max(one, other))

    def features(self, batch: Batch) -> torch.Tensor:
        """Compute the features of each atom from the positions: shape (atoms, features)."""
        return self._features(batch, self.element(batch))

    @override
    def energies_and_gradient(self, batch: Batch) -> tuple[Prediction, torch.Tensor]:
        cached = batch.cached
        if cached is None or cached.position_gradient is None:
            return super().energies_and_gradient(batch)
        features, positions = cached.features.detach().requires_grad_(), batch.positions.detach().requires_grad_()
        element = self.element(batch)
        # readout and repulsion may depend on positions as well
        batch = batch._replace(positions=positions)
        unscaled = self.read(features, batch, element)
        prediction = self.total(unscaled, batch, element)
        to_features, to_positions = torch.autograd.grad(
            prediction.energy.sum(), (features, positions), create_graph=self.training, allow_unused=True
        )
        gradient = cached.position_gradient(to_features)
        return prediction, gradient if to_positions is None else gradient + to_positions

    @override
    def atomic_energies(self, batch: Batch, element: torch.Tensor) -> torch.Tensor:
        features = self._features(batch, element) if batch.cached is None else batch.cached.features
        return self.read(features, batch, element)

    def read(self, features: torch.Tensor, batch: Batch, element: torch.Tensor) -> torch.Tensor:
        """Compute eᵢ, shape (atoms,), from the features, shape (atoms, features)."""
        if self.standardization is not None:
            features = self.standardization(features, element)
        energies: torch.Tensor = self.readout(features, batch, element)
        return energies

    def fit_standardization(self, batches: Iterable[Batch]) -> None:
        """Fit the standardization of the features, where there is one, to training frames."""
        if self.standardization is not None:
            with torch.no_grad():
                self.standardization.fit((self.features(batch), self.element(batch)) for batch in batches)

    def _features(self, batch: Batch, element: torch.Tensor) -> torch.Tensor:
        features: torch.Tensor = self.representation(batch, element)
        expected = (element.shape[0], self.representation.num_features)
        if not isinstance(features, torch.Tensor) or tuple(features.shape) != expected:
            name = type(self.representation).__name__
            given = f"shape {tuple(features.shape)}" if isinstance(features, torch.Tensor) else repr(type(features))
            problem = f"{name} returned {given} for {expected[0]} atoms"
            raise SettingError(self, "representation", name, f"a tensor of shape {expected}", problem)
        return features

    @override
    def element_tables(self) -> dict[str, list[tuple[str, ...]]]:
        tables = super().element_tables()
        if self.standardization is None:
            return tables
        rows: list[tuple[str, ...]] = [(symbol,) for symbol in self.elements]
        return {**tables, "standardization.center": rows, "standardization.spread": rows}
