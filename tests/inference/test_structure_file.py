from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule
from ase.calculators.singlepoint import SinglePointCalculator
from ase.db import connect
from ase.io import read, write

from potbench.errors import DataFileError
from potbench.inference.structure_file import frames_of, read_structures, write_structures


def predicted(name: str) -> Atoms:
    atoms = molecule(name)
    random = np.random.default_rng(0)
    atoms.calc = SinglePointCalculator(
        atoms, energy=random.normal(-1000, 1), forces=random.normal(0, 1, (len(atoms), 3))
    )
    return atoms


@pytest.mark.parametrize("ending", ["xyz", "traj", "db", "json", "pdb"])
def test_any_file_that_ase_reads_will_do(tmp_path: Path, ending: str) -> None:
    write(tmp_path / f"water.{ending}", molecule("H2O"))
    (water,) = read_structures(tmp_path / f"water.{ending}")
    assert water.numbers.tolist() == [8, 1, 1]
    assert water.positions == pytest.approx(molecule("H2O").positions, abs=1e-3)
    (frames,) = frames_of([water])
    assert frames.positions.dtype == np.float64
    assert np.isnan(frames.energy).all()


def test_a_cell_that_ase_does_not_recognize_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.xyz").write_text('1\nPBC="T T T"\nH 0 0 0\n')
    with pytest.raises(DataFileError, match="structure 0 is periodic, by its PBC"):
        read_structures(tmp_path / "a.xyz")


def test_every_structure_of_a_file_is_read_in_order(tmp_path: Path) -> None:
    write(tmp_path / "two.xyz", [molecule("H2O"), molecule("CH4")])
    assert [len(atoms) for atoms in read_structures(tmp_path / "two.xyz")] == [3, 5]


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    garbage, empty, periodic, infinite, same = (
        tmp_path / f"{name}.extxyz" for name in ("garbage", "empty", "periodic", "infinite", "same")
    )
    garbage.write_text("three\natoms\n")
    write(empty, [])
    write(periodic, [molecule("H2O"), Atoms("H", cell=[3, 3, 3], pbc=True)])
    write(infinite, Atoms("OHH", [[0, 0, 0], [0, np.nan, 0.7], [0, 0, np.inf]]))
    write(same, [molecule("H2O"), Atoms("HHO", [[0, 0, 0], [0, 0, 1], [0, 0, 1.00001]])])
    messages = {}
    for file in (tmp_path / "none.xyz", garbage, empty, periodic, infinite, same):
        with pytest.raises(DataFileError) as caught:
            read_structures(file)
        messages[file.name] = str(caught.value)
    assert f"{tmp_path}/none.xyz does not exist." in messages["none.xyz"]
    assert messages["garbage.extxyz"].startswith(f"{garbage} cannot be read as extended XYZ from frame 0 on (")
    assert str(empty) in messages["empty.extxyz"]
    assert f"{periodic}: structure 1 is periodic, and these potentials are of molecules." in messages["periodic.extxyz"]
    assert (
        f"{infinite}: structure 0 has positions that are NaN or infinite, of atoms 1 (H), 2 (H)."
        in (messages["infinite.extxyz"])
    )
    assert f"{same}: structure 1 has atoms 1 (H), 2 (O) in one place" in messages["same.extxyz"]
    ends = ("Choose another file.", "fetch it again.", "at least one.")
    assert all(text.endswith(ends) for text in messages.values())


@pytest.mark.parametrize("ending", ["xyz", "extxyz"])
def test_extended_xyz_is_read_back_by_ase(tmp_path: Path, ending: str) -> None:
    structures = [predicted("CH4"), predicted("H2O")]
    write_structures(tmp_path / f"out.{ending}", structures)
    for image, atoms in zip(read(tmp_path / f"out.{ending}", ":", format="extxyz"), structures, strict=True):
        assert image.get_potential_energy() == pytest.approx(atoms.get_potential_energy(), abs=1e-7)
        assert image.positions == pytest.approx(atoms.positions, abs=1e-7)
        assert image.get_forces() == pytest.approx(atoms.get_forces(), abs=1e-7)


