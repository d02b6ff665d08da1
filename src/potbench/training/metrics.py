"""Errors of energies and forces over a whole part of the data, by torchmetrics."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torchmetrics import MeanAbsoluteError, MeanSquaredError, Metric, R2Score

from potbench.batch import Batch, Prediction
from potbench.units import KCAL_PER_MOL


class Metrics(nn.Module):
    """MAE, RMSE and R² of energies, MAE and RMSE of force components, accumulated in float64.

    Sums and counts are kept, not means, so that batches of any sizes and any number of processes give one answer.
    R² is taken after the reference energies are removed: of total energies it would be 1 for any potential.

    Args:
        forces: whether forces are measured as well.
        unit: size in eV of the unit that energies are measured in.
    """

    def __init__(self, forces: bool, unit: float = KCAL_PER_MOL) -> None:
        super().__init__()
        self.unit = unit
        self.energy = nn.ModuleDict(
            {
                "energy_mae": MeanAbsoluteError(),
                "energy_rmse": MeanSquaredError(squared=False),
                "energy_r2": _R2(),
            }
        )
        self.per_atom = nn.ModuleDict({"energy_mae_per_atom": MeanAbsoluteError()})
        self.forces = nn.ModuleDict()
        if forces:
            self.forces.update({"forces_mae": MeanAbsoluteError(), "forces_rmse": MeanSquaredError(squared=False)})
        for metric in self.metrics.values():
            metric.set_dtype(torch.float64)

    @property
    def metrics(self) -> dict[str, Metric]:
        """Name → metric; energies in the unit (kcal/mol by default), forces in kcal/mol/Å."""
        return {**self.energy, **self.per_atom, **self.forces}  # type: ignore[dict-item]

    def update(self, prediction: Prediction, batch: Batch, offset: Tensor) -> None:
        """Count a batch.

        Args:
            prediction: what the potential says.
            batch: what is true.
            offset: shape (molecules,), reference energy of each molecule in eV, float64.
        """
        predicted = (prediction.energy.detach() - offset) / self.unit
        true = (batch.energy - offset) / self.unit
        _update(self.energy, predicted, true)
        _update(self.per_atom, predicted / batch.atoms_per_molecule, true / batch.atoms_per_molecule)
        if self.forces and prediction.forces is not None and batch.forces is not None:
            scaled = prediction.forces.detach().double() / KCAL_PER_MOL
            _update(self.forces, scaled.flatten(), batch.forces.double().flatten() / KCAL_PER_MOL)


class _R2(R2Score):
    def compute(self) -> Tensor:
        """Explained part of the variance; NaN of a single molecule, which has none."""
        return super().compute() if self.total > 1 else torch.full_like(self.residual, torch.nan)


def _update(metrics: nn.ModuleDict, predicted: Tensor, true: Tensor) -> None:
    for metric in metrics.values():
        metric.update(predicted, true)  # type: ignore[operator]
