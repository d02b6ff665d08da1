"""Check structures and conformers before they may enter a store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from potbench.errors import DataFileError
from potbench.structures import SYMBOLS, Frames, IntArray

LIMITS = {"positions": (1e4, "Å"), "energy": (1e8, "eV"), "forces": (1e6, "eV/Å")}
"""No molecule exceeds these: larger numbers come from damaged bytes or other units."""
PRECISIONS = {4, 8}
"""Bytes of float32 and float64: fewer lose a label's digits, and more are not stored."""
NOTHING = {"f", "false", "no", "none", "0"}
"""Words for a cell that is none."""


def require_molecule(structure: Any, where: str) -> None:
    """Raise DataFileError for a periodic structure, or for atomic numbers of no element.

    Args:
        structure: with pbc and numbers, as ASE's Atoms and the rows of its databases have them.
        where: file and frame, for messages.
    """
    if structure.pbc.any():
        raise DataFileError(
            f"{where} is periodic, and these potentials are of molecules. Expected structures without periodic "
            "boundaries."
        )
    _require_elements(structure.numbers, where)


def require_no_cell(values: Mapping[str, Any], where: str) -> None:
    """Raise DataFileError for a lattice, cell or pbc under such a name, whatever its case: readers know one spelling.

    A value that is False, zero, no or none is none.

    Args:
        values: name → value, of a frame or a file.
        where: file and frame, for messages.
    """
    found = {name.lower().lstrip("_"): name for name in values if isinstance(name, str)}
    # what says that nothing is periodic makes a cell a mere box
    names = [found[name] for name in (("pbc",) if "pbc" in found else ("lattice", "cell")) if name in found]
    for name in names:
        # comments of words say cell as well
        is_word = values[name] is True and name.lower() != "pbc"
        if _is_something(values[name]) and not is_word:
            shown = " ".join(str(values[name]).split())[:60]
            raise DataFileError(
                f"{where} is periodic, by its {name} {shown}, and these potentials are of molecules. Expected "
                f"structures without periodic boundaries; remove {name} where they have none."
            )


def check_frames(frames: Frames, where: str, first: int = 0, places: Sequence[str] = ()) -> Frames:
    """Return the frames unchanged, or raise what is wrong with them.

    Args:
        frames: conformers of one molecule.
        where: file and group they came from, for messages.
        first: number of the first of them there.
        places: what they are called there, such as row 7, where it is not their number.

    Raises:
        DataFileError: shapes that do not fit together, NaN or infinity, or impossible values.
    """
    if frames.atomic_numbers.ndim != 1:
        raise DataFileError(f"{where}: atomic numbers have shape {frames.atomic_numbers.shape}, expected (atoms,).")
    num_frames, num_atoms = len(frames.energy), len(frames.atomic_numbers)
    if frames.time is not None and frames.time.shape != (num_frames,):
        raise DataFileError(f"{where}: times have shape {frames.time.shape}, expected {(num_frames,)}, (frames,).")
    for name, values in (frames.columns or {}).items():
        finite = np.isfinite(values) if values.dtype.kind == "f" else np.ones(1, dtype=bool)
        if not finite.all():
            frame = int(np.argmin(finite))
            place = places[frame] if places else f"frame {first + frame}"
            raise DataFileError(f"{where}: {name} of {place} is NaN or infinite. Expected finite numbers, or text.")
    shapes = {"positions": (num_frames, num_atoms, 3), "energy": (num_frames,), "forces": (num_frames, num_atoms, 3)}
    for name, expected in shapes.items():
        array = getattr(frames, name)
        if array is None:
            continue
        if array.shape != expected:
            axes = "(frames,)" if name == "energy" else "(frames, atoms, 3)"
            raise DataFileError(f"{where}: {name} has shape {array.shape}, expected {expected}, {axes}.")
        if array.dtype.kind != "f" or array.dtype.itemsize not in PRECISIONS:
            raise DataFileError(f"{where}: {name} holds {array.dtype}, expected float32 or float64.")
        finite = np.isfinite(array).all(axis=tuple(range(1, array.ndim)))
        if not finite.all():
            start, place = (places[i] if places else f"frame {first + i}" for i in (0, int(np.argmin(finite))))
            raise DataFileError(
                f"{where}: {name} of {place} is NaN or infinite ({int((~finite).sum())} of the {num_frames} frames "
                f"from {start} on). Expected finite numbers; remove those frames."
            )
        largest = np.abs(array).max(initial=0)
        limit, unit = LIMITS[name]
        if largest > limit:
            raise DataFileError(
                f"{where}: {name} reaches {largest:.2g} {unit}, expected no more than {limit:.0g} {unit}. "
                "The file is damaged, or in other units."
            )
    _require_elements(frames.atomic_numbers, where)
    return frames


def _is_something(value: object) -> bool:
    array = np.asarray(value)
    if array.dtype.kind in "biufc":
        return bool(array.any())
    return not NOTHING.issuperset(" ".join(map(str, array.ravel())).lower().split())


def _require_elements(atomic_numbers: IntArray, where: str) -> None:
    if not len(atomic_numbers) or atomic_numbers.min() < 1 or atomic_numbers.max() >= len(SYMBOLS):
        raise DataFileError(f"{where}: atomic numbers {atomic_numbers.tolist()}, expected 1 to {len(SYMBOLS) - 1}.")
