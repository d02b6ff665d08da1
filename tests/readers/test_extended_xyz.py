from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.io import write

from potbench.errors import DataFileError
from potbench.readers.extended_xyz import FramesOfFile, read_frames
from tests.native_files.ase_files import write_extended_xyz


def test_a_frame_carries_columns_comments_and_results_by_name(tmp_path):
    atoms = Atoms("H2", [[0, 0, 0], [0, 0, 0.7]], info={"isomer": "ortho"})
    atoms.arrays["dft_forces"] = np.array([[0, 0, 1.0], [0, 0, -1.0]])
    write(tmp_path / "a.xyz", atoms, format="extxyz")
    (frame,) = read_frames(tmp_path / "a.xyz")
    assert set(frame.values) == {"isomer", "dft_forces"}
    write_extended_xyz(tmp_path / "b.xyz", 1)
    assert set(next(read_frames(tmp_path / "b.xyz")).values) == {"energy", "forces"}


def test_the_frame_from_which_on_a_file_is_damaged_is_named(tmp_path):
    file = tmp_path / "a.xyz"
    write_extended_xyz(file, 2)
    file.write_text(file.read_text() + "5\nnothing more\n")
    with pytest.raises(DataFileError, match=r"cannot be read as extended XYZ from frame 2 on .* fetch it again\.$"):
        list(read_frames(file))


def test_a_file_is_read_once_for_two_passes(tmp_path, monkeypatch):
    file = tmp_path / "a.xyz"
    write_extended_xyz(file, 2)
    frames = FramesOfFile(file)
    first = list(frames.first())
    file.unlink()
    assert all(one is other for one, other in zip(first, frames.again(), strict=True))
    # what was kept is forgotten
    write_extended_xyz(file, 2)
    assert len(list(frames.again())) == len(first)
    monkeypatch.setattr("potbench.readers.extended_xyz.MOST_KEPT", 1)
    list(frames.first())
    file.unlink()
    with pytest.raises(DataFileError):
        list(frames.again())
