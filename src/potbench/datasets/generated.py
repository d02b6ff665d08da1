"""Datasets made by `python -m potbench data generate`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

import h5py
import numpy as np
from typing_extensions import override

from potbench.datasets.dataset import Dataset, DatasetInfo
from potbench.datasets.generated_manifest import GeneratedManifest
from potbench.readers.checks import check_frames
from potbench.readers.hdf5 import open_hdf5
from potbench.readers.stated import Claim, stated_in
from potbench.structures import SYMBOLS, Frames


class Generated(Dataset):
    """A dataset made by `python -m potbench data generate`.

    Args:
        file: the HDF5 file.
    """

    def __init__(self, file: Path | str) -> None:
        self.file = Path(file)

    @property
    def manifest(self) -> GeneratedManifest:
        """What the dataset holds and how it was made.

        Raises:
            DataFileError: the file is missing, truncated, or not made by potbench.
        """
        with self._open() as root:
            text = root.attrs.get("manifest", "{}")
        return GeneratedManifest.from_json(text, self.file)

    @property
    @override
    def info(self) -> DatasetInfo:
        manifest = self.manifest
        return DatasetInfo(self.file.stem, manifest.theory, manifest.citation, manifest.license, has_forces=True)

    @property
    @override
    def elements(self) -> list[str]:
        molecules = self.manifest.molecules
        with self._open() as root:
            numbers = {int(number) for name in molecules for number in root[name]["atomic_numbers"][:]}
        return [SYMBOLS[number] for number in sorted(numbers)]

    @property
    @override
    def files(self) -> list[Path]:
        return [self.file]

    @override
    def isolated_atom_energies(self) -> Mapping[str, float] | None:
        energies = self.manifest.isolated_atom_energies
        return {symbol: energy for symbol, energy in energies.items() if energy is not None} or None

    @override
    def read(self) -> Iterator[Frames]:
        molecules = self.manifest.molecules
        claim = Claim(self.manifest.theory, "eV")
        claim.require(stated_in({"units": self.manifest.units}, file=self.file), "a generated dataset", self.file)
        with self._open() as root:
            for name in molecules:
                group = root[name]
                frames = Frames(
                    molecule=name,
                    atomic_numbers=group["atomic_numbers"][:],
                    positions=group["positions"][:],
                    energy=group["energy"][:].astype(np.float64),
                    forces=group["forces"][:],
                )
                yield check_frames(frames, f"{self.file}, group {name}")

    def _open(self) -> AbstractContextManager[h5py.File]:
        return open_hdf5(self.require(self.file))
