"""What training minimizes: weighted errors of energies and forces."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from potbench.batch import Batch, Prediction
from potbench.errors import SettingError
from potbench.geometry.sums import sum_per_molecule


class EnergyForcesLoss(nn.Module):
    """Weighted errors of energies and forces, a mean over molecules.

    ℓ = ⟨ w_E d(Ê − E) + w_F (1/n) Σᵢ d(F̂ᵢ − Fᵢ) ⟩ over molecules, with n atoms; d of a force sums its three components.
    Where the data weight their frames, each molecule is multiplied by its weight.

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
        for setting, weight in {"energy": energy, "forces": forces}.items():
            if not 0 <= weight < math.inf:
                raise SettingError(self, setting, weight, "a weight of at least 0")
        if energy + forces == 0:
            problem = "The weights of energy and forces are both 0"
            raise SettingError(self, "energy", energy, "one of them above 0", problem)
        self.energy = energy
        self.forces = forces
        self.error = error()
        self.error.reduction = "none"  # type: ignore[assignment]
        self.per_atom = per_atom

    def forward(self, prediction: Prediction, batch: Batch) -> Tensor:
        """Compute the loss of each molecule: shape (molecules,), float64."""
        energy_error = prediction.energy - batch.energy
        if self.per_atom:
            energy_error = energy_error / batch.atoms_per_molecule
        loss = self.energy * self._distance(energy_error)
        if self.forces and prediction.forces is not None and batch.forces is not None:
            per_atom = self._distance(prediction.forces - batch.forces).sum(dim=1).double()
            summed = sum_per_molecule(per_atom, batch.molecule_index, len(batch.energy))
            loss = loss + self.forces * summed / batch.atoms_per_molecule
        return loss if batch.weight is None else batch.weight * loss

    def _distance(self, difference: Tensor) -> Tensor:
        distance: Tensor = self.error(difference, torch.zeros_like(difference))
        return distance
