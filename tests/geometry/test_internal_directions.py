from __future__ import annotations

import numpy as np
import pytest
import torch
from ase.build import molecule

from potbench.batch import Batch
from potbench.geometry.internal_directions import internal_directions
from potbench.structures import Frames

NAMES = ["CH3OH", "O", "HCN", "H2", "NH3"]
INTERNAL = [12, 0, 4, 1, 6]
"""3n − 6, 3n − 5 of atoms in a line, none of a single atom."""


@pytest.fixture
def batch() -> Batch:
    torch.set_default_dtype(torch.float64)
    chunks = [molecule(name) if len(name) > 1 else molecule("H2O")[:1] for name in NAMES]
    return Batch.from_frames(*(Frames("", atoms.numbers, atoms.positions[None], np.zeros(1)) for atoms in chunks))


def test_every_molecule_has_as_many_as_it_has_internal_coordinates_and_they_are_orthonormal(batch: Batch) -> None:
    directions = internal_directions(batch)
    assert directions.shape == (len(batch.positions), 3, 12)
    for own, number in zip(torch.split(directions, batch.atoms_per_molecule.tolist()), INTERNAL, strict=True):
        overlaps = own.flatten(0, 1).T @ own.flatten(0, 1)
        expected = torch.diag((torch.arange(12) >= 12 - number).double())
        assert torch.allclose(overlaps, expected, atol=1e-12)


def test_they_shift_and_rotate_nothing(batch: Batch) -> None:
    directions = internal_directions(batch)
    arms = batch.positions.unsqueeze(2).expand_as(directions)
    for motion in (directions, torch.linalg.cross(arms, directions, dim=1)):
        total = torch.zeros(len(NAMES), 3, 12).index_add(0, batch.molecule_index, motion)
        assert total.abs().max() < 1e-12
