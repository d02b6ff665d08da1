"""Write the HDF5 file of a generated dataset; `potbench.datasets.Generated` reads it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from potbench.datasets.generated_manifest import GeneratedManifest
from potbench.generation.conformers import Conformers
from potbench.whole_file import whole_file


def write_dataset(file: Path, molecules: Mapping[str, Conformers], manifest: GeneratedManifest) -> None:
    """Write conformers to one HDF5 file, which appears whole or not at all.

    One group for each molecule, compressed by gzip: `atomic_numbers` (atoms,) uint8; `positions` (frames, atoms, 3) in
    Å, `energy` (frames,) in eV and `forces` (frames, atoms, 3) in eV/Å, float64; `equilibrium` (atoms, 3) in Å and
    `wavenumbers` (modes,) in cm⁻¹ of the minimum they were drawn around. The manifest is JSON text in the attribute
    `manifest` of the file.

    Args:
        file: the file.
        molecules: name → its frames.
        manifest: what the dataset holds and how it was made.
    """
    with whole_file(file) as partial, h5py.File(partial, "w") as target:
        target.attrs["manifest"] = manifest.to_json()
        for name, made in molecules.items():
            group = target.create_group(name)
            group.attrs["name"] = name
            arrays: dict[str, np.ndarray[Any, Any]] = {
                "atomic_numbers": made.atomic_numbers,
                "positions": np.stack(made.positions),
                "energy": np.array(made.energy, np.float64),
                "forces": np.stack(made.forces),
                "equilibrium": made.modes.positions,
                "wavenumbers": made.modes.wavenumbers,
            }
            for key, array in arrays.items():
                group.create_dataset(key, data=array, compression="gzip", shuffle=True)
