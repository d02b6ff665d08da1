"""Labels that structures bring along, and the errors of predictions against them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from potbench.structures import Frames

if TYPE_CHECKING:
    from ase import Atoms

LABEL = "reference_"
EARLIER = "earlier_"
"""Before the names of what would be a label, where a column has its name."""
COLUMNS = ("energy_spread", "forces_spread", "extrapolation", "new_composition")
"""What predictions say beside energies and forces."""


class Errors(NamedTuple):
    """Mean absolute errors of predictions.

    Attributes:
        energy: per molecule, in the unit of the labels; NaN where no structure has an energy.
        forces: per component; NaN where none has forces.
        num_energies: structures with an energy.
        num_forces: structures with forces.
        num_earlier: structures that have an energy or forces beside other ones in a column of labels.
    """

    energy: float
    forces: float
    num_energies: int
    num_forces: int
    num_earlier: int


def with_predictions(structures: Sequence[Atoms], predicted: Sequence[Frames]) -> list[Atoms]:
    """Return the same structures with predicted energies and forces, in the order of both.

    What the structures say of themselves stays as it is. Labels that a calculator made, as ASE calls it, become columns
    whose names begin with reference_, and so do columns that are named as those of predictions are. Where there is a
    column of that name, such as in a file of predictions, that is the label, and they become columns whose names begin
    with earlier_. Spreads of an ensemble become the columns energy_spread and forces_spread.

    Args:
        structures: as they were read.
        predicted: one frame each, with energies and forces.
    """
    from ase.calculators.singlepoint import SinglePointCalculator
    from ase.io.extxyz import per_atom_properties

    labelled = []
    for before, frames in zip(structures, predicted, strict=True):
        assert frames.forces is not None
        atoms = before.copy()
        atoms.set_constraint()
        set_apart(atoms, COLUMNS)
        for name, value in (before.calc.results if before.calc else {}).items():
            # a dipole of three atoms is as long as a column
            of_atoms = name in per_atom_properties and np.shape(value)[:1] == (len(atoms),)
            _set_apart(atoms.arrays if of_atoms else atoms.info, name, value)
        for name, values in (frames.columns or {}).items():
            (atoms.arrays if values.ndim > 1 else atoms.info)[name] = values[0]
        atoms.calc = SinglePointCalculator(atoms, energy=float(frames.energy[0]), forces=frames.forces[0])
        labelled.append(atoms)
    return labelled


def set_apart(atoms: Atoms, names: Iterable[str]) -> None:
    """Let the names of some columns begin with reference_, or with earlier_ where there is a column of that name."""
    for name in names:
        for columns in (atoms.info, atoms.arrays):
            if name in columns:
                _set_apart(columns, name, columns.pop(name))


def _set_apart(columns: dict[str, Any], name: str, value: Any) -> None:
    kept = LABEL + name
    if kept in columns and np.array_equal(columns[kept], value):
        return
    if kept in columns:
        kept = EARLIER + name
    while kept in columns:
        kept = EARLIER + kept
    columns[kept] = value


def errors(structures: Sequence[Atoms]) -> Errors:
    """Compare predictions with the labels beside them; see `with_predictions`. NaN is a label that is not known."""
    energy = [
        abs(atoms.calc.results["energy"] - atoms.info[LABEL + "energy"])
        for atoms in structures
        if isinstance(label := atoms.info.get(LABEL + "energy"), float | int | np.number) and not np.isnan(label)
    ]
    forces = [
        np.abs(atoms.calc.results["forces"] - atoms.arrays[LABEL + "forces"]).ravel()
        for atoms in structures
        if np.shape(label := atoms.arrays.get(LABEL + "forces")) == (len(atoms), 3) and not np.isnan(label).any()
    ]
    return Errors(
        float(np.mean(energy)) if energy else np.nan,
        float(np.concatenate(forces).mean()) if forces else np.nan,
        len(energy),
        len(forces),
        sum(_has_earlier(atoms.info, "energy") or _has_earlier(atoms.arrays, "forces") for atoms in structures),
    )


def _has_earlier(columns: Mapping[str, Any], name: str) -> bool:
    return LABEL + name in columns and EARLIER + name in columns
