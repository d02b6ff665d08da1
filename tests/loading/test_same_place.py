from __future__ import annotations

import numpy as np
import pytest
from ase.build import molecule

from potbench.errors import DataFileError
from potbench.loading.same_place import refuse_same_place
from potbench.structures import Frames


def chunk(name: str, num_frames: int, dtype: type = np.float64) -> Frames:
    atoms = molecule(name)
    noise = np.random.default_rng(0).normal(0, 0.05, (num_frames, len(atoms), 3))
    return Frames(name, atoms.numbers, (atoms.positions + noise).astype(dtype), np.zeros(num_frames))


def test_molecules_pass_unchanged() -> None:
    names = ("C6H6", "H2O", "CO2", "H2", "C60", "H")
    chunks = [chunk(name, 3) for name in names] + [
        Frames(name, molecule(name).numbers, molecule(name).positions[None], np.zeros(1)) for name in names
    ]
    assert [id(one) for one in refuse_same_place(chunks, "some")] == [id(one) for one in chunks]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("step", [0.0, 5e-4])
def test_two_atoms_in_one_place_are_named_with_their_frame(dtype: type, step: float) -> None:
    broken = chunk("C6H6", 5, dtype)
    broken.positions[3, 7] = broken.positions[3, 2] + np.array([0, step, 0], dtype=dtype)
    with pytest.raises(DataFileError, match=r"some: frame 13 \(C6H6\) has atoms 2 \(C\), 7 \(H\) in one place"):
        list(refuse_same_place([chunk("H2O", 10), broken], "some"))


def test_atoms_a_little_apart_pass() -> None:
    near = chunk("C6H6", 5)
    near.positions[3, 7] = near.positions[3, 2] + [0, 0, 2e-3]
    assert list(refuse_same_place([near], "some")) == [near]
