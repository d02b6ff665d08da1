from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.io import write

from potbench.errors import DataFileError
from potbench.readers.extended_xyz import images, named_values
from tests.native_files.ase_files import write_extended_xyz


def test_a_frame_carries_columns_comments_and_results_by_name(tmp_path):
    atoms = Atoms("H2", [[0, 0, 0], [0, 0, 0.7]], info={"isomer": "ortho"})
    atoms.arrays["dft_forces"] = np.array([[0, 0, 1.0], [0, 0, -1.0]])
    write(tmp_path / "a.xyz", atoms, format="extxyz")
    (image,) = images(tmp_path / "a.xyz")
    values = named_values(image)
    assert set(values) == {"isomer", "dft_forces"}
    write_extended_xyz(tmp_path / "b.xyz", 1)
    assert set(named_values(next(images(tmp_path / "b.xyz")))) == {"energy", "forces"}


def test_the_frame_from_which_on_a_file_is_damaged_is_named(tmp_path):
    file = tmp_path / "a.xyz"
    write_extended_xyz(file, 2)
    file.write_text(file.read_text() + "5\nnothing more\n")
    with pytest.raises(DataFileError, match=r"cannot be read as extended XYZ from frame 2 on .* fetch it again\.$"):
        list(images(file))
