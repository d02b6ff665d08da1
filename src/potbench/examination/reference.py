"""Calculators at the level of theory of a dataset, where one is at hand."""

from __future__ import annotations

import importlib.util
from typing import Any

from ase.calculators.calculator import Calculator

from potbench.generation.recipe import PYSCF, Recipe

GFN2 = ("tblite.ase.TBLite", {"method": "GFN2-xTB"})
CALCULATORS: dict[str, tuple[str, dict[str, Any]]] = {
    "GFN2-xTB": GFN2,
    'tblite.ase.TBLite {"method": "GFN2-xTB"}': GFN2,  # of generated data that does not say more
    "ωB97X/6-31G(d)": (PYSCF, {}),
    "ωB97X/6-31G(d), Cartesian d functions, density fitting": (PYSCF, {}),
    "PBE/def2-SVP": (PYSCF, {"xc": "PBE", "basis": "def2-svp", "cartesian": False}),
}
"""Level of theory, as datasets write it → class path of the calculator, and its arguments."""


NOT_KNOWN = {"", "not stated"}
"""What is written where it is not known."""
MOST_ATOMS = 9
"""For which density functional theory is a reference: vibrations of ethanol take eight minutes."""


def reference_for(theory: str, num_atoms: int, patient: bool) -> Calculator | str:
    """Return a calculator at a level of theory, or why there is none, a sentence.

    Args:
        theory: as a dataset writes it; one of NOT_KNOWN where it is not known.
        num_atoms: of the molecule.
        patient: whether minutes may be spent, as density functional theory takes.
    """
    if theory not in CALCULATORS:
        said = "as the level of theory is not known" if theory in NOT_KNOWN else f"for {theory}"
        return f"There is no reference, {said}."
    path, arguments = CALCULATORS[theory]
    package = "pyscf" if path == PYSCF else path.partition(".")[0]
    if importlib.util.find_spec(package) is None:
        return f"There is no reference, as {package}, which computes {theory}, is not installed."
    if path == PYSCF and not patient:
        return f"{theory} as a reference takes minutes; it is computed in the mode standard alone."
    if path == PYSCF and num_atoms > MOST_ATOMS:
        return f"{theory} as a reference takes too long for more than {MOST_ATOMS} atoms."
    return Recipe(path, arguments, theory, temperature=1.0, seed=0).make_calculator()
