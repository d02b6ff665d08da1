"""A dataset on disk as potbench reads it: plain arrays, memory-mapped."""

from __future__ import annotations

import glob
import json
import shutil
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import BadZipFile

import numpy as np

from potbench.datasets.dataset import OfficialIndices
from potbench.loading.large_rows import LargeRows
from potbench.loading.store_writer import StoreWriter
from potbench.structures import FloatArray, Frames, IntArray

MANIFEST = "manifest.json"


class Atoms(NamedTuple):
    """Rows of the per-atom arrays that belong to some frames, laid end to end.

    Attributes:
        rows: shape (atoms,), int64: row of each atom in positions, forces and cached features.
        atomic_numbers: shape (atoms,), uint8.
        atoms_per_frame: shape (frames,), int64.
    """

    rows: IntArray
    atomic_numbers: IntArray
    atoms_per_frame: IntArray


class Store:
    """One folder per dataset: `energy.npy`, `positions.npy`, `forces.npy`, the table of molecules, `manifest.json`.

    Consecutive frames of one molecule share their atomic numbers, so that only energies, positions and forces are kept
    per frame; twenty million frames open in a moment and are shared between processes by the page cache.

    Args:
        folder: a folder that `Store.write` made.

    Raises:
        FileNotFoundError: the folder is no finished store.
        ValueError: a file of it is missing, cut short or does not fit the others.
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)
        if not (self.folder / MANIFEST).is_file():
            raise FileNotFoundError(f"{self.folder} is no prepared dataset: it has no {MANIFEST}. Prepare it again.")
        with self._reading(MANIFEST) as file:
            self.manifest: dict[str, Any] = json.loads(file.read_text())
            has_forces = bool(self.manifest["has_forces"])
        with self._reading("molecules.npz") as file, np.load(file, allow_pickle=False) as table:
            self.molecule_names = table["names"]
            self.smiles = table["smiles"]
            self.frames_per_block = table["frames"].astype(np.int64)
            self._num_atoms = table["atoms"].astype(np.int64)
            self._atomic_numbers = table["atomic_numbers"]
        self._frame_ends = np.cumsum(self.frames_per_block)
        num_rows = int((self.frames_per_block * self._num_atoms).sum())
        self.energy = self._map("energy", (int(self._frame_ends[-1]),))
        self.positions = self._map("positions", (num_rows, 3))
        self.forces = self._map("forces", (num_rows, 3)) if has_forces else None
        self.time = self._map("time", self.energy.shape) if self.manifest["has_time"] else None
        self._frame_starts = self._frame_ends - self.frames_per_block
        self._first_rows = np.cumsum(self.frames_per_block * self._num_atoms) - self.frames_per_block * self._num_atoms
        self._first_numbers = np.cumsum(self._num_atoms) - self._num_atoms

    def __len__(self) -> int:
        return len(self.energy)

    @property
    def fingerprint(self) -> str:
        """Sha256 over the arrays, as it was when they were written."""
        return str(self.manifest["fingerprint"])

    @property
    def energy_unit(self) -> str:
        """Unit of the energies: eV, unless another property stands in their place."""
        return str(self.manifest.get("units", {}).get("energy", "eV"))

    def molecule_of(self, frames: IntArray) -> IntArray:
        """Index in `molecule_names` of the molecule of each frame: shape (frames,) → (frames,)."""
        return np.searchsorted(self._frame_ends, frames, side="right")

    def atoms_of(self, frames: IntArray) -> Atoms:
        """Where the atoms of some frames lie, without a loop over frames.

        Args:
            frames: shape (frames,), indices.
        """
        molecule = self.molecule_of(frames)
        counts = self._num_atoms[molecule]
        # position of each atom within its frame: 0 1 2 … 0 1 2 …
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        first_row = self._first_rows[molecule] + (frames - self._frame_starts[molecule]) * counts
        numbers = self._atomic_numbers[np.repeat(self._first_numbers[molecule], counts) + within]
        return Atoms(np.repeat(first_row, counts) + within, numbers, counts)

    def first_rows(self, frames: IntArray) -> IntArray:
        """Return the row of the first atom of each frame: shape (frames,) → (frames,), int64."""
        molecule = self.molecule_of(frames)
        rows: IntArray = (
            self._first_rows[molecule] + (frames - self._frame_starts[molecule]) * self._num_atoms[molecule]
        )
        return rows

    def composition(self, frames: IntArray, atomic_numbers: list[int]) -> IntArray:
        """How many atoms of each element: shape (frames, elements)."""
        numbers: list[int] = self.manifest["atomic_numbers"]
        columns = [numbers.index(number) if number in numbers else -1 for number in atomic_numbers]
        return np.asarray(self.block_composition[self.molecule_of(frames)][:, columns], dtype=np.int64)

    @cached_property
    def block_composition(self) -> IntArray:
        """Atoms of each element that occurs, and a last column of zeros: shape (blocks, elements + 1)."""
        counts = [
            np.add.reduceat(self._atomic_numbers == number, self._first_numbers)
            for number in [*self.manifest["atomic_numbers"], 0]
        ]
        return np.stack(counts, axis=1).astype(np.int32)

    @cached_property
    def official_splits(self) -> dict[str, OfficialIndices]:
        """Name → split that the dataset's publisher gives."""
        splits: dict[str, dict[str, IntArray]] = {}
        with self._reading("official_splits.npz") as file, np.load(file, allow_pickle=False) as arrays:
            for key in arrays:
                name, part = key.rsplit("/", 1)
                splits.setdefault(name, {})[part] = arrays[key]
        return {name: OfficialIndices(**parts) for name, parts in splits.items()}

    def __reduce__(self) -> tuple[type[Store], tuple[Path]]:
        # processes that gather batches open the folder themselves
        return Store, (self.folder,)

    @contextmanager
    def _reading(self, name: str) -> Iterator[Path]:
        try:
            yield self.folder / name
        except (OSError, ValueError, LookupError, TypeError, BadZipFile) as error:
            raise ValueError(
                f"{self.folder / name} is missing or damaged ({error}). Expected what preparing the dataset wrote. "
                f"Delete the folder {self.folder}; it is then prepared again."
            ) from error

    def _map(self, name: str, shape: tuple[int, ...]) -> FloatArray:
        with self._reading(f"{name}.npy") as file:
            array = LargeRows.open(file)
            if array.shape != shape:
                raise ValueError(f"its shape is {array.shape}, molecules.npz asks for {shape}")
        return array

    @classmethod
    def write(
        cls,
        folder: Path,
        blocks: Iterable[Frames],
        manifest: dict[str, Any],
        official_splits: Callable[[], Mapping[str, OfficialIndices]] = dict,
    ) -> Store:
        """Write blocks of conformers as a store; a killed call leaves nothing that looks finished.

        Args:
            folder: where the store shall be; it appears there by one rename, when all is written.
            blocks: conformers, a block at a time; all with forces or all without.
            manifest: what else to keep in manifest.json.
            official_splits: asked for the splits of the publisher when all blocks are written.

        Raises:
            FileExistsError: the folder holds something else.
        """
        # a name of its own: another process may be preparing the same dataset
        partial = folder.with_name(f"{folder.name}-{uuid.uuid4().hex[:8]}.partial")
        partial.mkdir(parents=True)
        try:
            writer = StoreWriter(partial)
            for frames in blocks:
                writer.append(frames)
            manifest = {**manifest, **writer.close(official_splits())}
            (partial / MANIFEST).write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")
            partial.rename(folder)
        except OSError as error:
            # or another process finished the same store first
            if not (folder / MANIFEST).is_file():
                if folder.exists():
                    raise FileExistsError(
                        f"{folder} exists and is no prepared dataset. Expected room for one; move it away."
                    ) from error
                raise
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        for left_by_a_killed_process in folder.parent.glob(f"{glob.escape(folder.name)}-*.partial"):
            shutil.rmtree(left_by_a_killed_process, ignore_errors=True)
        return cls(folder)
