"""Draw the conformers of a molecule and compute their energy and forces; the work can be resumed."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from potbench.errors import GenerationError
from potbench.generation.conformers import Conformers
from potbench.generation.normal_modes import Float64Array, NormalModes, draw_positions, hessian, normal_modes, optimize
from potbench.generation.recipe import Recipe

if TYPE_CHECKING:
    from ase import Atoms

SECONDS_BETWEEN_SAVES = 2.0
DRAWS_PER_FRAME = 100
CLOSEST = 0.5
"""Smallest distance of two atoms of a conformer, over the sum of their covalent radii."""


def frame_rng(seed: int, molecule: str, frame: int) -> np.random.Generator:
    """Return random numbers that depend on these three alone, not on earlier draws."""
    digest = hashlib.sha256(molecule.encode()).digest()
    return np.random.default_rng([seed, int.from_bytes(digest[:8], "little"), frame])


def sample_molecule(
    name: str, atoms: Atoms, num_frames: int, recipe: Recipe, path: Path, advance: Callable[[int], None]
) -> Conformers:
    """Make the frames of one molecule that are not in `path` yet, saving there every few seconds.

    Args:
        name: name of the molecule.
        atoms: its geometry, before optimization.
        num_frames: total number of frames.
        recipe: how they are drawn and computed.
        path: file of unfinished work of this molecule.
        advance: called with the number of frames newly at hand.

    Raises:
        GenerationError: the work in `path` is of another geometry, the molecule has no minimum near its first geometry,
            or a frame cannot be computed.
    """
    begun = time.monotonic()
    if path.exists():
        work = Conformers.load(path)
        if not np.array_equal(work.start, atoms.positions) or not np.array_equal(work.atomic_numbers, atoms.numbers):
            raise GenerationError(
                f"The unfinished work in {path} began from another geometry of {name}. To resume, it must be the same. "
                "Use the old structure again, choose another output, or delete that file."
            )
    else:
        modes = find_modes(name, atoms, recipe)
        work = Conformers(atoms.numbers.astype(np.uint8), atoms.positions.copy(), modes, [], [], [], [], 0.0)
        work.seconds = time.monotonic() - begun
        work.save(path)
    advance(min(len(work.energy), num_frames))
    seconds_before, begun = work.seconds, time.monotonic()
    saved = begun
    while len(work.energy) < num_frames:
        positions, energy, forces, redrawn = compute_frame(name, atoms, len(work.energy), work.modes, recipe)
        work.positions.append(positions)
        work.energy.append(energy)
        work.forces.append(forces)
        work.redrawn.append(redrawn)
        work.seconds = seconds_before + time.monotonic() - begun
        if time.monotonic() - saved > SECONDS_BETWEEN_SAVES or len(work.energy) == num_frames:
            work.save(path)
            saved = time.monotonic()
        advance(1)
    return work


def find_modes(name: str, atoms: Atoms, recipe: Recipe) -> NormalModes:
    """Optimize a molecule and find its normal modes.

    Raises:
        GenerationError: the calculator cannot compute it, or there is no minimum near its first geometry.
    """
    from ase.calculators.calculator import CalculatorError

    relaxed = atoms.copy()
    relaxed.calc = recipe.make_calculator()
    try:
        relaxed.positions = optimize(relaxed)
        return normal_modes(relaxed.positions.copy(), relaxed.get_masses(), hessian(relaxed))
    except GenerationError as error:
        raise GenerationError(f"{name}: {error}") from error
    except (CalculatorError, NotImplementedError) as error:
        raise GenerationError(
            f"{recipe.calculator} cannot compute {name} ({type(error).__name__}: {error}). Expected energy and forces "
            "near its minimum. Choose another calculator, or leave the molecule out."
        ) from error


def compute_frame(
    name: str, atoms: Atoms, frame: int, modes: NormalModes, recipe: Recipe
) -> tuple[Float64Array, float, Float64Array, tuple[int, int]]:
    """Draw frame number `frame` and compute it; draw again where atoms are too close or the energy does not converge.

    Returns:
        Positions (atoms, 3) in Å, energy in eV, forces (atoms, 3) in eV/Å, and how often it was drawn again because
        atoms were too close and because it could not be computed.

    Raises:
        GenerationError: no draw could be computed.
    """
    from ase.calculators.calculator import CalculatorError

    rng = frame_rng(recipe.seed, name, frame)
    close = failed = 0
    while close + failed < DRAWS_PER_FRAME:
        drawn = atoms.copy()
        drawn.positions = draw_positions(modes, recipe.temperature, rng)
        if nearest_atoms(drawn) < CLOSEST:
            close += 1
            continue
        drawn.calc = recipe.make_calculator()
        try:
            # forces first: most calculators then have the energy too, in the other order they start anew
            forces = np.array(drawn.get_forces(), np.float64)
            energy = float(drawn.get_potential_energy())
        except CalculatorError:
            failed += 1
            continue
        if not np.isfinite(energy) or not np.isfinite(forces).all():
            failed += 1
            continue
        return np.array(drawn.positions, np.float64), energy, forces, (close, failed)
    raise GenerationError(
        f"Frame {frame} of {name} was drawn {DRAWS_PER_FRAME} times: in {close} draws atoms came too close, {failed} "
        "could not be computed. Expected at least one good draw. Lower the temperature, or check the calculator."
    )


def nearest_atoms(atoms: Atoms) -> float:
    """Return the shortest distance of two atoms over the sum of their covalent radii; infinite for a single atom."""
    from ase.data import covalent_radii

    first, second = np.triu_indices(len(atoms), 1)
    distances = np.linalg.norm(atoms.positions[first] - atoms.positions[second], axis=1)
    radii = covalent_radii[atoms.numbers]
    return float(np.min(distances / (radii[first] + radii[second]), initial=np.inf))
