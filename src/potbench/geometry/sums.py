"""Sums over the atoms of each molecule."""

from __future__ import annotations

import torch
from torch import Tensor


def sum_per_molecule(values: Tensor, molecule: Tensor, num_molecules: int) -> Tensor:
    """Sum values over the atoms of each molecule.

    Args:
        values: shape (atoms, …).
        molecule: shape (atoms,), int64, molecule of each atom.
        num_molecules: length of the result.

    Returns:
        Shape (molecules, …), dtype of the values.
    """
    zeros = torch.zeros((num_molecules, *values.shape[1:]), dtype=values.dtype, device=values.device)
    return zeros.index_add(0, molecule, values)
