"""Units that a file states, or its user."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from potbench.errors import DataFileError
from potbench.units import ENERGY_UNITS, LENGTH_UNITS

EnergyUnit = Literal["eV", "meV", "hartree", "kcal/mol", "kJ/mol"]
LengthUnit = Literal["Å", "bohr", "nm"]

WRITTEN_AS = {"Ang": "Å", "Angstrom": "Å", "angstrom": "Å", "a0": "bohr", "Bohr": "bohr", "Ha": "hartree"}
"""How files name a unit → how potbench does."""


def energy_unit(stated: str, given: str | None, file: Path) -> float:
    """One unit of energy of a file, in eV.

    Args:
        stated: what the file says, or nothing.
        given: what its user says, or None.
        file: for messages.

    Raises:
        DataFileError: neither says, they differ, or nobody knows the unit; the message lists those there are.
    """
    return _unit("energy_unit", stated, given, file, ENERGY_UNITS)


def length_unit(stated: str, given: str | None, file: Path) -> float:
    """One unit of length of a file, in Å; otherwise like `energy_unit`."""
    return _unit("length_unit", stated, given, file, LENGTH_UNITS)


def _unit(option: str, stated: str, given: str | None, file: Path, known: Mapping[str, float]) -> float:
    stated = WRITTEN_AS.get(stated, stated)
    what = option.replace("_", " ")
    change = f"expected one of {', '.join(known)}. Change data.init_args.dataset.init_args.{option}."
    if given is None and not stated:
        raise DataFileError(f"{file} does not say its {what}; {change}")
    if given is not None and stated and given != stated:
        raise DataFileError(f"{file} states the {what} {stated!r}, but {option} is {given!r}; {change}")
    unit = given or stated
    if unit not in known:
        raise DataFileError(f"{file} states the {what} {unit!r}, {change}")
    return known[unit]
