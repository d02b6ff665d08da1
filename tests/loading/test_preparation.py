from __future__ import annotations

import copy
import importlib.util
import json
import multiprocessing
import os
import shutil
import sys
import time
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from unittest.mock import Mock

import h5py
import numpy as np
import pytest

from potbench.datasets import (
    ANI1,
    ISO17,
    MD17,
    QM9,
    RMD17,
    ASEDatabase,
    ExtendedXYZ,
    FlexibleMolecules,
    SGDMLFile,
)
from potbench.errors import DataFileError, MissingDataError, RecordError
from potbench.loading import AtomsDataModule, Store
from potbench.loading.manifest import Units
from potbench.loading.preparation import find_prepared, origin_of, prepare
from potbench.structures import Frames
from tests.native_files import conformers, write_ani1
from tests.native_files.ase_files import write_database, write_extended_xyz, write_iso17, write_qm9
from tests.native_files.made import Made, blocks
from tests.native_files.npz import write_flexible, write_md17, write_rmd17, write_sgdml


@pytest.fixture
def made(tmp_path: Path) -> Made:
    file = tmp_path / "made.h5"
    file.write_text("some content")
    return Made(file)


def test_the_dataset_is_read_once(made, prepared):
    assert len({prepare(made, prepared).folder for _ in range(3)}) == 1
    assert made.times_read == 1


class Slow(Made):
    """A dataset whose reading takes a while, and is noted in a file beside its own."""

    def read(self):
        with self.file.with_name("readings").open("a") as stream:
            stream.write("once\n")
        time.sleep(0.5)
        if self.file.with_name("damaged").exists():
            self.file.with_name("damaged").unlink()
            raise DataFileError("damaged")
        yield from blocks()


def prepared_by_processes(dataset: Slow, root: Path, number: int) -> list[int | None]:
    """Exit statuses of processes that prepare a dataset at the same time."""
    fork = multiprocessing.get_context("fork")
    processes = [fork.Process(target=prepare, args=(dataset, root)) for _ in range(number)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    return [process.exitcode for process in processes]


def test_of_processes_that_want_one_store_one_converts_and_the_others_wait(tmp_path, made, prepared, capfd):
    assert prepared_by_processes(Slow(made.file), prepared, 3) == [0, 0, 0]
    assert (tmp_path / "readings").read_text() == "once\n"
    (store,) = prepared.iterdir()
    printed = capfd.readouterr().out
    assert printed.count("Converting made into") == 1
    assert printed.count(f"Another process writes {store}; waiting for it.") == 2


def test_a_process_that_waited_converts_where_the_other_failed(tmp_path, made, prepared):
    (tmp_path / "damaged").touch()
    assert sorted(prepared_by_processes(Slow(made.file), prepared, 2)) == [0, 1]
    assert (tmp_path / "readings").read_text() == "once\nonce\n"
    assert len(list(prepared.iterdir())) == 1


def test_a_changed_file_gets_a_store_of_its_own(made, prepared):
    before = prepare(made, prepared)
    made.file.write_text("other content")
    after = prepare(made, prepared)
    assert made.times_read == 2
    assert before.folder != after.folder
    assert before.manifest.sources != after.manifest.sources


def test_other_options_get_a_store_of_their_own(made, prepared, monkeypatch):
    before = prepare(made, prepared).folder
    monkeypatch.setattr(Made, "options", property(lambda self: {"molecule": "ethanol"}))
    assert prepare(made, prepared).folder != before


OWN = """
import numpy as np
from potbench.structures import Frames
from tests.native_files.made import Made
class Own(Made):
    def read(self):
        yield Frames("CH", np.array([6, 1]), np.array([[[0.0, 0, 0], [0, 0, 1]]]), np.array([2.0]) * UNIT)
"""


def test_a_class_that_is_corrected_reads_its_files_again(tmp_path, made, prepared):
    def energy(unit: str) -> float:
        (tmp_path / "own.py").write_text(OWN.replace("UNIT", unit))
        spec = importlib.util.spec_from_file_location("own", tmp_path / "own.py")
        own = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(own)
        return float(prepare(own.Own(made.file), prepared).energy[0])

    assert [energy("1.0"), energy("27.2"), energy("1.0")] == [2.0, 54.4, 2.0]
    assert len(list(prepared.iterdir())) == 2


def test_potbench_reads_what_it_has_read_whatever_its_code():
    assert {kind.code for kind in (ANI1, MD17, QM9, ExtendedXYZ)} == {""}


def test_a_class_is_read_again_where_one_changes_that_it_derives_from(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    codes = []
    for unit in ("1.0", "27.2"):
        (tmp_path / "base.py").write_text(OWN.replace("UNIT", unit))
        (tmp_path / "derived.py").write_text("from base import Own\nclass Derived(Own):\n    pass\n")
        for name in ("base", "derived"):
            monkeypatch.delitem(sys.modules, name, raising=False)
        importlib.invalidate_caches()
        codes.append(importlib.import_module("derived").Derived.code)
    assert codes[0] != codes[1]


@pytest.mark.parametrize("name", ["", "..", "a/b", "../x"])
def test_a_name_that_no_folder_can_have_is_refused(made, prepared, monkeypatch, name):
    monkeypatch.setattr(Made, "info", replace(made.info, name=name))
    with pytest.raises(DataFileError, match=f"Made is called {name!r}. Expected a name that a folder can have"):
        prepare(made, prepared)
    assert not prepared.exists() or not list(prepared.iterdir())


SOUND = Frames("CH", np.array([6, 1]), np.arange(12.0).reshape(2, 2, 3), np.zeros(2), np.zeros((2, 2, 3)))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"energy": np.zeros(3)}, r"positions has shape \(2, 2, 3\), expected \(3, 2, 3\)"),
        ({"energy": np.zeros((2, 1))}, r"energy has shape \(2, 1\), expected \(2,\)"),
        ({"atomic_numbers": np.ones((2, 2))}, r"atomic numbers have shape \(2, 2\), expected \(atoms,\)"),
        ({"atomic_numbers": ["C", "H"]}, "atomic numbers hold <U1, expected whole numbers"),
        ({"positions": np.zeros((2, 3))}, r"positions has shape \(2, 3\), expected \(2, 2, 3\)"),
        ({"forces": np.zeros((2, 3, 3))}, r"forces has shape \(2, 3, 3\), expected \(2, 2, 3\)"),
        ({"energy": np.array([0, np.nan])}, "energy of frame 3 is NaN or infinite"),
        ({"forces": np.full((2, 2, 3), np.inf)}, "forces of frame 2 is NaN or infinite"),
    ],
)
def test_what_a_class_reads_wrongly_is_refused_and_leaves_no_store(tmp_path, prepared, wrong, message):
    file = tmp_path / "made.h5"
    file.write_text("content")
    with pytest.raises(DataFileError, match=f"Made.read, molecule CH: {message}"):
        prepare(Made(file, lambda: [SOUND, SOUND._replace(**wrong)]), prepared)
    assert not list(prepared.glob("*/manifest.json"))
    assert len(prepare(Made(file, lambda: [SOUND]), prepared)) == 2


