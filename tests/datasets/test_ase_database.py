from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.db import connect

from potbench.datasets import ASEDatabase
from potbench.errors import DataFileError, SettingError
from tests.native_files.ase_files import HARTREE, write_database


def frames(dataset):
    """Energies, positions and forces of every frame, in the order of the file."""
    chunks = list(dataset.read())
    listed = [(chunk, frame) for chunk in chunks for frame in range(len(chunk.energy))]
    return [
        (chunk.atomic_numbers, chunk.positions[i], chunk.energy[i], None if chunk.forces is None else chunk.forces[i])
        for chunk, i in listed
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
    assert not dataset.info.has_forces
    assert_same(frames(dataset), made, forces=False)


def test_key_value_pairs_and_lists_are_read(tmp_path):
    made = write_database(tmp_path / "a.db", "iso17")
    assert_same(frames(ASEDatabase(tmp_path / "a.db", "eV", "Å", "total_energy", "atomic_forces")), made)


def put_twice(file, in_data: dict[str, object], **pairs: object) -> None:
    atoms = Atoms("H2", [[0, 0, 0], [0, 0, 0.7]])
    atoms.calc = SinglePointCalculator(atoms, energy=-2079.0, forces=np.array([[0.0, 0.0, 0.1], [0.0, 0.0, -0.1]]))
    with connect(file, use_lock_file=False) as database:
        database.write(Atoms("H2", atoms.positions, calculator=atoms.calc), pairs, data=in_data)


@pytest.mark.parametrize(
    ("in_data", "says"),
    [
        ({"energy": -1.0}, "two values of energy: -1.0 in its data, and -2079.0 in its key-value pairs or calculator"),
        ({"forces": np.zeros((2, 3))}, r"two values of forces: an array of shape \(2, 3\) in its data, and an array"),
        ({"forces": np.zeros((3, 3))}, r"two values of forces: an array of shape \(3, 3\) in its data"),
        ({"kind": "cold"}, "two values of kind: cold in its data, and hot in"),
    ],
)
def test_a_value_that_stands_twice_in_a_row_is_refused_unless_it_is_the_same(tmp_path, in_data, says):
    put_twice(tmp_path / "a.db", in_data, kind="hot")
    with pytest.raises(DataFileError, match=rf"a\.db, row 1 has {says}"):
        list(ASEDatabase(tmp_path / "a.db", "eV", "Å", columns=["kind"]).read())


def test_a_value_that_stands_twice_in_a_row_may_be_rounded(tmp_path):
    forces = np.array([[0, 0, 0.1], [0, 0, -0.1]], np.float32)
    in_data = {"energy": np.array([-2079.0], np.float32), "forces": forces, "kind": "hot", "charge": 1, "id": 7}
    put_twice(tmp_path / "a.db", in_data, kind="hot")
    (read,) = ASEDatabase(tmp_path / "a.db", "eV", "Å", columns=["kind", "charge", "id"]).read()
    assert read.energy.tolist() == [-2079.0]
    assert {name: values.tolist() for name, values in read.columns.items()} == {
        "kind": ["hot"],
        "charge": [1.0],
        "id": [7.0],
    }


def test_conformers_that_follow_each_other_are_a_block(tmp_path):
    write_database(tmp_path / "a.db", "calculator", 12)
    chunks = list(ASEDatabase(tmp_path / "a.db", "hartree", "Å").read())
    assert [len(chunk.energy) for chunk in chunks] == [2] * 6
    assert chunks[0].molecule == chunks[5].molecule == "CH4"


def test_a_database_without_units_is_refused_with_the_choices(tmp_path):
    write_database(tmp_path / "a.db", "calculator")
    with pytest.raises(SettingError) as caught:
        list(ASEDatabase(tmp_path / "a.db", length_unit="Å").read())
    assert str(caught.value) == (
        f"{tmp_path / 'a.db'} does not state its energy unit. Expected one of eV, meV, hartree, Ry, kcal/mol, kJ/mol. "
        "Change the argument energy_unit of ASEDatabase."
    )
    with pytest.raises(SettingError, match=r"does not state its length unit\. Expected one of Å, bohr, nm, pm"):
        list(ASEDatabase(tmp_path / "a.db", energy_unit="eV").read())


def test_another_unit_than_the_database_states_is_refused(tmp_path):
    write_database(tmp_path / "a.db", "arrays")
    with pytest.raises(SettingError, match=r"states the energy unit 'hartree', not 'eV'\. .* energy_unit of"):
        list(ASEDatabase(tmp_path / "a.db", "eV", energy_key="energy_U0").read())


def test_a_missing_energy_is_named_with_what_is_there(tmp_path):
    write_database(tmp_path / "a.db", "iso17")
    with pytest.raises(SettingError, match="has no energy in any row, only atomic_forces, total_energy") as caught:
        list(ASEDatabase(tmp_path / "a.db", "eV", "Å").read())
    assert (caught.value.owner, caught.value.setting) == (ASEDatabase, "energy_key")


def test_a_value_that_later_rows_lack_is_named(tmp_path):
    with connect(tmp_path / "a.db", use_lock_file=False) as database:
        database.write(Atoms("H2", [[0, 0, 0], [0, 0, 0.7]]), isomer="a", data={"energy": [-31.0]})
        database.write(Atoms("H2", [[0, 0, 0], [0, 0, 0.7]]), data={"U": [-31.0]})
    for molecule_key in (None, "isomer"):
        with pytest.raises(
            SettingError, match=r"has energy in 1 of 2 rows; without: 2\. Expected energies in every row, or partial"
        ):
            list(ASEDatabase(tmp_path / "a.db", "eV", "Å", molecule_key=molecule_key).read())


def test_molecules_may_be_told_apart_by_a_key(tmp_path):
    with connect(tmp_path / "a.db", use_lock_file=False) as database:
        for name in ("cis", "cis", "trans"):
            database.write(Atoms("H2", [[0, 0, 0], [0, 0, 0.7]]), isomer=name, data={"energy": [-31.0]})
    chunks = list(ASEDatabase(tmp_path / "a.db", "eV", "Å", molecule_key="isomer").read())
    assert [(chunk.molecule, len(chunk.energy)) for chunk in chunks] == [("cis", 2), ("trans", 1)]
    with pytest.raises(SettingError, match="has no name in any row, only energy, isomer") as caught:
        list(ASEDatabase(tmp_path / "a.db", "eV", "Å", molecule_key="name").read())
    assert caught.value.setting == "molecule_key"


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"energy": [-1.0, 2.0]}, r"energy has shape \(2,\), expected one number"),
        ({"energy": "not base64"}, "energy is no array of numbers"),
        ({"energy": [float("nan")]}, r"energy of row 1 is NaN or infinite \(1 of the 1 frames from row 1 on\)"),
        ({"energy": [-1.0], "forces": [[1.0, 2.0]]}, "forces has shape"),
        ({"energy": {"a": 1}}, "energy is no number, but {'a': 1}"),
        ({"energy": True}, r"row 1: energy is no number, but True\. Expected real numbers"),
        ({"energy": np.array([-1.0 + 0.5j])}, r"energy is no number, but array\(\[-1\.\+0\.5j\]\)"),
        ({"energy": [-1.0], "forces": np.ones((2, 3), dtype=bool)}, "forces is no number, but array"),
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
    with connect(tmp_path / "b.db", use_lock_file=False) as database:
        database.write(Atoms("H"), data={"energy": [-1.0], "_cell": 3 * np.eye(3)})
    with pytest.raises(DataFileError, match="row 1 is periodic, by its _cell"):
        list(ASEDatabase(tmp_path / "b.db", "eV", "Å").read())


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


