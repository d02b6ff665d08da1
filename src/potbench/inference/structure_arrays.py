"""Structures, their predictions and columns as the arrays of an .npz file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from potbench.inference.labels import set_apart

if TYPE_CHECKING:
    from ase import Atoms

Array: TypeAlias = np.ndarray[Any, Any]


def arrays_of(structures: Sequence[Atoms]) -> tuple[dict[str, Array], list[str]]:
    """Return the arrays, and the names of columns that make none.

    Columns of atoms are as long as all atoms together, others as the structures; numbers that some structures lack are
    NaN there, and texts are empty. Columns that are named as the other arrays are become columns whose names begin with
    reference_.

    Args:
        structures: with a calculator that has energies in eV and forces in eV/Å; their columns are renamed.
    """
    arrays: dict[str, Array] = {
        "atomic_numbers": np.concatenate([atoms.numbers for atoms in structures]),
        "positions": np.concatenate([atoms.positions for atoms in structures]),
        "atoms_per_molecule": np.array([len(atoms) for atoms in structures]),
        "energy": np.array([atoms.calc.results["energy"] for atoms in structures]),
        "forces": np.concatenate([atoms.calc.results["forces"] for atoms in structures]),
        "units": np.array(["positions Å", "energy eV", "forces eV/Å"]),
    }
    left_out = []
    for atoms in structures:
        own = {name: atoms.arrays.pop(name) for name in ("numbers", "positions")}
        set_apart(atoms, arrays)
        atoms.arrays.update(own)
    for name in _names(atoms.arrays for atoms in structures):
        if name in {"numbers", "positions"}:
            continue
        of_atoms = [atoms.arrays.get(name) for atoms in structures]
        lengths = [len(atoms) for atoms in structures]
        if (found := _filled(of_atoms, [(length,) for length in lengths])) is None:
            left_out.append(name)
        else:
            arrays[name] = np.concatenate(found)
    for name in _names(atoms.info for atoms in structures):
        values = [np.asarray(atoms.info[name]) if name in atoms.info else None for atoms in structures]
        if name in arrays or (found := _filled(values, [()] * len(values))) is None:
            left_out.append(name)
        else:
            arrays[name] = np.array(found)
    return arrays, left_out


def _names(columns: Iterable[dict[str, Any]]) -> list[str]:
    """Return the names of the columns of any structure, in the order in which they come."""
    return list(dict.fromkeys(name for each in columns for name in each))


def _filled(values: Sequence[Array | None], lengths: Sequence[tuple[int, ...]]) -> list[Array] | None:
    """Return values with NaN or empty texts in the place of None; None where they make no array.

    Args:
        values: of each structure.
        lengths: of each, what its shape begins with.
    """
    known = [value for value in values if value is not None]
    shapes = {value.shape[len(length) :] for value, length in zip(values, lengths, strict=True) if value is not None}
    kinds = {"U" if value.dtype.kind == "U" else value.dtype.kind in "biuf" for value in known}
    if len(shapes) > 1 or kinds not in ({"U"}, {True}):
        return None
    (shape,) = shapes
    missing = "" if kinds == {"U"} else np.nan
    return [
        np.full(length + shape, missing) if value is None else value
        for value, length in zip(values, lengths, strict=True)
    ]
