"""What training minimizes: weighted errors of energies and forces."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from potbench.batch import Batch, Prediction
from potbench.errors import SettingError
from potbench.geometry.sums import sum_per_molecule

WITHOUT_ENERGIES = (
    "The loss weights energies by 0: forces leave a constant of the energies open, and their errors with it. A small "
    "weight, such as 0.01, determines it."
)


class Weights(NamedTuple):
    """Weights of energies and forces in a loss."""

    energy: float
    forces: float


class EnergyForcesLoss(nn.Module):
    """Weighted errors of energies and forces, a mean over molecules.

    ℓ = ⟨ w_E d(Ê − E) + w_F (1/n) Σᵢ d(F̂ᵢ − Fᵢ) ⟩ over molecules, with n atoms; d of a force sums its three components.
    Where the data weight their frames, each molecule is multiplied by its weight. A label that a molecule lacks adds
    nothing.

    With squared errors, energy 0.01 and forces 1 this is the loss of SchNet, ρ = 0.01: Schütt et al., J. Chem. Phys.
    148, 241722 (2018), doi:10.1063/1.5019779.

    Args:
        energy: w_E, weight of the energies (errors in eV).
        forces: w_F, weight of the forces (errors in eV/Å); 0 trains on energies alone.
        error: d, an elementwise loss of torch such as torch.nn.MSELoss, torch.nn.L1Loss or torch.nn.HuberLoss.
        per_atom: whether energy errors are divided by the number of atoms first.
    """

    def __init__(
        self,
        energy: float = 1.0,
        forces: float = 0.0,
        error: Callable[[], nn.Module] = nn.MSELoss,
        per_atom: bool = False,
    ) -> None:
        super().__init__()
        require_weights(self, energy=energy, forces=forces)
        if energy + forces == 0:
            problem = "The weights of energy and forces are both 0"
            raise SettingError(self, "energy", energy, "one of them above 0", problem)
        self.energy = energy
        self.forces = forces
        self.error = error()
        self.error.reduction = "none"  # type: ignore[assignment]
        self._require_distance()
        self.per_atom = per_atom

    @property
    def needs_forces(self) -> bool:
        """Return whether forces are weighted at any time of a training."""
        return self.forces > 0

    def plan(self, num_steps: Callable[[], float]) -> None:
        """Find out when the weights change; these never do.

        Args:
            num_steps: returns the optimizer steps of the training; infinity where they are not known.
        """

    def weights_at(self, step: int) -> Weights:
        """Return the weights in a step of the training, counted from 0."""
        return Weights(self.energy, self.forces)

    def forward(self, prediction: Prediction, batch: Batch, weights: Weights | None = None) -> Tensor:
        """Compute the loss of each molecule: shape (molecules,), float64.

        Args:
            prediction: energies, and forces where they are weighted.
            batch: what they should be.
            weights: of energies and forces; by default those at the end of a training, by which epochs are compared.
        """
        weights = weights or Weights(self.energy, self.forces)
        energy_error = prediction.energy - batch.energy
        if self.per_atom:
            energy_error = energy_error / batch.atoms_per_molecule
        loss = weights.energy * self._distance(energy_error)
        if batch.energy_known is not None:
            loss = loss * batch.energy_known
        if weights.forces and prediction.forces is not None and batch.forces is not None:
            per_atom = self._distance(prediction.forces - batch.forces).sum(dim=1).double()
            summed = sum_per_molecule(per_atom, batch.molecule_index, len(batch.energy))
            if batch.forces_known is not None:
                summed = summed * batch.forces_known
            loss = loss + weights.forces * summed / batch.atoms_per_molecule
        return loss if batch.weight is None else batch.weight * loss

    def _distance(self, difference: Tensor) -> Tensor:
        distance: Tensor = self.error(difference, torch.zeros_like(difference))
        return distance

    def _require_distance(self) -> None:
        """Refuse what does not measure the distance of each number from zero."""
        difference = torch.tensor([[-2.0, 0.0, 0.5]])
        try:
            distance = self._distance(difference)
            measures = torch.equal(distance > 0, difference != 0) and not (distance < 0).any()
        except Exception:  # whatever it makes of two arguments
            measures = False
        if not measures:
            expected = "an elementwise loss of torch, such as torch.nn.HuberLoss"
            raise SettingError(self, "error", type(self.error).__name__, expected)


def require_weights(owner: object, **settings: float) -> None:
    """Raise SettingError unless weights are finite and at least 0.

    Args:
        owner: whose settings they are.
        settings: name → weight.
    """
    for name, weight in settings.items():
        if not 0 <= weight < math.inf:
            raise SettingError(owner, name, weight, "a weight of at least 0")
