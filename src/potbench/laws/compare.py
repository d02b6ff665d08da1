"""Differences between two predictions of the same molecules."""

from __future__ import annotations

import torch
from torch import Tensor

from potbench.batch import Prediction


def largest(*differences: Tensor) -> float:
    """Return the largest absolute value in any of the tensors, of any shape; NaN if one holds NaN."""
    return float(torch.cat([difference.detach().double().flatten() for difference in differences]).abs().max().item())


def largest_difference(one: Prediction, other: Prediction) -> float:
    """Return the largest difference of an energy, in eV, or of a force component, in eV/Å.

    Args:
        one: energy (molecules,), forces (atoms, 3).
        other: of the same shapes.
    """
    return largest(one.energy - other.energy, forces_of(one) - forces_of(other))


def forces_of(prediction: Prediction) -> Tensor:
    """Return forces of shape (atoms, 3), in eV/Å, which the potential was asked for."""
    if prediction.forces is None:
        raise ValueError("The potential was asked for forces and gave none, expected shape (atoms, 3) in eV/Å.")
    return prediction.forces