def test_npz_holds_arrays_of_all_atoms_with_their_units_and_the_columns_of_all(tmp_path: Path) -> None:
    structures = [predicted("CH4"), predicted("H2O")]
    for number, atoms in enumerate(structures):
        atoms.info |= {"name": f"molecule {number}", "charge": number, "file": f"{number}.out"}
        atoms.arrays["partial_charges"] = np.arange(len(atoms))
    structures[0].info["of_one_alone"] = 1
    write_structures(tmp_path / "out.npz", structures)
    with np.load(tmp_path / "out.npz") as arrays:
        assert arrays["atoms_per_molecule"].tolist() == [5, 3]
        assert arrays["atomic_numbers"].tolist() == [6, 1, 1, 1, 1, 8, 1, 1]
        assert np.array_equal(arrays["energy"], [atoms.get_potential_energy() for atoms in structures])
        assert np.array_equal(arrays["positions"], np.concatenate([atoms.positions for atoms in structures]))
        assert np.array_equal(arrays["forces"], np.concatenate([atoms.get_forces() for atoms in structures]))
        assert arrays["units"].tolist() == ["positions Å", "energy eV", "forces eV/Å"]
        assert arrays["name"].tolist() == ["molecule 0", "molecule 1"]
        assert arrays["charge"].tolist() == [0, 1]
        assert arrays["file"].tolist() == ["0.out", "1.out"]
        assert arrays["partial_charges"].tolist() == [0, 1, 2, 3, 4, 0, 1, 2]
        assert arrays["of_one_alone"].tolist()[:1] == [1]
        assert np.isnan(arrays["of_one_alone"][1])


def test_npz_holds_what_some_structures_lack_as_unknown_and_names_what_it_cannot_hold(tmp_path: Path) -> None:
    structures = [predicted("CH4"), predicted("H2O")]
    structures[0].info |= {"smiles": "C", "reference_energy": -5.0, "units": "Hartree", "stress": np.ones(6)}
    structures[1].info |= {"units": "eV", "stress": np.ones(9)}
    structures[1].arrays["reference_forces"] = np.ones((3, 3))
    assert write_structures(tmp_path / "out.npz", structures) == ["stress"]
    with np.load(tmp_path / "out.npz") as arrays:
        assert arrays["smiles"].tolist() == ["C", ""]
        assert arrays["reference_energy"].tolist()[:1] == [-5.0]
        assert np.isnan(arrays["reference_energy"][1])
        assert np.isnan(arrays["reference_forces"][:5]).all()
        assert (arrays["reference_forces"][5:] == 1).all()
        assert arrays["units"].tolist() == ["positions Å", "energy eV", "forces eV/Å"]
        assert arrays["reference_units"].tolist() == ["Hartree", "eV"]
    assert not write_structures(tmp_path / "out.xyz", structures)
    assert structures[0].info["units"] == "Hartree"


@pytest.mark.parametrize("ending", ["xyz", "npz"])
def test_columns_named_as_results_are_kept_beside_them(tmp_path: Path, ending: str) -> None:
    water = predicted("H2O")
    water.info["energy"] = -5.0
    water.arrays["forces"] = np.ones((3, 3))
    file = tmp_path / f"out.{ending}"
    write_structures(file, [water])
    assert water.info["energy"] == -5.0
    if ending == "npz":
        with np.load(file) as arrays:
            assert arrays["reference_energy"].tolist() == [-5.0]
            assert arrays["energy"].tolist() == [water.calc.results["energy"]]
            assert (arrays["reference_forces"] == 1).all()
        return
    again = read(file)
    assert again.get_potential_energy() == pytest.approx(water.calc.results["energy"])
    assert again.info["reference_energy"] == -5.0
    assert (again.arrays["reference_forces"] == 1).all()


def test_named_values_of_a_database_are_read(tmp_path: Path) -> None:
    with connect(tmp_path / "water.db") as rows:
        rows.write(molecule("H2O"), total_charge=1)
    (water,) = read_structures(tmp_path / "water.db")
    assert water.info["total_charge"] == 1


@pytest.mark.parametrize(
    ("name", "writer"), [("out.npz", "potbench.inference.structure_file.write_npz"), ("out.xyz", "ase.io.write")]
)
def test_a_file_appears_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, writer: str
) -> None:
    def half(file: Path | BinaryIO, *arguments: object, **named: object) -> None:
        written = file.write_bytes(b"half") if isinstance(file, Path) else file.write(b"half")
        raise OSError(f"No space left on device after {written} bytes")

    monkeypatch.setattr(writer, half)
    with pytest.raises(OSError, match="No space left"):
        write_structures(tmp_path / name, [predicted("CH4")])
    assert list(tmp_path.iterdir()) == []


