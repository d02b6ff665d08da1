"""Forces are minus the gradient of the energy, and an isolated molecule neither drifts nor starts to rotate.

Derivatives are compared with forward, backward and central finite differences, and the closest counts: networks with
kinks (ReLU) are differentiable almost everywhere, and a kink within the step spoils one side, not the other. Kernels
have no kinks but larger rounding errors, which a longer step keeps small. A wrong derivative disagrees with all of
them.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from potbench.batch import Batch, Prediction
from potbench.laws.compare import forces_of, largest
from potbench.potentials import Potential

ENERGY_STEPS = 1e-6, 1e-4
"""Å. With the first, float64 totals of 10⁴ eV leave 10⁻⁶ eV/Å, and one side is wrong by half of it times the curvature.
The second is for kernels, whose large terms cancel each other and leave rounding errors of 10⁻⁹ eV."""

FORCE_STEPS = 1e-7, 1e-4
"""Å. Forces are not large totals, and a smaller step crosses fewer kinks; the second is for kernels again."""

WEIGHT_STEP = 1e-8
"""Change of weights, without unit: all of them change at once, and with them every unit that has a kink."""


def gradient(potential: Potential, batch: Batch) -> float:
    """Atomic forces are minus the gradient of the energy, F = −∂E/∂x, by finite differences (eV/Å)."""
    prediction = potential(batch, forces=True)
    forces = forces_of(prediction)
    first = batch.atoms_per_molecule.cumsum(0) - batch.atoms_per_molecule
    rank = torch.arange(len(batch.molecule_index)) - first[batch.molecule_index]

    def energy(direction: Tensor, here: Tensor, step: float) -> Tensor:
        prediction: Prediction = potential(batch.with_positions(batch.positions + step * direction))
        return prediction.energy[here]

    violations = []
    for moved in (torch.nonzero(rank == atom).flatten() for atom in range(batch.largest_molecule)):
        for axis in range(3):  # one atom of each molecule at a time, in all molecules at once
            direction = torch.zeros_like(batch.positions)
            direction[moved, axis] = 1.0
            here = batch.molecule_index[moved]
            along = partial(energy, direction, here)
            violations.append(_off_at_best(-forces[moved, axis], along, prediction.energy[here], ENERGY_STEPS))
    return largest(*violations)


def net_force(potential: Potential, batch: Batch) -> float:
    """Atomic forces sum to zero over each molecule (eV/Å)."""
    return largest(_per_molecule(forces_of(potential(batch, forces=True)), batch))


def net_torque(potential: Potential, batch: Batch) -> float:
    """Atomic forces exert no torque on a molecule, Σ x × F = 0 about its center (eV)."""
    center = _per_molecule(batch.positions, batch) / batch.atoms_per_molecule.unsqueeze(-1)
    arms = batch.positions - center[batch.molecule_index]
    return largest(_per_molecule(torch.linalg.cross(arms, forces_of(potential(batch, forces=True))), batch))


def second_derivatives(potential: Potential, batch: Batch) -> float:
    """Second derivatives of the energy, −∂F/∂x, agree with finite differences of the forces (eV/Å²)."""
    direction = torch.randn(batch.positions.shape, generator=_generator(), dtype=batch.positions.dtype)
    positions = batch.positions.detach().requires_grad_()
    energy = potential.energies(batch.with_positions(positions)).energy.sum()
    (slope,) = torch.autograd.grad(energy, positions, create_graph=True)
    (curvature,) = _derivative((slope * direction).sum(), [positions])

    def forces(step: float) -> Tensor:
        moved = batch.with_positions(batch.positions + step * direction)
        return forces_of(potential(moved, forces=True))

    return largest(_off_at_best(-curvature, forces, forces(0.0), FORCE_STEPS))


def training_gradient(potential: Potential, batch: Batch) -> float:
    """Gradients of forces with respect to weights agree with finite differences (eV/Å per weight)."""
    learner = copy.deepcopy(potential).eval()
    learner.training = True  # of the potential alone: forces keep their graph, but dropout does not act
    weights: list[Tensor] = [weight for weight in learner.parameters() if weight.requires_grad]
    if not weights:
        return 0.0  # solved in one pass, not trained step by step
    directions = [torch.randn(weight.shape, generator=_generator(), dtype=weight.dtype) for weight in weights]
    projection = torch.randn(batch.positions.shape, generator=_generator(), dtype=batch.positions.dtype)

    def projected(step: float) -> Tensor:
        with torch.no_grad():
            torch._foreach_add_(weights, directions, alpha=step)
        return (forces_of(learner(batch, forces=True)) * projection).sum()

    middle = projected(0.0)
    slopes = _derivative(middle, weights)
    slope = torch.stack([(each * along).sum() for each, along in zip(slopes, directions, strict=True)]).sum()
    ahead, behind = projected(WEIGHT_STEP), projected(-2 * WEIGHT_STEP)
    return largest(_off(slope, ahead, middle, behind, WEIGHT_STEP))


def _generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)  # the same numbers each time: a check that fails can be repeated


def _per_molecule(vectors: Tensor, batch: Batch) -> Tensor:
    """Sum vectors of shape (atoms, 3) over each molecule: shape (molecules, 3)."""
    return vectors.new_zeros(len(batch.atoms_per_molecule), 3).index_add(0, batch.molecule_index, vectors.detach())


def _derivative(value: Tensor, inputs: list[Tensor]) -> tuple[Tensor, ...]:
    """Differentiate a number; inputs that it does not depend on have derivative zero, as for an optimizer."""
    if not value.requires_grad:
        return tuple(torch.zeros_like(each) for each in inputs)
    return torch.autograd.grad(value, inputs, materialize_grads=True)


def _off_at_best(slope: Tensor, value: Callable[[float], Tensor], middle: Tensor, steps: tuple[float, ...]) -> Tensor:
    """Return the least difference over some steps, as kinks spoil some and rounding errors others."""
    return torch.stack([_off(slope, value(step), middle, value(-step), step) for step in steps]).amin(dim=0)


def _off(slope: Tensor, ahead: Tensor, middle: Tensor, behind: Tensor, step: float) -> Tensor:
    """Return the difference of a slope from the closest of three finite differences; all have the same shape."""
    slopes = torch.stack([ahead - middle, (ahead - behind) / 2, middle - behind]).detach() / step
    return (slopes - slope.detach()).abs().amin(dim=0)
