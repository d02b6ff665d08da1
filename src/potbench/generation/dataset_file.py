"""The HDF5 file of a generated dataset; `potbench.datasets.Generated` reads it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from potbench.generation.unfinished import Conformers


def write_dataset(
    file: Path, molecules: Mapping[str, Conformers], manifest: Mapping[str, object], scratch: Path
) -> None:
    """Write conformers to one HDF5 file, which appears whole or not at all.

    One group for each molecule, compressed by gzip: `atomic_numbers` (atoms,) uint8; `positions` (frames, atoms, 3) in
    Å, `energy` (frames,) in eV and `forces` (frames, atoms, 3) in eV/Å, float64; `equilibrium` (atoms, 3) in Å and
    `wavenumbers` (modes,) in cm⁻¹ of the minimum they were drawn around. The manifest is JSON text in the attribute
    `manifest` of the file.

    Args:
        file: where the file appears.
        molecules: name → its frames.
        manifest: what the dataset is and how it was made.
        scratch: folder on the same disk, where the file is written first.
    """
    unfinished = scratch / "dataset.h5"
    with h5py.File(unfinished, "w") as target:
        target.attrs["manifest"] = json.dumps(manifest, ensure_ascii=False)
        for name, work in molecules.items():
            group = target.create_group(name)
            group.attrs["name"] = name
            arrays: dict[str, np.ndarray[Any, Any]] = {
                "atomic_numbers": work.atomic_numbers,
                "positions": np.stack(work.positions),
                "energy": np.array(work.energy, np.float64),
                "forces": np.stack(work.forces),
                "equilibrium": work.modes.positions,
                "wavenumbers": work.modes.wavenumbers,
            }
            for key, array in arrays.items():
                group.create_dataset(key, data=array, compression="gzip", shuffle=True)
    with unfinished.open("rb") as written:
        os.fsync(written.fileno())
    unfinished.replace(file)
