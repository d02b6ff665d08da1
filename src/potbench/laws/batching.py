"""Batches are for speed: a molecule does not interact with the others in its batch."""

from __future__ import annotations

import numpy as np
import torch

from potbench.batch import Batch, Prediction
from potbench.laws.compare import forces_of, largest, largest_difference
from potbench.potentials import Potential
from potbench.structures import SYMBOLS


def batch_mates(potential: Potential, batch: Batch) -> float:
    """Energies and forces of a molecule do not depend on the others in its batch (eV or eV/Å)."""
    molecules = range(len(batch.atoms_per_molecule))
    return largest_difference(_one_by_one(potential, batch, list(molecules)), potential(batch, forces=True))


def order_of_molecules(potential: Potential, batch: Batch) -> float:
    """Energies and forces do not depend on the order of the molecules in a batch (eV or eV/Å)."""
    backwards = list(reversed(range(len(batch.atoms_per_molecule))))
    expected = potential(batch, forces=True)
    parts = torch.split(forces_of(expected), batch.atoms_per_molecule.tolist())
    reordered = Prediction(expected.energy[backwards], torch.cat([parts[i] for i in backwards]))
    return largest_difference(potential(batch.select(backwards), forces=True), reordered)


def batch_of_one(potential: Potential, batch: Batch) -> float:
    """Two copies of a molecule in one batch both have the energy and forces of the molecule alone (eV or eV/Å)."""
    twice = potential(batch.select([0, 0]), forces=True)
    return largest_difference(twice, _one_by_one(potential, batch, [0, 0]))


def single_atom(potential: Potential, batch: Batch) -> float:
    """Isolated atoms have finite energies and zero forces (eV/Å; NaN for an energy that is not finite)."""
    violations = []
    for symbol in potential.elements:
        number = np.array([SYMBOLS.index(symbol)])
        atom = potential(Batch.from_arrays(number, np.zeros((1, 3)), np.array([1]), np.zeros(1)), forces=True)
        violations += [atom.energy - atom.energy, forces_of(atom)]  # ∞ − ∞ is NaN
    return largest(*violations)


def _one_by_one(potential: Potential, batch: Batch, molecules: list[int]) -> Prediction:
    alone = [potential(batch.select([i]), forces=True) for i in molecules]
    return Prediction(torch.cat([each.energy for each in alone]), torch.cat([forces_of(each) for each in alone]))
