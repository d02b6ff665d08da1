"""Units that structures state of themselves, and the same structures in eV and Å."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from potbench.errors import DataFileError
from potbench.inference.labels import LABEL
from potbench.readers import spelling
from potbench.readers.labels import real, single
from potbench.readers.stated import Stated, stated_in
from potbench.units import ENERGY_UNITS, LENGTH_UNITS

if TYPE_CHECKING:
    from ase import Atoms

ENERGIES = ("energy", "free_energy", "energies")
OF_MOLECULES = ENERGIES[:2]
FORCES = "forces"
UNITS = ("energy_unit", "length_unit", "forces_unit")
ORIGINAL = "original_"
"""Before the name of a unit that was stated: of values that are left as they were."""


class Factors(NamedTuple):
    """What positions and labels are multiplied with.

    Attributes:
        energy: unit of the energies, in eV.
        length: unit of the positions, in Å.
        force: unit of the forces, in eV/Å.
    """

    energy: float
    length: float
    force: float


def convert(structures: Sequence[Atoms], file: Path, metadata: Mapping[str, object]) -> None:
    """Convert positions and labels to eV and Å, which they are in where no unit is stated.

    Names under which another unit was stated then begin with original_: it is that of all other values.

    Args:
        structures: of a file; they are changed.
        file: the file, for messages.
        metadata: what it says of all of them.

    Raises:
        DataFileError: a label is no real number, or infinite, or a unit is not known, stated twice or of some
            structures alone.
    """
    found = [
        stated_in(metadata, _facts(atoms), file=f"{file}: structure {number}")
        for number, atoms in enumerate(structures)
    ]
    factors = [_factors(stated, f"{file}: structure {number}") for number, stated in enumerate(found)]
    if any(factor != Factors(1.0, 1.0, 1.0) for factor in factors):
        _require_all_or_none(found, file)
    for number, (atoms, factor) in enumerate(zip(structures, factors, strict=True)):
        results = atoms.calc.results if atoms.calc else {}
        for labels, before in ((results, ""), (atoms.info, LABEL), (atoms.arrays, LABEL)):
            for name, unit in [*((name, factor.energy) for name in ENERGIES), (FORCES, factor.force)]:
                if labels.get(before + name) is not None:
                    read = single if name in OF_MOLECULES and labels is not atoms.arrays else real
                    where = f"{file}: structure {number}"
                    values = read(labels[before + name], before + name, where)
                    if np.isinf(values).any():
                        infinite = f"{where}: {before + name} is infinite"
                        raise DataFileError(f"{infinite}. Expected numbers; NaN is one that is not known.")
                    labels[before + name] = values * unit
        if factor.length != 1:
            atoms.set_cell(atoms.cell * factor.length)
            atoms.positions *= factor.length
        if factor != Factors(1.0, 1.0, 1.0):
            stating = [name for name, value in _facts(atoms).items() if any(stated_in({name: value})[: len(UNITS)])]
            for name in stating:
                atoms.info[ORIGINAL + name] = atoms.info.pop(name)
            if atoms.calc:
                atoms.calc.atoms = atoms.copy()  # for which its labels are


def is_converted(atoms: Atoms) -> bool:
    """Return whether a structure was in other units; see `convert`."""
    return any(
        any(stated_in({name.removeprefix(ORIGINAL): value})[: len(UNITS)])
        for name, value in _facts(atoms).items()
        if name.startswith(ORIGINAL)
    )


def _facts(atoms: Atoms) -> dict[str, object]:
    return {name: value for name, value in atoms.info.items() if isinstance(name, str)}


def _factors(stated: Stated, where: str) -> Factors:
    def factor(kind: str, written: str, known: Callable[[str], str | None], units: Mapping[str, float]) -> float:
        name = known(written)
        if written and name is None:
            raise DataFileError(
                f"{where} states the {kind} unit {written!r}, which is not known. Expected one of {', '.join(units)}; "
                "correct it, or remove it where they are in eV and Å."
            )
        return 1.0 if name is None else units[name]

    energy = factor("energy", stated.energy_unit, spelling.energy, ENERGY_UNITS)
    length = factor("length", stated.length_unit, spelling.length, LENGTH_UNITS)
    forces = {f"{one}/{per}": value / of for one, value in ENERGY_UNITS.items() for per, of in LENGTH_UNITS.items()}
    known = factor("forces", stated.forces_unit, lambda text: "/".join(spelling.force(text) or ()) or None, forces)
    return Factors(energy, length, known if stated.forces_unit else energy / length)


def _require_all_or_none(found: Sequence[Stated], file: Path) -> None:
    for unit in UNITS:
        lacking = [number for number, stated in enumerate(found) if not getattr(stated, unit)]
        if 0 < len(lacking) < len(found):
            raise DataFileError(
                f"{file} states the {unit.replace('_', ' ')} of some structures, but not of structure {lacking[0]}. "
                "Expected it of each, or of none."
            )
