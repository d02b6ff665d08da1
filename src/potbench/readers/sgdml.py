"""Read .npz files in the layout of sGDML: z, R, E and mostly F of one molecule."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from potbench.errors import DataFileError
from potbench.readers.checks import check_frames, require_no_cell
from potbench.readers.npz import REAL, WHOLE, Arrays, read_npz, text
from potbench.structures import SYMBOLS, Frames

NEEDED = {"z": WHOLE, "R": REAL, "E": REAL}
FORCES = {"F": REAL}
FRAMES_PER_CHUNK = 50_000


def read_sgdml(file: Path, needs_forces: bool = False) -> Arrays:
    """Read the arrays of a file of a molecule.

    Args:
        file: the file.
        needs_forces: whether it is to be refused without.

    Raises:
        DataFileError: like `read_npz`; or the file has a cell.
    """
    arrays = read_npz(file, {**NEEDED, **FORCES}) if needs_forces else read_npz(file, NEEDED, FORCES)
    require_no_cell(arrays, str(file))
    return arrays


def conformers(
    arrays: Arrays,
    file: Path,
    molecule: str,
    energy_unit: float,
    length_unit: float,
    time: bool = False,
    forces_unit: float | None = None,
) -> Iterator[Frames]:
    """Yield the frames of a file in chunks, converted to eV and Å.

    Args:
        arrays: arrays of the file.
        file: the file, for messages.
        molecule: name of the molecule.
        energy_unit: unit of E, in eV.
        length_unit: unit of R, in Å.
        time: whether the frames follow each other in time.
        forces_unit: unit of F, in eV/Å; by default that of E per that of R.

    Raises:
        DataFileError: shapes that do not fit together, numbers that are not finite, or another md5 than the file
            states.
    """
    numbers, positions, energy = (arrays[key] for key in "zRE")
    forces = arrays.get("F")
    if energy.shape not in {(len(positions),), (len(positions), 1)} or numbers.ndim != 1 or positions.ndim != 3:
        raise DataFileError(
            f"{file}: z, R and E have the shapes {numbers.shape}, {positions.shape} and {energy.shape}, "
            "expected (atoms,), (frames, atoms, 3) and (frames,) or (frames, 1)."
        )
    _check_md5(arrays, file)
    force = energy_unit / length_unit if forces_unit is None else forces_unit
    for start in range(0, len(positions), FRAMES_PER_CHUNK):
        chunk = slice(start, start + FRAMES_PER_CHUNK)
        frames = Frames(
            molecule=molecule,
            atomic_numbers=numbers,
            positions=positions[chunk] * length_unit,
            energy=energy[chunk].reshape(-1).astype(np.float64) * energy_unit,
            forces=None if forces is None else forces[chunk] * force,
            time=np.arange(len(positions))[chunk] if time else None,
        )
        yield check_frames(frames, str(file), start)


def elements_of(file: Path) -> list[str]:
    """Return the chemical symbols in a file, by ascending atomic number.

    Raises:
        DataFileError: the file is damaged, or its z are no atomic numbers.
    """
    numbers = np.unique(read_sgdml(file)["z"])
    if numbers.min(initial=1) < 1 or numbers.max(initial=0) >= len(SYMBOLS):
        raise DataFileError(f"{file}: z holds {numbers.tolist()}, expected atomic numbers.")
    return [SYMBOLS[number] for number in numbers]


def _check_md5(arrays: Arrays, file: Path) -> None:
    # as sGDML computes it: md5 of the md5 sums of the raw arrays
    stated = text(arrays, "md5")
    digests = [hashlib.md5(arrays[key].tobytes()).digest() for key in "zREF" if key in arrays]
    found = hashlib.md5(b"".join(digests)).hexdigest()
    if stated and stated != found:
        raise DataFileError(
            f"{file} states the md5 {stated} of its content, but it is {found}. The file is damaged; fetch it again."
        )
