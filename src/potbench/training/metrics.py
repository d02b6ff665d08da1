"""MAE, RMSE and R² of energies and forces over a whole set of frames, by torchmetrics."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torchmetrics import MeanAbsoluteError, MeanSquaredError, Metric, MetricCollection, R2Score
from typing_extensions import override

from potbench.batch import Batch, Prediction
from potbench.units import KCAL_PER_MOL

ROUNDING = 1e-13
"""Share of a sum of squares that is no variance, but what is lost of digits in float64."""


class Metrics(nn.Module):
    """MAE, RMSE and R² of energies, MAE and RMSE of force components, accumulated in float64.

    Sums and counts are accumulated, not means, so that batches of any sizes and any number of processes give the same
    result. R² is computed after the reference energies are removed: of total energies it would be 1 for any potential.

    Args:
        forces: whether errors of forces are measured as well.
        unit: conversion factor of the unit of energies, in eV.

    Attributes:
        loss: mean of the losses of molecules with which it is updated, shape (molecules,).
    """

    def __init__(self, forces: bool, unit: float = KCAL_PER_MOL) -> None:
        super().__init__()
        self.unit = unit
        self.energy = _collection(
            "energy_", mae=MeanAbsoluteError(), rmse=MeanSquaredError(squared=False), r2=_R2OfSeveral()
        )
        self.energy_per_atom = _collection("energy_", mae_per_atom=MeanAbsoluteError())
        self.forces = (
            _collection("forces_", mae=MeanAbsoluteError(), rmse=MeanSquaredError(squared=False)) if forces else None
        )
        self.loss = _Mean().set_dtype(torch.float64)

    @property
    def metrics(self) -> dict[str, Metric]:
        """Return name → metric; energies in the given unit, forces in kcal/mol/Å."""
        collections = (self.energy, self.energy_per_atom, self.forces)
        return {name: metric for each in collections if each is not None for name, metric in each.items()}

    def update(self, prediction: Prediction, batch: Batch, offset: Tensor) -> None:
        """Add the errors of a batch.

        Args:
            prediction: energies and forces of the potential.
            batch: reference energies and forces.
            offset: shape (molecules,), sum of the reference energies of the atoms of each molecule, in eV, float64.
        """
        predicted = (prediction.energy.detach() - offset) / self.unit
        true = (batch.energy - offset) / self.unit
        atoms_per_molecule = batch.atoms_per_molecule
        if batch.energy_known is not None:
            known = batch.energy_known
            predicted, true, atoms_per_molecule = predicted[known], true[known], atoms_per_molecule[known]
        if len(true):
            self.energy.update(predicted, true)
            self.energy_per_atom.update(predicted / atoms_per_molecule, true / atoms_per_molecule)
        if self.forces is not None and prediction.forces is not None and batch.forces is not None:
            scaled = prediction.forces.detach().double() / KCAL_PER_MOL
            true_forces = batch.forces.double() / KCAL_PER_MOL
            if batch.forces_known is not None:
                atoms = batch.forces_known[batch.molecule_index]
                scaled, true_forces = scaled[atoms], true_forces[atoms]
            if len(scaled):
                self.forces.update(scaled.flatten(), true_forces.flatten())


class _R2OfSeveral(R2Score):
    @override
    def compute(self) -> Tensor:
        # torchmetrics raises an error for a single value, and says 0 of values that are all the same
        variance = self.sum_squared_error - self.sum_error**2 / self.total
        varies = self.total > 1 and variance > ROUNDING * self.sum_squared_error
        return super().compute() if varies else torch.full_like(self.residual, torch.nan)


class _Mean(Metric):
    """Mean of values; torchmetrics' own rounds them to float32 once it is moved to a device."""

    total: Tensor
    count: Tensor

    def __init__(self) -> None:
        super().__init__()
        for name in ("total", "count"):
            self.add_state(name, torch.tensor(0.0), dist_reduce_fx="sum")

    @override
    def update(self, values: Tensor) -> None:
        self.total += values.double().sum()
        self.count += len(values)

    @override
    def compute(self) -> Tensor:
        return self.total / self.count


def _collection(prefix: str, **metrics: Metric) -> MetricCollection:
    # no two of these metrics have the same sums to share
    return MetricCollection(dict(metrics), prefix=prefix, compute_groups=False).set_dtype(torch.float64)
