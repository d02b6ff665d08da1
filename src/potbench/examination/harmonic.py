"""Vibrations around the minimum of a molecule."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, NamedTuple

import numpy as np
from ase import Atoms, units
from typing_extensions import override

from potbench.examination.curve import energies_and_forces, line
from potbench.examination.limit import Limit
from potbench.examination.minimum import USUAL, minimum
from potbench.examination.protocol import Examination, Figure, Mode, Protocol, Subject
from potbench.examination.reference import reference_for
from potbench.generation.normal_modes import hessian, optimize, rigid_motions
from potbench.potentials.potential import Potential
from potbench.runs.findings import Examined
from potbench.structures import FloatArray

STEP = 1e-3
"""Å, of the differences: at 0.01, what they leave out makes rotations vibrate at up to 20 cm⁻¹."""
REFERENCE_STEP = 0.01
"""Å, of calculators whose forces are exact to fewer digits."""
ZERO = 20.0
"""cm⁻¹, below which a vibration counts as a translation or rotation."""
WAVENUMBER = units._hbar * 1e10 / np.sqrt(units._e * units._amu) / units.invcm
"""Of √(eV/Å²/Da), in cm⁻¹."""
ZERO_MODES = Limit("largest translation or rotation", ZERO, "cm⁻¹")
MISSING = Limit("vibrations missing", 0, "")
IMAGINARY = Limit("largest imaginary vibration", ZERO, "cm⁻¹")


class Vibrations(NamedTuple):
    """Vibrations of a molecule; imaginary ones are negative.

    Attributes:
        rigid: shape (6,), (5,) of a linear molecule, (3,) of an atom: of translations and rotations, in cm⁻¹.
        wavenumbers: shape (modes,), of the others, in cm⁻¹, ascending.
    """

    rigid: FloatArray
    wavenumbers: FloatArray

    @classmethod
    def of(cls, atoms: Atoms, hessian: FloatArray) -> Vibrations:
        """Diagonalize the mass-weighted second derivatives of the energy.

        The modes that overlap most with the motions of a rigid molecule count as such.

        Args:
            atoms: at the minimum.
            hessian: shape (3 atoms, 3 atoms), in eV/Å²; all finite.
        """
        masses = atoms.get_masses()
        weights = 1 / np.sqrt(np.repeat(masses, 3))
        curvatures, modes = np.linalg.eigh(hessian * np.outer(weights, weights))
        wavenumbers = np.sign(curvatures) * np.sqrt(np.abs(curvatures)) * WAVENUMBER
        rigid = rigid_motions(atoms.positions, masses)
        most_rigid = np.argsort(-((rigid @ modes) ** 2).sum(axis=0), kind="stable")[: len(rigid)]
        return cls(wavenumbers[most_rigid], np.delete(wavenumbers, most_rigid))

    @property
    def zero_point_energy(self) -> float:
        """Return ½ Σ ħω over the real vibrations, in eV."""
        return float(self.wavenumbers[self.wavenumbers > 0].sum() / 2 * units.invcm)


class Harmonic(Protocol):
    """Vibrations at the minimum, by differences of forces.

    Six modes, five of a linear molecule, are translations and rotations, of less than 20 cm⁻¹; no other is
    imaginary, and not all of them are below 20 cm⁻¹. Where the level of theory of the data is at hand, its own
    vibrations, at its own minimum, are the reference.
    """

    name: ClassVar[str] = "harmonic"

    @override
    def evaluations(self, subject: Subject, mode: Mode) -> int:
        return USUAL + 6 * len(subject.frames.atomic_numbers) + 1

    @override
    def examine(self, subject: Subject, mode: Mode) -> Examination:
        if len(subject.frames.atomic_numbers) < 2:
            return Examination((Examined.refused(self.name, subject.name, "A single atom does not vibrate."),))
        start, found = minimum(subject, self.name)
        if start is None or found.verdict == "FAIL":
            return Examination((found,))
        derivatives = second_derivatives(subject.potential, start)
        if not np.isfinite(derivatives).all():
            note = "Forces beside the minimum are NaN or infinite."
            return Examination((found, ZERO_MODES.judge(self.name, subject.name, np.nan, note)))
        here = Vibrations.of(start, derivatives)
        reference, note = _reference(subject, mode, start)
        return Examination(
            (found, *self._findings(subject.name, here, reference, note)), (_figure(subject.name, here, reference),)
        )

    def _findings(self, molecule: str, here: Vibrations, reference: Vibrations | None, note: str) -> Iterator[Examined]:
        yield ZERO_MODES.judge(self.name, molecule, float(np.abs(here.rigid).max()), f"Of {len(here.rigid)}.")
        lowest, highest = here.wavenumbers[[0, -1]]
        between = f"The vibrations are from {lowest:.0f} to {highest:.0f} cm⁻¹."
        yield IMAGINARY.judge(self.name, molecule, max(0.0, -float(lowest)), between)
        if not highest > ZERO:
            yield MISSING.judge(self.name, molecule, float(len(here.wavenumbers)), f"None is above {ZERO:g} cm⁻¹.")
        reported = [("zero-point energy", here.zero_point_energy, "eV", "" if reference else note)]
        if reference:
            errors = np.abs(here.wavenumbers - reference.wavenumbers)
            of_energy = here.zero_point_energy - reference.zero_point_energy
            reported += [
                ("mean error of frequencies", float(errors.mean()), "cm⁻¹", note),
                ("largest error of a frequency", float(errors.max()), "cm⁻¹", note),
                ("error of the zero-point energy", of_energy, "eV", note),
            ]
        for quantity, value, unit, said in reported:
            yield Examined(self.name, quantity, molecule, value, None, unit, "", said)


def second_derivatives(potential: Potential, atoms: Atoms) -> FloatArray:
    """Return the second derivatives of the energy by central differences of the forces, in one batch, symmetric.

    Returns:
        Shape (3 atoms, 3 atoms), in eV/Å².
    """
    moved = STEP * np.eye(3 * len(atoms)).reshape(-1, len(atoms), 3)
    positions = np.concatenate([atoms.positions + moved, atoms.positions - moved])
    ((_, forces),) = energies_and_forces(potential, [(atoms.numbers, positions)])
    ahead, behind = forces.reshape(2, 3 * len(atoms), -1)
    derivatives = (behind - ahead) / (2 * STEP)
    return (derivatives + derivatives.T) / 2


def _reference(subject: Subject, mode: Mode, start: Atoms) -> tuple[Vibrations | None, str]:
    """Return the vibrations at the level of theory of the data, from the potential's minimum on; and what is to say."""
    calculator = reference_for(subject.theory, len(start), patient=mode.name == "standard")
    if isinstance(calculator, str):
        return None, calculator
    atoms = start.copy()
    atoms.calc = calculator
    try:
        atoms.positions = optimize(atoms)
        return Vibrations.of(atoms, hessian(atoms, REFERENCE_STEP)), f"The reference is {subject.theory}."
    except Exception as error:  # each calculator has its own error for what it cannot compute
        return None, f"The reference, {subject.theory}, failed: {error}"


def _figure(molecule: str, here: Vibrations, reference: Vibrations | None) -> Figure:
    mode = range(1, len(here.wavenumbers) + 1)
    lines = [line("potential", mode, here.wavenumbers)]
    lines += [line("reference", mode, reference.wavenumbers)] if reference else []
    return Figure("harmonic_frequencies", f"{molecule}: vibrations", "mode", "wavenumber (cm⁻¹)", tuple(lines))
