"""Find the units of a file, which the file states or its user."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from potbench.errors import SettingError
from potbench.readers import spelling
from potbench.units import ENERGY_UNITS, LENGTH_UNITS

KNOWN = {
    "energy_unit": f"one of {', '.join(ENERGY_UNITS)}",
    "length_unit": f"one of {', '.join(LENGTH_UNITS)}",
    "forces_unit": f"one of {', '.join(ENERGY_UNITS)} per {' or '.join(LENGTH_UNITS)}, such as hartree/bohr",
}
"""Setting → the units that files may be in."""


def named(owner: object, setting: str, given: str | None) -> str | None:
    """Return potbench's name of a unit that the user states, in whatever spelling; None where there is none.

    Args:
        owner: whose setting it is.
        setting: energy_unit, length_unit or forces_unit.
        given: the unit.

    Raises:
        SettingError: the unit is unknown.
    """
    name = None if given is None else _names[setting](given)
    if given is not None and name is None:
        raise SettingError(owner, setting, given, KNOWN[setting])
    return name


def energy_unit(owner: object, given: str | None, stated: str, file: Path) -> float:
    """Return the unit of energy of a file, in eV.

    Args:
        owner: the dataset, whose argument energy_unit is `given`.
        given: unit that the user states, or None.
        stated: unit that the file states, or nothing.
        file: the file, for messages.

    Raises:
        SettingError: neither states a unit that is known, or they differ.
    """
    unit = _unit(owner, "energy_unit", given, stated, file)
    assert unit is not None
    return ENERGY_UNITS[unit]


def length_unit(owner: object, given: str | None, stated: str, file: Path) -> float:
    """Return the unit of length of a file, in Å; otherwise like `energy_unit`."""
    unit = _unit(owner, "length_unit", given, stated, file)
    assert unit is not None
    return LENGTH_UNITS[unit]


def forces_unit(owner: object, given: str | None, stated: str, file: Path, default: float) -> float:
    """Return the unit of force of a file, in eV/Å; otherwise like `energy_unit`.

    Args:
        owner: the dataset, whose argument forces_unit is `given`.
        given: unit that the user states, or None.
        stated: unit that the file states, or nothing.
        file: the file, for messages.
        default: unit of the energies per that of the positions, where neither states the unit of forces.
    """
    unit = _unit(owner, "forces_unit", given, stated, file)
    if unit is None:
        return default
    energy, _, length = unit.rpartition("/")
    return ENERGY_UNITS[energy] / LENGTH_UNITS[length]


def _force(text: str) -> str | None:
    found = spelling.force(text)
    return None if found is None else "/".join(found)


_names: dict[str, Callable[[str], str | None]] = {
    "energy_unit": spelling.energy,
    "length_unit": spelling.length,
    "forces_unit": _force,
}


def _unit(owner: object, setting: str, given: str | None, stated: str, file: Path) -> str | None:
    """Return the unit that the file or the user states; None where neither states that of the forces."""
    unit, of_file = named(owner, setting, given), _names[setting](stated)
    what = setting.replace("_", " ")
    if of_file and unit not in {None, of_file}:
        problem = f"{file} states the {what} {of_file!r}, not {given!r}"
        raise SettingError(owner, setting, given, "the unit of the file", problem)
    if of_file or unit:
        return of_file or unit
    if stated:
        problem = f"{file} states the {what} {stated!r}, which is not known"
        raise SettingError(owner, setting, given, f"{KNOWN[setting]}, which is then believed", problem)
    if setting == "forces_unit":
        return None
    raise SettingError(owner, setting, given, KNOWN[setting], f"{file} does not state its {what}")
