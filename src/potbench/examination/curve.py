"""Energy and force along paths through the geometries of a molecule."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

from potbench.batch import Batch
from potbench.examination.protocol import Line
from potbench.laws.compare import forces_of
from potbench.laws.steps import Step, integrals, largest_step
from potbench.potentials.potential import Potential
from potbench.structures import FloatArray, Frames, IntArray, bounded_parts

BESIDE = 1e-4, 1e-6
"""To either side of a point, for derivatives: in Å, or radians. The first is for kernels, whose large terms cancel each
other and leave rounding errors of 10⁻⁹ eV; the second for walls, where the energy bends within the first."""
FINEST = 1e-6
"""In Å, or radians: the distance of points between which energy and force may not jump."""
SEARCHED = 900
"""About how many places both searches for steps look at, beside the points of a curve."""


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
        slope: ∂E/∂q, shape (points,), by differences of the energy, of two the one that is nearer to the force.
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
    far, near = BESIDE
    offsets = np.array([0, -far, far, -near, near])[:, None]
    five = [(points + offsets).ravel() for points in q]
    curves = []
    for path, points, (energy, force) in zip(paths, q, _along(potential, paths, five), strict=True):
        energies, forces = energy.reshape(5, -1), force.reshape(5, -1)
        slopes = np.stack([energies[2] - energies[1], energies[4] - energies[3]]) / (2 * np.array([[far], [near]]))
        nearer = np.abs(slopes + forces[0]).argmin(axis=0)
        slope = np.take_along_axis(slopes, nearer[None], axis=0)[0]
        curves.append(Curve(path, points, energies[0], forces[0], slope, (forces[2] - forces[1]) / (2 * far)))
    return curves


def force_jumps(potential: Potential, curves: Sequence[Curve]) -> list[Step]:
    """Return the largest jump of the force along each path within 10⁻⁶ Å, or radians; see `potbench.laws.steps`.

    So near, it counts for little that the stiffness of a bond may jump, as that of CELU networks does.
    """

    def beside_neighbors(q: FloatArray, energy: FloatArray, force: FloatArray) -> FloatArray:
        changes = np.diff(force)
        misfits = np.zeros_like(changes)  # of those at the ends nothing can be said
        misfits[:, 1:-1] = changes[:, 1:-1] - (changes[:, :-2] + changes[:, 2:]) / 2
        return misfits

    first = [np.diff(curve.force) - integrals(curve.stiffness, curve.q[1] - curve.q[0]) for curve in curves]
    return _largest_steps(potential, curves, first, beside_neighbors)


def energy_steps(potential: Potential, curves: Sequence[Curve]) -> list[Step]:
    """Return where energy and work of the forces differ most along each path; see `potbench.laws.steps`."""

    def beside_work(q: FloatArray, energy: FloatArray, force: FloatArray) -> FloatArray:
        misfits: FloatArray = np.diff(energy) + integrals(force, q[0, 1] - q[0, 0])
        return misfits

    first = [beside_work(curve.q[None], curve.energy, curve.force) for curve in curves]
    return _largest_steps(potential, curves, first, beside_work)


def _largest_steps(
    potential: Potential,
    curves: Sequence[Curve],
    first: Sequence[FloatArray],
    misfits: Callable[[FloatArray, FloatArray, FloatArray], FloatArray],
) -> list[Step]:
    def at(path: Path, q: FloatArray) -> FloatArray:
        ((energy, force),) = _along(potential, [path], [q.ravel()])
        return misfits(q, energy.reshape(q.shape), force.reshape(q.shape))

    return [
        largest_step(partial(at, curve.path), curve.q, misfit, FINEST)
        for curve, misfit in zip(curves, first, strict=True)
    ]


def line(label: str, x: FloatArray | Sequence[float], y: FloatArray | Sequence[float]) -> Line:
    """Return a line of a figure, without the values that are not finite."""
    return Line(label, tuple(map(float, x)), tuple(float(value) if np.isfinite(value) else None for value in y))


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
