"""Find the molecules to generate conformers of."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from potbench.errors import DataFileError, SettingError

if TYPE_CHECKING:
    from ase import Atoms


def find_molecules(molecules: Sequence[str]) -> dict[str, Atoms]:
    """Return name → first geometry.

    Args:
        molecules: names in ASE's g2 collection, or paths of structure files.

    Raises:
        SettingError: a name is neither, is that of a single atom, or occurs twice.
        DataFileError: a file cannot be read.
    """
    found: dict[str, Atoms] = {}
    for given in molecules:
        path = Path(given)
        name = path.stem if path.is_file() else given
        atoms = _read(path) if path.is_file() else _from_g2(given)
        if name in found:
            raise SettingError(
                find_molecules, "molecules", given, "each name once", f"Two molecules are named {name!r}"
            )
        if len(atoms) < 2:
            problem = f"{name} is a single atom, which has no conformers"
            expected = "molecules; energies of free atoms are computed in any case"
            raise SettingError(find_molecules, "molecules", given, expected, problem)
        found[name] = atoms
    return found


def _read(path: Path) -> Atoms:
    import ase.io

    try:
        return ase.io.read(path)
    except Exception as error:  # each of ASE's readers fails in its own way
        raise DataFileError(
            f"{path} cannot be read as a structure ({type(error).__name__}: {error}). Expected a file that ASE reads, "
            "such as .xyz; convert it, or correct the path."
        ) from error


def _from_g2(name: str) -> Atoms:
    from ase.collections import g2

    if not g2.has(name):
        near = " or ".join(get_close_matches(name, g2.names, 3, 0.5)) or "CH3OH"
        expected = f"a name such as {near}, or the path of a structure file"
        problem = f"{name!r} is no molecule of ASE's g2 collection and no file"
        raise SettingError(find_molecules, "molecules", name, expected, problem)
    return g2[name]
