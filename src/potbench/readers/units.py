"""Find the units of a file, which the file states or its user."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from potbench.errors import DataFileError, SettingError
from potbench.units import ENERGY_UNITS, LENGTH_UNITS

EnergyUnit = Literal["eV", "meV", "hartree", "kcal/mol", "kJ/mol"]
LengthUnit = Literal["Å", "bohr", "nm"]

WRITTEN_AS = {"Ang": "Å", "Angstrom": "Å", "angstrom": "Å", "a0": "bohr", "Bohr": "bohr", "Ha": "hartree"}
"""Name of a unit in files → its name in potbench."""


def energy_unit(owner: object, given: str | None, stated: str, file: Path) -> float:
    """Return the unit of energy of a file, in eV.

    Args:
        owner: the dataset, whose argument energy_unit is `given`.
        given: unit that the user states, or None.
        stated: unit that the file states, or nothing.
        file: the file, for messages.

    Raises:
        SettingError: neither states a unit, they differ, or the given one is unknown.
        DataFileError: the unit that the file states is unknown.
    """
    return _unit(owner, "energy_unit", given, stated, file, ENERGY_UNITS)


def length_unit(owner: object, given: str | None, stated: str, file: Path) -> float:
    """Return the unit of length of a file, in Å; otherwise like `energy_unit`."""
    return _unit(owner, "length_unit", given, stated, file, LENGTH_UNITS)


def _unit(owner: object, setting: str, given: str | None, stated: str, file: Path, known: Mapping[str, float]) -> float:
    stated = WRITTEN_AS.get(stated, stated)
    what, expected = setting.replace("_", " "), f"one of {', '.join(known)}"
    if stated and stated not in known:
        raise DataFileError(f"{file} states the {what} {stated!r}. Expected {expected}; convert the file.")
    if stated and given not in {None, stated}:
        raise SettingError(
            owner, setting, given, "the unit of the file", f"{file} states the {what} {stated!r}, not {given!r}"
        )
    if not stated and given is None:
        raise SettingError(owner, setting, given, expected, f"{file} does not state its {what}")
    unit = stated or str(given)
    if unit not in known:
        raise SettingError(owner, setting, given, expected)
    return known[unit]
