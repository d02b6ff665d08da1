"""Energies and forces are smooth at the cutoff and do not depend on atoms beyond it."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from potbench.batch import Batch
from potbench.laws.compare import forces_of, largest
from potbench.laws.steps import integrals, largest_step
from potbench.potentials import Potential
from potbench.structures import FloatArray, Frames

FAR = 100.0
"""Å: distance between molecules for a potential that names no cutoff."""

MARGIN = 1e-6
"""Å to either side of the cutoff. A smooth function changes by no more than its slope times twice this."""

CLOSEST = 0.8
"""Å: about the length of the shortest bond, where a path begins."""

STEPS = 200
"""Points of the path."""

FINEST = 5e-5
"""Å: distance of points at last."""


def through_the_cutoff(potential: Potential, batch: Batch) -> float:
    """Energies and forces are continuous when an atom crosses the cutoff (eV or eV/Å).

    They are compared 10⁻⁶ Å to either side of `potential.cutoff`; 0 if the potential has none.
    """
    cutoff = _cutoff(potential)
    molecules = torch.nonzero(batch.atoms_per_molecule > 1).flatten().tolist()
    if cutoff is None or not molecules:
        return 0.0
    distances = torch.tensor([cutoff - MARGIN, cutoff + MARGIN], dtype=batch.positions.dtype)
    jumps = []
    for molecule in molecules:
        prediction = potential(Batch.from_frames(_pulled_out(batch, molecule, distances)), forces=True)
        inside, outside = forces_of(prediction).chunk(2)
        jumps += [prediction.energy.diff(), outside - inside]
    return largest(*jumps)


def work(potential: Potential, batch: Batch) -> float:
    """Energy changes by the work of the forces when an atom is pulled out of a molecule: it has no step (eV).

    The largest molecule is taken. The whole path is searched first, then the intervals where energy and work disagree
    most, and so on; see `potbench.laws.steps`.
    """
    molecule = int(batch.atoms_per_molecule.argmax())
    if batch.largest_molecule == 1:
        return 0.0

    def misfits(distances: FloatArray) -> FloatArray:
        places = torch.from_numpy(distances.ravel())
        prediction = potential(Batch.from_frames(_pulled_out(batch, molecule, places)), forces=True)
        pull = -forces_of(prediction).reshape(len(places), -1, 3)[:, -1, 0].detach().numpy()
        energy = prediction.energy.detach().numpy().reshape(distances.shape)
        spent = integrals(pull.reshape(distances.shape), distances[0, 1] - distances[0, 0])
        mismatch: FloatArray = np.diff(energy) - spent
        return mismatch

    path = np.linspace(CLOSEST, (_cutoff(potential) or FAR) + 1, STEPS)
    return largest_step(misfits, path, misfits(path[None])[0], FINEST).height


def far_apart(potential: Potential, batch: Batch) -> float:
    """Molecules beyond the cutoff do not interact: their energies add, and forces are unchanged (eV or eV/Å)."""
    apart = _cutoff(potential) or FAR
    along = batch.positions[:, 0]
    empty = along.new_zeros(len(batch.atoms_per_molecule))
    starts = empty.scatter_reduce(0, batch.molecule_index, along, "amin", include_self=False)
    ends = empty.scatter_reduce(0, batch.molecule_index, along, "amax", include_self=False)
    room = ends - starts + 1.01 * apart
    positions = batch.positions.clone()
    positions[:, 0] += (room.cumsum(0) - room - starts)[batch.molecule_index]  # in a row, along x
    merged = Frames("all", batch.atomic_numbers.numpy(), positions.unsqueeze(0).numpy(), np.zeros(1))
    together, separate = potential(Batch.from_frames(merged), forces=True), potential(batch, forces=True)
    return largest(together.energy - separate.energy.sum(), forces_of(together) - forces_of(separate))


def _cutoff(potential: Potential) -> float | None:
    cutoff: float | None = getattr(potential, "cutoff", None)
    return cutoff


def _pulled_out(batch: Batch, molecule: int, distances: Tensor) -> Frames:
    """Place the last atom of a molecule in front of the others, along x, at distances (steps,) from the nearest."""
    mine = batch.molecule_index == molecule
    others = batch.positions[mine][:-1]
    anchor = others[others[:, 0].argmax()]
    along = torch.tensor([1.0, 0.0, 0.0], dtype=distances.dtype)
    last = anchor + distances[:, None, None] * along
    positions = torch.cat([others.expand(len(distances), -1, -1), last], dim=1)
    return Frames("pulled", batch.atomic_numbers[mine].numpy(), positions.numpy(), np.zeros(len(distances)))
