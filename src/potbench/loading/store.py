"""A dataset on disk as potbench reads it: plain arrays, memory-mapped."""

from __future__ import annotations

import glob
import shutil
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import NamedTuple
from zipfile import BadZipFile

import numpy as np

from potbench.datasets.dataset import OfficialIndices
from potbench.errors import DataFileError, RecordError
from potbench.loading import manifest
from potbench.loading.large_rows import LargeRows
from potbench.loading.manifest import Manifest, Origin
from potbench.loading.seal import seal_arrays, verify
from potbench.loading.store_writer import StoreWriter
from potbench.loading.sync import sync, sync_names
from potbench.readers.npz import write_npz
from potbench.structures import BoolArray, Column, FloatArray, Frames, IntArray

UNREAD = "unread.npz"
"""File for values of the frames that are not read: it is no part of the fingerprint, and may be missing."""


class Atoms(NamedTuple):
    """Rows of the per-atom arrays that belong to some frames, concatenated.

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

    Consecutive frames of one molecule are a chunk: they share their atomic numbers, so that only energies, positions
    and forces are stored per frame. Twenty million frames open in under a second and are shared between processes by
    the page cache.

    Args:
        folder: a folder that `Store.write` made.

    Raises:
        RecordError: the folder is not a finished store, or its manifest is damaged.
        DataFileError: an array is missing, cut short, does not fit the others, or was changed since it was written.

    Attributes:
        manifest: what the store says of itself.
        molecule_names: shape (chunks,), text.
        smiles: shape (chunks,), text; empty where not known.
        frames_per_chunk: shape (chunks,), int64.
        energy: shape (frames,), in eV, float64.
        positions: shape (atoms of all frames, 3), in Å.
        forces: shape (atoms of all frames, 3), in eV/Å, or None.
        time: shape (frames,), int64, place of each frame in its trajectory, or None.
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)
        if not (self.folder / manifest.FILE).is_file():
            raise RecordError(
                f"{self.folder} is not a prepared dataset: it has no {manifest.FILE}. Expected the folder of one; "
                "prepare it again."
            )
        self.manifest = Manifest.load(self.folder)
        with self._reading("molecules.npz") as file, np.load(file, allow_pickle=False) as table:
            self.molecule_names = table["names"]
            self.smiles = table["smiles"]
            self.frames_per_chunk = table["frames"].astype(np.int64)
            self._num_atoms = table["atoms"].astype(np.int64)
            self._atomic_numbers = table["atomic_numbers"]
        self._frame_ends = np.cumsum(self.frames_per_chunk)
        num_rows = int((self.frames_per_chunk * self._num_atoms).sum())
        self.energy = self._map("energy", (int(self._frame_ends[-1]),))
        self.positions = self._map("positions", (num_rows, 3))
        self.forces = self._map("forces", (num_rows, 3)) if self.manifest.has_forces else None
        self.time = self._map("time", self.energy.shape) if self.manifest.has_time else None
        self._frame_starts = self._frame_ends - self.frames_per_chunk
        self._first_rows = np.cumsum(self.frames_per_chunk * self._num_atoms) - self.frames_per_chunk * self._num_atoms
        self._first_numbers = np.cumsum(self._num_atoms) - self._num_atoms
        verify(self.folder, self.manifest)

    def __len__(self) -> int:
        return len(self.energy)

    @property
    def fingerprint(self) -> str:
        """Return the sha256 over the arrays, as it was when they were written."""
        return self.manifest.fingerprint

    @property
    def energy_unit(self) -> str:
        """Return the unit of the energies: eV, unless another property is stored in their place."""
        return self.manifest.units.energy

    def molecule_of(self, frames: IntArray) -> IntArray:
        """Return the chunk of each frame, an index of `molecule_names`: shape (frames,) → (frames,)."""
        return np.searchsorted(self._frame_ends, frames, side="right")

    def atoms_of(self, frames: IntArray) -> Atoms:
        """Return where the atoms of some frames are, without a loop over frames.

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

    def atoms_per_frame(self, frames: IntArray) -> IntArray:
        """Return how many atoms each frame has: shape (frames,) → (frames,)."""
        counts: IntArray = self._num_atoms[self.molecule_of(frames)]
        return counts

    def first_rows(self, frames: IntArray) -> IntArray:
        """Return the row of the first atom of each frame: shape (frames,) → (frames,), int64."""
        molecule = self.molecule_of(frames)
        rows: IntArray = (
            self._first_rows[molecule] + (frames - self._frame_starts[molecule]) * self._num_atoms[molecule]
        )
        return rows

    def composition(self, frames: IntArray, atomic_numbers: Sequence[int]) -> IntArray:
        """Return how many atoms of each element there are: shape (frames, elements)."""
        numbers = self.manifest.atomic_numbers
        columns = [numbers.index(number) if number in numbers else -1 for number in atomic_numbers]
        return np.asarray(self.chunk_composition[self.molecule_of(frames)][:, columns], dtype=np.int64)

    @cached_property
    def chunk_composition(self) -> IntArray:
        """Return the atoms of each element that occurs, and a last column of zeros: shape (chunks, elements + 1)."""
        counts = [
            np.add.reduceat(self._atomic_numbers == number, self._first_numbers)
            for number in [*self.manifest.atomic_numbers, 0]
        ]
        return np.stack(counts, axis=1).astype(np.int32)

    @cached_property
    def columns(self) -> dict[str, Column]:
        """Return further values of the frames by name, numbers or text: each of shape (frames,)."""
        if not self.manifest.columns:
            return {}
        with self._reading("columns.npz") as file, np.load(file, allow_pickle=False) as arrays:
            columns = {name: arrays[name] for name in self.manifest.columns}
            if any(values.shape != self.energy.shape for values in columns.values()):
                raise ValueError("its columns are not as long as the energies")
            return columns

    @cached_property
    def energy_known(self) -> BoolArray | None:
        """Return which energies are labels, the others being 0: shape (frames,); None where all are."""
        return self._known("energy")

    @cached_property
    def forces_known(self) -> BoolArray | None:
        """Return which frames have forces as labels, the others being 0: shape (frames,); None where all have."""
        return self._known("forces")

    def with_energy(self, frames: IntArray) -> IntArray:
        """Return those of some frames whose energy is known: shape (frames,) → (known,)."""
        return frames if self.energy_known is None else frames[self.energy_known[frames]]

    def with_forces(self, frames: IntArray) -> IntArray:
        """Return those of some frames whose forces are known: shape (frames,) → (known,)."""
        return frames if self.forces_known is None else frames[self.forces_known[frames]]

    def _known(self, label: str) -> BoolArray | None:
        if label not in self.manifest.partial:
            return None
        with self._reading("known.npz") as file, np.load(file, allow_pickle=False) as arrays:
            known: BoolArray = arrays[label]
            if known.shape != self.energy.shape or known.dtype != bool:
                raise ValueError("it does not say of each frame whether its labels are known")
            return known

    @cached_property
    def unread(self) -> dict[str, Column]:
        """Return numbers and texts of the frames that the dataset was not told to read, where they were kept."""
        file = self.folder / UNREAD
        if not file.is_file():
            return {}
        with self._reading(UNREAD), np.load(file, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays if arrays[name].shape == self.energy.shape}

    @cached_property
    def official_splits(self) -> dict[str, OfficialIndices]:
        """Return the splits that the dataset's publisher gives, by name."""
        splits: dict[str, dict[str, IntArray]] = {}
        with self._reading("official_splits.npz") as file, np.load(file, allow_pickle=False) as arrays:
            for key in arrays:
                name, of = key.rsplit("/", 1)
                splits.setdefault(name, {})[of] = arrays[key]
        return {name: OfficialIndices(**indices) for name, indices in splits.items()}

    def __reduce__(self) -> tuple[type[Store], tuple[Path]]:
        # processes that gather batches open the folder themselves
        return Store, (self.folder,)

    @contextmanager
    def _reading(self, name: str) -> Iterator[Path]:
        try:
            yield self.folder / name
        except (OSError, ValueError, LookupError, TypeError, BadZipFile) as error:
            raise DataFileError(
                f"{self.folder / name} is missing or damaged ({error}). Expected what preparing the dataset wrote. "
                f"Delete the folder {self.folder}; the dataset is then prepared again."
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
        chunks: Iterable[Frames],
        origin: Origin = Origin(),  # noqa: B008 — it cannot be changed
        official_splits: Callable[[], Mapping[str, OfficialIndices]] = dict,
        unread: Callable[[], Mapping[str, Column]] = dict,
    ) -> Store:
        """Write chunks of conformers as a store; a killed call leaves nothing that looks finished.

        Args:
            folder: where the store shall be; it appears there by one rename, when all is written.
            chunks: conformers of one molecule each; all with forces or all without.
            origin: where they come from.
            official_splits: asked for the splits of the publisher when all chunks are written.
            unread: asked last for values of the frames that the chunks leave out; what it raises is raised.

        Raises:
            DataFileError: there is no frame, or forces in some chunks only.
            RecordError: the folder holds something else.
        """
        # a name of its own: another process may be preparing the same dataset
        partial = folder.with_name(f"{folder.name}-{uuid.uuid4().hex[:8]}.partial")
        partial.mkdir(parents=True)
        try:
            writer = StoreWriter(partial)
            for frames in chunks:
                writer.append(frames)
            written = writer.close(origin, official_splits())
            left_out = unread()
            if left_out:
                write_npz(partial / UNREAD, left_out)
            written.save(partial)
            seal_arrays(partial, written.fingerprint)
            sync(partial)
            partial.rename(folder)
            sync_names(folder.parent)
        except OSError as error:
            # or another process finished the same store first
            if not (folder / manifest.FILE).is_file():
                if folder.exists():
                    raise RecordError(
                        f"{folder} exists and is not a prepared dataset. Expected room for one; move it away."
                    ) from error
                raise
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        for left_by_a_killed_process in folder.parent.glob(f"{glob.escape(folder.name)}-*.partial"):
            shutil.rmtree(left_by_a_killed_process, ignore_errors=True)
        return cls(folder)
