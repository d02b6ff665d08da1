from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.io import write

from potbench.datasets import ASEDatabase, ExtendedXYZ, Sample, Several
from potbench.errors import MissingDataError, SettingError
from potbench.loading import AtomsDataModule, ColumnSplit
from tests.native_files.ase_files import write_database, write_extended_xyz


def xyz(file: Path, **settings) -> ExtendedXYZ:
    return ExtendedXYZ(file, "hartree", "Å", **settings)


@pytest.fixture
def several(tmp_path: Path) -> Several:
    """Twelve frames at one temperature, eight at another."""
    write_extended_xyz(tmp_path / "300K.xyz", 12, temperature=300.0)
    write_extended_xyz(tmp_path / "600K.xyz", 8, temperature=600.0)
    return Several({name: xyz(tmp_path / f"{name}.xyz", columns=["temperature"]) for name in ("300K", "600K")}, "both")


def test_frames_come_in_the_order_of_the_datasets_and_say_which_they_are_of(several):
    whole = list(several.read())
    alone = [frames for dataset in several.datasets.values() for frames in dataset.read()]
    for one, other in zip(whole, alone, strict=True):
        np.testing.assert_array_equal(one.energy, other.energy)
        np.testing.assert_array_equal(one.forces, other.forces)
        temperatures = [f"{value:.0f}K" for value in one.columns["temperature"]]
        assert one.columns["file"].tolist() == temperatures
    assert several.elements == sorted(several.elements, key=["H", "C", "N", "O"].index)


def test_one_of_the_files_trains_and_another_tests(several, tmp_path):
    split = ColumnSplit("file", "300K", {"hot": "600K"}, validation=2)
    data = AtomsDataModule(several, split, root=tmp_path / "prepared")
    data.prepare_data()
    data.setup("fit")
    assert [len(frames) for frames in data.indices] == [10, 2, 8]
    assert set(data.store.columns["temperature"][data.indices.test_sets["hot"]]) == {600.0}
    assert data.store.manifest.name == "both"
    assert {source.file for source in data.store.manifest.sources} == {"300K.xyz", "600K.xyz"}


def test_other_files_or_options_make_another_store(several, tmp_path):
    def fingerprint(dataset: Several) -> Path:
        data = AtomsDataModule(dataset, root=tmp_path / "prepared")
        data.prepare_data()
        data.setup("fit")
        return data.store.folder

    folders = [fingerprint(several)]
    cold, hot = several.datasets.values()
    folders.append(fingerprint(Several({"cold": cold, "600K": hot}, "both")))
    other = xyz(hot.file, columns=["temperature"], molecule_key="temperature")
    folders.append(fingerprint(Several({"300K": cold, "600K": other}, "both")))
    write_extended_xyz(hot.file, 6, temperature=600.0)
    folders.append(fingerprint(several))
    assert len(set(folders)) == 4


@pytest.mark.parametrize("backwards", [False, True])
def test_files_that_change_places_make_another_store(several, tmp_path, backwards):
    def frames_of(datasets: dict[str, ExtendedXYZ]) -> list[int]:
        data = AtomsDataModule(Several(datasets), ColumnSplit("file", "a", {"b": "b"}, 2), root=tmp_path / "prepared")
        data.prepare_data()
        data.setup("fit")
        return [len(frames) for frames in data.indices]

    cold, hot = several.datasets.values()
    assert frames_of({"a": cold, "b": hot}) == [10, 2, 8]
    # a mapping is the same in any order
    assert frames_of({"b": cold, "a": hot} if backwards else {"a": hot, "b": cold}) == [6, 2, 12]
    assert frames_of({"a": cold, "b": hot}) == [10, 2, 8]


def test_kinds_of_files_may_be_mixed(tmp_path):
    write_extended_xyz(tmp_path / "a.xyz", 4)
    write_database(tmp_path / "b.db", "calculator", 4)
    both = Several({"a": xyz(tmp_path / "a.xyz"), "b": ASEDatabase(tmp_path / "b.db", "hartree", "Å")})
    assert {name for frames in both.read() for name in frames.columns["file"]} == {"a", "b"}


def test_a_missing_file_is_named_by_its_own_dataset(several):
    several.datasets["600K"].file.unlink()
    with pytest.raises(MissingDataError, match=r"600K\.xyz") as caught:
        several.require(several.files[1])
    assert caught.value.owner == ExtendedXYZ


def test_energies_of_isolated_atoms_are_those_that_all_agree_on(several):
    assert several.isolated_atom_energies() is None
    sample = Sample()
    assert Several({"sample": sample}).isolated_atom_energies() == sample.isolated_atom_energies()


def test_frames_of_a_dataset_without_forces_have_none_among_others(several, tmp_path):
    write_extended_xyz(tmp_path / "scan.xyz", 4, forces=False, temperature=0.0)
    several.datasets["scan"] = xyz(tmp_path / "scan.xyz", columns=["temperature"])
    data = AtomsDataModule(several, ColumnSplit("file", "300K", {"scan": "scan"}, 2), root=tmp_path / "prepared")
    data.prepare_data()
    data.setup("test")
    assert data.store.manifest.partial == ("forces",)
    assert data.store.forces_known.tolist() == [True] * 20 + [False] * 4
    (batch,) = data.test_dataloader()
    assert not batch.forces_known.any()


def of_one_name(several, tmp_path):
    (tmp_path / "more").mkdir()
    shutil.copy(tmp_path / "300K.xyz", tmp_path / "more")
    return {**several.datasets, "more": xyz(tmp_path / "more" / "300K.xyz")}


@pytest.mark.parametrize(
    ("datasets", "message"),
    [
        (of_one_name, "Two files are 300K.xyz. Expected another name for one of them"),
        (lambda several, tmp_path: {}, "datasets is {}, expected at least one"),
    ],
)
def test_datasets_that_do_not_fit_together_are_refused(several, tmp_path, datasets, message):
    given = datasets(several, tmp_path)
    with pytest.raises(SettingError) as caught:
        AtomsDataModule(Several(given), root=tmp_path / "prepared").prepare_data()
    assert message in str(caught.value)
    assert (caught.value.owner, caught.value.setting) == (Several, "datasets")


def test_what_is_given_of_each_file_is_given_of_the_whole(several, tmp_path):
    cold, hot = (dataset.file for dataset in several.datasets.values())
    given = Several({"cold": xyz(cold, theory="PBE", license="CC0"), "hot": xyz(hot, theory="PBE0"), "s": Sample()})
    assert given.given_facts == {"theory": f"PBE; PBE0; {Sample().info.theory}"}
    assert given.given_facts["theory"] == given.info.theory


def test_what_is_to_be_known_of_each_file_is_said(tmp_path: Path) -> None:
    for name in ("one", "other"):
        atoms = Atoms("H2", [[0, 0, 0], [0, 0, 0.7]])
        atoms.info |= {"energy": -31.0, "charge": 1 if name == "one" else 0}
        write(tmp_path / f"{name}.xyz", atoms, format="extxyz")
    units = {"energy_unit": "eV", "length_unit": "Å", "forces_key": None}
    several = Several({name: ExtendedXYZ(tmp_path / f"{name}.xyz", **units) for name in ("one", "other")})
    list(several.read())
    assert any(remark.startswith("one: ") and "charge" in remark for remark in several.remarks())
