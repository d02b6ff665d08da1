from __future__ import annotations

import hashlib

import numpy as np
import pytest

from potbench.datasets import SGDMLFile
from potbench.errors import DataFileError, SettingError
from tests.native_files.npz import write_sgdml

HARTREE = 27.211386245988
BOHR = 0.529177210903


def frames(file, **options):
    return list(SGDMLFile(file, **options).read())


@pytest.mark.parametrize("flat", [True, False])
def test_frames_equal_an_independent_reading_in_either_layout(tmp_path, flat):
    file = tmp_path / "ethanol.npz"
    arrays = write_sgdml(file, flat=flat)
    (chunk,) = frames(file, energy_unit="hartree", length_unit="bohr")
    assert chunk.atomic_numbers.tolist() == arrays["z"].tolist()
    np.testing.assert_allclose(chunk.positions, arrays["R"] * BOHR, rtol=1e-15)
    np.testing.assert_allclose(chunk.energy, arrays["E"].ravel() * HARTREE, rtol=1e-15)
    np.testing.assert_allclose(chunk.forces, arrays["F"] * HARTREE / BOHR, rtol=1e-15)


def test_units_that_the_file_states_are_taken(tmp_path):
    file = tmp_path / "new.npz"
    arrays = write_sgdml(file, e_unit="kcal/mol", r_unit="Ang")
    (chunk,) = frames(file)
    np.testing.assert_allclose(chunk.energy, arrays["E"].ravel() * HARTREE / 627.5094740631, rtol=1e-15)
    np.testing.assert_array_equal(chunk.positions, arrays["R"])


def test_a_file_without_units_is_refused_with_the_choices(tmp_path):
    file = tmp_path / "old.npz"
    write_sgdml(file)
    with pytest.raises(SettingError) as caught:
        frames(file, length_unit="Å")
    assert str(caught.value) == (
        f"{file} does not state its energy unit. Expected one of eV, meV, hartree, Ry, kcal/mol, kJ/mol. "
        "Change the argument energy_unit of SGDMLFile."
    )


def test_another_unit_than_the_file_states_is_refused(tmp_path):
    file = tmp_path / "new.npz"
    write_sgdml(file, e_unit="kcal/mol", r_unit="Ang")
    with pytest.raises(SettingError, match=r"states the energy unit 'kcal/mol', not 'eV'\. Expected the unit of the"):
        frames(file, energy_unit="eV")


def test_a_unit_that_nobody_knows_is_refused(tmp_path):
    file = tmp_path / "new.npz"
    write_sgdml(file, e_unit="cm-1", r_unit="Ang")
    with pytest.raises(SettingError, match=r"states the energy unit 'cm-1', which is not known\. Expected one of eV"):
        frames(file)
    assert frames(file, energy_unit="eV")[0].energy[0] < -90_000
    write_sgdml(file, r_unit="Ang")
    with pytest.raises(SettingError, match="energy_unit is 'cm-1', expected one of eV"):
        frames(file, energy_unit="cm-1")


def test_the_md5_of_the_content_is_verified(tmp_path):
    file = tmp_path / "ethanol.npz"
    write_sgdml(file, md5=True)
    assert len(frames(file, energy_unit="eV", length_unit="Å")) == 1
    with np.load(file) as arrays:
        energy = arrays["E"].copy()
        energy[3] += 1e-9
        np.savez(file, **{**arrays, "E": energy})
    with pytest.raises(DataFileError, match=r"states the md5 .* fetch it again"):
        frames(file, energy_unit="eV", length_unit="Å")


def test_the_level_of_theory_is_the_file_s_own_unless_given(tmp_path):
    file = tmp_path / "ethanol.npz"
    write_sgdml(file, theory="CCSD(T)/cc-pVTZ")
    assert SGDMLFile(file).info.theory == "CCSD(T)/cc-pVTZ"
    assert SGDMLFile(file, theory="B3LYP").info.theory == "B3LYP"
    write_sgdml(file)
    assert SGDMLFile(file).info.theory == "not stated"


def test_large_files_come_in_chunks_of_one_molecule(tmp_path, monkeypatch):
    monkeypatch.setattr("potbench.readers.sgdml.FRAMES_PER_CHUNK", 15)
    file = tmp_path / "ethanol.npz"
    arrays = write_sgdml(file)
    chunks = frames(file, energy_unit="eV", length_unit="Å")
    assert [len(chunk.energy) for chunk in chunks] == [15, 15, 10]
    assert {chunk.molecule for chunk in chunks} == {"ethanol"}
    np.testing.assert_array_equal(np.concatenate([chunk.positions for chunk in chunks]), arrays["R"])


def test_frames_are_counted_over_all_chunks(tmp_path, monkeypatch):
    monkeypatch.setattr("potbench.readers.sgdml.FRAMES_PER_CHUNK", 15)
    arrays = write_sgdml(tmp_path / "ethanol.npz")
    energy = arrays["E"].copy()
    energy[32] = np.nan
    np.savez(tmp_path / "ethanol.npz", **{name: arrays[name] for name in "zRF"}, E=energy)
    with pytest.raises(DataFileError, match=r"energy of frame 32 is NaN .* \(1 of the 10 frames from frame 30 on\)"):
        frames(tmp_path / "ethanol.npz", energy_unit="eV", length_unit="Å")


