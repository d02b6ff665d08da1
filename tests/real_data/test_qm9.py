from __future__ import annotations

import tarfile

import ase.io
import numpy as np
import pytest
from ase.db import connect

from potbench.datasets import QM9, ExtendedXYZ

HARTREE = 27.211386245988


@pytest.fixture
def raw(real_data, tmp_path):
    """The raw files there are, in an archive as the publisher has it."""
    with tarfile.open(tmp_path / "dsgdb9nsd.xyz.tar.bz2", "w:bz2") as archive:
        for file in sorted((real_data / "qm9/dsgdb9nsd").iterdir()):
            archive.add(file, file.name)
    return {chunk.molecule: chunk for chunk in QM9(uncharacterized=True, folder=tmp_path).read()}


def in_database(real_data, folder, path):
    folder.mkdir()
    (folder / "qm9.db").symlink_to(real_data / path)
    return list(QM9(folder=folder).read())


def test_methane_has_its_published_energy_and_smiles(raw):
    methane = raw["gdb_000001"]
    assert methane.energy[0] == pytest.approx(-40.47893 * HARTREE, rel=1e-12)
    assert methane.smiles == "C"
    assert methane.positions[0, 0].tolist() == [-0.0126981359, 1.0858041578, 0.0080009958]


def test_atomization_energies_are_those_of_bonds(raw):
    atoms = QM9().isolated_atom_energies()
    symbols = {1: "H", 6: "C", 7: "N", 8: "O", 9: "F"}
    for chunk in raw.values():
        bonds = chunk.energy[0] - sum(atoms[symbols[number]] for number in chunk.atomic_numbers)
        assert -6.5 < bonds / len(chunk.atomic_numbers) < -2.5


def test_numbers_in_mathematica_s_manner_are_read(real_data, raw):
    with_exponents = [
        file for file in (real_data / "qm9/dsgdb9nsd").iterdir() if "*^" in file.read_text().split("\n", 2)[2]
    ]
    assert all(f"gdb_{file.stem[-6:]}" in raw for file in with_exponents)


@pytest.mark.parametrize(
    ("path", "num_molecules"), [("qm9/qm9.db", 500), ("qm9/test_qm9.db", 20), ("qm9/schnet_kvp/qm9.db", 20)]
)
def test_each_layout_of_schnetpack_is_in_ev(real_data, tmp_path, path, num_molecules):
    chunks = in_database(real_data, tmp_path / "db", path)
    assert len(chunks) == num_molecules
    with connect(real_data / path, use_lock_file=False) as database:
        for chunk, row in zip(chunks, database.select(), strict=True):
            np.testing.assert_array_equal(chunk.positions[0], row.positions)
    atoms = {1: -0.500273, 6: -37.846772, 7: -54.583861, 8: -75.064579, 9: -99.718730}
    for chunk in chunks:
        bonds = chunk.energy[0] - HARTREE * sum(atoms[number] for number in chunk.atomic_numbers)
        assert -6.5 < bonds / len(chunk.atomic_numbers) < -2.5


def test_the_same_molecules_have_the_same_energies_in_every_file(real_data, tmp_path, raw):
    old = in_database(real_data, tmp_path / "old", "qm9/qm9.db")
    new = in_database(real_data, tmp_path / "new", "qm9/test_qm9.db")
    assert [chunk.energy[0] for chunk in old[:20]] == pytest.approx([chunk.energy[0] for chunk in new], rel=1e-7)
    assert raw["gdb_000001"].energy[0] == pytest.approx(new[0].energy[0], rel=1e-12)
    listed = ExtendedXYZ(real_data / "qm9/qm9_reduced_100.xyz", "hartree", "Å", energy_key="U0")
    energies = [energy for chunk in listed.read() for energy in chunk.energy]
    assert len(energies) == 100
    assert energies[:9] == pytest.approx([raw[f"gdb_{number:06d}"].energy[0] for number in range(1, 10)], rel=1e-7)
    images = ase.io.read(real_data / "qm9/qm9_reduced_100.xyz", index=":", format="extxyz")
    assert energies == pytest.approx([image.info["U0"] * HARTREE for image in images], rel=1e-12)
