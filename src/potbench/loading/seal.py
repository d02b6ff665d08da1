"""Whether the files of a store, and those it was made from, are what they were."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from potbench.errors import DataFileError
from potbench.loading.manifest import Manifest
from potbench.readers.file_state import FileState
from potbench.readers.typed_json import from_plain, to_json
from potbench.whole_file import write_text

FILE = "seal.json"
ROWS = ("energy.npy", "forces.npy", "positions.npy", "time.npy")
ARRAYS = (*ROWS, "molecules.npz", "columns.npz", "known.npz", "official_splits.npz")
SAMPLES = 16
SAMPLE_BYTES = 4096
READ_WHOLE = 2**30
"""Bytes up to which arrays that seem to be copies are read whole when they are opened."""
ROWS_AT_ONCE = 2**20


@dataclass(frozen=True)
class Sealed:
    """A file as it was when its bytes were known to be right.

    Args:
        bytes: its size.
        changed: when its bytes were changed, in nanoseconds since 1970; anyone can set it.
        sample: sha256 of some of its bytes, evenly spaced.
    """

    bytes: int
    changed: int
    sample: str

    @classmethod
    def of(cls, file: Path) -> Sealed:
        """Look at a file, without reading all of it."""
        with file.open("rb") as stream:
            status = os.fstat(stream.fileno())
            digest = hashlib.sha256()
            for start in np.unique(np.linspace(0, max(0, status.st_size - SAMPLE_BYTES), SAMPLES, dtype=np.int64)):
                stream.seek(int(start))
                digest.update(stream.read(SAMPLE_BYTES))
        return cls(status.st_size, status.st_mtime_ns, digest.hexdigest())


@dataclass(frozen=True)
class Seal:
    """What seal.json says; it may be missing, as of stores of earlier versions.

    Args:
        fingerprint: of the arrays, over all their bytes.
        arrays: name of a file of the store → how it was.
        sources: name of a file the store was made from → size, times of change of its bytes and of its entry in the
            file system, of which the latter cannot be set, and inode.
        folders: name of such a file → the folder it was in when it was seen last.
    """

    fingerprint: str = ""
    arrays: dict[str, Sealed] = field(default_factory=dict)
    sources: dict[str, FileState] = field(default_factory=dict)
    folders: dict[str, str] = field(default_factory=dict)

    @classmethod
    def load(cls, folder: Path) -> Seal:
        """Read FOLDER/seal.json; return an empty seal where there is none, or a damaged one."""
        with suppress(OSError, ValueError, RecursionError):
            return from_plain(cls, json.loads((folder / FILE).read_text(encoding="utf-8")))
        return cls()

    def save(self, folder: Path) -> None:
        """Write FOLDER/seal.json, where that is possible."""
        with suppress(OSError):
            write_text(folder / FILE, to_json(self))


def seal(file: Path) -> None:
    """Write beside a file, as .json, how it is now that its bytes are known to be right."""
    write_text(file.with_suffix(".json"), to_json(Sealed.of(file)))


def is_sealed(file: Path) -> bool:
    """Return whether a file is as it was sealed, by its size, its time and a sample of its bytes."""
    with suppress(OSError, ValueError, RecursionError):
        return from_plain(Sealed, json.loads(file.with_suffix(".json").read_bytes())) == Sealed.of(file)
    return False


def seal_arrays(folder: Path, fingerprint: str) -> None:
    """Seal the files of a store, whose bytes are known to be right."""
    arrays = {name: Sealed.of(folder / name) for name in ARRAYS if (folder / name).is_file()}
    replace(Seal.load(folder), fingerprint=fingerprint, arrays=arrays).save(folder)


def seal_sources(folder: Path, sources: dict[str, FileState], folders: dict[str, str]) -> None:
    """Seal the files that a store was made from, whose sha256 is known to be that of the manifest."""
    before = Seal.load(folder)
    now = replace(before, sources=sources, folders=folders)
    if sources and now != before:
        now.save(folder)


def verify(folder: Path, manifest: Manifest) -> None:
    """Verify that the files of a store are those that were written, in milliseconds.

    Sizes and a sample of the bytes are compared. Files of another time that are the same by their sample may be copies:
    up to 1 GiB they are read, once.

    Raises:
        DataFileError: a file was changed.
    """
    seal = Seal.load(folder)
    now = {name: Sealed.of(folder / name) for name in ARRAYS if (folder / name).is_file()}
    if seal.fingerprint == manifest.fingerprint and seal.arrays == now:
        return
    for name, before in seal.arrays.items() if seal.fingerprint == manifest.fingerprint else ():
        if name not in now or (now[name].bytes, now[name].sample) != (before.bytes, before.sample):
            raise _changed(folder / name)
    if sum(sealed.bytes for sealed in now.values()) <= READ_WHOLE:
        verify_whole(folder, manifest)


def verify_whole(folder: Path, manifest: Manifest) -> None:
    """Verify that the arrays of a store are those that were written, by all their bytes, and seal them.

    Raises:
        DataFileError: they were changed.
    """
    if fingerprint(folder, manifest) != manifest.fingerprint:
        raise _changed(folder)
    seal_arrays(folder, manifest.fingerprint)


def fingerprint(folder: Path, manifest: Manifest) -> str:
    """Compute the sha256 over the arrays of a store, as they are now.

    Raises:
        DataFileError: a file is missing or damaged.
    """
    try:
        with np.load(folder / "molecules.npz", allow_pickle=False) as table:
            tables = [table[name].astype(np.int64).tobytes() for name in ("frames", "atoms", "atomic_numbers")]
        digest = hashlib.sha256(b"".join(tables))
        for name in ROWS:
            if (folder / name).is_file():
                rows = np.load(folder / name, mmap_mode="r", allow_pickle=False)
                of_rows = hashlib.sha256()
                for start in range(0, len(rows), ROWS_AT_ONCE):
                    of_rows.update(np.ascontiguousarray(rows[start : start + ROWS_AT_ONCE]).data)
                digest.update(of_rows.digest())
        if manifest.columns:
            with np.load(folder / "columns.npz", allow_pickle=False) as columns:
                named = {name: columns[name].tolist() for name in manifest.columns}
            digest.update(json.dumps(named).encode())
        if manifest.partial:
            with np.load(folder / "known.npz", allow_pickle=False) as known:
                digest.update(b"".join(label.encode() + known[label].tobytes() for label in manifest.partial))
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise DataFileError(
            f"{folder} is damaged ({error}). Expected what preparing the dataset wrote. Delete the folder {folder}; "
            "the dataset is then prepared again."
        ) from error
    return digest.hexdigest()


def _changed(path: Path) -> DataFileError:
    folder = path if path.is_dir() else path.parent
    return DataFileError(
        f"{path} was changed after it was written: its fingerprint is another. Expected the arrays that preparing the "
        f"dataset wrote. Delete the folder {folder}; the dataset is then prepared again."
    )
