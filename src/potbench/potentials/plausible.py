"""Structures of which nothing sensible can be predicted, and predictions that are not sensible."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np

from potbench.errors import UnknownMoleculeError
from potbench.structures import SYMBOLS, BoolArray, FloatArray, IntArray

SAME_PLACE = 0.05


class Structure(Protocol):
    """A molecule, such as ASE's Atoms.

    Attributes:
        numbers: shape (atoms,), atomic numbers.
        positions: shape (atoms, 3), in Å.
        pbc: shape (3,), along which axes it is periodic.
    """

    numbers: IntArray
    positions: FloatArray

    @property
    def pbc(self) -> BoolArray:
        """Return along which axes it is periodic."""

    def __len__(self) -> int:
        """Return the number of atoms."""


class Problem(NamedTuple):
    """Why nothing sensible can be predicted.

    Attributes:
        what: what is wrong, as the end of a sentence.
        expected: what was expected, as the end of a sentence.
    """

    what: str
    expected: str


def problem_of(structure: Structure) -> Problem | None:
    """Return what is wrong: a periodic structure, positions that are not finite, or two atoms in one place."""
    numbers, positions = structure.numbers, structure.positions
    if structure.pbc.any():
        return Problem("is periodic, and these potentials are of molecules", "structures without periodic boundaries")
    if not len(numbers) or numbers.min() < 1 or numbers.max() >= len(SYMBOLS):
        found = sorted(set(numbers.tolist()))
        return Problem(f"has no atoms, or atoms of no element: {found}", "chemical elements")
    finite = np.isfinite(positions)
    if not finite.all():
        broken = np.flatnonzero(~finite.all(axis=1))
        return Problem(f"has positions that are NaN or infinite, of {named(numbers, broken)}", "finite positions in Å")
    pair = _in_one_place(positions)
    if pair is None:
        return None
    distance = float(np.linalg.norm(positions[pair[0]] - positions[pair[1]]))
    return Problem(
        f"has {named(numbers, pair)} in one place, {distance:.2g} Å apart",
        f"at least {SAME_PLACE} Å between atoms",
    )


def require_plausible(structure: Structure, name: str) -> None:
    """Raise UnknownMoleculeError for a structure of which nothing sensible can be predicted; see `problem_of`."""
    problem = problem_of(structure)
    if problem:
        raise UnknownMoleculeError(
            f"{name} {problem.what}. Expected {problem.expected}. Choose another structure, or repair this one."
        )


def require_finite(name: str, atomic_numbers: IntArray, energy: FloatArray, forces: FloatArray | None) -> None:
    """Raise UnknownMoleculeError unless what was predicted is finite.

    Args:
        name: of the structure, for the message.
        atomic_numbers: shape (atoms,).
        energy: of any shape.
        forces: shape (…, atoms, 3); None where there are none.
    """
    if np.isfinite(energy).all() and (forces is None or np.isfinite(forces).all()):
        return
    of_atoms = np.zeros((1, len(atomic_numbers), 3)) if forces is None else forces.reshape(-1, len(atomic_numbers), 3)
    broken = np.flatnonzero(~np.isfinite(of_atoms).all(axis=(0, 2)))
    atoms = f"forces on {named(atomic_numbers, broken)}" if len(broken) else "energy"
    raise UnknownMoleculeError(
        f"{name}: the predicted {atoms} are NaN or infinite. Expected finite numbers: the structure is far from all "
        "that was trained on, or the training had diverged. Choose other structures, or another checkpoint."
    )


def named(atomic_numbers: IntArray, some: IntArray) -> str:
    """Return some atoms by their number, counted from 0, and element."""
    more = " …" if len(some) > 5 else ""
    return f"atoms {', '.join(f'{atom} ({SYMBOLS[atomic_numbers[atom]]})' for atom in some[:5].tolist())}{more}"


def _in_one_place(positions: FloatArray) -> IntArray | None:
    from scipy.spatial import cKDTree

    pairs = cKDTree(positions).query_pairs(SAME_PLACE, output_type="ndarray")
    return pairs[np.lexsort(pairs.T[::-1])[0]] if len(pairs) else None
