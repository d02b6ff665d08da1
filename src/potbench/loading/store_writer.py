"""Writing the files of a store, chunk by chunk."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from potbench.datasets.dataset import OfficialIndices
from potbench.errors import DataFileError
from potbench.loading.manifest import Manifest, Origin
from potbench.loading.publishers_splits import require_sensible
from potbench.readers.npz import write_npz
from potbench.structures import BoolArray, Column, Frames, IntArray


class StoreWriter:
    """The arrays of a store while they grow: .npy files whose length is known only at the end.

    Args:
        folder: an empty folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.columns: dict[str, _Column] = {}
        self.names: list[str] = []
        self.smiles: list[str] = []
        self.frames: list[int] = []
        self.atoms: list[int] = []
        self.atomic_numbers: list[IntArray] = []
        self.named: list[Mapping[str, Column]] = []
        self.known: dict[str, list[BoolArray]] = {"energy": [], "forces": []}

    def append(self, frames: Frames) -> None:
        """Add a chunk of conformers; either all chunks have forces, times or a named column, or none has.

        Raises:
            DataFileError: forces, times or a named column in some chunks only.
        """
        columns: dict[str, np.ndarray[Any, Any]] = {
            "energy": frames.energy.astype(np.float64),
            "positions": frames.positions.reshape(-1, 3),
        }
        if frames.forces is not None:
            columns["forces"] = frames.forces.reshape(-1, 3)
        if frames.time is not None:
            columns["time"] = frames.time.astype(np.int64)
        named = frames.columns or {}
        uneven = {*columns, *named} ^ {*self.columns, *self.named[0]} if self.names else set()
        if uneven:
            raise DataFileError(
                f"{frames.molecule}: {' and '.join(sorted(uneven))} in some molecules only. "
                "Expected them in all or in none."
            )
        for name, rows in columns.items():
            if name not in self.columns:
                self.columns[name] = _Column(self.folder / f"{name}.npy", rows)
            self.columns[name].append(rows)
        self.named.append(named)
        for label, known in (("energy", frames.energy_known), ("forces", frames.forces_known)):
            self.known[label].append(np.ones(len(frames.energy), dtype=bool) if known is None else known)
        self.names.append(frames.molecule)
        self.smiles.append(frames.smiles or "")
        self.frames.append(len(frames.energy))
        self.atoms.append(len(frames.atomic_numbers))
        self.atomic_numbers.append(frames.atomic_numbers.astype(np.uint8))

    def close(self, origin: Origin, official_splits: Mapping[str, OfficialIndices]) -> Manifest:
        """Finish the files and return the manifest, which is yet to be saved.

        Args:
            origin: where the frames come from.
            official_splits: name → split as the publisher gives it.

        Raises:
            DataFileError: there was no frame at all, or the splits cannot be right.
        """
        if not sum(self.frames):
            raise DataFileError("The dataset holds no frames. Expected at least one; look at the files it names.")
        files = [source.file for source in origin.sources]
        require_sensible(official_splits, sum(self.frames), origin.name, files)
        numbers = np.concatenate(self.atomic_numbers)
        table = {"frames": np.array(self.frames), "atoms": np.array(self.atoms), "atomic_numbers": numbers}
        names, smiles = np.array(self.names), np.array(self.smiles)
        np.savez(self.folder / "molecules.npz", names=names, smiles=smiles, **table)  # type: ignore[arg-type]
        official = {
            f"{name}/{key}": indices
            for name, split in official_splits.items()
            for key, indices in vars(split).items()
            if indices is not None
        }
        np.savez(self.folder / "official_splits.npz", **official)
        digest = hashlib.sha256(b"".join(array.astype(np.int64).tobytes() for array in table.values()))
        for name in sorted(self.columns):
            digest.update(self.columns[name].close())
        named = {name: _joined(name, [chunk[name] for chunk in self.named]) for name in sorted(self.named[0])}
        if named:
            write_npz(self.folder / "columns.npz", named)
            digest.update(json.dumps({name: values.tolist() for name, values in named.items()}).encode())
        known = {label: np.concatenate(chunks) for label, chunks in self.known.items()}
        partial = {label: mask for label, mask in known.items() if not mask.all()}
        if partial:
            np.savez(self.folder / "known.npz", **partial)  # type: ignore[arg-type]
            digest.update(b"".join(label.encode() + mask.tobytes() for label, mask in partial.items()))
        return Manifest(
            **vars(origin),
            num_frames=int(sum(self.frames)),
            num_molecules=len(set(self.names)),
            atomic_numbers=tuple(np.unique(numbers).tolist()),
            has_forces="forces" in self.columns,
            has_time="time" in self.columns,
            columns=tuple(named),
            partial=tuple(partial),
            fingerprint=digest.hexdigest(),
        )


def _joined(name: str, chunks: list[Column]) -> Column:
    if len({chunk.dtype.kind for chunk in chunks}) > 1:
        raise DataFileError(f"{name} is a number in some molecules and text in others. Expected one of them in all.")
    return np.concatenate(chunks)


class _Column:
    """One array, appended to chunk by chunk."""

    HEADER_BYTES = 128
    ROWS = 2**20

    def __init__(self, path: Path, rows: np.ndarray[Any, Any]) -> None:
        self.path = path
        self.tail = rows.shape[1:]
        self._begin(rows.dtype.newbyteorder("<"))

    def _begin(self, dtype: np.dtype[Any]) -> None:
        self.dtype = dtype
        self.length = 0
        self.digest = hashlib.sha256()
        self.file: BinaryIO = self.path.open("wb")
        self.file.write(bytes(self.HEADER_BYTES))

    def append(self, rows: np.ndarray[Any, Any]) -> None:
        wider = np.promote_types(rows.dtype, self.dtype).newbyteorder("<")
        if wider != self.dtype:
            self._widen(wider)
        raw = np.ascontiguousarray(rows, dtype=self.dtype).tobytes()
        self.file.write(raw)
        self.digest.update(raw)
        self.length += len(rows)

    def _widen(self, dtype: np.dtype[Any]) -> None:
        """Write what is there again, in a type that holds it and what comes: float64 of several datasets."""
        self.file.close()
        narrow = self.path.replace(self.path.with_suffix(".narrow"))
        before = self.dtype
        self._begin(dtype)
        with narrow.open("rb") as file:
            file.seek(self.HEADER_BYTES)
            while len(values := np.fromfile(file, before, self.ROWS * math.prod(self.tail))):
                self.append(values.reshape(-1, *self.tail))
        narrow.unlink()

    def close(self) -> bytes:
        shape = (self.length, *self.tail)
        header = f"{{'descr': '{self.dtype.str}', 'fortran_order': False, 'shape': {shape!r}, }}"
        self.file.seek(0)
        self.file.write(b"\x93NUMPY\x01\x00" + (self.HEADER_BYTES - 10).to_bytes(2, "little"))
        self.file.write(header.ljust(self.HEADER_BYTES - 11).encode() + b"\n")
        self.file.close()
        return self.digest.digest()