BOHR, HARTREE = 0.529177210903, 27.211386245988


def test_positions_and_labels_in_units_that_a_file_states_are_converted(tmp_path: Path) -> None:
    atoms = predicted("H2O")
    atoms.info |= {"energy_unit": "Ha", "length_unit": "Bohr", "reference_energy": -1.0, "REF_energy": -2.0}
    write(tmp_path / "water.xyz", [atoms, atoms])
    for read_back in read_structures(tmp_path / "water.xyz"):
        assert read_back.positions == pytest.approx(atoms.positions * BOHR, abs=1e-7)
        assert read_back.get_potential_energy() == pytest.approx(atoms.get_potential_energy() * HARTREE)
        assert read_back.get_forces() == pytest.approx(atoms.get_forces() * HARTREE / BOHR, rel=1e-6)
        assert read_back.info["reference_energy"] == pytest.approx(-HARTREE)
        # what stays as it is keeps its unit, which is no longer that of the labels
        assert read_back.info["REF_energy"] == -2.0
        assert not {"energy_unit", "length_unit"} & set(read_back.info)
        assert (read_back.info["original_energy_unit"], read_back.info["original_length_unit"]) == ("Ha", "Bohr")


@pytest.mark.parametrize("place", ["data", "calculator"])
@pytest.mark.parametrize("ending", ["db", "json"])
def test_a_database_is_read_in_the_units_of_its_metadata_with_labels_wherever_they_stand(
    tmp_path: Path, ending: str, place: str
) -> None:
    water, labels = molecule("H2O"), {"energy": -1.0, "forces": np.ones((3, 3))}
    if place == "calculator":
        water.calc = SinglePointCalculator(water, **labels)
    with connect(tmp_path / f"water.{ending}", use_lock_file=False) as rows:
        if place == "data":  # as SchNetPack does
            rows.write(water, data={"energy": np.array([-1.0]), "forces": labels["forces"]})
        else:
            rows.write(water)
        rows.metadata = {"_distance_unit": "Bohr", "_property_unit_dict": {"energy": "Ha"}}
    (read_back,) = read_structures(tmp_path / f"water.{ending}")
    assert read_back.positions == pytest.approx(molecule("H2O").positions * BOHR)
    assert read_back.info["reference_energy"] == pytest.approx(-HARTREE)
    assert read_back.arrays["reference_forces"] == pytest.approx(np.full((3, 3), HARTREE / BOHR))


def test_units_in_ev_and_angstrom_are_left_as_they_are(tmp_path: Path) -> None:
    atoms = predicted("H2O")
    atoms.info |= {"energy_unit": "eV", "length_unit": "angstrom"}
    write(tmp_path / "water.xyz", [atoms, predicted("H2O")])
    first, _ = read_structures(tmp_path / "water.xyz")
    assert first.positions == pytest.approx(atoms.positions, abs=1e-7)
    assert first.info["energy_unit"] == "eV"


@pytest.mark.parametrize(
    ("first", "second", "says"),
    [
        ({"length_unit": "Bohr"}, {}, "states the length unit of some structures, but not of structure 1"),
        ({"length_unit": "furlong"}, {}, "structure 0 states the length unit 'furlong', which is not known"),
        ({"energy_unit": "Ha", "e_unit": "eV"}, {}, "structure 0 states the energy unit Ha and eV"),
        ({"reference_energy": True}, {}, "structure 0: reference_energy is no number, but True"),
        ({"reference_energy": [-76, 42]}, {}, r"structure 0: reference_energy has shape \(2,\), expected one number"),
        ({"reference_energy": 1e999}, {}, "structure 0: reference_energy is infinite"),
    ],
)
def test_units_and_labels_that_cannot_be_are_refused(
    tmp_path: Path, first: dict[str, object], second: dict[str, object], says: str
) -> None:
    structures = [molecule("H2O"), molecule("CH4")]
    for atoms, info in zip(structures, (first, second), strict=True):
        atoms.info |= info
    write(tmp_path / "a.xyz", structures)
    with pytest.raises(DataFileError, match=says):
        read_structures(tmp_path / "a.xyz")
