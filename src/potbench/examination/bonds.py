"""Bonds of a molecule, and geometries along and around them; all positions are in Å."""

from __future__ import annotations

import numpy as np
from ase.data import covalent_radii

from potbench.inference.stability import BONDED, STRETCHED
from potbench.structures import SYMBOLS, BoolArray, FloatArray, IntArray

ON_THE_AXIS = 0.1
"""Å from the axis of a bond, below which an atom does not move when its side is rotated."""


def bonds_of(atomic_numbers: IntArray, positions: FloatArray) -> IntArray:
    """Return pairs of atoms nearer than 1.3 times the sum of their covalent radii: shape (bonds, 2), ascending.

    Args:
        atomic_numbers: shape (atoms,).
        positions: shape (atoms, 3).
    """
    radii = covalent_radii[atomic_numbers]
    distances = np.linalg.norm(positions[:, None] - positions, axis=2)
    near = distances < BONDED * (radii[:, None] + radii)
    return np.argwhere(np.triu(near, 1))


def bond_changes(atomic_numbers: IntArray, before: FloatArray, after: FloatArray) -> str:
    """Return which bonds are gone, and which are new, for readers; empty for none.

    Their lengths have changed by more than half an Å, as those of molecules that have come apart.

    Args:
        atomic_numbers: shape (atoms,).
        before: shape (atoms, 3).
        after: shape (atoms, 3).
    """

    def has_changed(bond: IntArray) -> bool:
        first, second = (float(np.linalg.norm(each[bond[0]] - each[bond[1]])) for each in (before, after))
        return abs(first - second) > STRETCHED

    there, now = (bonds_of(atomic_numbers, each).tolist() for each in (before, after))
    changes = [(np.array(bond), "gone") for bond in there if bond not in now]
    changes += [(np.array(bond), "new") for bond in now if bond not in there]
    return ", ".join(f"{named_bond(atomic_numbers, bond)} is {what}" for bond, what in changes if has_changed(bond))


def sides_of(bonds: IntArray, bond: IntArray, num_atoms: int) -> tuple[BoolArray, BoolArray] | None:
    """Return the atoms that hang on the first and on the second atom of a bond; None where it is in a ring.

    Args:
        bonds: shape (bonds, 2).
        bond: shape (2,), one of them.
        num_atoms: atoms of the molecule.

    Returns:
        Two arrays of shape (atoms,), the atoms of the bond among them.
    """
    others = bonds[(bonds != bond).any(axis=1)]
    first, second = (_reached(others, atom, num_atoms) for atom in bond)
    return None if first[bond[1]] else (first, second)


def is_rotatable(positions: FloatArray, bond: IntArray, sides: tuple[BoolArray, BoolArray] | None) -> bool:
    """Return whether a bond is in no ring, and has atoms off its axis on both sides.

    Args:
        positions: shape (atoms, 3).
        bond: shape (2,).
        sides: as of `sides_of`.
    """
    if sides is None:
        return False
    arms = positions - positions[bond[0]]
    axis = _unit(arms[bond[1]])
    off = np.linalg.norm(arms - np.outer(arms @ axis, axis), axis=1) > ON_THE_AXIS
    return all(bool((off & side).any()) for side in sides)


def stretched(
    positions: FloatArray, bond: IntArray, side: BoolArray | None, lengths: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return a molecule with other lengths of a bond, and how its atoms move with the length.

    The second side moves rigidly along the bond. In a ring, the two atoms alone move, each by one half.

    Args:
        positions: shape (atoms, 3).
        bond: shape (2,).
        side: shape (atoms,), of its second atom; None in a ring.
        lengths: shape (points,).

    Returns:
        Positions, and their derivatives with respect to the length, both of shape (points, atoms, 3).
    """
    vector = positions[bond[1]] - positions[bond[0]]
    share = np.zeros(len(positions))
    if side is None:
        share[bond] = [-0.5, 0.5]
    else:
        share[side] = 1
    motion = np.outer(share, _unit(vector))
    change = lengths - np.linalg.norm(vector)
    return positions + change[:, None, None] * motion, np.broadcast_to(motion, (len(lengths), *motion.shape))


def rotated(
    positions: FloatArray, bond: IntArray, side: BoolArray, angles: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return a molecule with its second side rotated around a bond, and how its atoms move with the angle.

    x(φ) = c + cos φ a⊥ + sin φ (u × a⊥),   ∂x/∂φ = −sin φ a⊥ + cos φ (u × a⊥)

    of arms a from the axis u, whose foot is c.

    Args:
        positions: shape (atoms, 3).
        bond: shape (2,).
        side: shape (atoms,), of its second atom.
        angles: shape (points,), in radians.

    Returns:
        Positions, and their derivatives with respect to the angle, both of shape (points, atoms, 3).
    """
    arms = positions - positions[bond[0]]
    axis = _unit(arms[bond[1]])
    across = np.where(side[:, None], arms - np.outer(arms @ axis, axis), 0.0)
    ahead = np.cross(axis, across)
    cosine, sine = np.cos(angles)[:, None, None], np.sin(angles)[:, None, None]
    return positions - across + cosine * across + sine * ahead, cosine * ahead - sine * across


def named_bond(atomic_numbers: IntArray, bond: IntArray) -> str:
    """Return a bond by its elements and atoms, counted from 0: C–O (0, 2)."""
    first, second = bond.tolist()
    return f"{SYMBOLS[atomic_numbers[first]]}–{SYMBOLS[atomic_numbers[second]]} ({first}, {second})"


def _reached(bonds: IntArray, atom: int, num_atoms: int) -> BoolArray:
    """Return the atoms, shape (atoms,), to which bonds lead from an atom, itself among them."""
    reached = np.zeros(num_atoms, dtype=bool)
    reached[atom] = True
    while True:
        further = bonds[reached[bonds].any(axis=1)]
        if reached[further].all():
            return reached
        reached[further] = True


def _unit(vector: FloatArray) -> FloatArray:
    unit: FloatArray = vector / np.linalg.norm(vector)
    return unit
