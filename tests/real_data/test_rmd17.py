from __future__ import annotations

import numpy as np
import pytest

from potbench.datasets import RMD17
from potbench.loading import AtomsDataModule, OfficialSplit

KCAL_PER_MOL = 27.211386245988 / 627.5094740631
# molecule: atoms, frames of split 01 that are in the file, mean energy and spread in kcal/mol of its training half
ATOMS = {
    "aspirin": 21,
    "azobenzene": 24,
    "benzene": 12,
    "ethanol": 9,
    "malonaldehyde": 9,
    "naphthalene": 18,
    "paracetamol": 20,
    "salicylic": 16,
    "toluene": 15,
    "uracil": 12,
}


@pytest.fixture(params=sorted(ATOMS))
def molecule(request) -> str:
    return request.param


def test_frames_of_the_official_split_are_those_of_its_files(real_data, molecule):
    dataset = RMD17(molecule, folder=real_data / "rmd17")
    (chunk,) = dataset.read()
    assert chunk.positions.shape == (2000, ATOMS[molecule], 3)
    parts = dataset.official_splits()["01"]
    for part, indices in {"train": parts.train, "test": parts.test}.items():
        with np.load(real_data / f"rmd17/rmd17_{molecule}_{part}_01.npz") as arrays:
            assert chunk.atomic_numbers.tolist() == arrays["nuclear_charges"].tolist()
            np.testing.assert_array_equal(chunk.positions[indices], arrays["coords"])
            np.testing.assert_allclose(chunk.energy[indices], arrays["energies"] * KCAL_PER_MOL, rtol=1e-15)
            np.testing.assert_allclose(chunk.forces[indices], arrays["forces"] * KCAL_PER_MOL, rtol=1e-15)


def test_forces_sum_to_zero(real_data, molecule):
    (chunk,) = RMD17(molecule, folder=real_data / "rmd17").read()
    assert np.abs(chunk.forces.sum(axis=1)).max() < 1e-5


def test_energies_have_the_size_of_total_energies(real_data, molecule):
    (chunk,) = RMD17(molecule, folder=real_data / "rmd17").read()
    # hydrogen −13.6 eV, carbon −1030, nitrogen −1486, oxygen −2043: what is left are bonds
    atoms = np.array([{1: -13.6, 6: -1030.0, 7: -1486.0, 8: -2043.0}[number] for number in chunk.atomic_numbers])
    bonds = (chunk.energy.mean() - atoms.sum()) / len(atoms)
    assert -7 < bonds < -1
    assert 0.05 < chunk.energy.std() < 0.5


def test_original_labels_of_aspirin_have_the_mean_and_spread_of_md17(real_data):
    (chunk,) = RMD17("aspirin", labels="original", folder=real_data / "rmd17").read()
    assert chunk.energy.mean() / KCAL_PER_MOL == pytest.approx(-4.07e5, rel=2e-3)
    assert chunk.energy.std() / KCAL_PER_MOL == pytest.approx(6.03, rel=0.05)


def test_the_official_split_trains_on_950_frames_and_sets_the_offset_in_double_precision(real_data, tmp_path):
    data = AtomsDataModule(RMD17("aspirin", folder=real_data / "rmd17"), OfficialSplit("01"), root=tmp_path)
    data.prepare_data()
    data.setup("fit")
    assert [len(part) for part in data.indices] == [950, 50, 1000]
    assert data.store.energy.dtype == np.float64
    # one composition: least squares is rank-deficient, and gives it its mean energy
    counts = data.store.composition(data.indices.train[:1], [1, 6, 8])[0]
    offset = counts @ [data.statistics.reference_energies[number] for number in (1, 6, 8)]
    assert offset == pytest.approx(data.store.energy[data.indices.train].mean(), abs=1e-6)
    assert data.statistics.energy_spread == pytest.approx(data.store.energy[data.indices.train].std(), rel=1e-9)
