"""Structures brought to a minimum of their energy."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.optimize import BFGS

from potbench.errors import UnknownMoleculeError, require_positive
from potbench.inference.calculator import Calculator
from potbench.potentials.potential import Potential


class Relaxed(NamedTuple):
    """What became of a structure.

    Attributes:
        atoms: where the search ended, with energy and forces.
        steps: of the search.
        before: energy at the start in eV.
        after: energy at the end in eV.
        largest_force: on any atom at the end, in eV/Å.
        converged: whether that is small enough.
        extrapolated: whether atoms at the end are outside of the training set; None where it is not known.
    """

    atoms: Atoms
    steps: int
    before: float
    after: float
    largest_force: float
    converged: bool
    extrapolated: bool | None


def relax(potential: Potential, structures: Sequence[Atoms], fmax: float = 0.01, steps: int = 500) -> Iterator[Relaxed]:
    """Search a minimum from each structure, by BFGS; yield them one by one, in their order.

    Args:
        potential: in evaluation mode.
        structures: left as they are; what they say of themselves is taken along, but constraints.
        fmax: largest force on an atom, in eV/Å, at which a search ends.
        steps: after which a search ends in any case.

    Raises:
        UnknownMoleculeError: nothing sensible can be predicted of a structure, or of where the search has led.
    """
    require_positive(relax, fmax=fmax, steps=steps)
    calculator = Calculator(potential)
    for structure in structures:
        atoms = structure.copy()
        atoms.set_constraint()
        atoms.calc = calculator
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of atoms outside of the training set on the way; what counts is the end
            before = atoms.get_potential_energy()
            search = BFGS(atoms, logfile=None)
            try:
                converged = bool(search.run(fmax=fmax, steps=steps))
            except np.linalg.LinAlgError as error:  # BFGS has no step where forces are too large to be multiplied
                raise UnknownMoleculeError(
                    f"{atoms.get_chemical_formula()} collapses while it is relaxed: forces grow without bound after "
                    f"{search.nsteps} steps. Expected a structure nearer to those of the training set; or add the "
                    "repulsion of nuclei, which keeps atoms apart."
                ) from error
        forces, energy = atoms.get_forces(), atoms.get_potential_energy()
        atoms.calc = SinglePointCalculator(atoms, energy=energy, forces=forces)
        trained_on = potential.trained_on
        far = None if trained_on is None else potential.predict(atoms).extrapolation
        largest = float(np.linalg.norm(forces, axis=1).max())
        outside = None if far is None else bool((far > 1).any())
        yield Relaxed(atoms, search.nsteps, before, energy, largest, converged, outside)
