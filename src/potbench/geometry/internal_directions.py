"""Directions in which the atoms of a molecule can move without the molecule moving or rotating as a whole."""

from __future__ import annotations

import torch
from torch import Tensor

from potbench.batch import Batch
from potbench.geometry.padding import pad, slots, unpad

NO_MOTION = 1e-6
"""Rigid motions whose part independent of the others is smaller, relative to the largest, move nothing."""


def internal_directions(batch: Batch) -> Tensor:
    """Return an orthonormal basis of the displacements that are orthogonal to all rigid motions of each molecule.

    Forces without net force and torque, and the gradients of every invariant, are determined by their components along
    them: 3n − 6 of n atoms, 3n − 5 if these are in a line.

    Args:
        batch: the molecules.

    Returns:
        Shape (atoms, 3, directions), float64: a basis for each molecule; the directions that small molecules lack are
        zero.
    """
    slot = slots(batch)
    positions = batch.positions.detach().double()
    present = pad(torch.ones_like(positions), slot, batch, 0.0)  # (molecules, largest, 3)
    table = pad(positions, slot, batch, 0.0)
    center = table.sum(dim=1, keepdim=True) / present.sum(dim=1, keepdim=True)
    axes = torch.eye(3, dtype=torch.float64, device=table.device)
    arms = (table - center).unsqueeze(2).expand(-1, -1, 3, -1)
    shifts = axes.expand(*table.shape[:2], 3, 3)
    rotations = torch.linalg.cross(axes.expand_as(arms), arms)
    rigid = torch.cat([shifts, rotations], dim=2).transpose(2, 3) * present.unsqueeze(3)  # (…, coordinates, motions)
    motions, sizes, _ = torch.linalg.svd(rigid.flatten(1, 2), full_matrices=False)
    motions = motions * (sizes > NO_MOTION * sizes[:, :1]).unsqueeze(1)
    internal = torch.diag_embed(present.flatten(1)) - motions @ motions.mT
    kept, directions = torch.linalg.eigh(internal)  # eigenvalues 0 and 1
    most = max(1, int(kept.round().sum(dim=1).max()))
    chosen = directions[:, :, -most:] * kept[:, -most:].round().unsqueeze(1)
    return unpad(chosen.unflatten(1, (-1, 3)), slot)
