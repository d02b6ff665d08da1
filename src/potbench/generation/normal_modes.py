"""Draw conformers around a minimum of the energy: optimize, find the normal modes, displace along them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from potbench.errors import GenerationError
from potbench.units import BOLTZMANN

if TYPE_CHECKING:
    from ase import Atoms

Float64Array = npt.NDArray[np.float64]


class NormalModes(NamedTuple):
    """Minimum of the energy and the vibrations around it, without translations and rotations.

    Attributes:
        positions: shape (atoms, 3), the minimum, in Å, float64.
        displacements: shape (modes, atoms, 3), direction of each mode, of length one, without unit, float64.
        force_constants: shape (modes,), curvature of the energy along each direction, in eV/Å², float64.
        wavenumbers: shape (modes,), in cm⁻¹, ascending, float64.
    """

    positions: Float64Array
    displacements: Float64Array
    force_constants: Float64Array
    wavenumbers: Float64Array


def optimize(atoms: Atoms, largest_force: float = 0.005, steps: int = 300) -> Float64Array:
    """Move atoms, whose calculator is set, to the nearest minimum of the energy.

    Args:
        atoms: the molecule; its positions are left as they are.
        largest_force: convergence threshold of the forces, in eV/Å.
        steps: largest number of steps.

    Returns:
        Positions of shape (atoms, 3), in Å, float64.

    Raises:
        GenerationError: the forces are still larger after the last step.
    """
    from ase.optimize import BFGS

    moved = atoms.copy()
    moved.calc = atoms.calc
    if not BFGS(moved, logfile=None).run(fmax=largest_force, steps=steps):
        raise GenerationError(
            f"{atoms.get_chemical_formula()} is not at a minimum after {steps} steps: a force of "
            f"{np.linalg.norm(moved.get_forces(), axis=1).max():.3g} eV/Å is left. Expected less than {largest_force} "
            "eV/Å. Start from a geometry nearer to a minimum."
        )
    return np.asarray(moved.positions, np.float64)


def hessian(atoms: Atoms, step: float = 0.01) -> Float64Array:
    """Return the second derivatives of the energy, by central differences of the forces.

    ∂²E/∂xᵢ∂xⱼ = −(Fⱼ(xᵢ + h) − Fⱼ(xᵢ − h)) / 2h, made symmetric.

    Args:
        atoms: the molecule, with its calculator; its positions are left as they are.
        step: h, in Å.

    Returns:
        Shape (3 atoms, 3 atoms), in eV/Å², float64.
    """
    moved = atoms.copy()
    moved.calc = atoms.calc
    rows = []
    for coordinate in np.ndindex(len(atoms), 3):
        sides = []
        for sign in (1, -1):
            moved.positions[:] = atoms.positions
            moved.positions[coordinate] += sign * step
            sides.append(np.array(moved.get_forces(), np.float64).ravel())
        rows.append((sides[1] - sides[0]) / (2 * step))
    matrix = np.stack(rows)
    return (matrix + matrix.T) / 2


def rigid_motions(positions: Float64Array, masses: Float64Array) -> Float64Array:
    """Return translations and rotations in mass-weighted coordinates, as orthonormal rows.

    Args:
        positions: shape (atoms, 3), in Å.
        masses: shape (atoms,), in any unit.

    Returns:
        Shape (motions, 3 atoms): 6 motions, 5 of a linear molecule, 3 of a single atom.
    """
    centered = positions - np.average(positions, axis=0, weights=masses)
    motions = [np.tile(axis, (len(positions), 1)) for axis in np.eye(3)]
    motions += [np.cross(axis, centered) for axis in np.eye(3)]
    weighted = np.stack([(motion * np.sqrt(masses)[:, None]).ravel() for motion in motions])
    _, sizes, directions = np.linalg.svd(weighted, full_matrices=False)
    # a linear molecule has a rotation that moves no atom: below 1e-3 it counts as zero
    return np.asarray(directions[sizes > 1e-3 * sizes[0]], np.float64)


def normal_modes(positions: Float64Array, masses: Float64Array, hessian: Float64Array) -> NormalModes:
    """Return the vibrations from the second derivatives of the energy at a minimum.

    The mass-weighted Hessian is diagonalized in the space without translations and rotations. A mode qₖ there with
    curvature ωₖ² is in Cartesian coordinates the direction Lₖ = M^(−1/2) qₖ / |M^(−1/2) qₖ|, with the force constant
    Kₖ = ωₖ² / |M^(−1/2) qₖ|².

    Args:
        positions: shape (atoms, 3), the minimum, in Å.
        masses: shape (atoms,), in atomic mass units.
        hessian: shape (3 atoms, 3 atoms), in eV/Å².

    Raises:
        GenerationError: the energy falls along a mode.
    """
    from ase import units

    weights = 1 / np.sqrt(np.repeat(masses, 3))
    rigid = rigid_motions(positions, masses)
    vibrations = np.linalg.svd(rigid)[2][len(rigid) :]
    curvatures, rotation = np.linalg.eigh(vibrations @ (hessian * np.outer(weights, weights)) @ vibrations.T)
    cartesian = (rotation.T @ vibrations) * weights
    lengths = np.linalg.norm(cartesian, axis=1)
    to_wavenumber = units._hbar * 1e10 / np.sqrt(units._e * units._amu) / units.invcm
    wavenumbers = np.sign(curvatures) * np.sqrt(np.abs(curvatures)) * to_wavenumber
    if len(wavenumbers) and wavenumbers[0] <= 0:
        raise GenerationError(
            f"The energy falls along a mode of {-wavenumbers[0]:.0f}i cm⁻¹, so the geometry is a saddle point. "
            "Expected a minimum. Move the atoms a little along that mode, or start from another geometry."
        )
    return NormalModes(
        positions=positions,
        displacements=(cartesian / lengths[:, None]).reshape(-1, len(masses), 3),
        force_constants=curvatures / lengths**2,
        wavenumbers=wavenumbers,
    )


def draw_positions(modes: NormalModes, temperature: float, rng: np.random.Generator) -> Float64Array:
    """Draw a conformer by normal-mode sampling.

    Rₖ = ±√(3 cₖ N k_B T / Kₖ),   0 < Σₖ cₖ ≤ 1,   x = x₀ + Σₖ Rₖ Lₖ

    The cₖ and the signs are random, N is the number of atoms. The harmonic energy Σₖ ½ Kₖ Rₖ² = ³⁄₂ N k_B T Σₖ cₖ is
    therefore never above ³⁄₂ N k_B T. The paper leaves the distribution of the cₖ open; here they are uniform random
    numbers, scaled so that their sum is uniform in (0, 1].

    Source: Smith, Isayev, Roitberg, Chem. Sci. 8, 3192 (2017), doi:10.1039/C6SC05720A.

    Args:
        modes: the minimum and its vibrations.
        temperature: T, in K.
        rng: source of the random numbers.

    Returns:
        Positions of shape (atoms, 3), in Å, float64.
    """
    num_modes, num_atoms = modes.displacements.shape[:2]
    shares = 1.0 - np.asarray(rng.random(num_modes))  # in (0, 1]
    shares *= (1.0 - rng.random()) / shares.sum()
    signs = rng.choice([-1.0, 1.0], num_modes)
    amplitudes = signs * np.sqrt(3 * shares * num_atoms * BOLTZMANN * temperature / modes.force_constants)
    return np.asarray(modes.positions + np.tensordot(amplitudes, modes.displacements, axes=1), np.float64)
