"""From concatenated molecules to a padded table and back, for what computes on tables."""

from __future__ import annotations

import torch
from torch import Tensor

from potbench.batch import Batch


def slots(batch: Batch) -> Tensor:
    """Return the place of each atom in a flattened table of (molecules, largest_molecule): shape (atoms,), int64."""
    first = batch.atoms_per_molecule.cumsum(0) - batch.atoms_per_molecule
    molecule = batch.molecule_index
    within = torch.arange(molecule.shape[0], device=molecule.device) - first[molecule]
    return molecule * batch.largest_molecule + within


def pad(values: Tensor, slot: Tensor, batch: Batch, fill: float) -> Tensor:
    """Pad shape (atoms, …) to (molecules, largest_molecule, …); empty places hold `fill`."""
    num_molecules = len(batch.atoms_per_molecule)
    tail = values.shape[1:]
    if values.shape[0] == num_molecules * batch.largest_molecule:  # molecules of one size leave no place empty
        return values.view(num_molecules, batch.largest_molecule, *tail)
    table = torch.full((num_molecules * batch.largest_molecule, *tail), fill, dtype=values.dtype, device=values.device)
    return table.index_copy(0, slot, values).view(num_molecules, batch.largest_molecule, *tail)


def unpad(table: Tensor, slot: Tensor) -> Tensor:
    """Undo `pad`: shape (molecules, largest_molecule, …) to (atoms, …)."""
    rows = table.flatten(0, 1)
    return rows if rows.shape[0] == slot.shape[0] else rows.index_select(0, slot)
