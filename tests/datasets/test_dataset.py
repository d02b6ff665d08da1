from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from potbench import datasets
from potbench.datasets import ANI1, MD17, RMD17, Dataset, DatasetInfo, ExtendedXYZ, Generated, Sample, SGDMLFile
from potbench.errors import DataFileError, MissingDataError, SettingError
from tests.native_files.made import Made

CLASSES = [kind for name in datasets.__all__ if inspect.isclass(kind := getattr(datasets, name))]
KINDS = [kind for kind in CLASSES if issubclass(kind, Dataset) and not inspect.isabstract(kind)]


def test_files_are_looked_for_in_the_folder_of_datasets(prepared: Path, tmp_path: Path):
    dataset = MD17("ethanol")
    assert dataset.root == prepared
    assert dataset.files == [prepared / "downloads/md17/md17_ethanol.npz"]
    dataset.root = tmp_path / "elsewhere"
    assert dataset.files == [tmp_path / "elsewhere/downloads/md17/md17_ethanol.npz"]


def test_a_folder_given_goes_before_the_folder_of_datasets(tmp_path: Path):
    dataset = MD17("ethanol", folder=tmp_path)
    dataset.root = tmp_path / "elsewhere"
    assert dataset.files == [tmp_path / "md17_ethanol.npz"]


def test_every_dataset_has_a_folder_of_datasets_even_where_its_class_makes_none(tmp_path: Path, prepared: Path):
    made = Made(tmp_path / "file")
    assert made.root == prepared
    made.root = tmp_path
    assert made.root == tmp_path
    assert made.downloads == []
    assert made.published is None


def test_a_file_that_is_there_is_returned(tmp_path: Path):
    (tmp_path / "a.xyz").touch()
    assert ExtendedXYZ(tmp_path / "a.xyz").require(tmp_path / "a.xyz") == tmp_path / "a.xyz"


def test_a_missing_file_of_a_published_dataset_is_named_with_what_gets_it(tmp_path: Path):
    file = tmp_path / "ani_gdb_s01.h5"
    with pytest.raises(MissingDataError) as caught:
        ANI1(tmp_path, [1]).require(file)
    error = caught.value
    assert (error.owner, error.setting, error.file) == (ANI1, "folder", file)
    assert (error.name, error.options) == ("ani1", {"heavy_atoms": [1]})


@pytest.mark.parametrize("kind", [ExtendedXYZ, SGDMLFile, Generated, datasets.ASEDatabase])
def test_a_missing_file_of_the_users_own_is_named_with_its_argument(tmp_path: Path, kind: type[Dataset]):
    units = {} if kind is Generated else {"energy_unit": "eV", "length_unit": "Å"}
    dataset = kind(tmp_path / "mine", **units)
    for ask in (lambda: dataset.elements, lambda: dataset.info, lambda: next(dataset.read())):
        with pytest.raises(MissingDataError) as caught:
            ask()
        error = caught.value
        assert (error.owner, error.setting, error.file, error.name) == (kind, "file", tmp_path / "mine", None)
        assert isinstance(error, SettingError)
        assert isinstance(error, DataFileError)


@pytest.mark.parametrize("kind", KINDS)
def test_what_anyone_can_get_by_name_has_published_facts(kind: type[Dataset]):
    required = {"file", "datasets"} & inspect.signature(kind).parameters.keys()
    assert (kind.published is None) == bool(required)
    if kind.published:
        assert kind.published.elements
        assert kind.published.size
        assert kind.published.molecules


@pytest.mark.parametrize(
    ("dataset", "theory"),
    [
        (RMD17("ethanol"), "PBE/def2-SVP"),
        (RMD17("ethanol", "original"), "PBE+TS"),
        (MD17("ethanol", "coupled cluster"), "CCSD(T)/cc-pVTZ"),
    ],
)
def test_the_level_of_theory_follows_the_options_and_the_other_facts_are_published(dataset: Dataset, theory: str):
    assert dataset.info.theory == theory
    published = type(dataset).published
    assert published is not None
    assert vars(dataset.info) | {"theory": ""} == vars(published) | {"theory": ""}


def test_facts_cannot_be_changed():
    info = DatasetInfo("a", "b", "c", "d", has_forces=True)
    with pytest.raises(AttributeError):
        info.name = "e"  # type: ignore[misc]


def test_the_sample_knows_the_energies_of_its_free_atoms():
    energies = Sample().isolated_atom_energies()
    assert energies is not None
    assert list(energies) == ["H", "C", "N", "O"]