def test_a_file_moved_elsewhere_keeps_its_store(tmp_path, made, prepared):
    before = prepare(made, prepared)
    moved = tmp_path / "elsewhere" / made.file.name
    moved.parent.mkdir()
    made.file.replace(moved)
    assert prepare(Made(moved), prepared).folder == before.folder


def test_a_dataset_may_have_any_name_that_a_file_has(made, prepared, monkeypatch):
    monkeypatch.setattr(Made, "info", replace(made.info, name="set[1]*"))
    folder = prepare(made, prepared).folder
    assert folder.name.startswith("set[1]*-")
    assert find_prepared(made, prepared) == folder


def test_a_file_that_was_touched_keeps_its_store(made, prepared):
    before = prepare(made, prepared)
    os.utime(made.file, (0, 0))
    assert find_prepared(made, prepared) is None
    assert prepare(made, prepared).folder == before.folder
    assert made.times_read == 1


def test_the_folder_of_a_store_will_be_the_same_for_ever(made, prepared, monkeypatch):
    # stores of earlier versions are found by it
    monkeypatch.setattr(Made, "code", "")
    assert prepare(made, prepared).folder.name == "made-a367eb70b41d"


def test_the_manifest_says_where_the_numbers_come_from(tmp_path, prepared):
    file = write_ani1(tmp_path, {0: conformers("CH4", 20)})
    dataset = ANI1(tmp_path, [1])
    manifest = prepare(dataset, prepared).manifest
    assert vars(manifest).items() >= vars(origin_of(dataset)).items()
    assert manifest.name == "ani1"
    assert manifest.theory == "ωB97X/6-31G(d)"
    assert "doi:10.1038/sdata.2017.193" in manifest.citation
    assert manifest.units == Units("Å", "eV", "eV/Å")
    (source,) = manifest.sources
    assert (source.file, source.bytes, source.changed) == (file.name, file.stat().st_size, file.stat().st_mtime_ns)
    assert len(source.sha256) == 64


