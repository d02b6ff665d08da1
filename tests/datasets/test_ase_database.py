from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.db import connect

from potbench.datasets import ASEDatabase
from potbench.errors import DataFileError
from tests.native_files.ase_files import HARTREE, write_database


def frames(dataset):
    """Energies, positions and forces of every frame, in the order of the file."""
    blocks = list(dataset.read())
    listed = [(block, frame) for block in blocks for frame in range(len(block.energy))]
    return [
        (block.atomic_numbers, block.positions[i], block.energy[i], None if block.forces is None else block.forces[i])
        for block, i in listed
    ]


def assert_same(read, made, forces=True):
    assert len(read) == len(made)
    for (numbers, positions, energy, pull), atoms in zip(read, made, strict=True):
        assert numbers.tolist() == atoms.numbers.tolist()
        np.testing.assert_allclose(positions, atoms.positions, rtol=1e-12)
        assert energy == pytest.approx(atoms.calc.results["energy"] * HARTREE, rel=1e-12)
        if forces:
            np.testing.assert_allclose(pull, atoms.calc.results["forces"] * HARTREE, rtol=1e-9)
        else:
            assert pull is None


def test_energies_and_forces_of_calculators_are_read(tmp_path):
    made = write_database(tmp_path / "a.db", "calculator")
    assert_same(frames(ASEDatabase(tmp_path / "a.db", "hartree", "Å")), made)


def test_units_that_schnetpack_wrote_are_taken(tmp_path):
    made = write_database(tmp_path / "a.db", "arrays")
    assert_same(frames(ASEDatabase(tmp_path / "a.db", energy_key="energy_U0")), made)


def test_base64_text_is_read(tmp_path):
    made = write_database(tmp_path / "a.db", "text")
    dataset = ASEDatabase(tmp_path / "a.db", "eV", "Å", "energy_U0")
    assert not dataset.description.has_forces
    assert_same(frames(dataset), made, forces=False)


def test_key_value_pairs_and_lists_are_read(tmp_path):
    made = write_database(tmp_path / "a.db", "iso17")
    assert_same(frames(ASEDatabase(tmp_path / "a.db", "eV", "Å", "total_energy", "atomic_forces")), made)


def test_conformers_that_follow_each_other_are_a_block(tmp_path):
    write_database(tmp_path / "a.db", "calculator", 12)
    blocks = list(ASEDatabase(tmp_path / "a.db", "hartree", "Å").read())
    assert [len(block.energy) for block in blocks] == [2] * 6
    assert blocks[0].molecule == blocks[5].molecule == "CH4"


def test_a_database_without_units_is_refused_with_the_choices(tmp_path):
    write_database(tmp_path / "a.db", "calculator")
    with pytest.raises(DataFileError) as caught:
        list(ASEDatabase(tmp_path / "a.db", length_unit="Å").read())
    assert str(caught.value) == (
        f"{tmp_path / 'a.db'} does not say its energy unit; expected one of eV, meV, hartree, kcal/mol, kJ/mol. "
        "Change data.init_args.dataset.init_args.energy_unit."
    )
    with pytest.raises(DataFileError, match="does not say its length unit; expected one of Å, bohr, nm"):
        list(ASEDatabase(tmp_path / "a.db", energy_unit="eV").read())


def test_another_unit_than_the_database_states_is_refused(tmp_path):
    write_database(tmp_path / "a.db", "arrays")
    with pytest.raises(DataFileError, match="states the energy unit 'hartree', but energy_unit is 'eV'"):
        list(ASEDatabase(tmp_path / "a.db", "eV", energy_key="energy_U0").read())


def test_a_missing_energy_is_named_with_what_is_there(tmp_path):
    write_database(tmp_path / "a.db", "iso17")
    with pytest.raises(DataFileError, match="row 1 has no energy, only atomic_forces, total_energy"):
        list(ASEDatabase(tmp_path / "a.db", "eV", "Å").read())


def test_molecules_may_be_told_apart_by_a_key(tmp_path):
    with connect(tmp_path / "a.db", use_lock_file=False) as database:
        for name in ("cis", "cis", "trans"):
            database.write(Atoms("H2", [[0, 0, 0], [0, 0, 0.7]]), isomer=name, data={"energy": [-31.0]})
    blocks = list(ASEDatabase(tmp_path / "a.db", "eV", "Å", molecule_key="isomer").read())
    assert [(block.molecule, len(block.energy)) for block in blocks] == [("cis", 2), ("trans", 1)]
    with pytest.raises(DataFileError, match="has no key-value pair name"):
        list(ASEDatabase(tmp_path / "a.db", "eV", "Å", molecule_key="name").read())


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"energy": [-1.0, 2.0]}, r"energy has shape \(2,\), expected one number"),
        ({"energy": "not base64"}, "energy is no array of numbers"),
        ({"energy": [float("nan")]}, "energy of frame 0 is NaN"),
        ({"energy": [-1.0], "forces": [[1.0, 2.0]]}, "forces has shape"),
        ({"energy": {"a": 1}}, "energy is no array of numbers"),
    ],
)
def test_labels_that_cannot_be_are_refused(tmp_path, data, says):
    with connect(tmp_path / "a.db", use_lock_file=False) as database:
        database.write(Atoms("H2", [[0, 0, 0], [0, 0, 0.7]]), data=data)
    with pytest.raises(DataFileError, match=says):
        list(ASEDatabase(tmp_path / "a.db", "eV", "Å").read())


def test_periodic_structures_are_refused(tmp_path):
    with connect(tmp_path / "a.db", use_lock_file=False) as database:
        database.write(Atoms("H", cell=[3, 3, 3], pbc=True), data={"energy": [-1.0]})
    with pytest.raises(DataFileError, match="row 1 is periodic"):
        list(ASEDatabase(tmp_path / "a.db", "eV", "Å").read())


def test_a_missing_or_empty_or_other_file_is_named(tmp_path):
    file = tmp_path / "a.db"
    with pytest.raises(DataFileError, match="does not exist"):
        _ = ASEDatabase(file).elements
    with connect(file, use_lock_file=False) as database:
        del database[database.write(Atoms("H"))]
    with pytest.raises(DataFileError, match="holds no structure"):
        _ = ASEDatabase(file).elements
    file.write_text("a web page that says: not found")
    with pytest.raises(DataFileError, match="cannot be read as an ASE database"):
        _ = ASEDatabase(file).elements
