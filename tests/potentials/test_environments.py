from __future__ import annotations

import numpy as np
import pytest
import torch
from ase import Atoms
from ase.build import molecule

from potbench.batch import Batch
from potbench.potentials.environments import CUTOFF, TrainedEnvironments, environments
from potbench.structures import Frames


def batch(*images: Atoms, num_frames: int = 1, noise: float = 0.0) -> Batch:
    random = np.random.default_rng(0)
    chunks = [
        Frames(
            "",
            atoms.numbers,
            atoms.positions + random.normal(0, noise, (num_frames, len(atoms), 3)),
            np.zeros(num_frames),
        )
        for atoms in images
    ]
    return Batch.from_frames(*chunks)


WATER = batch(molecule("H2O"), num_frames=200, noise=0.03)


def test_environments_do_not_depend_on_place_rotation_and_order_of_equal_atoms() -> None:
    ethanol = molecule("CH3CH2OH")
    moved = ethanol.copy()
    moved.rotate(50, (1, 2, 3))
    moved.translate((1, 2, 3))
    moved = moved[::-1]
    before, after = (environments(batch(atoms), [1, 6, 8]) for atoms in (ethanol, moved))
    torch.testing.assert_close(after.flip(0), before, atol=1e-5, rtol=0)


def test_environments_are_smooth_where_a_neighbor_leaves() -> None:
    inside, outside = (
        environments(batch(Atoms("H2", [[0, 0, 0], [0, 0, CUTOFF + step]])), [1]) for step in (-1e-2, 1e-2)
    )
    assert 0 < inside.max() < 1e-4
    assert outside.max() == 0


def test_frames_like_the_training_set_are_inside() -> None:
    trained = TrainedEnvironments.of([WATER.select(range(100))], [1, 8])
    assert trained.extrapolation(WATER.select(range(100, 200))).max() <= 1
    assert trained.extrapolation(WATER.select(range(100))).max() == 0


@pytest.mark.parametrize(
    ("atoms", "outside"),
    [
        (Atoms("H"), [True]),
        (Atoms("OHH", [[0, 0, 0], [0, 0.76, 0.6], [0, -0.76 * 2, 1.2]]), [True, True, True]),
        (Atoms("OHH", molecule("H2O").positions * 0.7), [True, True, True]),
        (Atoms("OHH", molecule("H2O").positions), [False, False, False]),
        (Atoms("OHHC", [*molecule("H2O").positions, [0, 0, 1.6]]), [True, True, True, True]),
        (Atoms("OHHC", [*molecule("H2O").positions, [0, 0, 9.0]]), [False, False, False, True]),
    ],
    ids=[
        "free atom",
        "one bond is long",
        "all is too small",
        "as it was",
        "an unknown neighbor",
        "an unknown stranger",
    ],
)
def test_other_environments_are_outside(atoms: Atoms, outside: list[bool]) -> None:
    trained = TrainedEnvironments.of([WATER], [1, 8])
    assert (trained.extrapolation(batch(atoms)) > 1).tolist() == outside
