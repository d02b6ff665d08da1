"""What is looked at in every block of conformers before it may enter a store."""

from __future__ import annotations

import numpy as np

from potbench.datasets.dataset import DataFileError
from potbench.structures import Frames


def check_frames(frames: Frames, where: str) -> Frames:
    """Return the frames unchanged, or say what is wrong with them.

    Args:
        frames: conformers of one molecule.
        where: file and group they came from, for the message.

    Raises:
        DataFileError: shapes that do not fit together, an impossible atomic number, NaN or infinity.
    """
    num_frames, num_atoms = len(frames.energy), len(frames.atomic_numbers)
    shapes = {"positions": (frames.positions, (num_frames, num_atoms, 3)), "energy": (frames.energy, (num_frames,))}
    if frames.forces is not None:
        shapes["forces"] = (frames.forces, (num_frames, num_atoms, 3))
    for name, (array, expected) in shapes.items():
        if array.shape != expected:
            raise DataFileError(f"{where}: {name} has shape {array.shape}, expected {expected} (frames, atoms, 3).")
        finite = np.isfinite(array).reshape(num_frames, -1).all(axis=1)
        if not finite.all():
            raise DataFileError(
                f"{where}: {name} of frame {int(np.argmin(finite))} is NaN or infinite "
                f"({int((~finite).sum())} of {num_frames} frames). Expected finite numbers; remove those frames."
            )
    if num_atoms == 0 or frames.atomic_numbers.min() < 1 or frames.atomic_numbers.max() > 86:
        raise DataFileError(f"{where}: atomic numbers {frames.atomic_numbers.tolist()}, expected 1 to 86.")
    return frames
