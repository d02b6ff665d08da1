"""A store whose arrays were changed is refused when it is opened."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import numpy as np
import pytest

from potbench.data_quality import Verdict, inspect
from potbench.errors import DataFileError
from potbench.loading import Store, seal
from potbench.loading.manifest import Manifest
from tests.native_files.made import blocks
from tests.native_files.springs import healthy


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Store.write(tmp_path / "store", [healthy(), healthy("CH4")]).folder


def change(file: Path, place: int, keep_time: bool) -> None:
    """Change a byte near a place, counted from the end where below zero."""
    status = file.stat()
    raw = bytearray(file.read_bytes())
    raw[place] ^= 1
    file.write_bytes(raw)
    if keep_time:
        os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))


@pytest.mark.parametrize("name", ["energy.npy", "positions.npy", "forces.npy"])
@pytest.mark.parametrize("place", [1000, -1])
def test_a_changed_number_is_noticed(folder: Path, name: str, place: int) -> None:
    change(folder / name, place, keep_time=False)
    with pytest.raises(DataFileError, match="was changed after it was written"):
        Store(folder)


@pytest.mark.parametrize("sealed", [True, False])
def test_other_energies_are_noticed_at_equal_size_and_time(folder: Path, sealed: bool) -> None:
    file = folder / "energy.npy"
    status = file.stat()
    np.save(file, np.load(file) * 23.06)
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    if not sealed:
        (folder / seal.FILE).unlink()
    with pytest.raises(DataFileError, match="was changed after it was written"):
        Store(folder)


def test_a_copy_is_read_once(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(folder, tmp_path / "copy", copy_function=shutil.copyfile)
    Store(tmp_path / "copy")
    monkeypatch.setattr(seal, "fingerprint", lambda *arguments: pytest.fail("read again"))
    Store(tmp_path / "copy")
    Store(folder)


def test_stores_of_earlier_versions_are_read_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / seal.FILE).unlink()
    Store(folder)
    monkeypatch.setattr(seal, "fingerprint", lambda *arguments: pytest.fail("read again"))
    Store(folder)


def test_large_copies_are_sampled_when_opened_and_read_whole_by_the_check(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seal, "READ_WHOLE", 0)
    monkeypatch.setattr(seal, "SAMPLES", 2)
    monkeypatch.setattr(seal, "SAMPLE_BYTES", 200)
    (folder / seal.FILE).unlink()
    seal.seal_arrays(folder, Manifest.load(folder).fingerprint)
    change(folder / "positions.npy", 5000, keep_time=True)
    found = {finding.name: finding for finding in inspect(Store(folder), 100, 0)}
    assert found["fingerprint"].verdict is Verdict.WRONG


def test_opening_takes_milliseconds(folder: Path) -> None:
    start = time.perf_counter()
    for _ in range(10):
        seal.verify(folder, Manifest.load(folder))
    assert time.perf_counter() - start < 1


def test_a_store_is_on_the_disk_before_it_gets_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    happened: list[str] = []
    fsync, rename = os.fsync, Path.rename

    def synced(handle: int) -> None:
        happened.append(Path(f"/proc/self/fd/{handle}").readlink().name)
        fsync(handle)

    def renamed(self: Path, target: Path) -> Path:
        happened.append("renamed")
        return rename(self, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "rename", renamed)
    store = Store.write(tmp_path / "store", [healthy()])
    before = happened[: happened.index("renamed")]
    assert {file.name for file in store.folder.iterdir()} <= set(before)
    assert happened[-1] == tmp_path.name


def test_a_changed_table_of_known_labels_is_noticed(tmp_path: Path) -> None:
    first, *rest = blocks(forces=True)
    partial = first._replace(forces_known=np.arange(len(first.energy)) > 0)
    store = Store.write(tmp_path / "store", [partial, *rest])
    seal.verify_whole(store.folder, store.manifest)
    np.savez(store.folder / "known.npz", forces=np.ones(len(store), dtype=bool))
    with pytest.raises(DataFileError, match="was changed after it was written"):
        Store(store.folder)
