"""Frames, as datasets read them, and chemical symbols; numpy alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from ase.data import chemical_symbols

FloatArray = npt.NDArray[np.floating]
IntArray = npt.NDArray[np.integer]
BoolArray = npt.NDArray[np.bool_]
Column = npt.NDArray[Any]

SYMBOLS: list[str] = chemical_symbols
"""Chemical symbols; the index of each is its atomic number."""
MOST_ATOMS = 4096
MOST_PAIRS = 2**20
"""In a part of some frames, so that it fits into memory."""


class Frames(NamedTuple):
    """Conformers of one molecule, as a dataset reads them: the atoms are the same, in the same order, in each.

    Attributes:
        molecule: name of the molecule, unique within a dataset; splits by molecule go by it.
        atomic_numbers: shape (atoms,), integer.
        positions: shape (frames, atoms, 3), in Å, floating dtype of the file.
        energy: shape (frames,), total energy in eV, float64.
        forces: shape (frames, atoms, 3), in eV/Å, or None where the dataset has none.
        smiles: SMILES of the molecule, or None where the dataset does not say.
        time: shape (frames,), integer, place of each frame in its trajectory, or None where there is none.
        columns: name → further values of the frames, shape (frames,), numbers or text; None where there are none.
        energy_known: shape (frames,), which energies are labels; None where all are. The others are 0.
        forces_known: shape (frames,), which frames have forces as labels; None where all have.
    """

    molecule: str
    atomic_numbers: IntArray
    positions: FloatArray
    energy: FloatArray
    forces: FloatArray | None = None
    smiles: str | None = None
    time: IntArray | None = None
    columns: Mapping[str, Column] | None = None
    energy_known: BoolArray | None = None
    forces_known: BoolArray | None = None


def formula_of(atomic_numbers: IntArray) -> str:
    """Return the formula of a molecule by the order of Hill: C, H, then others by their symbols."""
    symbols = [SYMBOLS[number] if 0 <= number < len(SYMBOLS) else "?" for number in np.ravel(atomic_numbers)]
    first = ["C", "H"] if "C" in symbols else []
    counted = {symbol: symbols.count(symbol) for symbol in (*first, *sorted(set(symbols) - set(first)))}
    return "".join(f"{symbol}{count if count > 1 else ''}" for symbol, count in counted.items() if count)


def bounded_parts(atoms_per_frame: IntArray, most_frames: int | None = None) -> Iterator[slice]:
    """Yield slices of consecutive frames, bounded in atoms, in pairs of atoms within a frame, and in frames.

    A frame that exceeds a bound alone is a part of its own.

    Args:
        atoms_per_frame: shape (frames,).
        most_frames: frames in a part; None for no such bound.
    """
    start = atoms = pairs = 0
    for frame, count in enumerate(atoms_per_frame.tolist()):
        of_frame = count * (count - 1) // 2
        full = atoms + count > MOST_ATOMS or pairs + of_frame > MOST_PAIRS or frame - start == most_frames
        if full and frame > start:
            yield slice(start, frame)
            start, atoms, pairs = frame, 0, 0
        atoms += count
        pairs += of_frame
    if len(atoms_per_frame):
        yield slice(start, len(atoms_per_frame))
