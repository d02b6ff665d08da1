"""Derivatives of features with respect to positions, computed once instead of at every step."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from potbench.geometry.padding import slots, unpad
from potbench.geometry.sums import sum_per_molecule
from potbench.structures import Batch


def jacobians(features: Callable[[Tensor], Tensor], batch: Batch, num_places: int) -> Tensor:
    """∂G/∂x by forward differentiation, one place of all molecules and one direction at a time.

    Args:
        features: positions of the batch, of shape (atoms, 3), in Å → features of each atom, of shape (atoms, features),
            which depend on the positions of its own molecule alone.
        batch: the molecules.
        num_places: atoms of the largest molecule that shall find room, at least those of this batch.

    Returns:
        Shape (atoms, features, places, 3), in Å⁻¹: how the features of an atom change with the position of the first,
        second, … atom of its molecule; zero in places that a molecule does not have.
    """
    place = slots(batch) % batch.largest_molecule
    columns = []
    for moved in range(batch.largest_molecule):
        for axis in range(3):
            direction = torch.zeros_like(batch.positions)
            direction[:, axis] = place == moved
            columns.append(torch.func.jvp(features, (batch.positions,), (direction,))[1])
    derivatives = torch.stack(columns, dim=2).unflatten(2, (batch.largest_molecule, 3))
    return torch.nn.functional.pad(derivatives, (0, 0, 0, num_places - batch.largest_molecule))


def chain_rule(to_features: Tensor, jacobians: Tensor, batch: Batch) -> Tensor:
    """∂E/∂x = Σᵢ ∂E/∂Gᵢ · ∂Gᵢ/∂x over the atoms i of a molecule.

    Args:
        to_features: ∂E/∂G, shape (atoms, features), in eV.
        jacobians: ∂G/∂x, shape (atoms, features, places, 3), in Å⁻¹.
        batch: the molecules.

    Returns:
        Shape (atoms, 3), in eV/Å.
    """
    of_each_atom = (to_features.unsqueeze(1) @ jacobians.flatten(2)).view(len(jacobians), -1, 3)
    of_molecules = sum_per_molecule(of_each_atom, batch.molecule, len(batch.atoms_per_molecule))
    return unpad(of_molecules[:, : batch.largest_molecule], slots(batch))