def test_a_missing_file_is_named_before_anything_is_prepared(tmp_path, prepared):
    with pytest.raises(MissingDataError) as caught:
        prepare(ANI1(tmp_path, [1]), prepared)
    assert (caught.value.owner, caught.value.file) == (ANI1, tmp_path / "ani_gdb_s01.h5")
    assert not prepared.exists()


def test_a_file_found_damaged_while_preparing_leaves_nothing_behind(tmp_path, prepared):
    file = write_ani1(tmp_path, {number: conformers("CH4") for number in range(3)})
    with h5py.File(file, "r+") as root:
        root["gdb11_s01/gdb11_s01-2/energies"][1] = np.nan
    with pytest.raises(DataFileError, match="energy of frame 1 is NaN"):
        prepare(ANI1(tmp_path, [1]), prepared)
    assert list(prepared.iterdir()) == []


def test_a_store_with_a_damaged_manifest_is_named_with_what_to_delete(made, prepared):
    folder = prepare(made, prepared).folder
    (folder / "manifest.json").write_text('{"name": "made"')
    assert find_prepared(made, prepared) is None
    with pytest.raises(RecordError) as caught:
        prepare(made, prepared)
    assert str(caught.value).startswith(f"{folder / 'manifest.json'} is damaged (")
    assert f"Delete the folder {folder};" in str(caught.value)
    assert made.times_read == 1


def test_a_damaged_store_does_not_concern_other_datasets(made, prepared, monkeypatch):
    (prepare(made, prepared).folder / "manifest.json").write_text("")
    monkeypatch.setattr(Made, "options", property(lambda self: {"molecule": "ethanol"}))
    other = prepare(made, prepared)
    assert find_prepared(made, prepared) == other.folder


def test_a_folder_without_a_manifest_is_no_store_and_is_left_alone(made, prepared):
    folder = prepare(made, prepared).folder
    (folder / "manifest.json").unlink()
    with pytest.raises(RecordError, match="exists and is not a prepared dataset"):
        prepare(made, prepared)
    assert (folder / "energy.npy").is_file()


def test_files_may_be_deleted_once_a_store_was_made_from_them(tmp_path, prepared):
    write_rmd17(tmp_path / "files")
    before = prepare(RMD17("ethanol", folder=tmp_path / "files"), prepared)
    for file in (tmp_path / "files").iterdir():
        file.unlink()
    assert prepare(RMD17("ethanol", folder=tmp_path / "files"), prepared).folder == before.folder


def test_files_that_are_gone_are_missed_where_two_stores_could_be_meant(tmp_path, prepared):
    for num_frames in (30, 40):
        write_rmd17(tmp_path / "files", num_frames=num_frames)
        prepare(RMD17("ethanol", folder=tmp_path / "files"), prepared)
    for file in (tmp_path / "files").iterdir():
        file.unlink()
    with pytest.raises(DataFileError, match=r"rmd17_ethanol\.npz does not exist"):
        prepare(RMD17("ethanol", folder=tmp_path / "files"), prepared)


def test_large_files_are_not_read_again_to_find_their_store(tmp_path, prepared, monkeypatch):
    write_rmd17(tmp_path)
    prepare(RMD17("ethanol", folder=tmp_path), prepared)
    monkeypatch.setattr("potbench.loading.preparation.origin_of", None)
    assert len(prepare(RMD17("ethanol", folder=tmp_path), prepared)) == 40


