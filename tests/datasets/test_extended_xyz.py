from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.io import write

from potbench.datasets import ExtendedXYZ
from potbench.errors import DataFileError, SettingError
from tests.native_files.ase_files import HARTREE, write_extended_xyz


@pytest.mark.parametrize("forces", [True, False])
def test_frames_equal_what_was_written(tmp_path, forces):
    file = tmp_path / "a.xyz"
    made = write_extended_xyz(file, forces=forces)
    dataset = ExtendedXYZ(file, "hartree", "Å")
    assert dataset.info.has_forces is forces
    assert dataset.elements == ["H", "C", "N", "O"]
    chunks = list(dataset.read())
    assert [len(chunk.energy) for chunk in chunks] == [2] * 6
    for chunk, pair in zip(chunks, zip(made[::2], made[1::2], strict=True), strict=True):
        assert chunk.atomic_numbers.tolist() == pair[0].numbers.tolist()
        for frame, atoms in enumerate(pair):
            np.testing.assert_allclose(chunk.positions[frame], atoms.positions, atol=1e-8)
            assert chunk.energy[frame] == pytest.approx(atoms.calc.results["energy"] * HARTREE, rel=1e-12)
            if forces:
                np.testing.assert_allclose(chunk.forces[frame], atoms.calc.results["forces"] * HARTREE, atol=1e-6)


def test_other_units_scale_energies_positions_and_forces(tmp_path):
    file = tmp_path / "a.xyz"
    write_extended_xyz(file)
    (one, *_), (other, *_) = (list(ExtendedXYZ(file, *units).read()) for units in (("eV", "Å"), ("kcal/mol", "bohr")))
    kcal, bohr = HARTREE / 627.5094740631, 0.529177210903
    np.testing.assert_allclose(other.energy, one.energy * kcal, rtol=1e-12)
    np.testing.assert_allclose(other.positions, one.positions * bohr, rtol=1e-12)
    np.testing.assert_allclose(other.forces, one.forces * kcal / bohr, rtol=1e-12)


@pytest.mark.parametrize(("units", "missing"), [((None, "Å"), "energy"), (("eV", None), "length")])
def test_units_have_to_be_given(tmp_path, units, missing):
    file = tmp_path / "a.xyz"
    write_extended_xyz(file)
    with pytest.raises(SettingError, match=rf"does not state its {missing} unit\. Expected one of .*{missing}_unit of"):
        list(ExtendedXYZ(file, *units).read())


def test_energies_and_forces_may_have_other_names(tmp_path):
    atoms = Atoms("H2", [[0, 0, 0], [0, 0, 0.7]])
    atoms.info |= {"dft_energy": -31.0, "isomer": "ortho"}
    atoms.arrays["dft_forces"] = np.array([[0, 0, 1.0], [0, 0, -1.0]])
    write(tmp_path / "a.xyz", atoms, format="extxyz")
    (chunk,) = ExtendedXYZ(tmp_path / "a.xyz", "eV", "Å", "dft_energy", "dft_forces", "isomer").read()
    assert (chunk.molecule, chunk.energy[0], chunk.forces[0, 0, 2]) == ("ortho", -31.0, 1.0)


def test_a_missing_energy_is_named_with_what_is_there(tmp_path):
    file = tmp_path / "a.xyz"
    write_extended_xyz(file)
    for setting in ("energy_key", "molecule_key"):
        with pytest.raises(SettingError, match="has no U0 in any frame, only energy, forces") as caught:
            list(ExtendedXYZ(file, "eV", "Å", **{setting: "U0"}).read())
        assert (caught.value.owner, caught.value.setting) == (ExtendedXYZ, setting)


def test_forces_in_some_frames_only_are_refused(tmp_path):
    file = tmp_path / "a.xyz"
    made = write_extended_xyz(file)
    del made[3].calc.results["forces"]
    write(file, made, format="extxyz")
    with pytest.raises(
        SettingError, match=r"has forces in 11 of 12 frames; without: 3\. Expected forces in every frame, or"
    ):
        list(ExtendedXYZ(file, "eV", "Å").read())


def test_periodic_structures_are_refused(tmp_path):
    write(tmp_path / "a.xyz", Atoms("H", cell=[3, 3, 3], pbc=True, info={"energy": -13.6}), format="extxyz")
    with pytest.raises(DataFileError, match="frame 0 is periodic"):
        list(ExtendedXYZ(tmp_path / "a.xyz", "eV", "Å").read())


def test_a_missing_empty_or_other_file_is_named(tmp_path):
    file = tmp_path / "a.xyz"
    with pytest.raises(DataFileError, match="does not exist"):
        _ = ExtendedXYZ(file).elements
    file.write_text("")
    with pytest.raises(DataFileError, match=r"holds no structure|cannot be read"):
        _ = ExtendedXYZ(file).elements
    file.write_text("a web page that says: not found")
    with pytest.raises(DataFileError, match="cannot be read as extended XYZ from frame 0 on"):
        _ = ExtendedXYZ(file).elements


def test_columns_that_are_named_are_read(tmp_path):
    one, other = (Atoms("H2", [[0, 0, 0], [0, 0, 0.7]]) for _ in range(2))
    one.info |= {"energy": -31.0, "weight": 2, "config_type": "MD_300K"}
    other.info |= {"energy": -30.0, "weight": 0.5, "config_type": "scan"}
    write(tmp_path / "a.xyz", [one, other], format="extxyz")
    dataset = ExtendedXYZ(tmp_path / "a.xyz", "eV", "Å", columns=["weight", "config_type"])
    (chunk,) = dataset.read()
    assert chunk.columns["weight"].tolist() == [2.0, 0.5]
    assert chunk.columns["config_type"].tolist() == ["MD_300K", "scan"]
    assert dataset.options["columns"] == ["weight", "config_type"]
    assert "columns" not in ExtendedXYZ(tmp_path / "a.xyz", "eV", "Å").options
    with pytest.raises(SettingError, match=r"has no weigth in any frame, only .*weight.*\. Expected the name of one"):
        list(ExtendedXYZ(tmp_path / "a.xyz", "eV", "Å", columns=["weigth"]).read())


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ((1.0, "one"), "weight of H2 is a number in some frames and text in others"),
        ((1.0, np.ones(3)), r"frame 1: weight is array.*\. Expected one number, or text\."),
        ((1.0, float("nan")), "weight of a frame is NaN or infinite"),
        ((1.0, None), "has weight in 1 of 2 frames; without: 1"),
    ],
)
def test_columns_that_are_neither_numbers_nor_text_are_refused(tmp_path, values, problem):
    frames = [Atoms("H2", [[0, 0, 0], [0, 0, 0.7]], info={"energy": -31.0}) for _ in values]
    for atoms, value in zip(frames, values, strict=True):
        if value is not None:
            atoms.info["weight"] = value
    write(tmp_path / "a.xyz", frames, format="extxyz")
    with pytest.raises(DataFileError, match=problem):
        list(ExtendedXYZ(tmp_path / "a.xyz", "eV", "Å", columns=["weight"]).read())
