"""Two atoms, from near to beyond the cutoff."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations_with_replacement
from typing import ClassVar

import numpy as np
from ase.data import covalent_radii
from typing_extensions import override

from potbench.errors import UnknownMoleculeError
from potbench.examination.curve import (
    SEARCHED,
    Curve,
    Path,
    energies_and_forces,
    energy_steps,
    follow,
    force_jumps,
    line,
)
from potbench.examination.limit import Limit
from potbench.examination.protocol import Examination, Figure, Mode, Protocol, Subject
from potbench.runs.findings import Examined
from potbench.structures import SYMBOLS, FloatArray, IntArray

NEAREST = 0.3
"""Å between the atoms."""
FARTHEST = 10.0
"""Å, for potentials that name no cutoff."""
BEYOND = 0.5
"""Å beyond the cutoff."""
WALL = 0.7
"""Times the sum of covalent radii, below which atoms repel each other."""
FINER = 4
"""Times as many points as of a bond: the path is longer, and two atoms cost little."""
HIGHEST = 20.0
"""eV that figures show."""
FLAT = Limit("no rise of the energy at short range", 0, "")
HOLE = Limit("fall of the energy at short range", 1e-3, "eV")
APART = Limit("|E − lone atoms| beyond the cutoff", 1e-6, "eV")
STEP = Limit("largest step of the energy", 1e-4, "eV")  # beside the work of the forces
JUMP = Limit("largest jump of a force", 0.01, "eV/Å")


class Dimers(Protocol):
    """Two atoms of each pair of elements of a molecule, from 0.3 Å to beyond the cutoff.

    Below 0.7 times the sum of covalent radii, the energy rises as they approach each other; it has no step, the force
    nowhere jumps, and beyond the cutoff the energy is that of two lone atoms. Training sets hold no such dimers, and
    repulsion at short range is what the potential has made of its molecules.
    """

    name: ClassVar[str] = "dimers"

    @override
    def evaluations(self, subject: Subject, mode: Mode) -> int:
        of_pairs = len(_pairs(subject)) * (5 * FINER * mode.scan_points + SEARCHED)
        return of_pairs // len(subject.frames.atomic_numbers) + 1

    def at_once(self, mode: Mode) -> int:
        """Return how many molecules are computed as one batch."""
        return mode.scan_points

    @override
    def examine(self, subject: Subject, mode: Mode) -> Examination:
        pairs = _pairs(subject)
        end = (getattr(subject.potential, "cutoff", None) or FARTHEST) + BEYOND
        paths = [Path("–".join(SYMBOLS[number] for number in pair), pair, NEAREST, end, _apart) for pair in pairs]
        try:
            lone = _lone_energies(subject, pairs)
            curves = follow(subject.potential, paths, FINER * mode.scan_points)
        except UnknownMoleculeError as error:
            return Examination((Examined.refused(self.name, subject.name, str(error)),))
        steps = zip(paths, energy_steps(subject.potential, curves), strict=True)
        jumps = zip(paths, force_jumps(subject.potential, curves), strict=True)
        ends = zip(curves, lone, strict=True)
        values = {
            FLAT: {curve.path.label: float(not rise(curve) > 0) for curve in curves},
            HOLE: {curve.path.label: hole(curve) for curve in curves},
            APART: {curve.path.label: abs(float(curve.energy[-1] - energy)) for curve, energy in ends},
            STEP: {f"{path.label} at {step.at:.3g} Å": step.height for path, step in steps},
            JUMP: {f"{path.label} at {jump.at:.3g} Å": jump.height for path, jump in jumps},
        }
        findings = tuple(limit.judge_worst(self.name, subject.name, each) for limit, each in values.items())
        return Examination(findings, (_figure(subject.name, curves, lone),))


def hole(curve: Curve) -> float:
    """Return by how much the energy falls, at most, as two atoms come close, in eV."""
    return curve.fall(_wall(curve))


def rise(curve: Curve) -> float:
    """Return by how much the energy rises as two atoms come as close as 0.3 Å, in eV."""
    return float(curve.energy[0] - curve.energy[_wall(curve)])


def _wall(curve: Curve) -> int:
    """Return the point from which on inward atoms repel each other."""
    wall = WALL * covalent_radii[curve.path.atomic_numbers].sum()
    return max(int((curve.q <= wall).sum()) - 1, 1)


def _pairs(subject: Subject) -> list[IntArray]:
    elements = np.unique(subject.frames.atomic_numbers).tolist()
    return [np.array(pair) for pair in combinations_with_replacement(elements, 2)]


def _apart(distances: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return two atoms at distances of shape (points,), and how they move with the distance."""
    motion = np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    return distances[:, None, None] * motion, np.broadcast_to(motion, (len(distances), 2, 3))


def _lone_energies(subject: Subject, pairs: Sequence[IntArray]) -> list[float]:
    """Return the energies of the two atoms of each pair, each alone."""
    elements = np.unique(np.concatenate(pairs))
    alone = energies_and_forces(subject.potential, [(np.array([number]), np.zeros((1, 1, 3))) for number in elements])
    table = {number: float(energy[0]) for number, (energy, _) in zip(elements.tolist(), alone, strict=True)}
    return [sum(table[number] for number in pair.tolist()) for pair in pairs]


def _figure(molecule: str, curves: Sequence[Curve], lone: Sequence[float]) -> Figure:
    relative = [curve.energy - energy for curve, energy in zip(curves, lone, strict=True)]
    return Figure(
        "dimers_energy",
        f"{molecule}: two atoms of its elements",
        "distance (Å)",
        "energy above lone atoms (eV)",
        tuple(
            line(curve.path.label, curve.q, np.where(np.abs(energy) < HIGHEST, energy, np.nan))
            for curve, energy in zip(curves, relative, strict=True)
        ),
    )
