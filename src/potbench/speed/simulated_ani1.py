"""A file of millions of frames in the format of ANI-1: to measure what converting costs, not to train on."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

MOLECULES = 5000
ATOMS = 15
ELEMENTS = [b"C", b"H", b"O", b"H", b"N"]


def write_simulated(folder: Path, num_frames: int) -> Path:
    """Write ani_gdb_s08.h5 of molecules of 15 atoms, the same in every frame, compressed to little room in the file.

    Args:
        folder: where it is written.
        num_frames: frames of all molecules together.
    """
    file = folder / "ani_gdb_s08.h5"
    frames = np.diff(np.linspace(0, num_frames, min(MOLECULES, num_frames) + 1).astype(int))
    with h5py.File(file, "w") as root:
        for number, count in enumerate(frames):
            group = root.create_group(f"gdb11_s08/gdb11_s08-{number}")
            group["species"] = np.array(ELEMENTS * (ATOMS // len(ELEMENTS)))
            group["energies"] = np.full(count, -400.0)
            positions = np.tile(np.arange(3 * ATOMS, dtype=np.float32).reshape(ATOMS, 3), (count, 1, 1))
            group.create_dataset("coordinates", data=positions, chunks=positions.shape, compression=1, shuffle=True)
    return file
