"""A store as large as ANI-1, made in seconds: to measure what opening and drawing cost, not to train on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from typing_extensions import override

from potbench.datasets import Dataset, DatasetInfo
from potbench.loading.manifest import Manifest
from potbench.loading.preparation import origin_of, store_folder
from potbench.loading.seal import seal_arrays
from potbench.structures import SYMBOLS, Frames

ELEMENTS = ["H", "C", "N", "O"]
MOLECULES = 57_462
FEWEST_ATOMS, MOST_ATOMS = 4, 26


class Simulated(Dataset):
    """Frames of molecules of 15 atoms on average, as many molecules as ANI-1 has; energies are random.

    Args:
        num_frames: how many frames; at least 3.
    """

    def __init__(self, num_frames: int) -> None:
        self.num_frames = num_frames

    @property
    @override
    def info(self) -> DatasetInfo:
        return DatasetInfo("simulated", "none", "none", "none", has_forces=False)

    @property
    @override
    def elements(self) -> list[str]:
        return ELEMENTS

    @property
    @override
    def files(self) -> list[Path]:
        return []

    @property
    @override
    def options(self) -> dict[str, object]:
        return {"num_frames": self.num_frames}

    @override
    def read(self) -> Iterator[Frames]:
        """Yield nothing: `write_store` writes the store itself, or it would take minutes."""
        return iter(())

    def write_store(self, root: Path) -> None:
        """Write the store; energies and the table of molecules are real, positions are a hole in a sparse file.

        Args:
            root: folder of prepared datasets.
        """
        origin = origin_of(self)
        folder = store_folder(origin, root)
        folder.mkdir(parents=True)
        random = np.random.default_rng(0)
        num_molecules = min(MOLECULES, self.num_frames)
        atoms = random.integers(FEWEST_ATOMS, MOST_ATOMS + 1, num_molecules)
        frames = np.diff(np.linspace(0, self.num_frames, num_molecules + 1).astype(np.int64))
        numbers = random.choice([SYMBOLS.index(symbol) for symbol in ELEMENTS], int(atoms.sum())).astype(np.uint8)
        names = np.array([f"molecule-{number}" for number in range(num_molecules)])
        table = {"names": names, "smiles": names, "frames": frames, "atoms": atoms, "atomic_numbers": numbers}
        np.savez(folder / "molecules.npz", **table)  # type: ignore[arg-type]
        np.save(folder / "energy.npy", random.standard_normal(self.num_frames))
        shape = (int((frames * atoms).sum()), 3)
        np.lib.format.open_memmap(folder / "positions.npy", mode="w+", dtype=np.float32, shape=shape)
        manifest = Manifest(
            **vars(origin),
            num_frames=self.num_frames,
            num_molecules=num_molecules,
            atomic_numbers=tuple(np.unique(numbers).tolist()),
            has_forces=False,
            has_time=False,
            fingerprint=f"simulated {self.num_frames}",
        )
        manifest.save(folder)
        seal_arrays(folder, manifest.fingerprint)