def test_columns_that_are_named_are_read(tmp_path):
    file = tmp_path / "a.db"
    with connect(file, use_lock_file=False) as database:
        for number, kind in enumerate(("MD", "scan")):
            atoms = Atoms("H2", [[0, 0, 0], [0, 0, 0.7]])
            values = {"total": -31.0, "weight": 1 + number, "kind": kind}
            database.write(atoms, key_value_pairs=values, data={"spread": np.array([0.5])})
    columns = ["weight", "kind", "spread"]
    (chunk,) = ASEDatabase(file, "eV", "Å", "total", None, columns=columns).read()
    assert {name: values.tolist() for name, values in chunk.columns.items()} == {
        "weight": [1.0, 2.0],
        "kind": ["MD", "scan"],
        "spread": [0.5, 0.5],
    }
    with pytest.raises(SettingError, match=r"has no weigth in any row, only kind, spread, total, weight"):
        list(ASEDatabase(file, "eV", "Å", "total", None, columns=["weigth"]).read())


@pytest.mark.parametrize(
    ("unit", "factor"), [("Ha/Bohr", HARTREE / 0.529177210903), ("kcal/mol/Å", HARTREE / 627.5094740631)]
)
def test_forces_have_the_unit_that_the_database_states(tmp_path, unit, factor):
    made = write_database(tmp_path / "a.db", "arrays")
    with connect(tmp_path / "a.db", use_lock_file=False) as database:
        units = {"energy_U0": "Hartree", "forces": unit}
        database.metadata = {"_property_unit_dict": units, "_distance_unit": "Angstrom", "lot": "B3LYP"}
    dataset = ASEDatabase(tmp_path / "a.db", energy_key="energy_U0")
    for (_, _, energy, pull), atoms in zip(frames(dataset), made, strict=True):
        assert energy == pytest.approx(atoms.calc.results["energy"] * HARTREE, rel=1e-12)
        np.testing.assert_allclose(pull, atoms.calc.results["forces"] * factor, rtol=1e-9)
    assert dataset.info.theory == "B3LYP"
    with pytest.raises(SettingError, match="states the forces unit"):
        frames(ASEDatabase(tmp_path / "a.db", energy_key="energy_U0", forces_unit="eV/Å"))


