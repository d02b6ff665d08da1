from pathlib import Path

import ase.io
import numpy as np
import pytest
from ase.build import molecule

from potbench.errors import DataFileError, SettingError
from potbench.generation.molecules import find_molecules


def refusal(*names: str) -> str:
    with pytest.raises(SettingError) as caught:
        find_molecules(names)
    assert (caught.value.owner, caught.value.setting) == (find_molecules, "molecules")
    return str(caught.value)


def test_names_of_g2_and_structure_files_are_molecules(tmp_path: Path):
    ase.io.write(tmp_path / "water.xyz", molecule("H2O"))
    found = find_molecules(["CH4", str(tmp_path / "water.xyz")])
    assert list(found) == ["CH4", "water"]
    np.testing.assert_array_equal(found["CH4"].positions, molecule("CH4").positions)
    np.testing.assert_allclose(found["water"].positions, molecule("H2O").positions, atol=1e-7)


def test_an_unknown_name_suggests_near_ones():
    message = refusal("CH3NH2")
    assert message.startswith("'CH3NH2' is no molecule of ASE's g2 collection and no file. Expected a name such as ")
    assert "H3CNH2" in message
    assert message.endswith(", or the path of a structure file. Change the argument molecules of find_molecules.")


def test_a_name_like_no_other_gets_an_example():
    assert "Expected a name such as CH3OH, or the path" in refusal("no/such/file")


def test_each_name_occurs_once(tmp_path: Path):
    ase.io.write(tmp_path / "H2O.xyz", molecule("H2O"))
    assert refusal("H2O", str(tmp_path / "H2O.xyz")).startswith(
        "Two molecules are named 'H2O'. Expected each name once."
    )


def test_a_single_atom_has_no_conformers():
    assert refusal("H").startswith("H is a single atom, which has no conformers. Expected molecules;")


def test_a_file_that_is_no_structure_is_named(tmp_path: Path):
    (tmp_path / "a.xyz").write_text("not a structure")
    with pytest.raises(DataFileError, match=r"a\.xyz cannot be read as a structure .* correct the path\.$"):
        find_molecules([str(tmp_path / "a.xyz")])
