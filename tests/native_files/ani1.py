"""ANI-1 as it was published: HDF5, chunked and compressed."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from tests.native_files.molecules import Conformers


def write_ani1(
    folder: Path,
    molecules: dict[int, Conformers],
    heavy_atoms: int = 1,
    smiles: bool = True,
    num_high_energy: int | None = 0,
) -> Path:
    """Write ani_gdb_sNN.h5 and return its path.

    Args:
        folder: where it shall stand.
        molecules: number in the group's name → conformers.
        heavy_atoms: NN.
        smiles: whether the groups have smiles, as single characters.
        num_high_energy: length of the HE arrays; None leaves them out, as some copies of ANI-1 do.
    """
    folder.mkdir(parents=True, exist_ok=True)
    name = f"gdb11_s{heavy_atoms:02d}"
    file = folder / f"ani_gdb_s{heavy_atoms:02d}.h5"
    packed = {"compression": "gzip", "chunks": True}
    with h5py.File(file, "w") as root:
        for number, (symbols, positions, energy) in molecules.items():
            group = root.create_group(f"{name}/{name}-{number}")
            group.create_dataset("species", data=np.array(symbols, dtype="S1"), **packed)
            group.create_dataset("coordinates", data=positions, **packed)
            group.create_dataset("energies", data=energy, **packed)
            if smiles:
                text = "".join(f"[{symbol}]" for symbol in symbols)
                group.create_dataset("smiles", data=np.array(list(text), dtype="S1"), **packed)
            if num_high_energy is not None:
                shape = (num_high_energy, len(symbols), 3)
                growing = {**packed, "maxshape": (None,)}
                group.create_dataset("energiesHE", data=np.full(num_high_energy, -1.0), **growing)
                growing["maxshape"] = (None, *shape[1:])
                group.create_dataset("coordinatesHE", data=np.zeros(shape, dtype=np.float32), **growing)
    return file
