from __future__ import annotations

import ase.io
import numpy as np
import pytest
from ase.db import connect

from potbench.data_quality import inspect
from potbench.datasets import ISO17, ASEDatabase, ExtendedXYZ
from potbench.loading import Store

KCAL_PER_MOL = 27.211386245988 / 627.5094740631


@pytest.mark.parametrize(
    ("file", "unit", "num_frames"),
    [
        ("rmd17_extxyz/rmd17_aspirin_train.xyz", "eV", 1200),
        ("rmd17_extxyz/ethanol_reduced_100.xyz", "kcal/mol", 100),
        ("md17/ethanol_sampledata.xyz", "kcal/mol", 2000),
    ],
)
def test_extended_xyz_equals_an_independent_reading(real_data, file, unit, num_frames):
    chunks = list(ExtendedXYZ(real_data / file, unit, "Å").read())
    images = ase.io.read(real_data / file, index=":", format="extxyz")
    factor = {"eV": 1.0, "kcal/mol": KCAL_PER_MOL}[unit]
    assert sum(len(chunk.energy) for chunk in chunks) == len(images) == num_frames
    positions = np.concatenate([chunk.positions for chunk in chunks])
    np.testing.assert_array_equal(positions, [image.positions for image in images])
    forces = np.concatenate([chunk.forces for chunk in chunks])
    np.testing.assert_allclose(forces, [image.get_forces() * factor for image in images], rtol=1e-12)
    energy = np.concatenate([chunk.energy for chunk in chunks])
    np.testing.assert_allclose(energy, [image.get_potential_energy() * factor for image in images], rtol=1e-12)


@pytest.mark.parametrize(
    ("file", "right", "wrong", "says"),
    [
        ("rmd17_extxyz/rmd17_aspirin_train.xyz", "eV", "kcal/mol", "effective core potentials, or a unit"),
        ("rmd17_extxyz/ethanol_reduced_100.xyz", "kcal/mol", "eV", "in kcal/mol, not in eV"),
    ],
)
def test_a_wrong_unit_given_for_a_real_file_is_noticed(real_data, tmp_path, file, right, wrong, says):
    seen = {}
    for unit in (right, wrong):
        store = Store.write(tmp_path / unit[:2], ExtendedXYZ(real_data / file, unit, "Å").read())
        seen[unit] = next(finding for finding in inspect(store, 1000, 0) if finding.name == "unit of energies")
    assert seen[right].verdict.value == "fine"
    assert seen[wrong].verdict.value != "fine"
    assert says in seen[wrong].seen


def test_a_database_of_md17_equals_an_independent_reading(real_data):
    file = real_data / "md17/test_ethanol.db"
    (chunk,) = ASEDatabase(file, "kcal/mol", "Å").read()
    with connect(file, use_lock_file=False) as database:
        rows = list(database.select())
    assert len(chunk.energy) == 20
    np.testing.assert_allclose(chunk.energy, [row.data["energy"][0] * KCAL_PER_MOL for row in rows], rtol=1e-12)
    np.testing.assert_allclose(chunk.forces, [row.data["forces"] * KCAL_PER_MOL for row in rows], rtol=1e-12)


def test_iso17_equals_an_independent_reading_and_its_equilibria_have_no_forces(real_data, tmp_path):
    for name in ("reference", "test_within", "test_other"):
        (tmp_path / f"{name}.db").symlink_to(real_data / "iso17/test_iso.db")
    (tmp_path / "train_ids.txt").write_text("\n".join(map(str, range(1, 31))))
    (tmp_path / "validation_ids.txt").write_text("\n".join(map(str, range(31, 41))))
    dataset = ISO17(tmp_path)
    chunks = list(dataset.read())
    with connect(real_data / "iso17/test_iso.db", use_lock_file=False) as database:
        rows = list(database.select())
    energy = np.concatenate([chunk.energy for chunk in chunks])
    np.testing.assert_array_equal(energy, [row.total_energy for row in rows] * 3)
    positions = np.concatenate([chunk.positions for chunk in chunks])
    np.testing.assert_array_equal(positions, [row.positions for row in rows] * 3)
    # C7H10O2 by PBE: about −11,506 eV
    assert energy == pytest.approx(-11_506, abs=3)
    assert {chunk.molecule for chunk in chunks} == {"C7H10O2"}
    assert len({tuple(chunk.atomic_numbers) for chunk in chunks}) == 19
    store = Store.write(tmp_path / "store", chunks, official_splits=dataset.official_splits)
    findings = {finding.name: finding.seen for finding in inspect(store, 1000, 0)}
    assert findings["net force"] == "every force is exactly zero"
    assert findings["copies"].startswith("80 of 120 frames are copies")
