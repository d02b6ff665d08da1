"""Molecules in, NumPy arrays out: predictions of structures such as ASE's Atoms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor

from potbench.batch import Batch
from potbench.errors import UnknownMoleculeError
from potbench.potentials.plausible import Structure, require_finite, require_plausible
from potbench.structures import FloatArray, bounded_parts

if TYPE_CHECKING:
    from potbench.potentials.potential import Potential


class MoleculePrediction(NamedTuple):
    """What a potential says of one molecule, in float64.

    Attributes:
        energy: total energy in eV.
        forces: shape (atoms, 3), in eV/Å.
        atomic_energies: shape (atoms,), in eV, reference energies not included; None where a potential has no parts.
        extrapolation: shape (atoms,), how far each atom's environment is outside of the training set, above 1 where it
            is outside; None where the training set is not known.
        energy_spread: in eV, standard deviation over the members of an ensemble; None of a single potential.
        forces_spread: shape (atoms, 3), in eV/Å, that of each force component; None likewise.
    """

    energy: float
    forces: FloatArray
    atomic_energies: FloatArray | None
    extrapolation: FloatArray | None
    energy_spread: float | None = None
    forces_spread: FloatArray | None = None


def batch_of(structures: Sequence[Structure]) -> Batch:
    """Return structures as a batch on the CPU, positions in float64, energies NaN."""
    positions = np.concatenate([structure.positions for structure in structures])
    batch = Batch.from_arrays(
        np.concatenate([structure.numbers for structure in structures]),
        positions,
        np.array([len(structure) for structure in structures]),
        np.full(len(structures), np.nan),
    )
    return batch.with_positions(torch.from_numpy(positions).double())


def predict(potential: Potential, structures: Sequence[Structure]) -> list[MoleculePrediction]:
    """Predict energies and forces of structures, as many at once as fit into memory; see `Potential.predict`."""
    for number, structure in enumerate(structures):
        if not hasattr(structure, "numbers"):
            wrong = f"Structure {number} is {structure!r}, which is no molecule"
            raise UnknownMoleculeError(f"{wrong}. Expected ASE's Atoms, or what has numbers and positions like them.")
        require_plausible(structure, f"Structure {number}")
    sizes = np.array([len(structure) for structure in structures], dtype=np.int64)
    batches = [batch_of(structures[part]) for part in bounded_parts(sizes)]
    for batch in batches:
        potential.refuse_unknown(batch.to(potential.device))  # before anything is predicted
    predictions: list[MoleculePrediction] = []
    for batch in batches:
        found = potential(batch.to(potential.device).with_positions(potential.positions(batch.positions)), forces=True)
        judged = None if potential.trained_on is None else potential.trained_on.extrapolation(batch)
        assert found.forces is not None
        energies, forces = _array(found.energy), _array(found.forces)
        atomic, spreads, of_forces = (
            None if values is None else _array(values)
            for values in (found.atomic_energies, found.energy_spread, found.forces_spread)
        )
        lengths = batch.atoms_per_molecule.numpy()
        for number, (end, length) in enumerate(zip(lengths.cumsum(), lengths, strict=True)):
            atoms = slice(end - length, end)
            parts, far, spread_of_forces = (
                None if each is None else each[atoms] for each in (atomic, judged, of_forces)
            )
            spread = None if spreads is None else float(spreads[number])
            predictions.append(
                MoleculePrediction(float(energies[number]), forces[atoms], parts, far, spread, spread_of_forces)
            )
    for number, (structure, prediction) in enumerate(zip(structures, predictions, strict=True)):
        energy = np.array(prediction.energy)
        require_finite(f"Structure {number}", structure.numbers, energy, prediction.forces)
    return predictions


def _array(values: Tensor) -> FloatArray:
    array: FloatArray = values.detach().cpu().double().numpy()
    return array