def test_rows_without_forces_are_counted(tmp_path):
    with connect(tmp_path / "a.db", use_lock_file=False) as database:
        database.write(Atoms("H"), data={"energy": [-13.6]})
        for forces in ({}, {"forces": np.zeros((2, 3))}):
            database.write(Atoms("H2", [[0, 0, 0], [0, 0, 0.7]]), data={"energy": [-31.0], **forces})
    with pytest.raises(SettingError, match=r"has forces in 2 of 3 rows; without: 2\."):
        frames(ASEDatabase(tmp_path / "a.db", "eV", "Å"))
    assert ASEDatabase(tmp_path / "a.db", "eV", "Å").isolated_atom_energies() == {"H": -13.6}
    chunks = list(ASEDatabase(tmp_path / "a.db", "eV", "Å", partial_labels=True).read())
    assert [chunk.forces_known is None for chunk in chunks] == [True, False]


def test_a_name_without_a_value_is_not_there(tmp_path):
    with connect(tmp_path / "a.db", use_lock_file=False) as database:
        for energy in (-31.0, None):
            database.write(Atoms("H2", [[0, 0, 0], [0, 0, 0.7]]), data={"E": energy, "U": -31.0})
    with pytest.raises(SettingError, match=r"has E in 1 of 2 rows; without: 2\. Expected energies in every row"):
        frames(ASEDatabase(tmp_path / "a.db", "eV", "Å", "E"))
    (chunk,) = ASEDatabase(tmp_path / "a.db", "eV", "Å", "E", partial_labels=True).read()
    assert chunk.energy_known.tolist() == [True, False]


def test_units_that_rows_state_are_used(tmp_path):
    with connect(tmp_path / "a.db", use_lock_file=False) as database:
        for _ in range(2):
            stated = {"energy_unit": "Hartree", "length_unit": "Ang", "theory": "PBE"}
            database.write(Atoms("H2", [[0, 0, 0], [0, 0, 0.7]]), **stated, data={"energy": [-1.17]})
    dataset = ASEDatabase(tmp_path / "a.db")
    (chunk,) = dataset.read()
    assert chunk.energy == pytest.approx(-1.17 * HARTREE)
    assert dataset.info.theory == "PBE"
    with pytest.raises(SettingError, match="states the energy unit 'hartree', not 'eV'"):
        frames(ASEDatabase(tmp_path / "a.db", "eV"))
    with connect(tmp_path / "a.db", use_lock_file=False) as database:
        database.metadata = {"_distance_unit": "Bohr"}
    with pytest.raises(DataFileError, match="states the length unit Bohr and Ang"):
        frames(ASEDatabase(tmp_path / "a.db"))
