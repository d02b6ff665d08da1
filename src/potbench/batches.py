"""Making a Batch out of arrays, frames, or other batches."""

from __future__ import annotations

import numpy as np
import torch

from potbench.structures import Batch, FloatArray, Frames, IntArray


def assemble(
    atomic_numbers: IntArray,
    positions: FloatArray,
    atoms_per_molecule: IntArray,
    energy: FloatArray,
    forces: FloatArray | None = None,
    frame: IntArray | None = None,
    features: FloatArray | None = None,
) -> Batch:
    """Turn arrays, molecules end to end, into a Batch in torch's default dtype (energies float64).

    Args:
        atomic_numbers: shape (atoms,).
        positions: shape (atoms, 3), in Å.
        atoms_per_molecule: shape (molecules,).
        energy: shape (molecules,), in eV.
        forces: shape (atoms, 3), in eV/Å.
        frame: shape (molecules,), index of each frame in its store; by default 0, 1, 2 …
        features: shape (atoms, features).
    """
    dtype = torch.get_default_dtype()
    num_molecules = len(atoms_per_molecule)
    elements, occurrences = np.unique(atomic_numbers, return_counts=True)
    return Batch(
        atomic_numbers=torch.from_numpy(atomic_numbers.astype(np.int64)),
        positions=torch.from_numpy(positions).to(dtype),
        molecule=torch.from_numpy(np.repeat(np.arange(num_molecules), atoms_per_molecule)),
        atoms_per_molecule=torch.from_numpy(atoms_per_molecule.astype(np.int64)),
        frame=torch.from_numpy((np.arange(num_molecules) if frame is None else frame).astype(np.int64)),
        energy=torch.from_numpy(energy.astype(np.float64)),
        forces=None if forces is None else torch.from_numpy(forces).to(dtype),
        atoms_per_element=dict(zip(elements.tolist(), occurrences.tolist(), strict=True)),
        largest_molecule=int(atoms_per_molecule.max()),
        num_pairs=int((atoms_per_molecule.astype(np.int64) * (atoms_per_molecule - 1)).sum()) // 2,
        features=None if features is None else torch.from_numpy(features).to(dtype),
    )


def batch_of(*blocks: Frames) -> Batch:
    """Lay blocks of conformers end to end; the batch has forces only if every block has them."""
    forces = [block.forces.reshape(-1, 3) for block in blocks if block.forces is not None]
    return assemble(
        np.concatenate([np.tile(block.atomic_numbers, len(block.energy)) for block in blocks]),
        np.concatenate([block.positions.reshape(-1, 3) for block in blocks]),
        np.concatenate([np.full(len(block.energy), len(block.atomic_numbers)) for block in blocks]),
        np.concatenate([block.energy for block in blocks]),
        np.concatenate(forces) if len(forces) == len(blocks) else None,
    )


def pick(batch: Batch, molecules: list[int]) -> Batch:
    """Some molecules of a batch, in the order given, as a batch of their own (by way of the host)."""
    starts = (batch.atoms_per_molecule.cumsum(0) - batch.atoms_per_molecule).tolist()
    counts = batch.atoms_per_molecule.tolist()
    atoms = torch.cat([torch.arange(starts[i], starts[i] + counts[i]) for i in molecules])
    numbers = batch.atomic_numbers.cpu()[atoms]
    chosen = torch.tensor(counts)[molecules]
    elements, occurrences = torch.unique(numbers, return_counts=True)
    device = batch.positions.device
    return Batch(
        atomic_numbers=numbers.to(device),
        positions=batch.positions[atoms],
        molecule=torch.repeat_interleave(torch.arange(len(molecules)), chosen).to(device),
        atoms_per_molecule=chosen.to(device),
        frame=batch.frame[molecules],
        energy=batch.energy[molecules],
        forces=None if batch.forces is None else batch.forces[atoms],
        atoms_per_element=dict(zip(elements.tolist(), occurrences.tolist(), strict=True)),
        largest_molecule=int(chosen.max()),
        num_pairs=int((chosen * (chosen - 1)).sum()) // 2,
        features=None if batch.features is None else batch.features[atoms],
    )
