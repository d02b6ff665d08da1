"""How far two predictions of the same molecules lie apart."""

from __future__ import annotations

import torch
from torch import Tensor

from potbench.batch import Prediction


def largest(*differences: Tensor) -> float:
    """Largest absolute value in any of the tensors, of any shape; NaN if one holds NaN."""
    return float(torch.cat([difference.detach().double().flatten() for difference in differences]).abs().max().item())


def largest_difference(one: Prediction, other: Prediction) -> float:
    """Largest difference of an energy, in eV, or of a force component, in eV/Å.

    Args:
        one: energy (molecules,), forces (atoms, 3).
        other: of the same shapes.
    """
    return largest(one.energy - other.energy, forces_of(one) - forces_of(other))


def forces_of(prediction: Prediction) -> Tensor:
    """Forces of shape (atoms, 3), in eV/Å, that were asked for and so must be there."""
    if prediction.forces is None:
        raise ValueError("The potential was asked for forces and gave none, expected shape (atoms, 3) in eV/Å.")
    return prediction.forces
