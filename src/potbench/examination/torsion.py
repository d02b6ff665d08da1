"""Each rotatable bond of a molecule, turned once around."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

import numpy as np
from ase import Atoms
from typing_extensions import override

from potbench.examination.bonds import bonds_of, is_rotatable, named_bond, rotated, sides_of
from potbench.examination.curve import SEARCHED, Curve, Path, energy_steps, follow, force_jumps, line
from potbench.examination.limit import Limit
from potbench.examination.minimum import USUAL, minimum
from potbench.examination.protocol import Examination, Figure, Mode, Protocol, Subject
from potbench.runs.findings import Examined

SLOPE = Limit("largest |torque + dE/dφ|", 1e-3, "eV/rad")  # by differences of the energy
STEP = Limit("largest step of the energy", 1e-4, "eV")  # beside the work of the forces
JUMP = Limit("largest jump of a torque", 0.01, "eV/rad")
NONE = "The molecule has no bond around which one side could be rotated."


class Torsion(Protocol):
    """Each rotatable bond, one side rotated rigidly around it by 360°.

    Rotatable is a bond in no ring, with atoms off its axis on both sides. The energy has no step; the torque is minus
    its slope, and does not jump. Barriers are reported; as nothing else relaxes, they are upper bounds.
    """

    name: ClassVar[str] = "torsion"

    @override
    def evaluations(self, subject: Subject, mode: Mode) -> int:
        atoms = Atoms(subject.frames.atomic_numbers, subject.frames.positions[0])
        return USUAL + len(_paths(atoms)) * (5 * (mode.scan_points + 1) + SEARCHED)

    def at_once(self, mode: Mode) -> int:
        """Return how many molecules are computed as one batch."""
        return mode.scan_points

    @override
    def examine(self, subject: Subject, mode: Mode) -> Examination:
        if not _paths(Atoms(subject.frames.atomic_numbers, subject.frames.positions[0])):
            return Examination((Examined.refused(self.name, subject.name, NONE),))
        start, found = minimum(subject, self.name)
        if start is None:
            return Examination((found,))
        paths = _paths(start)
        if not paths:
            return Examination((Examined.refused(self.name, subject.name, f"{NONE} It had one before it relaxed."),))
        curves = follow(subject.potential, paths, mode.scan_points + 1)
        steps = zip(paths, energy_steps(subject.potential, curves), strict=True)
        jumps = zip(paths, force_jumps(subject.potential, curves), strict=True)
        values = {
            SLOPE: {curve.path.label: curve.disagreement for curve in curves},
            STEP: {f"{path.label} at {np.degrees(step.at):.0f}°": step.height for path, step in steps},
            JUMP: {f"{path.label} at {np.degrees(jump.at):.0f}°": jump.height for path, jump in jumps},
        }
        judged = [limit.judge_worst(self.name, subject.name, each) for limit, each in values.items()]
        barriers = [_barrier(subject.name, curve) for curve in curves]
        return Examination((*judged, *barriers), (_figure(subject.name, curves, start.get_potential_energy()),))


def _paths(start: Atoms) -> list[Path]:
    numbers, positions = start.numbers, start.positions
    bonds = bonds_of(numbers, positions)
    paths = []
    for bond in bonds:
        sides = sides_of(bonds, bond, len(numbers))
        if sides and is_rotatable(positions, bond, sides):
            at = partial(rotated, positions, bond, sides[1])
            paths.append(Path(named_bond(numbers, bond), numbers, 0.0, 2 * np.pi, at))
    return paths


def _barrier(molecule: str, curve: Curve) -> Examined:
    barrier = float(np.ptp(curve.energy))
    note = f"At {np.degrees(curve.q[curve.energy.argmax()]):.0f}° from the minimum; nothing else relaxes."
    quantity = f"barrier around {curve.path.label}"
    return Examined(Torsion.name, quantity, molecule, barrier if np.isfinite(barrier) else None, None, "eV", "", note)


def _figure(molecule: str, curves: list[Curve], lowest: float) -> Figure:
    return Figure(
        "torsion_energy",
        f"{molecule}: energy around bonds",
        "angle from the minimum (°)",
        "energy above the minimum (eV)",
        tuple(line(curve.path.label, np.degrees(curve.q), curve.energy - lowest) for curve in curves),
    )
