from __future__ import annotations

import numpy as np
import pytest
from ase.db import connect

from potbench.datasets import ISO17
from potbench.errors import DataFileError, MissingDataError
from tests.native_files.ase_files import HARTREE, write_database, write_iso17


def test_frames_equal_what_was_written_in_the_order_of_the_files(tmp_path):
    made = write_iso17(tmp_path)
    chunks = list(ISO17(tmp_path).read())
    energy = np.concatenate([chunk.energy for chunk in chunks])
    np.testing.assert_allclose(energy, [atoms.calc.results["energy"] * HARTREE for atoms in made * 3], rtol=1e-12)
    forces = np.concatenate([chunk.forces.reshape(-1, 3) for chunk in chunks])
    expected = np.concatenate([atoms.calc.results["forces"] * HARTREE for atoms in made * 3])
    np.testing.assert_allclose(forces, expected, rtol=1e-9)


def test_the_official_splits_are_known_and_unknown_isomers(tmp_path):
    write_iso17(tmp_path)
    dataset = ISO17(tmp_path)
    list(dataset.read())
    splits = dataset.official_splits()
    assert set(splits) == {"known", "unknown"}
    ids = np.loadtxt(tmp_path / "train_ids.txt", dtype=int)
    for parts in splits.values():
        # ids of rows begin with 1
        assert parts.train.tolist() == (ids - 1).tolist()
        assert len(parts.validation) == 2
    assert splits["known"].test.tolist() == list(range(12, 24))
    assert splits["unknown"].test.tolist() == list(range(24, 36))


@pytest.mark.parametrize("text", ["0\n1\n", "13\n", "2\n2\n", "", "two\n"])
def test_ids_of_no_rows_are_refused(tmp_path, text):
    write_iso17(tmp_path)
    (tmp_path / "train_ids.txt").write_text(text)
    dataset = ISO17(tmp_path)
    list(dataset.read())
    with pytest.raises(DataFileError, match="fetch it again"):
        dataset.official_splits()


def test_a_missing_file_is_named_with_its_dataset(tmp_path):
    write_iso17(tmp_path)
    (tmp_path / "test_other.db").unlink()
    with pytest.raises(MissingDataError, match=r"test_other\.db does not exist.*a file of iso17") as caught:
        list(ISO17(tmp_path).read())
    assert caught.value.name == "iso17"


def test_other_molecules_are_no_iso17(tmp_path):
    write_iso17(tmp_path)
    (tmp_path / "reference.db").unlink()
    write_database(tmp_path / "reference.db", "calculator", 1)
    with pytest.raises(DataFileError, match=r"reference\.db is not ISO17: it states the atoms of CH4, not of C7H10O2"):
        list(ISO17(tmp_path).read())


def test_energies_that_are_stated_in_another_unit_are_refused(tmp_path):
    write_iso17(tmp_path)
    with connect(tmp_path / "reference.db", use_lock_file=False) as database:
        database.metadata = {"_property_unit_dict": {"total_energy": "Ha", "atomic_forces": "Ha/Bohr"}}
    with pytest.raises(DataFileError, match=r"it states energies in Ha, not in eV; forces in Ha/Bohr, not in eV/Å\."):
        list(ISO17(tmp_path).read())


@pytest.mark.parametrize("name", ["train_ids.txt", "validation_ids.txt"])
def test_a_list_of_ids_that_is_cut_short_is_refused(tmp_path, name):
    write_iso17(tmp_path, 12)
    lines = (tmp_path / name).read_text().splitlines()
    (tmp_path / name).write_text("\n".join(lines[:-1]))
    dataset = ISO17(folder=tmp_path)
    list(dataset.read())
    with pytest.raises(DataFileError, match=r"train_ids\.txt and validation_ids\.txt in .* Expected each frame once"):
        dataset.official_splits()
