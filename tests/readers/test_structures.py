from __future__ import annotations

import numpy as np
import pytest

from potbench.errors import DataFileError
from potbench.readers.structures import Structure, conformers


def structure(molecule: str = "water", numbers: tuple[int, ...] = (8, 1, 1), forces: bool = True, **more) -> Structure:
    positions = np.arange(len(numbers) * 3.0).reshape(-1, 3)
    return Structure(molecule, np.array(numbers), positions, -2000.0, positions if forces else None, **more)


def test_consecutive_frames_of_a_molecule_are_a_chunk():
    water, other_order, ammonia = structure(), structure(numbers=(1, 8, 1)), structure("ammonia", (7, 1, 1, 1))
    chunks = list(conformers([water, water, other_order, ammonia, water], "a.db"))
    assert [(chunk.molecule, len(chunk.energy)) for chunk in chunks] == [
        ("water", 2),
        ("water", 1),
        ("ammonia", 1),
        ("water", 1),
    ]
    assert chunks[1].atomic_numbers.tolist() == [1, 8, 1]


def test_long_molecules_come_in_several_chunks(monkeypatch):
    monkeypatch.setattr("potbench.readers.structures.FRAMES_PER_CHUNK", 3)
    assert [len(chunk.energy) for chunk in conformers([structure()] * 7, "a.db")] == [3, 3, 1]


def test_frames_are_counted_over_all_chunks(monkeypatch):
    monkeypatch.setattr("potbench.readers.structures.FRAMES_PER_CHUNK", 3)
    frames = [structure("ammonia"), *[structure()] * 6]
    frames[5] = frames[5]._replace(energy=np.nan)
    with pytest.raises(DataFileError, match=r"water: energy of frame 5 is .* \(1 of the 3 frames from frame 4 on\)"):
        list(conformers(frames, "a.xyz"))


def test_frames_are_read_one_chunk_at_a_time():
    read = []

    def frames():
        for number in range(4):
            read.append(number)
            yield structure(str(number))

    next(conformers(frames(), "a.db"))
    assert read == [0, 1]


def test_forces_in_some_frames_only_are_refused():
    with pytest.raises(DataFileError, match=r"^a\.db: water has forces in 1 of 2 frames only\.$"):
        list(conformers([structure(), structure(forces=False)], "a.db"))


def test_numbers_that_do_not_fit_together_are_refused():
    short = structure()._replace(positions=np.zeros((2, 3)))
    with pytest.raises(DataFileError, match=r"^a\.db: water has numbers that do not fit together"):
        list(conformers([structure(), short], "a.db"))


def test_nothing_gives_nothing():
    assert list(conformers([], "a.db")) == []
