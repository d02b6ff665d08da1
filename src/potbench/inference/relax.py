"""Structures brought to a minimum of their energy."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.constraints import FixAtoms, FixCartesian
from ase.optimize import BFGS

from potbench.errors import UnknownMoleculeError, require_positive
from potbench.inference.calculator import Calculator
from potbench.potentials.molecules import batch_of
from potbench.potentials.plausible import require_plausible
from potbench.potentials.potential import Potential


class Relaxed(NamedTuple):
    """What became of a structure.

    Attributes:
        atoms: where the search ended, with energy and forces.
        steps: of the search.
        before: energy at the start in eV.
        after: energy at the end in eV.
        largest_force: on any atom that may move, at the end, in eV/Å.
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


class Collapsed(NamedTuple):
    """A structure from which a search leads to where nothing can be predicted.

    Attributes:
        atoms: as it was given.
        reason: what happened, in sentences.
    """

    atoms: Atoms
    reason: str


def relax(
    potential: Potential, structures: Sequence[Atoms], fmax: float = 0.01, steps: int = 500
) -> Iterator[Relaxed | Collapsed]:
    """Search a minimum from each structure, by BFGS; yield them one by one, in their order.

    Args:
        potential: in evaluation mode.
        structures: left as they are; what they say of themselves is taken along, and atoms that are fixed stay fixed.
        fmax: largest force on an atom that may move, in eV/Å, at which a search ends.
        steps: after which a search ends in any case.

    Raises:
        UnknownMoleculeError: nothing sensible can be predicted of a structure, or it has constraints other than fixed
            atoms; found before anything is relaxed.
    """
    require_positive(relax, fmax=fmax, steps=steps)
    for number, structure in enumerate(structures):
        _require_possible(potential, structure, number)
    calculator = Calculator(potential)
    for structure in structures:
        atoms = structure.copy()
        atoms.calc = calculator
        search = BFGS(atoms, logfile=None)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of atoms outside of the training set on the way; the end counts
                before = atoms.get_potential_energy()
                converged = bool(search.run(fmax=fmax, steps=steps))
                energy, forces = atoms.get_potential_energy(), atoms.get_forces(apply_constraint=False)
        except (UnknownMoleculeError, np.linalg.LinAlgError) as error:
            # BFGS has no step where forces are too large to be multiplied
            unbound = isinstance(error, np.linalg.LinAlgError)
            what = "forces grow without bound" if unbound else str(error).partition(". Expected")[0]
            yield Collapsed(
                structure,
                f"{atoms.get_chemical_formula()} collapses while it is relaxed, at step {search.nsteps}: {what}. "
                "Expected a structure nearer to those of the training set; or add the repulsion of nuclei, which keeps "
                "atoms apart.",
            )
            continue
        largest = float(np.linalg.norm(atoms.get_forces(), axis=1).max())
        atoms.calc = SinglePointCalculator(atoms, energy=energy, forces=forces)
        far = None if potential.trained_on is None else potential.predict(atoms).extrapolation
        outside = None if far is None else bool((far > 1).any())
        yield Relaxed(atoms, search.nsteps, before, energy, largest, converged, outside)


def _require_possible(potential: Potential, structure: Atoms, number: int) -> None:
    require_plausible(structure, f"Structure {number}")
    other = {type(each).__name__ for each in structure.constraints if not isinstance(each, FixAtoms | FixCartesian)}
    if other:
        raise UnknownMoleculeError(
            f"Structure {number} has constraints of the kind {', '.join(sorted(other))}. Expected none but fixed "
            "atoms, FixAtoms or FixCartesian of ASE. Take the others off: atoms.set_constraint()."
        )
    try:
        potential.refuse_unknown(batch_of([structure]).to(potential.device))
    except UnknownMoleculeError as error:
        raise UnknownMoleculeError(f"Structure {number}: {error}") from error
