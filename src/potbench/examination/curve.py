"""Energy and force along paths through the geometries of a molecule."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch

from potbench.batch import Batch
from potbench.examination.protocol import Line
from potbench.laws.compare import forces_of
from potbench.potentials.potential import Potential
from potbench.structures import FloatArray, Frames, IntArray, bounded_parts

BESIDE = 1e-4
"""To either side of a point, for derivatives: in Å, or radians."""
FINEST = 1e-5
"""In Å, or radians: the distance of points between which a force may not jump."""


@dataclass(frozen=True)
class Path:
    """Geometries of a molecule, by one coordinate q.

    Args:
        label: what it goes along.
        atomic_numbers: shape (atoms,).
        start: of q, in Å or radians.
        end: of q.
        at: q of shape (points,) → positions x, and ∂x/∂q, both of shape (points, atoms, 3).
    """

    label: str
    atomic_numbers: IntArray
    start: float
    end: float
    at: Callable[[FloatArray], tuple[FloatArray, FloatArray]]


@dataclass(frozen=True)
class Curve:
    """What a potential says along a path; NaN where it is not finite.

    Args:
        path: the path.
        q: shape (points,), evenly spaced.
        energy: E, shape (points,), in eV.
        force: F·∂x/∂q, shape (points,), of the forces.
        slope: ∂E/∂q, shape (points,), by differences of the energy.
        stiffness: derivative of `force`, shape (points,), by differences.
    """

    path: Path
    q: FloatArray
    energy: FloatArray
    force: FloatArray
    slope: FloatArray
    stiffness: FloatArray

    @property
    def disagreement(self) -> float:
        """Return the largest |F + ∂E/∂q|; NaN where one is."""
        return float(np.abs(self.force + self.slope).max())

    def fall(self, start: int) -> float:
        """Return by how much the energy falls, at most, on the way from a point to the first one; it should rise."""
        inward = self.energy[start::-1]
        return float((np.maximum.accumulate(inward) - inward).max())


def follow(potential: Potential, paths: Sequence[Path], num_points: int) -> list[Curve]:
    """Return energies and forces along paths, all points of all paths in one batch, as far as memory allows.

    Args:
        potential: in evaluation mode and double precision.
        paths: of any molecules.
        num_points: evenly spaced, of each path.

    Raises:
        UnknownMoleculeError: a molecule that the potential was not made for.
    """
    q = [np.linspace(path.start, path.end, num_points) for path in paths]
    three = [np.concatenate([points - BESIDE, points, points + BESIDE]) for points in q]
    curves = []
    for path, points, (energy, force) in zip(paths, q, _along(potential, paths, three), strict=True):
        energies, forces = energy.reshape(3, -1), force.reshape(3, -1)
        slope, stiffness = ((values[2] - values[0]) / (2 * BESIDE) for values in (energies, forces))
        curves.append(Curve(path, points, energies[1], forces[1], slope, stiffness))
    return curves


class Jump(NamedTuple):
    """Where the force along a path changes most within 10⁻⁵ Å, or radians, beside its trend.

    Attributes:
        at: place on the path.
        height: by how much.
    """

    at: float
    height: float


def force_jumps(potential: Potential, curves: Sequence[Curve]) -> list[Jump]:
    """Return the largest jump of the force along each path; one of 0 is a rounding error.

    The interval where the force differs most from what its derivatives at both ends say is looked at with as many
    points, and so on: a jump keeps its height, and all else shrinks with the interval. At last points are 10⁻⁵ apart,
    where it counts for little that the stiffness of a bond may jump, as that of CELU networks does.
    """
    num_points = len(curves[0].q)
    paths = [curve.path for curve in curves]
    q = [curve.q for curve in curves]
    worst = [int(_misfit(curve).argmax()) for curve in curves]
    bends: list[FloatArray] = []
    while not bends or max(points[1] - points[0] for points in q) > 1.5 * FINEST:
        # the neighbors too, for a jump may be at an end
        q = [
            _finer(points[max(at - 1, 0)], points[min(at + 2, num_points - 1)], num_points)
            for points, at in zip(q, worst, strict=True)
        ]
        bends = [np.abs(np.diff(force, 2)) for _, force in _along(potential, paths, q)]
        worst = [int(bend.argmax()) for bend in bends]
    return [Jump(float(points[at + 1]), float(bend[at])) for points, at, bend in zip(q, worst, bends, strict=True)]


def _finer(start: float, end: float, num_points: int) -> FloatArray:
    step = max((end - start) / (num_points - 1), FINEST)
    return (start + end) / 2 + step * (np.arange(num_points) - (num_points - 1) / 2)


def line(label: str, x: FloatArray | Sequence[float], y: FloatArray | Sequence[float]) -> Line:
    """Return a line of a figure, without the values that are not finite."""
    return Line(label, tuple(map(float, x)), tuple(float(value) if np.isfinite(value) else None for value in y))


def _misfit(curve: Curve) -> FloatArray:
    """Return for each interval how far the difference of forces is from the trapezoid of their derivatives."""
    step = curve.q[1] - curve.q[0]
    misfit: FloatArray = np.abs(np.diff(curve.force) - step * (curve.stiffness[1:] + curve.stiffness[:-1]) / 2)
    return misfit


def _along(potential: Potential, paths: Sequence[Path], q: Sequence[FloatArray]) -> list[tuple[FloatArray, FloatArray]]:
    """Return energy and force along each path at the places q, shape (points,) each."""
    placed = [path.at(points) for path, points in zip(paths, q, strict=True)]
    molecules = [(path.atomic_numbers, positions) for path, (positions, _) in zip(paths, placed, strict=True)]
    return [
        (energy, (forces * motion).sum(axis=(1, 2)))
        for (energy, forces), (_, motion) in zip(energies_and_forces(potential, molecules), placed, strict=True)
    ]


def energies_and_forces(
    potential: Potential, molecules: Sequence[tuple[IntArray, FloatArray]]
) -> list[tuple[FloatArray, FloatArray]]:
    """Return energies and forces of geometries of some molecules in float64, NaN where a potential says so.

    Args:
        potential: in evaluation mode; it computes where it is, in its own precision.
        molecules: atomic numbers of shape (atoms,), and positions of shape (geometries, atoms, 3), in Å, of each.

    Returns:
        Shapes (geometries,) in eV and (geometries, atoms, 3) in eV/Å, of each molecule.

    Raises:
        UnknownMoleculeError: a molecule that the potential was not made for.
    """
    frames = [
        Frames("", numbers, geometry[None], np.full(1, np.nan)) for numbers, every in molecules for geometry in every
    ]
    energies, forces = [], []
    for part in bounded_parts(np.array([len(frame.atomic_numbers) for frame in frames])):
        batch = Batch.from_frames(*frames[part])
        exact = np.concatenate([frame.positions[0] for frame in frames[part]])
        placed = batch.with_positions(potential.positions(torch.from_numpy(exact)))
        found = potential(placed.to(potential.device), forces=True)
        energies.append(found.energy.detach().cpu().double().numpy())
        forces.append(forces_of(found).detach().cpu().double().numpy())
    of_geometries, of_atoms = np.concatenate(energies), np.concatenate(forces)
    result = []
    for _, positions in molecules:
        count, atoms = len(positions), positions[..., 0].size
        result.append((of_geometries[:count], of_atoms[:atoms].reshape(positions.shape)))
        of_geometries, of_atoms = of_geometries[count:], of_atoms[atoms:]
    return result