@pytest.mark.parametrize("key", ["z", "R", "E"])
def test_an_array_that_is_missing_is_named(tmp_path, key):
    file = tmp_path / "ethanol.npz"
    arrays = write_sgdml(file)
    np.savez(file, **{name: array for name, array in arrays.items() if name != key})
    with pytest.raises(DataFileError, match=rf"has no {key}, only"):
        frames(file, energy_unit="eV", length_unit="Å")


@pytest.mark.parametrize(
    ("key", "wrong"),
    [
        ("z", np.zeros((2, 2), np.uint8)),
        ("z", np.full(9, 200, np.uint8)),
        ("z", np.full(9, 0.5)),
        ("R", np.zeros((40, 9, 2))),
        ("R", np.zeros((40, 27))),
        ("E", np.zeros(39)),
        ("E", np.zeros((40, 2))),
        ("F", np.zeros((40, 8, 3))),
        ("F", np.zeros((39, 9, 3))),
        ("E", np.full(40, "a")),
        ("R", np.full((40, 9, 3), 1 + 1j)),
        ("F", np.full((40, 9, 3), np.inf)),
    ],
)
def test_arrays_that_do_not_fit_are_refused(tmp_path, key, wrong):
    file = tmp_path / "ethanol.npz"
    arrays = write_sgdml(file)
    np.savez(file, **{**arrays, key: wrong})
    with pytest.raises(DataFileError, match=str(file)):
        frames(file, energy_unit="eV", length_unit="Å")


def test_nothing_pickled_is_loaded(tmp_path):
    file = tmp_path / "ethanol.npz"
    arrays = write_sgdml(file)
    np.savez(file, **{**arrays, "F": np.array([{"a": 1}], dtype=object)})
    with pytest.raises(DataFileError, match=r"cannot be read as \.npz"):
        frames(file, energy_unit="eV", length_unit="Å")


@pytest.mark.parametrize("named", [{"lattice": np.eye(3)}, {"pbc": [True] * 3, "cell": np.eye(3)}])
def test_a_cell_is_refused(tmp_path, named):
    write_sgdml(tmp_path / "a.npz", e_unit="eV", r_unit="Ang", **named)
    with pytest.raises(DataFileError, match=r"a\.npz is periodic, by its (lattice|pbc)"):
        frames(tmp_path / "a.npz")


def test_forces_may_be_in_a_unit_of_their_own(tmp_path):
    arrays = write_sgdml(tmp_path / "a.npz", e_unit="Hartree", r_unit="Angstrom")
    dataset = SGDMLFile(tmp_path / "a.npz", forces_unit="Eh/a0")
    (chunk,) = dataset.read()
    np.testing.assert_allclose(chunk.forces, arrays["F"] * HARTREE / BOHR, rtol=1e-12)
    assert dataset.options["forces_unit"] == "hartree/bohr"


def test_arrays_that_are_not_read_are_named(tmp_path):
    write_sgdml(tmp_path / "a.npz", e_unit="eV", r_unit="Ang", charges=np.zeros(9), theory="PBE")
    assert SGDMLFile(tmp_path / "a.npz", theory="B3LYP").remarks() == [
        "Not read from a.npz: charges.",
        "a.npz states the level of theory PBE; recorded is B3LYP, as given.",
    ]


def test_a_file_without_forces_has_energies_alone(tmp_path):
    file = tmp_path / "energies.npz"
    arrays = write_sgdml(tmp_path / "whole.npz", md5=True)
    del arrays["F"]
    md5 = hashlib.md5(b"".join(hashlib.md5(arrays[key].tobytes()).digest() for key in "zRE")).hexdigest()
    np.savez(file, **arrays, md5=np.array(md5))
    (chunk,) = frames(file, energy_unit="eV", length_unit="Å")
    assert chunk.forces is None
    np.testing.assert_array_equal(chunk.energy, arrays["E"].ravel())
    assert not SGDMLFile(file).info.has_forces


def test_forces_that_are_no_numbers_are_refused(tmp_path):
    file = tmp_path / "texts.npz"
    arrays = write_sgdml(file)
    np.savez(file, **{**arrays, "F": arrays["F"].astype(str)})
    with pytest.raises(DataFileError, match=r"texts\.npz: F is <U\d+ of shape .*, expected an array of float32 or"):
        frames(file, energy_unit="eV", length_unit="Å")


@pytest.mark.parametrize("key", ["R", "E", "F"])
def test_arrays_of_half_precision_are_refused(tmp_path, key):
    file = tmp_path / "half.npz"
    arrays = write_sgdml(file)
    np.savez(file, **{**arrays, key: np.ones_like(arrays[key], dtype=np.float16)})
    with pytest.raises(DataFileError, match=rf"{key} is float16 of shape .*, expected an array of float32 or float64"):
        frames(file, energy_unit="eV", length_unit="Å")
