"""Structures of which nothing sensible can be predicted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from potbench.errors import DataFileError
from potbench.structures import SYMBOLS, IntArray

if TYPE_CHECKING:
    from ase import Atoms

SAME_PLACE = 0.05


def require_plausible(atoms: Atoms, where: str) -> None:
    """Raise DataFileError for a periodic structure, positions that are not finite, and two atoms in one place.

    Args:
        atoms: the structure.
        where: file and structure, for messages.
    """
    change = "Choose another file."
    if atoms.pbc.any():
        raise DataFileError(
            f"{where} is periodic, and these potentials are of molecules. "
            f"Expected structures without periodic boundaries. {change}"
        )
    if not len(atoms) or atoms.numbers.min() < 1 or atoms.numbers.max() >= len(SYMBOLS):
        raise DataFileError(
            f"{where} has no atoms, or atoms of no element: {sorted(set(atoms.numbers.tolist()))}. "
            f"Expected chemical elements. {change}"
        )
    broken = np.flatnonzero(~np.isfinite(atoms.positions).all(axis=1))
    if len(broken):
        raise DataFileError(
            f"{where} has positions that are NaN or infinite, of {named(atoms.numbers, broken)}. "
            f"Expected finite positions in Å. {change}"
        )
    pair = _in_one_place(atoms)
    if pair is not None:
        distance = float(np.linalg.norm(atoms.positions[pair[0]] - atoms.positions[pair[1]]))
        raise DataFileError(
            f"{where} has {named(atoms.numbers, pair)} in one place, {distance:.2g} Å apart. "
            f"Expected at least {SAME_PLACE} Å between atoms. {change}"
        )


def named(atomic_numbers: IntArray, some: IntArray) -> str:
    """Return some atoms by their number, counted from 0, and element."""
    more = " …" if len(some) > 5 else ""
    return f"atoms {', '.join(f'{atom} ({SYMBOLS[atomic_numbers[atom]]})' for atom in some[:5].tolist())}{more}"


def _in_one_place(atoms: Atoms) -> IntArray | None:
    from scipy.spatial import cKDTree

    pairs = cKDTree(atoms.positions).query_pairs(SAME_PLACE, output_type="ndarray")
    return pairs[np.lexsort(pairs.T[::-1])[0]] if len(pairs) else None
