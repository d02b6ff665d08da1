"""Each bond of a molecule, shortened and lengthened."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import ClassVar

import numpy as np
from ase import Atoms
from typing_extensions import override

from potbench.examination.bonds import bonds_of, named_bond, sides_of, stretched
from potbench.examination.curve import SEARCHED, Curve, Path, energy_steps, follow, force_jumps, line
from potbench.examination.limit import Limit
from potbench.examination.minimum import USUAL, minimum
from potbench.examination.protocol import Examination, Figure, Mode, Protocol, Subject
from potbench.runs.findings import Examined

SHORTEST, LONGEST = 0.7, 1.8
"""Times the length at the minimum, r₀."""
NEAR = (0.85, 1.3)
"""Times r₀, where a bond has one minimum of its energy."""
MINIMA = Limit("minima too many or too few near r₀", 0, "")
HOLE = Limit("fall of the energy from r₀ to 0.7 r₀", 1e-3, "eV")
SLOPE = Limit("largest |F + dE/dr|", 1e-3, "eV/Å")  # by differences of the energy
STEP = Limit("largest step of the energy", 1e-4, "eV")  # beside the work of the forces
JUMP = Limit("largest jump of a force", 0.01, "eV/Å")  # a tenth of the errors of good potentials
IN_A_RING = ", in a ring"


class Stretch(Protocol):
    """Each bond from 0.7 to 1.8 times its length r₀ at the minimum, its two sides moving rigidly.

    In a ring, where there are no sides, the two atoms alone move. The energy has one minimum from 0.85 to 1.3 r₀, and
    rises as the bond shortens, without a step; the force is minus its slope, and does not jump.
    """

    name: ClassVar[str] = "stretch"

    @override
    def evaluations(self, subject: Subject, mode: Mode) -> int:
        num_bonds = len(bonds_of(subject.frames.atomic_numbers, subject.frames.positions[0]))
        return USUAL + num_bonds * (5 * mode.scan_points + SEARCHED)

    def at_once(self, mode: Mode) -> int:
        """Return how many molecules are computed as one batch."""
        return mode.scan_points

    @override
    def examine(self, subject: Subject, mode: Mode) -> Examination:
        if not len(bonds_of(subject.frames.atomic_numbers, subject.frames.positions[0])):
            return Examination((Examined.refused(self.name, subject.name, "The molecule has no bonds."),))
        start, found = minimum(subject, self.name)
        if start is None:
            return Examination((found,))
        paths = _paths(start)
        curves = follow(subject.potential, paths, mode.scan_points)
        steps = zip(paths, energy_steps(subject.potential, curves), strict=True)
        jumps = zip(paths, force_jumps(subject.potential, curves), strict=True)
        values = {
            MINIMA: {curve.path.label: wrong_minima(curve) for curve in curves},
            HOLE: {curve.path.label: hole(curve) for curve in curves},
            SLOPE: {curve.path.label: curve.disagreement for curve in curves},
            STEP: {f"{path.label} at {step.at:.3g} Å": step.height for path, step in steps},
            JUMP: {f"{path.label} at {jump.at:.3g} Å": jump.height for path, jump in jumps},
        }
        findings = tuple(limit.judge_worst(self.name, subject.name, each) for limit, each in values.items())
        return Examination(findings, _figures(subject.name, curves, start.get_potential_energy()))


def wrong_minima(curve: Curve) -> float:
    """Return how many minima there are too many, or too few, near the length of a bond, where there should be one."""
    length = _length(curve)
    force = curve.force[(curve.q >= NEAR[0] * length) & (curve.q <= NEAR[1] * length)]
    minima = np.count_nonzero((force[:-1] > 0) & (force[1:] <= 0))
    return float(abs(minima - 1)) if np.isfinite(force).all() else float("nan")


def hole(curve: Curve) -> float:
    """Return by how much the energy falls, at most, as a bond shortens, in eV."""
    return curve.fall(int((curve.q <= _length(curve)).sum()) - 1)


def _length(curve: Curve) -> float:
    return curve.path.start / SHORTEST


def _paths(start: Atoms) -> list[Path]:
    numbers, positions = start.numbers, start.positions
    bonds = bonds_of(numbers, positions)
    paths = []
    for bond in bonds:
        sides = sides_of(bonds, bond, len(numbers))
        label = named_bond(numbers, bond) + ("" if sides else IN_A_RING)
        length = float(np.linalg.norm(positions[bond[1]] - positions[bond[0]]))
        at = partial(stretched, positions, bond, sides and sides[1])
        paths.append(Path(label, numbers, SHORTEST * length, LONGEST * length, at))
    return paths


def _figures(molecule: str, curves: Sequence[Curve], lowest: float) -> tuple[Figure, ...]:
    """Draw of each kind of bond the one with the deepest hole, or the lowest wall."""
    kinds: dict[str, Curve] = {}
    for curve in sorted(curves, key=lambda curve: (hole(curve), -curve.energy[0])):
        atoms = curve.path.label
        kinds[atoms.partition(" ")[0] + atoms.partition(")")[2]] = curve
    drawn = [kinds[kind] for kind in sorted(kinds)]
    x = "bond length (Å)"
    return (
        Figure(
            "stretch_energy",
            f"{molecule}: energy along bonds",
            x,
            "energy above the minimum (eV)",
            tuple(line(curve.path.label, curve.q, curve.energy - lowest) for curve in drawn),
        ),
        Figure(
            "stretch_force",
            f"{molecule}: force along bonds",
            x,
            "force (eV/Å)",
            tuple(line(curve.path.label, curve.q, curve.force) for curve in drawn),
        ),
    )
