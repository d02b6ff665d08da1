"""Predictions beside the labels that they are compared with."""

from __future__ import annotations

import torch
from torch import Tensor

from potbench.batch import Batch, Prediction


def compared(batch: Batch, prediction: Prediction) -> dict[str, Tensor]:
    """Return labels and predictions by their names in predictions of a test; labels that are not known are NaN.

    Args:
        batch: the molecules.
        prediction: of them.

    Returns:
        energy and predicted_energy, shape (molecules,), in eV; and as far as there are such: forces and
        predicted_forces, shape (3 · atoms,), in eV/Å; atomic_energies, shape (atoms,); energy_spread and forces_spread.
    """
    energy = batch.energy
    if batch.energy_known is not None:
        energy = energy.masked_fill(~batch.energy_known, torch.nan)
    arrays = {"energy": energy, "predicted_energy": prediction.energy}
    if batch.forces is not None and prediction.forces is not None:
        forces = batch.forces
        if batch.forces_known is not None:
            forces = forces.masked_fill(~batch.forces_known[batch.molecule_index, None], torch.nan)
        arrays |= {"forces": forces.flatten(), "predicted_forces": prediction.forces.flatten()}
    if prediction.atomic_energies is not None:
        arrays["atomic_energies"] = prediction.atomic_energies
    if prediction.energy_spread is not None:
        arrays["energy_spread"] = prediction.energy_spread
    if prediction.forces_spread is not None:
        arrays["forces_spread"] = prediction.forces_spread.flatten()
    return arrays
