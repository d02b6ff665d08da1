"""A molecule held by springs, whose forces are the gradient of its energy."""

from __future__ import annotations

import numpy as np
from ase.build import molecule

from potbench.structures import Frames

SPRING = 15.0  # eV/Å²


def healthy(name: str = "CH3CH2OH", num_frames: int = 200, seed: int = 0) -> Frames:
    """A molecule in a field of springs between its atoms, shaken: forces are the gradient of its energy."""
    atoms = molecule(name)
    random = np.random.default_rng(seed)
    positions = atoms.positions + random.normal(scale=0.04, size=(num_frames, len(atoms), 3))
    first, second = np.triu_indices(len(atoms), k=1)
    rest = np.linalg.norm(atoms.positions[first] - atoms.positions[second], axis=1)
    vectors = positions[:, first] - positions[:, second]
    lengths = np.linalg.norm(vectors, axis=2)
    springs = SPRING / rest**4
    pulls = (springs * (lengths - rest) / lengths)[:, :, None] * vectors
    forces = np.zeros_like(positions)
    for pair, (a, b) in enumerate(zip(first, second, strict=True)):
        forces[:, a] -= pulls[:, pair]
        forces[:, b] += pulls[:, pair]
    free = sum({1: -13.6, 6: -1029.5, 8: -2042.0}[number] for number in atoms.numbers)
    energy = free - 4.0 * len(atoms) + 0.5 * (springs * (lengths - rest) ** 2).sum(axis=1)
    return Frames(name, atoms.numbers.astype(np.uint8), positions, energy, forces)