@pytest.mark.parametrize("same_inode", [True, False])
def test_a_file_that_was_replaced_is_noticed_at_equal_size_and_time(made, prepared, same_inode):
    before = prepare(made, prepared)
    status = made.file.stat()
    other = made.file.with_name("other")
    other.write_bytes(bytes(reversed(made.file.read_bytes())))
    if same_inode:
        made.file.write_bytes(other.read_bytes())
    else:
        other.replace(made.file)
    os.utime(made.file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert made.file.stat().st_size == status.st_size
    assert prepare(made, prepared).folder != before.folder


class Replaced(Made):
    """A dataset whose file becomes another one, or is touched, while it is read."""

    def __init__(self, file: Path, content: str) -> None:
        super().__init__(file)
        self.content = content

    def read(self):
        first, *others = super().read()
        yield first
        self.file.write_text(self.content)
        yield from others


def test_a_file_that_is_replaced_while_it_is_read_is_refused(made, prepared):
    with pytest.raises(DataFileError, match=r"made\.h5 was changed while it was read\. Expected the same file until"):
        prepare(Replaced(made.file, "other content"), prepared)
    assert list(prepared.iterdir()) == []


def test_a_file_that_is_touched_while_it_is_read_is_the_same(made, prepared):
    assert len(prepare(Replaced(made.file, made.file.read_text()), prepared)) == 19


def test_frames_are_those_of_the_file_whose_sha256_is_recorded(tmp_path, prepared):
    file = tmp_path / "mine.xyz"
    write_extended_xyz(file, 8)
    dataset = ExtendedXYZ(file, "eV", "Å")
    data = AtomsDataModule(dataset, root=prepared)
    assert data.elements  # reads the file
    write_extended_xyz(file, 6)
    store = prepare(dataset, prepared)
    assert len(store) == 6
    assert store.manifest.sources == origin_of(dataset).sources


def test_values_may_have_any_name(tmp_path, prepared):
    write_extended_xyz(tmp_path / "mine.xyz", 8, file=3, self=4.0, args=5)
    unread = prepare(ExtendedXYZ(tmp_path / "mine.xyz", "eV", "Å"), prepared).unread
    assert {name: values[0] for name, values in unread.items()} == {"file": 3.0, "self": 4.0, "args": 5.0}


def test_values_that_are_not_read_are_there_as_soon_as_the_store_is(tmp_path, prepared, monkeypatch):
    write_extended_xyz(tmp_path / "mine.xyz", 8, charge=1)
    dataset = ExtendedXYZ(tmp_path / "mine.xyz", "eV", "Å")
    with monkeypatch.context() as killed:
        killed.setattr("potbench.loading.preparation.seal_sources", Mock(side_effect=KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            prepare(dataset, prepared)
    assert prepare(dataset, prepared).unread["charge"].tolist() == [1.0] * 8


def test_a_file_that_was_only_touched_is_read_again_once(made, prepared, monkeypatch):
    before = prepare(made, prepared)
    made.file.chmod(0o600)
    assert find_prepared(made, prepared) is None
    assert prepare(made, prepared).folder == before.folder
    assert find_prepared(made, prepared) == before.folder


def test_a_frame_with_two_atoms_in_one_place_is_refused(made, prepared):
    chunk = made.make()[0]
    chunk.positions[2, 1] = chunk.positions[2, 0]
    broken = Made(made.file, lambda: [chunk])
    with pytest.raises(DataFileError, match=r"made \(.*\): frame 2 \(CH4\) has atoms 0 \(C\), 1 \(H\) in one place"):
        prepare(broken, prepared)
    assert not list(prepared.glob("made-*/"))


@pytest.mark.parametrize("there", [True, False])
def test_a_file_that_is_missing_is_no_other_of_its_name(tmp_path, prepared, there):
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
    write_extended_xyz(tmp_path / "one" / "train.xyz")
    prepare(ExtendedXYZ(tmp_path / "one" / "train.xyz", "eV", "Å"), prepared)
    if not there:
        (tmp_path / "one" / "train.xyz").unlink()
    other = ExtendedXYZ(tmp_path / "other" / "train.xyz", "eV", "Å")
    with pytest.raises(MissingDataError, match=r"other/train\.xyz does not exist"):
        prepare(other, prepared)
    with pytest.raises(MissingDataError, match=r"other/train\.xyz does not exist"):
        _ = AtomsDataModule(other, root=prepared).elements


def test_a_file_may_be_deleted_where_it_was_seen_last(tmp_path, prepared, monkeypatch):
    (tmp_path / "one").mkdir()
    write_extended_xyz(tmp_path / "one" / "train.xyz")
    folder = prepare(ExtendedXYZ(tmp_path / "one" / "train.xyz", "eV", "Å"), prepared).folder
    (tmp_path / "one").rename(tmp_path / "other")  # which leaves the file as it was
    monkeypatch.chdir(tmp_path / "other")
    assert prepare(ExtendedXYZ("train.xyz", "eV", "Å"), prepared).folder == folder
    Path("train.xyz").unlink()
    assert prepare(ExtendedXYZ(tmp_path / "other" / "train.xyz", "eV", "Å"), prepared).folder == folder


def test_a_store_is_found_on_another_machine_where_the_folder_of_its_file_is_not(tmp_path, prepared):
    (tmp_path / "one").mkdir()
    write_extended_xyz(tmp_path / "one" / "train.xyz")
    folder = prepare(ExtendedXYZ(tmp_path / "one" / "train.xyz", "eV", "Å"), prepared).folder
    shutil.rmtree(tmp_path / "one")
    assert prepare(ExtendedXYZ(tmp_path / "other" / "train.xyz", "eV", "Å"), prepared).folder == folder


def test_of_a_store_of_earlier_versions_nobody_knows_where_its_file_was(tmp_path, prepared):
    write_extended_xyz(tmp_path / "train.xyz")
    folder = prepare(ExtendedXYZ(tmp_path / "train.xyz", "eV", "Å"), prepared).folder
    seal = json.loads((folder / "seal.json").read_text())
    del seal["folders"]
    (folder / "seal.json").write_text(json.dumps(seal))
    (tmp_path / "train.xyz").unlink()
    assert find_prepared(ExtendedXYZ(tmp_path / "moved" / "train.xyz", "eV", "Å"), prepared) == folder


def test_a_file_read_by_another_class_gets_a_store_of_its_own(tmp_path, prepared):
    write_database(tmp_path / "mine.db", "calculator")
    one, other = (prepare(kind(tmp_path / "mine.db", "eV", "Å"), prepared) for kind in (ExtendedXYZ, ASEDatabase))
    assert one.folder != other.folder
    # the usual class needs no name: stores of earlier versions have none
    assert (one.manifest.options.get("reader"), other.manifest.options.get("reader")) == ("ExtendedXYZ", None)


@pytest.mark.parametrize("kind", ["ExtendedXYZ", "ASEDatabase", "SGDMLFile"])
def test_theory_license_and_citation_may_be_given_after_the_store_was_made(tmp_path, prepared, kind, monkeypatch):
    dataset = MAKERS[kind](tmp_path)
    before = prepare(dataset, prepared)
    assert before.manifest.license == "not stated"
    facts = {"theory": "PBE0/def2-TZVP", "license": "CC0", "citation": "us"}
    monkeypatch.setattr(type(dataset), "survey", None, raising=False)  # the file is not read again
    given = type(dataset)(dataset.file, "eV", "Å", **facts)
    assert prepare(given, prepared).manifest == replace(before.manifest, **facts)
    # those of one config are not those of others
    assert Store(before.folder).manifest == before.manifest
    dataset.file.unlink()
    assert prepare(type(dataset)(dataset.file, "eV", "Å", license="CC BY"), prepared).manifest.license == "CC BY"


MAKERS = {
    "ANI1": lambda folder: (write_ani1(folder, {0: conformers("CH4")}), ANI1(folder, [1]))[1],
    "MD17": lambda folder: (write_md17(folder), MD17("ethanol", folder=folder))[1],
    "QM9": lambda folder: (write_qm9(folder), QM9(folder=folder))[1],
    "ISO17": lambda folder: (write_iso17(folder), ISO17(folder))[1],
    "FlexibleMolecules": lambda folder: (
        write_flexible(folder / "Glycine.xyz"),
        FlexibleMolecules("glycine", folder=folder),
    )[1],
    "ExtendedXYZ": lambda folder: (
        write_extended_xyz(folder / "mine.xyz"),
        ExtendedXYZ(folder / "mine.xyz", "eV", "Å"),
    )[1],
    "ASEDatabase": lambda folder: (
        write_database(folder / "mine.db", "calculator"),
        ASEDatabase(folder / "mine.db", "eV", "Å"),
    )[1],
    "SGDMLFile": lambda folder: (write_sgdml(folder / "mine.npz"), SGDMLFile(folder / "mine.npz", "eV", "Å"))[1],
}


@pytest.mark.parametrize("kind", MAKERS)
def test_the_files_of_any_dataset_may_be_deleted_once_a_store_was_made_from_them(tmp_path, prepared, kind):
    folder = tmp_path / "files"
    folder.mkdir()
    dataset = MAKERS[kind](folder)
    before = prepare(dataset, prepared)
    again = [copy.copy(dataset) for _ in range(2)]
    for one in again:
        for name in [name for name in vars(one) if isinstance(getattr(type(one), name, None), cached_property)]:
            del vars(one)[name]  # as of a new process
    shutil.rmtree(folder)
    assert prepare(again[0], prepared).folder == before.folder
    data = AtomsDataModule(again[1], root=prepared)
    assert data.elements
    data.prepare_data()
