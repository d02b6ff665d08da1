"""Energies are invariant, and forces equivariant, under translation, rotation, reflection and permutation."""

from __future__ import annotations

import torch
from torch import Tensor

from potbench.batch import Batch
from potbench.laws.compare import forces_of, largest_difference
from potbench.potentials import Potential


def shift(potential: Potential, batch: Batch) -> float:
    """Energies and forces do not change when a molecule is translated (eV or eV/Å)."""
    vectors = 10 * torch.randn(len(batch.atoms_per_molecule), 3, generator=_generator(), dtype=batch.positions.dtype)
    shifted = batch.with_positions(batch.positions + vectors[batch.molecule_index])
    return largest_difference(potential(shifted, forces=True), potential(batch, forces=True))


def rotation(potential: Potential, batch: Batch) -> float:
    """Energies do not change when a molecule is rotated, and forces rotate with it (eV or eV/Å)."""
    return _orthogonal(potential, batch, _rotations(batch))


def reflection(potential: Potential, batch: Batch) -> float:
    """Mirror images have equal energies and mirrored forces (eV or eV/Å)."""
    return _orthogonal(potential, batch, -_rotations(batch))


def order_of_equal_atoms(potential: Potential, batch: Batch) -> float:
    """Exchanging atoms of one element within a molecule exchanges their forces and nothing else (eV or eV/Å)."""
    largest_number = int(batch.atomic_numbers.max()) + 1
    return _reordered(potential, batch, batch.molecule_index * largest_number + batch.atomic_numbers)


def order_of_atoms(potential: Potential, batch: Batch) -> float:
    """Energies do not depend on the order of the atoms in a molecule, and forces follow the atoms (eV or eV/Å)."""
    return _reordered(potential, batch, batch.molecule_index)


def _generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)  # the same numbers each time: a check that fails can be repeated


def _rotations(batch: Batch) -> Tensor:
    """Return a random proper rotation for each molecule: shape (molecules, 3, 3)."""
    shape = (len(batch.atoms_per_molecule), 3, 3)
    orthogonal: Tensor = torch.linalg.qr(torch.randn(shape, generator=_generator(), dtype=batch.positions.dtype)).Q
    handedness: Tensor = torch.linalg.det(orthogonal)  # 1 or −1: multiplied by it, a reflection becomes a rotation
    return orthogonal * handedness[:, None, None]


def _orthogonal(potential: Potential, batch: Batch, matrices: Tensor) -> float:
    def transformed(vectors: Tensor) -> Tensor:
        return torch.einsum("aij,aj->ai", matrices[batch.molecule_index], vectors)

    prediction = potential(batch, forces=True)
    expected = prediction._replace(forces=transformed(forces_of(prediction)))
    return largest_difference(potential(batch.with_positions(transformed(batch.positions)), forces=True), expected)


def _reordered(potential: Potential, batch: Batch, group: Tensor) -> float:
    """Shuffle the atoms of each group, of shape (atoms,), among themselves."""
    atoms = torch.arange(len(group))
    shuffled = torch.randperm(len(group), generator=_generator())
    # the places of a group, in order, receive its atoms, shuffled
    order = torch.empty_like(atoms)
    order[torch.argsort(group, stable=True)] = shuffled[torch.argsort(group[shuffled], stable=True)]
    reordered = batch.with_positions(batch.positions[order])._replace(
        atomic_numbers=batch.atomic_numbers[order],
        forces=None if batch.forces is None else batch.forces[order],
    )
    prediction = potential(batch, forces=True)
    expected = prediction._replace(forces=forces_of(prediction)[order])
    return largest_difference(potential(reordered, forces=True), expected)
