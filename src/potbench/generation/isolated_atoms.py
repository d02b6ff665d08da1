"""Compute the energies of free atoms."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from potbench.generation.recipe import Recipe
from potbench.structures import SYMBOLS
from potbench.whole_file import write_text


def isolated_atom_energies(elements: Iterable[int], recipe: Recipe, path: Path) -> dict[str, float | None]:
    """Return the energy of each free atom in its spin ground state, in eV; None where it cannot be computed.

    Args:
        elements: atomic numbers.
        recipe: the calculator.
        path: file of those computed before, which is completed.
    """
    from ase import Atoms
    from ase.data import ground_state_magnetic_moments

    known: dict[str, float | None] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    for number in elements:
        if SYMBOLS[number] in known:
            continue
        atom = Atoms([number], magmoms=[ground_state_magnetic_moments[number]])
        atom.calc = recipe.make_calculator()
        try:
            known[SYMBOLS[number]] = float(atom.get_potential_energy())
        except Exception:  # each calculator has its own error for what it cannot compute
            known[SYMBOLS[number]] = None
    write_text(path, json.dumps(known))
    return {SYMBOLS[number]: known[SYMBOLS[number]] for number in elements}
