"""Frames without a file, for tests of what comes after reading."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from potbench.datasets import Dataset, DatasetInfo
from potbench.structures import SYMBOLS, Frames
from potbench.units import HARTREE
from tests.native_files.molecules import conformers

NAMES = {"CH4": 5, "H2O": 3, "NH3": 4, "HCN": 7}


def frames(name: str, num_frames: int, forces: bool = False, seed: int = 0) -> Frames:
    """Conformers of a molecule that ASE knows; forces are random numbers."""
    symbols, positions, energy = conformers(name, num_frames, seed)
    random = np.random.default_rng(seed + 1)
    return Frames(
        molecule=name,
        atomic_numbers=np.array([SYMBOLS.index(symbol) for symbol in symbols]),
        positions=positions,
        energy=energy * HARTREE,
        forces=random.normal(size=positions.shape).astype(np.float32) if forces else None,
    )


def blocks(forces: bool = False, counts: dict[str, int] = NAMES) -> list[Frames]:
    """A chunk of conformers for each molecule."""
    return [frames(name, count, forces, seed) for seed, (name, count) in enumerate(counts.items())]


class Made(Dataset):
    """A dataset of frames that are made, not read; `file` decides its fingerprint, as that of a real one would.

    Args:
        file: some file.
        make: what its frames are.
    """

    def __init__(self, file: Path, make: Callable[[], list[Frames]] = blocks) -> None:
        self.file = file
        self.make = make
        self.times_read = 0

    @property
    def info(self) -> DatasetInfo:
        return DatasetInfo(
            "made", "no theory", "no citation", "no license", has_forces=self.make()[0].forces is not None
        )

    @property
    def elements(self) -> list[str]:
        return ["H", "C", "N", "O"]

    @property
    def files(self) -> list[Path]:
        return [self.file]

    def read(self) -> Iterator[Frames]:
        self.times_read += 1
        yield from self.make()
