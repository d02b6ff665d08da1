"""Energies and forces of given structures, such as those on which an ensemble disagrees."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from potbench.errors import GenerationError
from potbench.generation.recipe import Recipe
from potbench.whole_file import whole_file

if TYPE_CHECKING:
    from ase import Atoms


def label(
    structures: Sequence[Atoms], output: Path, recipe: Recipe, advance: Callable[[], None] = lambda: None
) -> None:
    """Compute structures as they are, and write an extended XYZ file that says its units and level of theory.

    What the structures say of themselves is taken along, but labels of earlier calculators.

    Args:
        structures: any molecules.
        output: the file to make; it appears whole or not at all.
        recipe: calculator and level of theory; nothing is drawn.
        advance: called after each structure.

    Raises:
        GenerationError: a structure cannot be computed.
    """
    from ase.calculators.calculator import CalculatorError
    from ase.calculators.singlepoint import SinglePointCalculator
    from ase.io import write

    labeled = []
    for number, structure in enumerate(structures):
        atoms = structure.copy()
        atoms.calc = recipe.make_calculator()
        try:
            # forces first: most calculators then have the energy too, in the other order they start anew
            forces = np.array(atoms.get_forces(apply_constraint=False), np.float64)
            energy = float(atoms.get_potential_energy())
            if not np.isfinite(energy) or not np.isfinite(forces).all():
                raise CalculatorError("energy or forces are NaN or infinite")
        except (CalculatorError, NotImplementedError) as error:
            raise GenerationError(
                f"{recipe.calculator} cannot compute structure {number}, {structure.get_chemical_formula()} "
                f"({type(error).__name__}: {error}). Expected energy and forces. Choose another calculator, or leave "
                "the structure out."
            ) from error
        atoms.calc = SinglePointCalculator(atoms, energy=energy, forces=forces)
        atoms.info |= {"energy_unit": "eV", "length_unit": "angstrom", "theory": recipe.theory}
        labeled.append(atoms)
        advance()
    with whole_file(output) as partial:
        write(partial, labeled, format="extxyz")
