"""Datasets that `python -m potbench data generate` made."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from potbench.datasets.dataset import Dataset, Description
from potbench.errors import DataFileError
from potbench.readers.checks import check_frames
from potbench.readers.hdf5 import open_hdf5
from potbench.structures import SYMBOLS, Frames

NEEDED_IN_MANIFEST = ("theory", "licence", "citation", "molecules")


class Generated(Dataset):
    """A dataset made by `python -m potbench data generate`.

    Args:
        file: the HDF5 file.
    """

    def __init__(self, file: Path | str) -> None:
        self.file = Path(file)

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """What the dataset is and how it was made: theory, versions, command, counts, energies of free atoms in eV.

        Raises:
            DataFileError: the file is missing, cut short, or not made by potbench.
        """
        with self._open() as root:
            text = root.attrs.get("manifest", "{}")
        try:
            manifest = json.loads(text)
        except (TypeError, ValueError):
            manifest = {}
        missing = [key for key in NEEDED_IN_MANIFEST if not isinstance(manifest, dict) or key not in manifest]
        if missing:
            raise DataFileError(
                f"{self.file} has no manifest that states its {', '.join(missing)}. A file made by `python -m potbench "
                "data generate` was expected, whose attribute `manifest` does. Give such a file, or choose the dataset "
                "class that reads this kind of file."
            )
        return dict(manifest)

    @property
    def description(self) -> Description:
        """Name of the file, and level of theory, citation and licence from its manifest."""
        return Description(
            name=self.file.stem,
            theory=self.manifest["theory"],
            citation=self.manifest["citation"],
            licence=self.manifest["licence"],
            has_forces=True,
        )

    @property
    def elements(self) -> list[str]:
        """Chemical symbols that occur, by ascending atomic number."""
        molecules = list(self.manifest["molecules"])
        with self._open() as root:
            numbers = {int(number) for name in molecules for number in root[name]["atomic_numbers"][:]}
        return [SYMBOLS[number] for number in sorted(numbers)]

    @property
    def files(self) -> list[Path]:
        """The one file."""
        return [self.file]

    def atomic_energies(self) -> Mapping[str, float] | None:
        """Energies of the free atoms in eV, where its manifest holds them."""
        energies: dict[str, float] | None = self.manifest.get("isolated_atoms")
        return energies

    def read(self) -> Iterator[Frames]:
        """Read the molecules in the order in which they were made.

        Raises:
            DataFileError: the file is missing, cut short, not laid out as expected, or has a number that is not finite.
        """
        molecules = list(self.manifest["molecules"])
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
        return open_hdf5(self.file, "data.init_args.dataset.init_args.file")
