from __future__ import annotations

import numpy as np
import pytest

from potbench.datasets import MD17
from potbench.errors import DataFileError, MissingDataError, SettingError
from tests.native_files.npz import write_md17, write_sgdml

KCAL_PER_MOL = 27.211386245988 / 627.5094740631  # typed again here so that a slip in units.py shows


def test_frames_equal_an_independent_reading(tmp_path):
    with np.load(write_md17(tmp_path)) as arrays:
        (chunk,) = MD17("ethanol", folder=tmp_path).read()
        assert chunk.molecule == "ethanol"
        assert chunk.atomic_numbers.tolist() == arrays["z"].tolist()
        np.testing.assert_array_equal(chunk.positions, arrays["R"])
        np.testing.assert_allclose(chunk.energy, arrays["E"][:, 0] * KCAL_PER_MOL, rtol=1e-15)
        np.testing.assert_allclose(chunk.forces, arrays["F"] * KCAL_PER_MOL, rtol=1e-15)


def test_frames_follow_each_other_in_time(tmp_path):
    write_md17(tmp_path)
    (chunk,) = MD17("ethanol", folder=tmp_path).read()
    assert chunk.time.tolist() == list(range(40))


@pytest.mark.parametrize(
    ("molecule", "stem"),
    [("benzene", "md17_benzene2017"), ("paracetamol", "paracetamol_dft"), ("uracil", "md17_uracil")],
)
def test_files_have_the_names_their_publisher_gave_them(tmp_path, molecule, stem):
    dataset = MD17(molecule, folder=tmp_path)
    assert dataset.files == [tmp_path / f"{stem}.npz"]
    place = f"www.quantum-machine.org/gdml/data/npz/{stem}.npz"
    assert dataset.downloads[0].urls == (f"https://{place}", f"http://{place}")


def test_coupled_cluster_frames_come_with_their_official_split(tmp_path):
    train = write_md17(tmp_path, "ethanol_ccsd_t-train", 30)
    test = write_md17(tmp_path, "ethanol_ccsd_t-test", 10, seed=1)
    dataset = MD17("ethanol", "coupled cluster", tmp_path)
    assert dataset.files == [train, test]
    chunks = list(dataset.read())
    assert [len(chunk.energy) for chunk in chunks] == [30, 10]
    assert all(chunk.time is None for chunk in chunks)
    assert dataset.official_splits()["official"].train.tolist() == list(range(30))
    assert dataset.official_splits()["official"].test.tolist() == list(range(30, 40))
    assert dataset.info.theory == "CCSD(T)/cc-pVTZ"
    assert [download.members for download in dataset.downloads] == [((train.name, train.name), (test.name, test.name))]


def test_trajectories_have_no_official_split(tmp_path):
    assert MD17("ethanol", folder=tmp_path).official_splits() == {}


def test_coupled_cluster_labels_that_do_not_exist_are_refused():
    with pytest.raises(SettingError, match=r"no coupled cluster labels of 'uracil'\. Expected one of aspirin, benzene"):
        MD17("uracil", "coupled cluster")


def test_a_missing_file_is_named_with_its_dataset(tmp_path):
    with pytest.raises(MissingDataError) as caught:
        _ = MD17("ethanol", folder=tmp_path).elements
    assert (caught.value.name, caught.value.options) == ("md17", {"molecule": "ethanol", "labels": "DFT"})


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({"e_unit": "eV"}, "energies in eV, not in kcal/mol"),
        ({"theory": "CCSD(T)"}, r"the level of theory CCSD\(T\), not PBE\+TS"),
        ({"name": "dimethyl_ether"}, "the name dimethyl_ether, not ethanol"),
    ],
)
def test_a_file_that_states_to_be_something_else_is_refused(tmp_path, facts, says):
    write_sgdml(tmp_path / "md17_ethanol.npz", **facts)
    with pytest.raises(DataFileError, match=rf"md17_ethanol\.npz is not ethanol of MD17 .*: it states {says}\."):
        list(MD17("ethanol", folder=tmp_path).read())


def test_a_file_of_other_atoms_is_refused(tmp_path):
    write_sgdml(tmp_path / "md17_uracil.npz")
    with pytest.raises(DataFileError, match=r"it states the atoms of C2H6O, not of C4H4N2O2\."):
        list(MD17("uracil", folder=tmp_path).read())
