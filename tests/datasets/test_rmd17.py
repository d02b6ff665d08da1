from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from potbench.datasets import RMD17
from potbench.errors import DataFileError, MissingDataError, SettingError
from tests.native_files.npz import write_rmd17, write_rmd17_halves

KCAL_PER_MOL = 27.211386245988 / 627.5094740631  # typed again here so that a slip in units.py shows


def test_frames_equal_an_independent_reading(tmp_path):
    with np.load(write_rmd17(tmp_path)) as arrays:
        (chunk,) = RMD17("ethanol", folder=tmp_path).read()
        assert chunk.molecule == "ethanol"
        assert chunk.atomic_numbers.tolist() == arrays["nuclear_charges"].tolist()
        np.testing.assert_array_equal(chunk.positions, arrays["coords"])
        np.testing.assert_allclose(chunk.energy, arrays["energies"] * KCAL_PER_MOL, rtol=1e-15)
        np.testing.assert_allclose(chunk.forces, arrays["forces"] * KCAL_PER_MOL, rtol=1e-15)
        np.testing.assert_array_equal(chunk.time, arrays["old_indices"])


def test_original_labels_are_those_of_md17(tmp_path):
    with np.load(write_rmd17(tmp_path)) as arrays:
        (chunk,) = RMD17("ethanol", labels="original", folder=tmp_path).read()
        np.testing.assert_allclose(chunk.energy, arrays["old_energies"] * KCAL_PER_MOL, rtol=1e-15)
        np.testing.assert_allclose(chunk.forces, arrays["old_forces"] * KCAL_PER_MOL, rtol=1e-15)
    assert RMD17("ethanol", labels="original").info.theory != RMD17("ethanol").info.theory


def test_official_splits_are_those_of_the_index_files(tmp_path):
    write_rmd17(tmp_path)
    dataset = RMD17("ethanol", folder=tmp_path)
    list(dataset.read())
    assert list(dataset.official_splits()) == ["01", "02", "03", "04", "05"]
    parts = dataset.official_splits()["03"]
    np.testing.assert_array_equal(parts.train, np.loadtxt(tmp_path / "index_train_03.csv", dtype=int))
    np.testing.assert_array_equal(parts.test, np.loadtxt(tmp_path / "index_test_03.csv", dtype=int))
    assert parts.validation is None


def test_halves_of_a_split_hold_its_frames_in_the_order_of_the_trajectory(tmp_path):
    arrays = write_rmd17_halves(tmp_path)
    dataset = RMD17("ethanol", folder=tmp_path)
    (chunk,) = dataset.read()
    order = np.argsort(arrays["old_indices"])
    np.testing.assert_array_equal(chunk.positions, arrays["coords"][order])
    (name, parts), *others = dataset.official_splits().items()
    assert (name, others) == ("01", [])
    np.testing.assert_array_equal(chunk.positions[parts.train], arrays["coords"][:20])
    np.testing.assert_array_equal(chunk.positions[parts.test], arrays["coords"][20:])


def test_frames_of_several_splits_are_kept_once(tmp_path):
    write_rmd17_halves(tmp_path, "01")
    write_rmd17_halves(tmp_path, "02")
    dataset = RMD17("ethanol", folder=tmp_path)
    (chunk,) = dataset.read()
    assert len(chunk.energy) == 40
    assert list(dataset.official_splits()) == ["01", "02"]


def test_the_files_are_named_with_what_publishes_them():
    downloads = RMD17("aspirin").downloads
    assert len(downloads) == 11
    assert {download.file for download in downloads} >= {"rmd17_aspirin.npz", "index_train_01.csv", "index_test_05.csv"}
    assert all(download.checksum.startswith("md5:") for download in downloads)
    assert len({download.urls for download in downloads}) == 11


def test_elements_are_those_of_the_molecule(tmp_path):
    write_rmd17(tmp_path)
    assert RMD17("ethanol", folder=tmp_path).elements == ["H", "C", "O"]


def test_a_missing_file_is_named_with_its_dataset(tmp_path):
    with pytest.raises(MissingDataError) as caught:
        _ = RMD17("uracil", folder=tmp_path).elements
    assert str(caught.value) == (
        f"{tmp_path / 'rmd17_uracil.npz'} does not exist. Expected a file of rmd17 there. "
        "Change the argument folder of RMD17."
    )
    assert (caught.value.name, caught.value.options) == ("rmd17", {"molecule": "uracil", "labels": "revised"})


def test_a_molecule_that_is_not_there_is_refused():
    with pytest.raises(SettingError, match=r"molecule is 'water', expected one of aspirin, azobenzene.*of RMD17\."):
        RMD17("water")


def change(file: Path, **arrays) -> None:
    with np.load(file) as old:
        np.savez(file, **{**old, **arrays})


def test_nan_is_refused(tmp_path):
    file = write_rmd17(tmp_path)
    forces = np.zeros((40, 9, 3))
    forces[7, 2, 1] = np.nan
    change(file, forces=forces)
    with pytest.raises(DataFileError, match="forces of frame 7 is NaN or infinite"):
        list(RMD17("ethanol", folder=tmp_path).read())


@pytest.mark.parametrize("text", ["0\n1\n40\n", "0\n-1\n", "0\n0\n", "one\n", "0.5\n"])
def test_index_files_that_number_no_frames_are_refused(tmp_path, text):
    write_rmd17(tmp_path)
    file = tmp_path / "index_train_02.csv"
    file.write_text(text)
    with pytest.raises(DataFileError, match=rf"{file}.*fetch it again"):
        RMD17("ethanol", folder=tmp_path).official_splits()


def test_an_empty_index_file_is_refused(tmp_path):
    write_rmd17(tmp_path)
    (tmp_path / "index_test_01.csv").write_text("")
    with pytest.raises(DataFileError, match="fetch it again"):
        RMD17("ethanol", folder=tmp_path).official_splits()


def test_a_file_of_other_atoms_is_refused(tmp_path):
    write_rmd17(tmp_path, "aspirin").rename(tmp_path / "rmd17_ethanol.npz")
    with pytest.raises(
        DataFileError, match=r"rmd17_ethanol\.npz is not ethanol of rMD17 .* atoms of C9H8O4, not of C2H6O"
    ):
        list(RMD17("ethanol", folder=tmp_path).read())


def test_a_list_of_frames_that_is_cut_short_is_refused(tmp_path):
    write_rmd17(tmp_path)
    short = tmp_path / "index_train_03.csv"
    short.write_text("\n".join(short.read_text().splitlines()[:-1]))
    with pytest.raises(DataFileError, match=r"index_train_03\.csv and .* list 7 and 8 frames, those of .* 8 and 8"):
        RMD17("ethanol", folder=tmp_path).official_splits()
